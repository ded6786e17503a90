"""What the queue page asks of the ledger, and what it gets: filters, rows, counts, how the queue grew and shrank."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.ledger.records import QueueItem, SecondLook
from schemas.outcome import ReviewReason

COUNT_CAP = 10_000
"""Counts stop here: what is more is shown as "10,000+", and costs no more to count."""
BURN_DOWN_DAYS = 14


class QueueSort(StrEnum):
    """What comes first."""

    AGE = "age"
    VALUE = "value"


class Whose(StrEnum):
    """Who works on a document, or may."""

    MINE = "mine"
    FREE = "free"
    SECOND = "second"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class QueueFilter(_Record):
    """Which documents of the queue are wanted; ``None`` means all.

    Attributes:
        source: a folder; those in it count.
        older: waiting for so many seconds at least.
        whose: of the ``reviewer`` who asks.
        held_by: whoever has them now.
        bulk_id: of a bulk, those that are still to be looked at.
    """

    schema_name: str | None = None
    reason: str | None = None
    search: str | None = None
    source: str | None = None
    older: float | None = None
    amount_from: float | None = None
    amount_to: float | None = None
    whose: Whose | None = None
    held_by: str | None = None
    bulk_id: str | None = None
    reviewer: str = ""
    sort: QueueSort = QueueSort.AGE


class QueueLine(QueueItem):
    """A row of the queue page. ``value``: weighted errors that a second of review is expected to find."""

    source: str | None = None
    amount: float | None = None
    value: float = 0.0
    second_look: SecondLook | None = None
    holder: str | None = None


class QueueTabs(_Record):
    """How many wait in all, for a second look, and in whose hands; at most `COUNT_CAP` + 1 each."""

    waiting: int
    second: int
    held: dict[str, int] = Field(default_factory=dict)

    def mine(self, reviewer: str) -> int:
        """How many a reviewer has."""
        return self.held.get(reviewer, 0)

    @property
    def free(self) -> int:
        """How many nobody has; over the cap they are not told apart."""
        return self.waiting if self.waiting > COUNT_CAP else max(self.waiting - sum(self.held.values()), 0)


class QueueView(_Record):
    """A page of the queue that begins at ``offset``. ``matching`` fit the filter (at most `COUNT_CAP` + 1)."""

    lines: list[QueueLine]
    offset: int
    matching: int
    tabs: QueueTabs


class BurnDay(_Record):
    """A day (UTC) of the queue: how many came, how many were decided, how many waited at its end."""

    day: dt.date
    came: int
    went: int
    size: int


class QueueExtras(_Record):
    """What the queue can be filtered by, with counts, and how it grew and shrank. ``waiting`` is exact."""

    waiting: int
    schemas: dict[str, int]
    sources: dict[str, int]
    reasons: dict[ReviewReason, int]
    days: list[BurnDay]


BulkState = Literal["checking", "failed", "ready", "done"]


class BulkLine(_Record):
    """A document of a bulk. ``outcome``: ``None`` while nothing is decided; ``looked``: by whom, in the check."""

    document_id: str
    uri: str
    sampled: bool
    outcome: str | None
    detail: str = ""
    looked: str | None = None


class BulkRecord(_Record):
    """A bulk: the documents to be looked at one by one, and those that are accepted with them or were left out.

    Attributes:
        wanted: the filter's query, as it was in the address.
        sampled: how many must be looked at; ``looked`` were, and accepted as they are.
        failed: of those looked at, so many were changed or rejected; then nothing is accepted at once.
        rest: all that are not looked at one by one; ``accepted`` were, ``left_out`` changed or were held.
        lines: those looked at or to be looked at, and those left out.
    """

    bulk_id: str
    at: dt.datetime
    reviewer: str
    wanted: dict[str, str]
    documents: int
    sampled: int
    looked: int
    failed: int
    rest: int
    accepted: int
    left_out: int
    finished_at: dt.datetime | None
    lines: list[BulkLine]

    @property
    def state(self) -> BulkState:
        """Where it is: looks are missing, one failed, the rest may be accepted, or all is done."""
        if self.finished_at is not None:
            return "failed" if self.failed else "done"
        if self.failed:
            return "failed"
        return "ready" if self.looked >= self.sampled else "checking"

    @property
    def others(self) -> int:
        """How many were to be accepted at once when it began."""
        return self.documents - self.sampled

    @property
    def through(self) -> int:
        """Of these, how many were accepted or left out since."""
        return self.others - self.open

    @property
    def open(self) -> int:
        """How many are still to be accepted."""
        return self.rest - self.accepted - self.left_out
