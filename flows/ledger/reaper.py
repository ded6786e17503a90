"""What processes that are gone left in the ledger, put in order by somebody who wants none of it for himself.

A claim takes over what a lost worker held, but only of its own schema and model: what nobody asks for again would be in
work for ever, and a run that was killed would show as running in the table, whatever the reports make of it.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from flows.ledger.common import move
from flows.ledger.models import Document, Run
from flows.ledger.records import DocumentState, Reaped
from flows.ledger.runs import CRASHED, RUNNING
from schemas.outcome import FailureReason

ACTOR = "reaper"


def reap(session: Session, at: dt.datetime, *, grace: dt.timedelta, max_attempts: int, limit: int) -> Reaped:
    """See `Ledger.reap`."""
    over = at - grace
    # A claim gives these out alone, so that they take nobody with them; it knows them by this state.
    on_last_chance = Document.lost_workers == max_attempts - 2
    lost = session.scalars(
        select(Document)
        .where(Document.state == DocumentState.PROCESSING, Document.lease_until < over, ~on_last_chance)
        .order_by(Document.document_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Document)
    ).all()
    given_back = set_aside = 0
    for document in lost:
        document.lost_workers += 1
        if document.lost_workers >= max_attempts:
            _set_aside(session, at, document)
            set_aside += 1
        else:
            _give_back(session, at, document)
            given_back += 1
        document.token += 1  # a worker that was only late records nothing any more
    crashed = session.execute(
        update(Run)
        .where(Run.state == RUNNING, Run.lease_until < over)
        .values(state=CRASHED, finished_at=Run.lease_until, lease_until=None)
        .returning(Run.run_id)
    )
    return Reaped(
        given_back=given_back,
        set_aside=set_aside,
        crashed_runs=sorted(crashed.scalars()),
        more=len(lost) == limit,
    )


def _give_back(session: Session, at: dt.datetime, document: Document) -> None:
    worker, document.lease_until = document.worker, None
    move(
        session,
        at,
        document,
        DocumentState.PENDING,
        actor=ACTOR,
        run_id=document.run_id,
        detail=f"given back: nothing was heard of {worker}",
    )


def _set_aside(session: Session, at: dt.datetime, document: Document) -> None:
    document.failure = FailureReason.READER_CRASHED.value
    document.detail = f"{document.lost_workers} workers in a row did not come back from this document."
    document.lease_until = None
    move(
        session,
        at,
        document,
        DocumentState.FAILED,
        actor=ACTOR,
        run_id=document.run_id,
        detail=document.detail,
    )
