"""What the ledger says about promises: age of the queue, errors against the budget, drift of reasons.

Each figure is the one that people see on the dashboard, and each verdict is no guess: an error rate is over its budget,
and a reason has drifted, only when the exact 95% intervals leave no other reading (`flows.review.bounds`). Whether a
run adds up is no matter of these looks: each run counts at its end, and fails if it does not (`flows.reporting`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from flows.alerts import notices
from flows.alerts.notices import Notice
from flows.ledger.figures import BudgetSaid, Insight, QueueAge, ReasonDrift
from flows.ledger.store import Ledger
from flows.ledger.trust import SampleFigures
from flows.review.bounds import Share, exact_share
from flows.settings import Settings


class Health(BaseModel):
    """What was measured. ``told``: the events that follow from it, by name; none: all is well."""

    model_config = ConfigDict(frozen=True)

    waiting: int
    oldest_hours: float
    samples_decided: int
    told: dict[str, int]


def measure(ledger: Ledger, settings: Settings) -> tuple[Health, list[Notice]]:
    """Figures and what is to be said of them. Reads only.

    Raises:
        LedgerError: the ledger cannot be asked.
    """
    at = dt.datetime.now(dt.UTC)
    ages, insight = ledger.queue_ages(), ledger.insight()
    said = [
        *stale_queues(ages, at, settings),
        *over_budget(insight, settings),
        *drifted(insight.drift, settings),
    ]
    told: dict[str, int] = {}
    for notice in said:
        told[notice.event] = told.get(notice.event, 0) + 1
    oldest = min((one.oldest for one in ages), default=at)
    health = Health(
        waiting=sum(one.waiting for one in ages),
        oldest_hours=round((at - oldest).total_seconds() / 3600, 1),
        samples_decided=sum(one.decided for one in insight.samples if one.kind == "blind"),
        told=told,
    )
    return health, said


def stale_queues(ages: Iterable[QueueAge], at: dt.datetime, settings: Settings) -> list[Notice]:
    """Schemas whose oldest document waits for longer than `AlertOptions.queue_hours`."""
    limit = dt.timedelta(hours=settings.alerts.queue_hours)
    return [notices.queue_stale(one, at, settings) for one in ages if at - one.oldest > limit]


def over_budget(insight: Insight, settings: Settings) -> list[Notice]:
    """Schemas whose blind samples say that more of what landed is wrong than their error budget allows."""
    found = []
    for one in insight.samples:
        budget = insight.budgets.get(one.schema_name)
        if one.kind == "blind" and budget is not None:
            share = measured(one, budget)
            if share.low > budget.error:
                found.append(
                    notices.budget_exceeded(one.schema_name, budget.unit, share, budget.error, settings)
                )
    return found


def measured(one: SampleFigures, budget: BudgetSaid) -> Share:
    """The share of wrong documents, or of wrong fields, as the budget counts them."""
    if budget.unit == "documents":
        return exact_share(one.documents_wrong, one.decided)
    return exact_share(one.fields_wrong, one.fields)


def drifted(drift: Iterable[ReasonDrift], settings: Settings) -> list[Notice]:
    """Reasons whose share of a source's documents changed, and more than chance explains."""
    least = settings.alerts.drift_share
    return [
        notices.reasons_drifted(one, settings) for one in drift if abs(one.shift) >= least and _apart(one)
    ]


def _apart(one: ReasonDrift) -> bool:
    before = exact_share(one.before, one.before_documents)
    recent = exact_share(one.recent, one.recent_documents)
    return recent.low > before.high or recent.high < before.low
