"""The audit trail: who did what, when, to which document; each line bears the digest of the one above it.

A line that is changed, taken out, put in or moved breaks the chain at that place. The last number and digest are kept
apart as well (``locks``, ``identity``), so that lines cut off the end are missed too. Whoever can write the whole
database can also reckon the whole chain anew: against that, keep the digest that ``parquetry audit export`` prints
somewhere else, and give it to ``parquetry audit verify --head``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from flows.ledger.common import insert_new
from flows.ledger.models import Decision, Identity, Lock, TrailEntry, storable
from flows.ledger.trust import START, TrailRecord, Verdict, canonical, check

PAGE = 1000
_HEAD = "trail digest"


def lock(session: Session) -> None:
    """Makes transactions that append, or say so here, wait for each other in the order they came."""
    _numbered(session, 0)


def append(
    session: Session, at: dt.datetime, actor: str, action: str, document_id: str | None, body: dict[str, Any]
) -> None:
    """Adds a line; it is there when the transaction that it tells of is, and only then."""
    number = _numbered(session, 1)
    before = _digest(session)
    line = TrailRecord(
        number=number,
        at=at,
        actor=storable(actor),
        action=action,
        document_id=document_id,
        body=canonical(body),
        before=before,
        digest="",
    )
    digest = line.reckoned()
    session.add(TrailEntry(**line.model_dump() | {"digest": digest}))
    if number > 1:
        session.execute(update(Identity).where(Identity.name == _HEAD).values(value=digest))
    else:
        insert_new(session, Identity, name=_HEAD, value=digest)


def decision_body(decision: Decision, *, model: str, proposal: Any) -> dict[str, Any]:
    """What the trail keeps of a decision: all of it that lands, and what the model had said, as a digest."""
    return {
        "decision": decision.decision_id,
        "at": decision.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "reviewer": storable(decision.reviewer),
        "on_revision": decision.on_revision,
        "action": decision.action,
        "stage": decision.stage,
        "changes": decision.changes,
        "comment": decision.comment,
        "model": model,
        "proposal_sha256": hashlib.sha256(canonical(proposal).encode()).hexdigest(),
        "data_sha256": hashlib.sha256(canonical(decision.data).encode()).hexdigest(),
    }


def lines(session: Session, after: int = 0, limit: int = PAGE) -> list[TrailRecord]:
    """Lines behind a number, in order."""
    found = session.scalars(
        select(TrailEntry).where(TrailEntry.number > after).order_by(TrailEntry.number).limit(limit)
    )
    return [TrailRecord.model_validate(entry, from_attributes=True) for entry in found]


def newest(session: Session, document_id: str | None, before: int | None, limit: int) -> list[TrailRecord]:
    """The last lines, of one document or of all, the newest first."""
    query = select(TrailEntry).order_by(TrailEntry.number.desc()).limit(limit)
    if document_id:
        query = query.where(TrailEntry.document_id == document_id)
    if before is not None:
        query = query.where(TrailEntry.number < before)
    return [TrailRecord.model_validate(entry, from_attributes=True) for entry in session.scalars(query)]


def verify(session: Session, head: str | None = None) -> Verdict:
    """Checks every line, the place of its end, and that the decisions are those it tells of."""
    said = _head(session)
    faults: list[str] = []
    decisions: dict[int, dict[str, Any]] = {}

    def every() -> Iterator[TrailRecord]:
        after = 0
        while page := lines(session, after):
            yield from page
            after = page[-1].number

    def noted() -> Iterator[TrailRecord]:
        for line in every():
            if line.action == "decided":
                body = json.loads(line.body) if line.digest == line.reckoned() else {}
                decisions[body.get("decision", -line.number)] = body
            yield line

    verdict = check(noted(), head)
    faults += verdict.faults
    if (verdict.lines, verdict.head) != said:
        faults.append(f"The trail ends at line {verdict.lines}, and should end at line {said[0]}.")
    faults += _decision_faults(session, decisions)
    return Verdict(lines=verdict.lines, head=verdict.head, faults=faults)


def _decision_faults(session: Session, told: dict[int, dict[str, Any]]) -> Iterator[str]:
    """Decisions that are not as the trail tells. Those from before there was a trail are not in it."""
    first = min((number for number in told if number > 0), default=None)
    kept = set()
    if first is not None:
        query = select(Decision).where(Decision.decision_id >= first).order_by(Decision.decision_id)
        for decision in session.scalars(query).yield_per(200):
            kept.add(decision.decision_id)
            body = told.get(decision.decision_id)
            if body is None:
                yield f"Decision {decision.decision_id} is not in the trail."
                continue
            now = decision_body(decision, model="", proposal=None)
            differs = [k for k in now if k not in ("model", "proposal_sha256") and now[k] != body.get(k)]
            if differs:
                yield f"Decision {decision.decision_id} is not as it was made: {', '.join(differs)} differ."
    for number in told:
        if number > 0 and number not in kept:
            yield f"Decision {number} is in the trail and nowhere else."


def _numbered(session: Session, more: int) -> int:
    """The number of lines, and ``more``, in a row that is held until the transaction ends."""
    counted = update(Lock).where(Lock.name == "trail").values(taken=Lock.taken + more).returning(Lock.taken)
    number = session.scalar(counted)
    if number is None:
        insert_new(session, Lock, name="trail", taken=0)
        number = session.scalar(counted)
    assert number is not None
    return number


def _digest(session: Session) -> str:
    return session.scalar(select(Identity.value).where(Identity.name == _HEAD)) or START


def _head(session: Session) -> tuple[int, str]:
    """How many lines there are, and the digest of the last, as they are kept apart from the lines."""
    number = session.scalar(select(Lock.taken).where(Lock.name == "trail")) or 0
    return number, _digest(session)
