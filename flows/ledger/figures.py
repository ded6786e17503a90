"""What the dashboard shows: figures of the last 90 days, and the lists of documents behind them; and metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.ledger.records import DocumentState
from flows.ledger.trust import SampleFigures

BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histograms of seconds; above the last one is one more."""

WINDOW_DAYS = 90
RECENT_DAYS = 14
"""Reasons of so many last days are held against those of the days before."""
MOST_DECISIONS = 5_000
"""Of the window, so many decisions are read, the last ones."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutcomeDay(_Record):
    """How the documents that were first seen on a day (UTC) stand now, as everybody may see it.

    ``straight``: how many were accepted without a person, though somebody may have looked at a sample of them since.
    """

    day: dt.date
    outcomes: dict[DocumentState, int]
    straight: int


class BudgetSaid(_Record):
    """The error budget that the last run of a schema had."""

    error: float
    confidence: float
    unit: str


class LookTime(_Record):
    """How long looks took; medians in seconds, of a document and of each of its fields in doubt (at least one)."""

    schema_name: str
    looks: int
    document_seconds: float
    field_seconds: float


class FieldCorrections(_Record):
    """How often a field was changed, of the documents of its schema that somebody looked at and did not reject."""

    schema_name: str
    path: str
    changed: int
    looked: int


class ModelCorrections(_Record):
    """What looks at a model's answers found."""

    schema_name: str
    model: str
    looked: int
    corrected: int
    rejected: int


class ReasonDrift(_Record):
    """How many of a source's documents had a reason, before and recently."""

    source: str
    reason: str
    before: int
    before_documents: int
    recent: int
    recent_documents: int

    @property
    def shift(self) -> float:
        """Share of documents now, less that of before."""
        before = self.before / self.before_documents if self.before_documents else 0.0
        return (self.recent / self.recent_documents if self.recent_documents else 0.0) - before


class QueueAge(_Record):
    """How many documents of a schema wait, and since when the first of them."""

    schema_name: str
    waiting: int
    oldest: dt.datetime


class Insight(_Record):
    """All of it. ``decisions_left``: there were more decisions in the window than were read."""

    at: dt.datetime
    since: dt.datetime
    days: list[OutcomeDay]
    samples: list[SampleFigures]
    budgets: dict[str, BudgetSaid]
    looks: list[LookTime]
    at_once: int
    fields: list[FieldCorrections]
    models: list[ModelCorrections]
    drift: list[ReasonDrift]
    decisions: int
    decisions_left: bool

    @property
    def documents(self) -> int:
        """How many were first seen in the window."""
        return sum(sum(day.outcomes.values()) for day in self.days)


class ListFilter(_Record):
    """Documents behind a figure; ``None`` means all. Days are of when a document was first seen (UTC).

    Attributes:
        outcome: as everybody may see it: what waits is ``review``, whatever it is.
        corrected: a field that somebody changed, as a pattern (``line_items[].total``).
        sample: decided samples of what landed, and what was found.
    """

    outcome: DocumentState | None = None
    schema_name: str | None = None
    source: str | None = None
    reason: str | None = None
    model: str | None = None
    corrected: str | None = None
    sample: Literal["wrong", "right"] | None = None
    first: dt.date | None = None
    last: dt.date | None = None


class Listed(_Record):
    """A document in a list. ``outcome``: as everybody may see it."""

    document_id: str
    uri: str
    schema_name: str
    outcome: DocumentState
    created_at: dt.datetime
    amount: float | None = Field(default=None)


Tallies = dict[tuple[str, str, str], float]
"""Sums by what is counted, schema and label."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Documents that wait for a person, and for how many seconds the oldest of them does."""

    documents: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class MetricFigures:
    """What metrics are made of. ``sums`` only grow; all else is as it is now, by schema.

    Attributes:
        sums: see `flows.ledger.tallies`.
        waiting: the queue.
        landed: rows in the lake.
        to_land: rows on their way to it.
        runs: by schema and state.
        completed: when the last completed run ended, in seconds since 1970.
        without_document: inputs that could not be fetched or opened, by schema and outcome.
    """

    sums: Tallies
    waiting: dict[str, Waiting]
    landed: dict[str, int]
    to_land: dict[str, int]
    runs: dict[tuple[str, str], int]
    completed: dict[str, float]
    without_document: dict[tuple[str, str], int]
