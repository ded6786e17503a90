"""Archives and e-mails: inputs that hold inputs. What becomes of one follows from what became of its members.

An archive has no document. Once it is unpacked to its end, its row has the hash of its bytes. Its outcome is that of
the member that asks for most (`ORDER`); an archive that could not be unpacked to its end has a reason of its own,
which stays, whatever became of the members before that.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from flows.archives.kinds import CONTAINERS
from flows.ledger.models import Document, Input, RunInput, table_of
from flows.ledger.records import DocumentState
from schemas.outcome import FailureReason, Outcome

ORDER = (
    Outcome.FAILED,
    Outcome.REVIEW,
    Outcome.ACCEPTED,
    Outcome.REVIEWED,
    Outcome.REJECTED,
    Outcome.DUPLICATE,
    Outcome.UNREADABLE,
)
"""An archive ends as the first of these that a member has: what is to be done comes before what is done, and it is
unreadable only when nothing in it could be read."""
_WANTED = (DocumentState.PENDING, DocumentState.PROCESSING, DocumentState.FAILED)


def is_through(session: Session, row: Input) -> bool:
    """Whether an archive need not be fetched: unpacked to its end, and no member's bytes are wanted."""
    if row.media_type not in CONTAINERS or row.document_id is not None or row.sha256 is None:
        return False
    wanted = and_(Input.document_id == Document.document_id, Document.state.in_(_WANTED))
    missing = and_(Input.document_id.is_(None), Input.outcome == Outcome.FAILED.value)
    return not session.scalar(
        select(
            exists()
            .where(Input.archive_id == row.input_id)
            .where(or_(missing, exists().where(wanted).correlate(Input)))
        )
    )


def see(session: Session, run_id: str, which: ColumnElement[bool]) -> None:
    """A run saw these inputs: those it knows, those in an archive that it knows."""
    target = table_of(RunInput)
    seen = select(literal(run_id), Input.input_id).where(which)
    names = ["run_id", "input_id"]
    if session.get_bind().dialect.name == "postgresql":
        session.execute(postgresql.insert(target).from_select(names, seen).on_conflict_do_nothing())
    else:
        session.execute(sqlite.insert(target).from_select(names, seen).on_conflict_do_nothing())
    session.execute(update(Input).where(which).values(last_seen_run=run_id))


def finish(
    session: Session,
    at: dt.datetime,
    input_id: int,
    sha256: str,
    outcome: Outcome | None,
    reason: FailureReason | None,
    detail: str,
) -> None:
    """See `Ledger.finish_archive`."""
    row = _locked(session, input_id)
    final = outcome is not Outcome.FAILED
    row.sha256 = sha256 if final else None
    row.outcome = outcome.value if outcome else None
    row.reason = reason.value if reason else None
    row.detail, row.updated_at = detail, at
    session.flush()
    if outcome is None:
        _follow(session, at, row)


def follow_members(session: Session, at: dt.datetime, archive_id: int) -> None:
    """Brings an archive's outcome after its members', when one of them has changed."""
    row = _locked(session, archive_id)
    if row.sha256 is not None and row.reason is None:
        _follow(session, at, row)


def _locked(session: Session, input_id: int) -> Input:
    # Not FOR UPDATE: members that come in refer to the row and must not wait for those that end.
    return session.get_one(Input, input_id, with_for_update={"key_share": True}, populate_existing=True)


def _follow(session: Session, at: dt.datetime, row: Input) -> None:
    member = aliased(Input)
    mine = member.archive_id == row.input_id
    outcome = None
    if not session.scalar(select(exists().where(mine, member.outcome.is_(None)))):
        outcome = expected(session, row.input_id)
    if row.outcome != (outcome.value if outcome else None):
        row.outcome, row.updated_at = outcome.value if outcome else None, at


def expected(session: Session, archive_id: int) -> Outcome | None:
    """What the members of an archive make of it; ``None`` while one of them is open, or when there are none."""
    found = set(session.scalars(select(Input.outcome).where(Input.archive_id == archive_id).distinct()))
    if None in found:
        return None
    return next((outcome for outcome in ORDER if outcome.value in found), None)
