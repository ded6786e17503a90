"""Workers take documents, hold them by a lease, and give back what came out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, false, not_, or_, select
from sqlalchemy.orm import Session

from flows.ledger import decoys
from flows.ledger.batches import add_row
from flows.ledger.common import digest, insert_all_new, locked_document, move
from flows.ledger.models import Document, DocumentReason, Input, RunInput, table_of
from flows.ledger.records import ClaimedDocument, DocumentState, StaleTokenError
from flows.ledger.samples import draw
from flows.ledger.trust import Sampling
from flows.ledger.worth import appraise
from schemas.errors import LedgerError
from schemas.extraction import Extraction
from schemas.outcome import FailureReason

_SEARCH_CHARS = 20_000
_REASONS = table_of(DocumentReason)


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who wants how many documents of what. ``worker`` is ``host:process:thread``, or any name without colons."""

    run_id: str | None
    worker: str
    lease_seconds: float
    limit: int
    fingerprint: str
    model: str
    max_attempts: int

    @property
    def process(self) -> str:
        """Of the worker's name what all threads of its process share, with the colon; empty: not known."""
        process, colon, _ = self.worker.rpartition(":")
        return process + colon


def claim(session: Session, at: dt.datetime, request: ClaimRequest) -> list[ClaimedDocument]:
    """See `Ledger.claim`."""
    if request.limit < 1:
        return []
    taken: list[ClaimedDocument] = []
    for free, most in _free(session, at, request):
        documents = session.scalars(
            select(Document)
            .where(*_of_request(request), free)
            .order_by(Document.created_at, Document.document_id)
            .limit(min(most, request.limit - len(taken)))
            .with_for_update(skip_locked=True, of=Document)
        ).all()
        taken += [_take(session, at, document, request) for document in documents]
        if len(taken) == request.limit:
            break
    return taken


def _free(
    session: Session, at: dt.datetime, request: ClaimRequest
) -> Iterator[tuple[ColumnElement[bool], int]]:
    """What may be taken and how much of it, one kind at a time: so the index gives the oldest, unsorted.

    What lost its worker comes first: behind all that is pending it might wait for the rest of the night.
    """
    lost = and_(Document.state == DocumentState.PROCESSING, Document.lease_until < at)
    if session.scalar(select(exists().where(*_of_schema_and_model(request), lost))):
        _set_aside(session, at, request)
        on_last_chance = Document.lost_workers >= request.max_attempts - 2
        yield and_(lost, not_(on_last_chance)), request.limit
        if not _holds_a_last_chance(session, at, request):
            yield and_(lost, on_last_chance), 1
    yield Document.state == DocumentState.PENDING, request.limit
    if request.run_id is not None:
        failed = and_(
            Document.state == DocumentState.FAILED,
            Document.attempts < request.max_attempts,
            or_(Document.run_id.is_(None), Document.run_id != request.run_id),
        )
        yield failed, request.limit


def _holds_a_last_chance(session: Session, at: dt.datetime, request: ClaimRequest) -> bool:
    """Whether a thread of the claiming process works on a document that must not lose one more worker.

    Such documents are given out one at a time to a process: the one that kills it does not take with it, for
    the last time, those that only happened to be beside it.
    """
    held = exists().where(
        *_of_schema_and_model(request),
        Document.state == DocumentState.PROCESSING,
        Document.lease_until >= at,
        Document.lost_workers >= request.max_attempts - 1,
        _of_process(request),
    )
    return bool(session.scalar(select(held)))


def _of_process(request: ClaimRequest) -> ColumnElement[bool]:
    """Documents that a thread of the claiming process has, or had, and did not give back."""
    return Document.worker.startswith(request.process, autoescape=True) if request.process else false()


def _of_schema_and_model(request: ClaimRequest) -> list[ColumnElement[bool]]:
    return [Document.fingerprint == request.fingerprint, Document.model_key == digest(request.model)]


