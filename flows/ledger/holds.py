"""Who works on which document of the queue, so that two never do unknowingly."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from flows.ledger import trail
from flows.ledger.common import locked_document
from flows.ledger.models import Document, Hold
from flows.ledger.trust import HeldError, HoldRecord

HANDED_SECONDS = 7 * 24 * 3600.0
"""A document that was handed over waits so long for who got it before all others may take it."""

MOST_SECONDS = 900.0
"""A look that took longer counts as this: somebody had lunch."""


def hold_of(session: Session, at: dt.datetime, document_id: str) -> HoldRecord | None:
    """Who has a document now."""
    found = session.get(Hold, document_id)
    return _record(found) if found is not None and found.until > at else None


def take(
    session: Session, at: dt.datetime, document_id: str, reviewer: str, seconds: float, *, over: bool = False
) -> HoldRecord:
    """See `Ledger.hold`."""
    document = locked_document(session, document_id)
    held = session.get(Hold, document_id)
    if held is not None and held.until > at and held.reviewer != reviewer:
        if not over:
            raise held_error(document, _record(held))
        trail.append(session, at, reviewer, "taken over", document_id, {"from": held.reviewer})
    until = at + dt.timedelta(seconds=seconds)
    if held is None:
        held = Hold(document_id=document_id, reviewer=reviewer, taken_at=at, until=until, note="")
        session.add(held)
    elif held.reviewer == reviewer and held.until > at:
        held.until = max(held.until, until)
    else:
        held.reviewer, held.taken_at, held.until, held.note = reviewer, at, until, ""
    session.flush()
    return _record(held)


def take_if_free(
    session: Session, at: dt.datetime, document_id: str, reviewer: str, seconds: float
) -> HoldRecord | None:
    """The same for whoever only wants it when nobody has it; ``None`` when somebody does."""
    try:
        return take(session, at, document_id, reviewer, seconds)
    except HeldError:
        return None


def hand_over(
    session: Session, at: dt.datetime, document_id: str, reviewer: str, to: str, note: str
) -> HoldRecord:
    """See `Ledger.hand_over`."""
    document = locked_document(session, document_id)
    held = session.get(Hold, document_id)
    if held is not None and held.until > at and held.reviewer != reviewer:
        raise held_error(document, _record(held))
    if held is None:
        held = Hold(document_id=document_id)
        session.add(held)
    held.reviewer, held.taken_at, held.note = to, at, note
    held.until = at + dt.timedelta(seconds=HANDED_SECONDS)
    trail.append(session, at, reviewer, "handed over", document_id, {"to": to, "note": note})
    session.flush()
    return _record(held)


def let_go(session: Session, document_id: str, reviewer: str) -> None:
    """See `Ledger.let_go`."""
    session.execute(delete(Hold).where(Hold.document_id == document_id, Hold.reviewer == reviewer))


def require_free(session: Session, at: dt.datetime, document: Document, reviewer: str) -> None:
    """Refuses a decision on a document that somebody else has. Raises `HeldError`."""
    held = session.scalar(select(Hold).where(Hold.document_id == document.document_id))
    if held is not None and held.until > at and held.reviewer != reviewer:
        raise held_error(document, _record(held))


def seconds_worked(session: Session, at: dt.datetime, document_id: str, reviewer: str) -> float | None:
    """From when a reviewer took a document until now, at most `MOST_SECONDS`; ``None`` where nobody measured it.

    What was handed over lay there before anybody looked, so it has no such time.
    """
    held = session.get(Hold, document_id)
    if held is None or held.reviewer != reviewer:
        return None
    if held.until - held.taken_at >= dt.timedelta(seconds=HANDED_SECONDS):
        return None
    return min(max((at - held.taken_at).total_seconds(), 0.0), MOST_SECONDS)


def held_error(document: Document, hold: HoldRecord) -> HeldError:
    """The error that says who has it."""
    return HeldError(
        f"{hold.reviewer} is working on {document.uri}.",
        remedy="Take another document, or take this one over after asking.",
        hold=hold,
    )


def _record(hold: Hold) -> HoldRecord:
    return HoldRecord.model_validate(hold, from_attributes=True)
