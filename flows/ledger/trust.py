"""What the ledger gives and takes about trust: people and their rights, holds, the trail, samples. Plain values."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import LedgerError

START = "0" * 64
"""What the first line of the trail bears for the line above it."""


class Role(StrEnum):
    """What somebody is here for. Each may all that is written at it, and nothing else."""

    REVIEWER = "reviewer"
    """Sees queue and documents, holds and decides."""
    SENIOR = "senior"
    """A reviewer who also settles what two disagree on, accepts many at once, takes over and hands over."""
    AUDITOR = "auditor"
    """Sees everything, the trail too, and changes nothing."""
    ADMIN = "admin"
    """All of these, and who may sign in."""


class Right(StrEnum):
    """What a route or button asks for."""

    READ = "read"
    DECIDE = "decide"
    SETTLE = "settle"
    AUDIT = "audit"
    PEOPLE = "people"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.REVIEWER: frozenset({Right.READ, Right.DECIDE}),
    Role.SENIOR: frozenset({Right.READ, Right.DECIDE, Right.SETTLE}),
    Role.AUDITOR: frozenset({Right.READ, Right.AUDIT}),
    Role.ADMIN: frozenset(Right),
}


class AccountRecord(BaseModel):
    """One account. ``epoch`` is part of every session of it: a session of an earlier one is over."""

    model_config = ConfigDict(frozen=True)

    account_id: int
    name: str
    role: Role
    active: bool
    epoch: int
    created_at: dt.datetime
    has_password: bool
    subject: str | None = None

    def may(self, right: Right) -> bool:
        """Whether the role has a right."""
        return right in RIGHTS[self.role]


class HoldRecord(BaseModel):
    """Who has a document until when. ``note``: of whoever handed it over."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    reviewer: str
    taken_at: dt.datetime
    until: dt.datetime
    note: str = ""


class HeldError(LedgerError):
    """Somebody else has the document; nothing was written."""

    def __init__(self, message: str, *, remedy: str, hold: HoldRecord) -> None:
        super().__init__(message, remedy=remedy)
        self.hold = hold


class SameReviewerError(LedgerError):
    """Whoever looked first cannot be the second pair of eyes; nothing was written."""


class TrailRecord(BaseModel):
    """One line of the trail. ``body`` is JSON text, as it was hashed."""

    model_config = ConfigDict(frozen=True)

    number: int
    at: dt.datetime
    actor: str
    action: str
    document_id: str | None
    body: str
    before: str
    digest: str

    def reckoned(self) -> str:
        """The digest that this line must have, from all its other parts."""
        parts = [
            self.number,
            self.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.action,
            self.document_id,
            self.body,
            self.before,
        ]
        return hashlib.sha256(canonical(parts).encode()).hexdigest()


class Verdict(BaseModel):
    """What a check of the trail found: no ``faults`` when it is whole. ``head`` is the digest of its last line."""

    model_config = ConfigDict(frozen=True)

    lines: int
    head: str
    faults: list[str]


def canonical(value: Any) -> str:
    """The one JSON text of a value: ASCII, sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def check(found: Iterable[TrailRecord], head: str | None = None) -> Verdict:
    """Checks lines as they are, from a ledger or from an exported file.

    Args:
        found: the lines, the first one first.
        head: the digest that the last line had once; it must be one of the lines.
    """
    number, before, faults, seen = 0, START, list[str](), head is None or head == START
    for line in found:
        number += 1
        if line.number != number:
            faults.append(f"Line {number} is missing or out of place: line {line.number} stands there.")
            number = line.number
        if line.before != before:
            faults.append(f"Line {line.number} does not follow the line above it.")
        if line.digest != line.reckoned():
            faults.append(f"Line {line.number} was changed.")
        before = line.digest
        seen = seen or line.digest == head
    if not seen:
        faults.append("The digest that was kept elsewhere is not in the trail: it was made anew, or cut off.")
    return Verdict(lines=number, head=before, faults=faults)


Kind = Literal["blind", "queue"]


class Sampling(BaseModel):
    """Which share of documents is drawn for a look, of those accepted and of those queued."""

    model_config = ConfigDict(frozen=True)

    accepted: float = Field(0.0, ge=0, le=1)
    queued: float = Field(0.0, ge=0, le=1)


class SampleFigures(BaseModel):
    """What persons found on sampled documents: how many were decided, and what was wrong with them."""

    model_config = ConfigDict(frozen=True)

    schema_name: str
    kind: Kind
    drawn: int
    decided: int
    documents_wrong: int
    fields: int
    fields_wrong: int


class DrawnDocument(BaseModel):
    """A document that was drawn at random, with what chance, and whether a person has decided on it."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    kind: Kind
    chance: float
    decided: bool