def _of_request(request: ClaimRequest) -> list[ColumnElement[bool]]:
    """Documents of the schema and model, and of the run's inputs if there is a run."""
    conditions = _of_schema_and_model(request)
    if request.run_id is not None:
        # Nested, not joined: SQLite would begin with all inputs of the run, for every document anew.
        seen = exists().where(RunInput.run_id == request.run_id, RunInput.input_id == Input.input_id)
        conditions.append(exists().where(Input.document_id == Document.document_id, seen.correlate(Input)))
    return conditions


def _set_aside(session: Session, at: dt.datetime, request: ClaimRequest) -> None:
    """Documents that took their last worker with them end as failed instead of taking the next one too.

    Not those of the process that asks: it lives, and was only too busy to say so in time.
    """
    deadly = session.scalars(
        select(Document)
        .where(
            *_of_request(request),
            Document.state == DocumentState.PROCESSING,
            Document.lease_until < at,
            Document.lost_workers + 1 >= request.max_attempts,
            not_(_of_process(request)),
        )
        .with_for_update(skip_locked=True, of=Document)
    )
    for document in deadly.all():
        document.lost_workers += 1
        document.failure = FailureReason.READER_CRASHED.value
        document.detail = f"{document.lost_workers} workers in a row did not come back from this document."
        document.lease_until = None
        move(
            session,
            at,
            document,
            DocumentState.FAILED,
            actor="ledger",
            run_id=request.run_id,
            detail=document.detail,
        )
        document.token += 1


def _take(session: Session, at: dt.datetime, document: Document, request: ClaimRequest) -> ClaimedDocument:
    late = document.worker if document.state == DocumentState.PROCESSING else ""
    lost = late and not (request.process and late.startswith(request.process))
    document.attempts += 1
    document.lost_workers += 1 if lost else 0
    document.token += 1
    document.worker = request.worker
    document.lease_until = at + dt.timedelta(seconds=request.lease_seconds)
    document.run_id = request.run_id or document.run_id
    document.failure, document.detail = None, ""
    move(
        session,
        at,
        document,
        DocumentState.PROCESSING,
        actor=request.worker,
        run_id=request.run_id,
        detail=f"taken over from {late}, whose lease ran out" if late else "",
    )
    found = _input_of(session, document, request.run_id)
    return ClaimedDocument(
        document_id=document.document_id,
        token=document.token,
        uri=found.uri,
        version=found.version,
        member=found.member or None,
        sha256=document.sha256,
        size=document.size,
        media_type=document.media_type,
        schema_name=document.schema_name,
        fingerprint=document.fingerprint,
        model=document.model,
        attempts=document.attempts,
        lease_until=document.lease_until,
    )


def _input_of(session: Session, document: Document, run_id: str | None) -> Input:
    """Where the bytes are: an input that this run saw, or the one the document stands for."""
    query = select(Input).where(Input.document_id == document.document_id)
    if run_id is not None:
        query = query.where(exists().where(RunInput.run_id == run_id, RunInput.input_id == Input.input_id))
    found = session.scalar(query.order_by(Input.primary_input.desc(), Input.input_id).limit(1))
    assert found is not None
    return found


def _held(session: Session, document_id: str, token: int) -> Document:
    return _check_held(locked_document(session, document_id), token)


def _check_held(document: Document, token: int) -> Document:
    if document.token != token or document.state != DocumentState.PROCESSING:
        raise StaleTokenError(
            f"Document {document.document_id} is no longer held under token {token}; nothing was written.",
            remedy="Drop this result: another worker has the document. Longer leases make this rarer.",
        )
    return document


def heartbeat(session: Session, at: dt.datetime, document_id: str, token: int, lease_seconds: float) -> None:
    """See `Ledger.heartbeat`."""
    _held(session, document_id, token).lease_until = at + dt.timedelta(seconds=lease_seconds)


def release(session: Session, at: dt.datetime, document_id: str, token: int) -> None:
    """See `Ledger.release`."""
    _give_back(session, at, _held(session, document_id, token))


