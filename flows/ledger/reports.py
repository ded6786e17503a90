"""The reckoning: counts, what became of a run's inputs, and the check that none is lost or counted twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import Session

from flows.archives.kinds import CONTAINERS
from flows.ledger import archives, runs
from flows.ledger.common import OPEN_OUTCOME, OPEN_STATES
from flows.ledger.models import Batch, Document, DocumentReason, Input, Row, Run, RunInput
from flows.ledger.records import (
    DocumentState,
    RunDocument,
    RunRecord,
    SchemaStatus,
    StatusReport,
    conservation_error,
)
from flows.ledger.runs import CRASHED, RUNNING, existing_run
from schemas.outcome import Outcome

_NAMED = 10
_STREAMED = 1_000
_WITHOUT_DOCUMENT = {Outcome.FAILED.value, Outcome.UNREADABLE.value}
_WITH_ROW = {DocumentState.ACCEPTED.value, DocumentState.REVIEWED.value}


def outcome_counts(session: Session, run_id: str | None) -> dict[str, int]:
    """See `Ledger.outcome_counts`."""
    query = select(Input.outcome, func.count()).group_by(Input.outcome)
    if run_id is not None:
        query = query.join(RunInput, RunInput.input_id == Input.input_id).where(RunInput.run_id == run_id)
    return outcomes_in_order(session, query)


def outcomes_in_order(session: Session, query: Select[tuple[str | None, int]]) -> dict[str, int]:
    """Counts by outcome in the order of the closed list; those still open last."""
    found = {outcome or OPEN_OUTCOME: count for outcome, count in session.execute(query)}
    return _in_order(found)


def _in_order(found: dict[str, int]) -> dict[str, int]:
    return {name: found[name] for name in (*(o.value for o in Outcome), OPEN_OUTCOME) if name in found}


def status(session: Session, at: dt.datetime, last_runs: int) -> StatusReport:
    """See `Ledger.status`."""
    by_outcome = select(Input.outcome, func.count()).group_by(Input.outcome)
    files = outcomes_in_order(session, by_outcome.where(Input.member == ""))
    members = outcomes_in_order(session, by_outcome.where(Input.member != ""))
    documents = session.execute(select(Document.state, func.count()).group_by(Document.state))
    landed = select(func.count(), func.coalesce(func.sum(Batch.row_count), 0)).where(
        Batch.landed_at.is_not(None)
    )
    landed_files, landed_rows = session.execute(landed).one()
    to_land = (
        select(func.count())
        .select_from(Row)
        .outerjoin(Batch, Batch.batch_id == Row.batch_id)
        .where(Batch.landed_at.is_(None))
    )
    return StatusReport(
        inputs=sum(files.values()),
        outcomes=files,
        members=sum(members.values()),
        member_outcomes=members,
        documents=dict(sorted((state, count) for state, count in documents)),
        queue=session.scalars(
            select(func.count()).select_from(Document).where(Document.state == DocumentState.REVIEW)
        ).one(),
        landed_rows=int(landed_rows),
        landed_files=landed_files,
        rows_to_land=session.scalars(to_land).one(),
        reasons=_reason_counts(session),
        files=session.scalars(select(func.count(distinct(Input.uri))).where(Input.member == "")).one(),
        by_schema=_by_schema(session),
        runs=newest_runs(session, at, last_runs),
    )


def _by_schema(session: Session) -> list[SchemaStatus]:
    """The inputs of each schema and model apart, in the order of their names."""
    by = (Input.schema_name, Input.fingerprint, Input.model)
    counted = select(*by, Input.outcome, func.count()).where(Input.member == "")
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for name, fingerprint, model, outcome, count in session.execute(counted.group_by(*by, Input.outcome)):
        found.setdefault((name, fingerprint, model), {})[outcome or OPEN_OUTCOME] = count
    return [
        SchemaStatus(
            schema_name=name,
            fingerprint=fingerprint,
            model=model,
            inputs=sum(counts.values()),
            outcomes=_in_order(counts),
        )
        for (name, fingerprint, model), counts in sorted(found.items())
    ]


def _reason_counts(session: Session) -> dict[str, int]:
    """Why documents wait, and why inputs could not be read, most frequent first."""
    waiting = (
        select(DocumentReason.reason, func.count())
        .join(Document, Document.document_id == DocumentReason.document_id)
        .where(Document.state == DocumentState.REVIEW)
        .group_by(DocumentReason.reason)
    )
    unread = select(Input.reason, func.count()).where(Input.reason.is_not(None)).group_by(Input.reason)
    found = [
        *session.execute(waiting),
        *((reason, count) for reason, count in session.execute(unread) if reason),
    ]
    return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))


def newest_runs(session: Session, at: dt.datetime, count: int) -> list[RunRecord]:
    """See `Ledger.newest_runs`."""
    newest = session.scalars(select(Run).order_by(Run.started_at.desc(), Run.run_id).limit(count))
    return _run_records(session, at, list(newest))


def run(session: Session, at: dt.datetime, run_id: str) -> RunRecord:
    """See `Ledger.run`."""
    return _run_records(session, at, [existing_run(session, run_id)])[0]


def _run_records(session: Session, at: dt.datetime, rows: list[Run]) -> list[RunRecord]:
    seen = select(RunInput.run_id, func.count()).group_by(RunInput.run_id)
    counted = session.execute(seen.where(RunInput.run_id.in_([r.run_id for r in rows])))
    inputs = dict(row._tuple() for row in counted)
    return [
        RunRecord(
            run_id=row.run_id,
            source=row.source,
            schema_name=row.schema_name,
            fingerprint=row.fingerprint,
            model=row.model,
            weights=runs.weights_of(row),
            parameters=row.parameters,
            state=CRASHED if _is_lost(row, at) else row.state,
            started_at=row.started_at,
            finished_at=row.lease_until if _is_lost(row, at) else row.finished_at,
            inputs=inputs.get(row.run_id, 0),
        )
        for row in rows
    ]


def _is_lost(row: Run, at: dt.datetime) -> bool:
    return row.state == RUNNING and row.lease_until is not None and row.lease_until < at


def open_documents(session: Session, run_id: str) -> int:
    """See `Ledger.open_documents`."""
    query = (
        select(func.count(distinct(Document.document_id)))
        .join(Input, Input.document_id == Document.document_id)
        .join(RunInput, RunInput.input_id == Input.input_id)
        .where(RunInput.run_id == run_id, Document.state.in_(OPEN_STATES))
    )
    return session.scalars(query).one()


def run_documents(session: Session, run_id: str) -> list[RunDocument]:
    """See `Ledger.run_documents`."""
    existing_run(session, run_id)
    rows = session.execute(
        select(
            Input.input_id,
            Input.uri,
            Input.member,
            Input.document_id,
            Input.outcome,
            Input.primary_input,
            Input.reason,
            Input.detail,
            Document.seconds,
            Document.page_count,
            Document.attempts,
            Document.run_id,
        )
        .join(RunInput, RunInput.input_id == Input.input_id)
        .outerjoin(Document, Document.document_id == Input.document_id)
        .where(RunInput.run_id == run_id)
        .order_by(Input.input_id)
    ).all()
    reasons: dict[str, list[str]] = {}
    for reason in session.execute(
        select(DocumentReason.document_id, DocumentReason.reason)
        .join(Input, Input.document_id == DocumentReason.document_id)
        .join(RunInput, RunInput.input_id == Input.input_id)
        .where(RunInput.run_id == run_id, DocumentReason.decoy.is_(False))
        .distinct()
        .order_by(DocumentReason.document_id, DocumentReason.reason)
    ):
        reasons.setdefault(reason.document_id, []).append(reason.reason)
    return [
        RunDocument(
            input_id=row.input_id,
            uri=row.uri,
            member=row.member or None,
            document_id=row.document_id,
            outcome=Outcome(row.outcome) if row.outcome else None,
            reasons=[row.reason]
            if row.reason
            else reasons.get(row.document_id, [])
            if row.primary_input
            else [],
            detail=row.detail,
            seconds=row.seconds or 0.0 if row.primary_input else 0.0,
            page_count=row.page_count or 0,
            attempts=row.attempts or 0,
            processed_now=bool(row.primary_input and row.run_id == run_id),
        )
        for row in rows
    ]


def check_conservation(session: Session, run_id: str, afterwards: bool = False) -> None:
    """See `Ledger.check_conservation`."""
    existing_run(session, run_id)
    found = faults(session, run_id, afterwards)
    named = list(islice(found, _NAMED))
    if named:
        raise conservation_error(run_id, named, len(named) + sum(1 for _ in found))


def faults(session: Session, run_id: str, afterwards: bool = False) -> Iterator[str]:
    """One sentence for each input of the run that has not exactly one outcome, the one of its document.

    ``afterwards``: long after the run, when a later one may have begun some of its documents anew.
    """
    primaries = (
        select(Input.document_id, func.count().label("count"))
        .where(Input.primary_input)
        .group_by(Input.document_id)
        .subquery()
    )
    rows_of = select(Row.document_id, func.count().label("count")).group_by(Row.document_id).subquery()
    rows = session.execute(
        select(
            Input.input_id,
            Input.uri,
            Input.member,
            Input.media_type,
            Input.outcome,
            Input.document_id,
            Input.primary_input,
            Document.state,
            func.coalesce(primaries.c.count, 0).label("primaries"),
            func.coalesce(rows_of.c.count, 0).label("rows"),
        )
        .join(RunInput, RunInput.input_id == Input.input_id)
        .outerjoin(Document, Document.document_id == Input.document_id)
        .outerjoin(primaries, primaries.c.document_id == Input.document_id)
        .outerjoin(rows_of, rows_of.c.document_id == Input.document_id)
        .where(RunInput.run_id == run_id)
        .order_by(Input.input_id)
        .execution_options(yield_per=_STREAMED)
    )
    for row in rows:
        if afterwards and row.state in OPEN_STATES:
            continue
        name = f"{row.uri}!{row.member}" if row.member else row.uri
        if row.outcome is None:
            yield f"{name} has no outcome (its document is {row.state or 'missing'})"
        elif row.document_id is None:
            if row.media_type in CONTAINERS and row.outcome not in _WITHOUT_DOCUMENT:
                if row.outcome != (follows := archives.expected(session, row.input_id)):
                    yield f"{name} is {row.outcome}, and what it holds makes it {follows}"
            elif row.outcome not in _WITHOUT_DOCUMENT:
                yield f"{name} is {row.outcome} but has no document"
        elif row.primaries != 1:
            yield f"{name} has a document that {row.primaries} inputs stand for"
        elif row.primary_input and row.state != row.outcome:
            yield f"{name} is {row.outcome} and its document is {row.state}"
        elif not row.primary_input and row.outcome != Outcome.DUPLICATE:
            yield f"{name} is {row.outcome} though another input stands for its content"
        elif row.state in OPEN_STATES:
            yield f"{name} is a duplicate of a document that is still {row.state}"
        elif row.state in _WITH_ROW and not row.rows:
            yield f"{name} is {row.state} but no row of it is on its way to the lake"
