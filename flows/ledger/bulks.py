"""Accepting many documents at once, after a look at some of them drawn at random.

What is accepted is a decision like any other, with its line in the trail. Samples of `flows.ledger.samples` are always
among those to be looked at, beside the ones drawn here: accepted unseen, they would measure nothing, and left behind,
they would be known. Who is drawn follows from the document and the ledger, not from dice: whoever begins again draws
the same ones. So nobody tries until the draw suits, nor finds the samples as those that are in every draw.
"""

from __future__ import annotations

import datetime as dt
import math
import secrets
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from flows.ledger import decisions, trail, waiting
from flows.ledger.common import digest
from flows.ledger.desk import BulkLine, BulkRecord, QueueFilter
from flows.ledger.landed import ledger_id
from flows.ledger.models import Bulk, BulkItem, Decision, Document, Hold, Sample
from flows.ledger.records import ConflictError
from flows.ledger.trust import HeldError
from schemas.errors import UsageError

MOST = 500
"""Documents of one bulk."""
LEAST_LOOKED = 5
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class NewBulk:
    """What somebody asks for: ``query`` is the filter as the address has it, ``share`` are looked at one by one."""

    reviewer: str
    wanted: QueueFilter
    query: dict[str, str]
    share: float


def looks_needed(documents: int, share: float) -> int:
    """How many are drawn for a look: the share, and never so few that a look at them says nothing."""
    return min(max(math.ceil(documents * share), LEAST_LOOKED), documents)


def start(session: Session, at: dt.datetime, new: NewBulk) -> str:
    """See `Ledger.start_bulk`."""
    found = _candidates(session, at, new)
    free = [one for one in found if not _why_not(one, new.reviewer)]
    if not free:
        raise UsageError(
            "None of these documents can be accepted at once.",
            remedy="They are in somebody's hands, or need a second look. Choose another filter.",
        )
    drawn = [one for one in free if one.drawn is not None]
    others = [one for one in free if one.drawn is None]
    looked = {one.document_id for one in drawn}
    ledger = ledger_id(session)
    others.sort(key=lambda one: digest("bulk", ledger, one.document_id))
    looked |= {one.document_id for one in others[: looks_needed(len(others), new.share)]}
    bulk_id = secrets.token_hex(8)
    session.add(
        Bulk(
            bulk_id=bulk_id,
            at=at,
            reviewer=new.reviewer,
            wanted=new.query,
            documents=len(free),
            sampled=len(looked),
        )
    )
    session.flush()
    for one in found:
        why = _why_not(one, new.reviewer)
        session.add(
            BulkItem(
                bulk_id=bulk_id,
                document_id=one.document_id,
                revision=one.revision,
                sampled=one.document_id in looked,
                outcome="left out" if why else None,
                detail=why,
            )
        )
    body = {"bulk": bulk_id, "filter": new.query, "documents": len(free), "looked_at": len(looked)}
    trail.append(session, at, new.reviewer, "bulk begun", None, body)
    return bulk_id


class _Candidate(NamedTuple):
    document_id: str
    revision: int
    second_look: str | None
    holder: str | None
    drawn: str | None


def _candidates(session: Session, at: dt.datetime, new: NewBulk) -> list[_Candidate]:
    query = (
        select(
            Document.document_id,
            Document.revision,
            Document.second_look,
            Hold.reviewer.label("holder"),
            Sample.kind.label("drawn"),
        )
        .outerjoin(Hold, and_(Hold.document_id == Document.document_id, Hold.until > at))
        .outerjoin(Sample, and_(Sample.document_id == Document.document_id, Sample.closed_at.is_(None)))
        .where(*waiting.conditions(new.wanted, at))
        .order_by(*waiting.order_of(new.wanted.sort))
        .limit(MOST)
    )
    return [_Candidate(*row) for row in session.execute(query)]


def _why_not(one: _Candidate, reviewer: str) -> str:
    if one.second_look is not None:
        return "waits for a second pair of eyes"
    return f"{one.holder} has it" if one.holder and one.holder != reviewer else ""


def record(session: Session, bulk_id: str) -> BulkRecord:
    """See `Ledger.bulk`."""
    bulk = _bulk(session, bulk_id)
    found = session.execute(
        select(func.coalesce(BulkItem.outcome, "open"), func.count())
        .where(BulkItem.bulk_id == bulk_id, BulkItem.sampled.is_(False))
        .group_by(BulkItem.outcome)
    )
    counts: dict[str, int] = dict(row._tuple() for row in found)
    lines = _lines(session, bulk_id)
    sampled = [line for line in lines if line.sampled]
    accepted, left_out = counts.get("accepted", 0), counts.get("left out", 0)
    return BulkRecord(
        bulk_id=bulk_id,
        at=bulk.at,
        reviewer=bulk.reviewer,
        wanted=bulk.wanted,
        documents=bulk.documents,
        sampled=bulk.sampled,
        looked=sum(line.outcome == "accepted" for line in sampled),
        failed=sum(line.outcome not in (None, "accepted") for line in sampled),
        rest=sum(counts.values()),
        accepted=accepted,
        left_out=left_out,
        finished_at=bulk.finished_at,
        lines=lines,
    )


