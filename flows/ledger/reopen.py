"""Documents that are through go back to work: a retry, a reprocessing. What was, stays in the history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from flows.ledger.batches import freeze_next
from flows.ledger.common import insert_new, move
from flows.ledger.models import Document, DocumentReason, Input, Run, RunInput
from flows.ledger.records import DocumentState, RetryGroup
from flows.ledger.runs import existing_run
from schemas.errors import UsageError
from schemas.outcome import Outcome

AT_ONCE = 500
"""Documents that go back in one transaction: others wait no longer than that takes."""
REDOABLE = (Outcome.ACCEPTED, Outcome.REVIEW, Outcome.UNREADABLE, Outcome.FAILED)
"""What a person has not decided on; a decision is never thrown away for a new extraction."""
_MAX_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which inputs are to be done again: those of an outcome, and of a reason if one is given."""

    outcome: Outcome
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.outcome not in REDOABLE:
            raise UsageError(
                f"Inputs that are {self.outcome.value} cannot be done again.",
                remedy="A duplicate shares the document of another input: retry that one's outcome."
                if self.outcome is Outcome.DUPLICATE
                else "A person has decided on them: decide anew on the review page.",
            )

    @property
    def condition(self) -> ColumnElement[bool]:
        """On an input: it stands for its document, or has none because it could not be fetched."""
        stands = or_(Input.primary_input, Input.document_id.is_(None))
        found = and_(Input.outcome == self.outcome.value, stands)
        if self.reason is None:
            return found
        doubted = exists().where(
            DocumentReason.document_id == Input.document_id,
            DocumentReason.reason == self.reason,
            DocumentReason.decoy.is_(False),
        )
        return and_(found, or_(Input.reason == self.reason, doubted))


def retry_groups(
    session: Session, wanted: Wanted, schema_name: str | None, source: str | None
) -> list[RetryGroup]:
    """See `Ledger.retry_groups`."""
    by = (Run.source, Input.schema_name, Input.fingerprint, Input.model)
    query = (
        select(*by, func.count(), func.max(Run.started_at))
        .join(Run, Run.run_id == Input.last_seen_run)
        .where(wanted.condition)
        .group_by(*by)
        .order_by(*by)
    )
    if schema_name is not None:
        query = query.where(Input.schema_name == schema_name)
    if source is not None:
        query = query.where(Run.source == source)
    groups = []
    for place, name, fingerprint, model, count, started in session.execute(query).all():
        latest = session.scalars(
            select(Run)
            .where(
                Run.source == place,
                Run.fingerprint == fingerprint,
                Run.model == model,
                Run.started_at == started,
            )
            .limit(1)
        ).one()
        groups.append(
            RetryGroup(
                source=place,
                schema_name=name,
                fingerprint=fingerprint,
                model=model,
                inputs=count,
                parameters=latest.parameters,
            )
        )
    return groups


def reopen_some(session: Session, at: dt.datetime, run_id: str, wanted: Wanted) -> list[str] | None:
    """See `Ledger.reopen`: one step of it; ``None`` when nothing is left to do."""
    run = existing_run(session, run_id)
    last_seen = select(Run.run_id).where(Run.source == run.source)
    inputs = session.scalars(
        select(Input)
        .where(
            wanted.condition,
            Input.fingerprint == run.fingerprint,
            Input.model == run.model,
            Input.last_seen_run.in_(last_seen),
            Input.last_seen_run != run_id,
        )
        .order_by(Input.input_id)
        .limit(AT_ONCE)
    ).all()
    if not inputs:
        return None
    documents = _locked(session, [i.document_id for i in inputs if i.document_id is not None])
    for found in inputs:
        found.last_seen_run = run_id
        insert_new(session, RunInput, run_id=run_id, input_id=found.input_id)
    session.flush()
    _reopen(session, at, [d for d in documents if d.state == wanted.outcome.value], run_id, "retried")
    return list(dict.fromkeys(found.uri for found in inputs if found.document_id is None))


def reprocess_some(session: Session, at: dt.datetime, run_id: str, since: dt.datetime | None) -> int:
    """See `Ledger.reprocess`: one step of it."""
    run = existing_run(session, run_id)
    query = (
        select(Document.document_id)
        .where(_done_before(run.started_at, since), _of_run(run_id))
        .order_by(Document.document_id)
        .limit(AT_ONCE)
    )
    documents = _locked(session, list(session.scalars(query)))
    ready = [d for d in documents if d.state in REDOABLE]
    _reopen(session, at, ready, run_id, "reprocessed")
    return len(ready)


def is_reprocessable(session: Session, at: dt.datetime, document_id: str, since: dt.datetime | None) -> bool:
    """See `Ledger.is_reprocessable`."""
    query = select(Document.document_id).where(Document.document_id == document_id, _done_before(at, since))
    return session.scalar(query) is not None


def _done_before(began: dt.datetime, since: dt.datetime | None) -> ColumnElement[bool]:
    """Extracted before the run began (else a retried flow would go round in circles), and not before a date."""
    done = and_(Document.state.in_([o.value for o in REDOABLE]), Document.updated_at < began)
    return done if since is None else and_(done, Document.updated_at >= since)


def _of_run(run_id: str) -> ColumnElement[bool]:
    """A document of one of the run's inputs."""
    seen = exists().where(RunInput.run_id == run_id, RunInput.input_id == Input.input_id)
    return exists().where(Input.document_id == Document.document_id, seen.correlate(Input))


def _locked(session: Session, document_ids: Sequence[str]) -> list[Document]:
    """The documents, held against workers and reviewers, always in the same order."""
    return list(
        session.scalars(
            select(Document)
            .where(Document.document_id.in_(document_ids))
            .order_by(Document.document_id)
            .with_for_update(of=Document)
        )
    )


def _reopen(
    session: Session, at: dt.datetime, documents: Sequence[Document], run_id: str, detail: str
) -> None:
    """Pending again, with all attempts. The next result is the next version of its row.

    What was accepted and has not landed is frozen first: the row is made of the extraction, and that is about
    to be replaced. Should the new one fail, the old row stands.
    """
    for name in {d.schema_name for d in documents if d.state == DocumentState.ACCEPTED}:
        while freeze_next(session, at, name, _MAX_ROWS):
            pass
    for document in documents:
        document.attempts = document.lost_workers = 0
        document.failure, document.detail = None, ""
        document.queued_at = None
        document.revision += 1  # a decision on the page as it was is refused; rows are told apart
        move(session, at, document, DocumentState.PENDING, actor=detail, run_id=run_id)
        document.token += 1  # a late result of the last claim is refused