def _give_back(session: Session, at: dt.datetime, document: Document) -> None:
    document.attempts -= 1
    document.lease_until = None
    move(
        session,
        at,
        document,
        DocumentState.PENDING,
        actor=document.worker,
        run_id=document.run_id,
        detail="released",
    )
    document.token += 1


def release_run(session: Session, at: dt.datetime, run_id: str) -> int:
    """See `Ledger.release_run`."""
    held = session.scalars(
        select(Document)
        .where(Document.run_id == run_id, Document.state == DocumentState.PROCESSING)
        .order_by(Document.document_id)
        .with_for_update(of=Document)
    ).all()
    for document in held:
        _give_back(session, at, document)
    return len(held)


def record_extraction(
    session: Session,
    at: dt.datetime,
    document_id: str,
    token: int,
    extraction: Extraction,
    sampling: Sampling,
) -> None:
    """See `Ledger.record_extraction`."""
    document = locked_document(session, document_id)
    _check_fits(document, extraction)
    dumped = extraction.model_dump(mode="json")
    if (
        document.token == token
        and document.state != DocumentState.PROCESSING
        and document.extraction == dumped
    ):
        return  # the reply to the first call was lost
    _check_held(document, token)
    state = _state_of(extraction)
    document.extraction = dumped
    document.lease_until = None
    document.lost_workers = 0
    document.failure = extraction.failure.value if extraction.failure else None
    document.detail = extraction.detail
    document.page_count = extraction.page_count
    document.figures = {"counts": extraction.counts, "timings": extraction.timings}
    timings = extraction.timings
    document.seconds = timings.get("total", timings.get("read", 0.0))
    document.doubtful = sum(1 for field in extraction.fields if field.reasons)
    document.search_text = _search_text(document.uri, extraction)
    document.queued_at = at if state is DocumentState.REVIEW else None
    session.execute(delete(_REASONS).where(_REASONS.c.document_id == document_id))
    reasons = sorted({reason.value for reason in extraction.reasons})
    insert_all_new(
        session, DocumentReason, [{"document_id": document_id, "reason": reason} for reason in reasons]
    )
    move(
        session,
        at,
        document,
        state,
        actor=document.worker,
        run_id=document.run_id,
        detail=extraction.detail,
        figures=document.figures,
    )
    document.second_look = None
    if state is DocumentState.ACCEPTED:
        add_row(session, at, document, landed_by="model")
    if state in (DocumentState.ACCEPTED, DocumentState.REVIEW):
        draw(session, at, document, sampling)
    appraise(session, document, decoys.shown(session, document, extraction))


def _check_fits(document: Document, extraction: Extraction) -> None:
    wanted = (document.sha256, document.fingerprint, document.model)
    given = (extraction.sha256 or document.sha256, extraction.schema_fingerprint, extraction.model)
    for name, want, got in zip(("content", "schema", "model"), wanted, given, strict=True):
        if want != got:
            raise LedgerError(
                f"The extraction of {document.uri} is of another {name} ({got[:24]}, not {want[:24]}).",
                remedy="The file or the settings changed during the run; run again.",
            )
    if extraction.outcome == "extracted" and extraction.data is None:
        raise LedgerError(
            f"The extraction of {document.uri} has no data.", remedy="This is a fault; report it."
        )


def _state_of(extraction: Extraction) -> DocumentState:
    match extraction.outcome:
        case "unreadable":
            return DocumentState.UNREADABLE
        case "failed":
            return DocumentState.FAILED
        case "extracted":
            return DocumentState.ACCEPTED if extraction.accepted else DocumentState.REVIEW


def _search_text(uri: str, extraction: Extraction) -> str:
    """What the queue's search looks through: one casefolded line per text."""
    texts = [uri, extraction.sha256]
    for field in extraction.fields:
        texts += [text for text in (field.raw, str(field.value)) if text and text != "None"]
    return "\n".join(dict.fromkeys(text.casefold() for text in texts))[:_SEARCH_CHARS]