def _bulk(session: Session, bulk_id: str, *, lock: bool = False) -> Bulk:
    found = session.get(Bulk, bulk_id, with_for_update=lock or None, populate_existing=lock)
    if found is None:
        raise UsageError("There is no such bulk.", remedy="Go back to the queue and start it there.")
    return found


def _lines(session: Session, bulk_id: str) -> list[BulkLine]:
    """Those to be looked at, with what was decided on them as they were then; and those left out."""
    looked = and_(Decision.document_id == BulkItem.document_id, Decision.on_revision == BulkItem.revision)
    rows = session.execute(
        select(BulkItem, Document.uri, Document.revision, Decision.action, Decision.reviewer)
        .join(Document, Document.document_id == BulkItem.document_id)
        .outerjoin(Decision, looked)
        .where(BulkItem.bulk_id == bulk_id, BulkItem.sampled | (BulkItem.outcome == "left out"))
        .order_by(BulkItem.sampled.desc(), BulkItem.document_id)
        .limit(_SHOWN)
    )
    lines = []
    for item, uri, revision, action, reviewer in rows:
        outcome = item.outcome
        if item.sampled:
            outcome = {"accept": "accepted", "correct": "corrected", "reject": "rejected"}.get(action or "")
            if outcome is None and revision != item.revision:
                outcome = "read anew"
        lines.append(
            BulkLine(
                document_id=item.document_id,
                uri=uri,
                sampled=item.sampled,
                outcome=outcome,
                detail=item.detail,
                looked=reviewer if item.sampled else None,
            )
        )
    return lines


def next_items(session: Session, bulk_id: str, limit: int) -> list[str]:
    """See `Ledger.bulk_next`."""
    rows = session.scalars(
        select(BulkItem.document_id)
        .where(BulkItem.bulk_id == bulk_id, BulkItem.sampled.is_(False), BulkItem.outcome.is_(None))
        .order_by(BulkItem.document_id)
        .limit(limit)
    )
    return list(rows)


def accept(session: Session, at: dt.datetime, bulk_id: str, document_id: str) -> bool:
    """See `Ledger.bulk_accept`."""
    bulk = _bulk(session, bulk_id, lock=True)
    item = session.get(BulkItem, (bulk_id, document_id), populate_existing=True)
    state = record(session, bulk_id).state
    if state != "ready":
        raise UsageError(
            "These documents cannot be accepted at once yet."
            if state == "checking"
            else "This bulk is over.",
            remedy="Look at those that were drawn, and accept them as they are.",
        )
    if item is None or item.sampled or item.outcome is not None:
        return False
    new = decisions.NewDecision(
        document_id,
        bulk.reviewer,
        "accept",
        None,
        None,
        [],
        f"One of {bulk.documents} accepted at once after a look at {bulk.sampled} of them (bulk {bulk_id}).",
        item.revision,
        bulk_id=bulk_id,
    )
    try:  # what it refuses, it refuses before anything is written
        decisions.decide(session, at, new)
    except HeldError as error:
        item.outcome, item.detail = "left out", f"{error.hold.reviewer} has it"
    except ConflictError:
        item.outcome, item.detail = "left out", "was decided on, or read anew, meanwhile"
    else:
        item.outcome = "accepted"
    return item.outcome == "accepted"


def leave_out(session: Session, bulk_id: str, document_id: str, why: str) -> None:
    """See `Ledger.bulk_leave_out`."""
    session.execute(
        update(BulkItem)
        .where(BulkItem.bulk_id == bulk_id, BulkItem.document_id == document_id, BulkItem.outcome.is_(None))
        .values(outcome="left out", detail=why)
    )


def finish(session: Session, at: dt.datetime, bulk_id: str) -> None:
    """See `Ledger.finish_bulk`."""
    bulk = _bulk(session, bulk_id, lock=True)
    if bulk.finished_at is not None:
        return
    bulk.finished_at = at
    session.flush()
    now = record(session, bulk_id)
    body = {"bulk": bulk_id, "accepted": now.accepted, "left_out": now.left_out, "state": now.state}
    trail.append(session, at, bulk.reviewer, "bulk ended", None, body)
