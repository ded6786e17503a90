"""A run summed up in one transaction: its inputs, its pages, its reasons, its time, and whether it adds up."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from flows.ledger.common import OPEN_STATES
from flows.ledger.models import Document, DocumentReason, Input, RunInput
from flows.ledger.records import DocumentState, PageCounts, Reckoning, RunDocument
from flows.ledger.reports import faults, outcomes_in_order
from flows.ledger.runs import existing_run
from schemas.outcome import Outcome

_NAMED = 10
_STREAMED = 1_000


def reckon(session: Session, run_id: str, shown: int) -> Reckoning:
    """See `Ledger.reckon`."""
    existing_run(session, run_id)
    by_outcome = (
        select(Input.outcome, func.count())
        .join(RunInput, RunInput.input_id == Input.input_id)
        .where(RunInput.run_id == run_id)
        .group_by(Input.outcome)
    )
    files = outcomes_in_order(session, by_outcome.where(Input.member == ""))
    members = outcomes_in_order(session, by_outcome.where(Input.member != ""))
    processed, counts, timings, odd, machines = _figures(session, run_id)
    found = faults(session, run_id)
    named = list(islice(found, _NAMED))
    return Reckoning(
        inputs=sum(files.values()),
        outcomes=files,
        members=sum(members.values()),
        member_outcomes=members,
        processed=processed,
        pages=PageCounts(
            total=counts["pages"],
            text_layer=counts["pages_text_layer"],
            ocr=counts["pages_ocr"],
            blank=counts["pages_blank"],
            unreadable=counts["pages_unreadable"],
            skipped=counts["pages_skipped"],
            documents_not_opened=counts["documents_not_opened"],
        ),
        reasons=_reasons(session, run_id),
        stage_seconds={name: round(seconds, 3) for name, seconds in timings.items()},
        machines=machines,
        slowest=_documents(
            session,
            _inputs(run_id)
            .where(Input.primary_input, Document.run_id == run_id, Document.state.not_in(OPEN_STATES))
            .order_by(Document.seconds.desc(), Input.input_id)
            .limit(shown),
            run_id,
        ),
        failed=_documents(
            session,
            _inputs(run_id)
            .where(Input.outcome.in_([Outcome.FAILED.value, Outcome.UNREADABLE.value]))
            .order_by(Input.outcome, Input.input_id)
            .limit(shown),
            run_id,
        ),
        waiting=_documents(
            session,
            _inputs(run_id)
            .where(Input.outcome == Outcome.REVIEW.value, Input.primary_input)
            .order_by(Document.review_rank, Input.input_id)
            .limit(shown),
            run_id,
        ),
        faults=[*named, *odd][:_NAMED],
        fault_count=len(named) + sum(1 for _ in found) + len(odd),
    )


def processed_in(session: Session, run_id: str) -> int:
    """See `Ledger.processed_in`."""
    query = select(func.count()).select_from(Document).where(*_processed(run_id))
    return session.scalars(query).one()


def _processed(run_id: str) -> tuple[ColumnElement[bool], ...]:
    """Documents that the run brought to an end."""
    seen = select(Input.document_id).join(RunInput, RunInput.input_id == Input.input_id)
    return (
        Document.document_id.in_(seen.where(RunInput.run_id == run_id)),
        Document.run_id == run_id,
        Document.state.not_in(OPEN_STATES),
    )


def _figures(session: Session, run_id: str) -> tuple[int, Counter[str], dict[str, float], list[str], int]:
    """Documents processed, whole numbers and seconds summed over them, those whose pages do not add up, and hosts."""
    hosts: set[str] = set()
    processed, counts, timings, odd = 0, Counter[str](), defaultdict[str, float](float), list[str]()
    rows = session.execute(
        select(Document.uri, Document.page_count, Document.figures, Document.worker)
        .where(*_processed(run_id))
        .execution_options(yield_per=_STREAMED)
    )
    for uri, page_count, figures, worker in rows:
        processed += 1
        hosts.add(worker.split(":")[0])
        ours = (figures or {}).get("counts", {})
        if "pages" not in ours:
            counts["documents_not_opened"] += not page_count
        elif ours["pages"] != sum(n for name, n in ours.items() if name.startswith("pages_")):
            odd.append(f"{uri} has {ours['pages']} pages, and not each of them has one place")
        counts.update(ours)
        for name, seconds in (figures or {}).get("timings", {}).items():
            timings[name] += seconds
    return processed, counts, timings, odd, max(len(hosts), 1)


def _reasons(session: Session, run_id: str) -> dict[str, int]:
    """Why documents of the run wait, failed or could not be read; most frequent first."""
    seen = RunInput.run_id == run_id
    waiting = (
        select(DocumentReason.reason, func.count())
        .join(Document, Document.document_id == DocumentReason.document_id)
        .join(Input, (Input.document_id == Document.document_id) & Input.primary_input)
        .join(RunInput, RunInput.input_id == Input.input_id)
        .where(seen, Document.state == DocumentState.REVIEW)
        .group_by(DocumentReason.reason)
    )
    bad = (
        select(Input.reason, func.count())
        .join(RunInput, RunInput.input_id == Input.input_id)
        .where(seen, Input.reason.is_not(None))
        .group_by(Input.reason)
    )
    found: Counter[str] = Counter()
    for reason, count in (*session.execute(waiting), *session.execute(bad)):
        found[reason] += count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _inputs(run_id: str) -> Select[tuple[Input, Document]]:
    return (
        select(Input, Document)
        .join(RunInput, RunInput.input_id == Input.input_id)
        .outerjoin(Document, Document.document_id == Input.document_id)
        .where(RunInput.run_id == run_id)
    )


def _documents(session: Session, query: Select[tuple[Input, Document]], run_id: str) -> list[RunDocument]:
    """The few inputs that a report shows."""
    shown = []
    for found, document in session.execute(query).all():
        reasons = (
            session.scalars(
                select(DocumentReason.reason)
                .where(DocumentReason.document_id == found.document_id, DocumentReason.decoy.is_(False))
                .order_by(DocumentReason.reason)
            )
            if found.reason is None and found.primary_input
            else ()
        )
        shown.append(
            RunDocument(
                input_id=found.input_id,
                uri=found.uri,
                member=found.member or None,
                document_id=found.document_id,
                outcome=Outcome(found.outcome) if found.outcome else None,
                reasons=[found.reason] if found.reason else list(reasons),
                detail=found.detail,
                seconds=document.seconds if document is not None and found.primary_input else 0.0,
                page_count=document.page_count if document is not None else 0,
                attempts=document.attempts if document is not None else 0,
                processed_now=document is not None and found.primary_input and document.run_id == run_id,
            )
        )
    return shown
