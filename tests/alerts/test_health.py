"""Each figure that makes somebody be told, and that it does not when it should not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from flows.alerts import health, notices
from flows.ledger.figures import BudgetSaid, Insight, ReasonDrift
from flows.ledger.trust import SampleFigures
from flows.review.dashboard import measure as shown
from flows.settings import Settings, load_settings
from schemas.outcome import ReviewReason
from tests.ledger.builders import add, process, start
from tests.ledger.test_insight import BEGIN
from tests.review.history import ledger_with_clock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, alerts={"queue_hours": 24.0, "drift_share": 0.1})


def test_the_queue_is_stale_by_its_oldest_document(ledger_url: str, settings: Settings) -> None:
    with ledger_with_clock(ledger_url, BEGIN) as (ledger, clock):
        assert ledger.queue_ages() == []
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        process(ledger, accepted=False, reasons=[ReviewReason.MODEL_UNSURE])
        clock.on(3600)
        add(ledger, "run-1", "b.pdf")
        process(ledger, accepted=False, reasons=[ReviewReason.MODEL_UNSURE])
        add(ledger, "run-1", "c.pdf")
        process(ledger)  # accepted: waits for nobody
        (age,) = ledger.queue_ages()
        assert (age.schema_name, age.waiting, age.oldest) == ("bill", 2, BEGIN)
        fresh = BEGIN + dt.timedelta(hours=24)
        assert health.stale_queues([age], fresh, settings) == []
        (said,) = health.stale_queues([age], fresh + dt.timedelta(minutes=6), settings)
        assert said.event == notices.QUEUE_STALE
        assert said.payload == {
            "waiting": 2,
            "hours": 24.1,
            "limit_hours": 24.0,
            "link": "http://127.0.0.1:8484/?schema=bill",
        }
        found, told = health.measure(ledger, settings)  # by the clock of this machine, months later
        assert (found.waiting, found.told) == (2, {notices.QUEUE_STALE: 1})
        assert [one.event for one in told] == [notices.QUEUE_STALE]


def insight(sample: SampleFigures, budget: BudgetSaid | None) -> Insight:
    nothing: dict[str, Any] = {name: [] for name in ("days", "looks", "fields", "models", "drift")}
    return Insight(
        at=BEGIN,
        since=BEGIN,
        samples=[sample],
        budgets={"bill": budget} if budget else {},
        at_once=0,
        decisions=0,
        decisions_left=False,
        **nothing,
    )


@pytest.mark.parametrize(
    ("unit", "documents_wrong", "fields_wrong", "error", "over"),
    [
        ("documents", 10, 0, 0.02, True),  # 10 of 100: at least 4.9%
        ("documents", 4, 0, 0.02, False),  # 4 of 100 may as well be 1.1%
        ("documents", 0, 60, 0.02, False),  # the budget counts documents
        ("fields", 0, 60, 0.02, True),  # 60 of 1,000
        ("fields", 10, 25, 0.02, False),  # 25 of 1,000: at least 1.6%
    ],
)
def test_an_error_budget_is_exceeded_when_samples_prove_it(
    settings: Settings, unit: str, documents_wrong: int, fields_wrong: int, error: float, over: bool
) -> None:
    sample = SampleFigures(
        schema_name="bill",
        kind="blind",
        drawn=120,
        decided=100,
        documents_wrong=documents_wrong,
        fields=1000,
        fields_wrong=fields_wrong,
    )
    budget = BudgetSaid(error=error, confidence=0.95, unit=unit)
    said = health.over_budget(insight(sample, budget), settings)
    assert bool(said) is over
    assert (shown(sample, budget).kind == "wrong") is over  # what people see on the dashboard
    assert all(one.event == notices.BUDGET_EXCEEDED and one.schema == "bill" for one in said)
    assert health.over_budget(insight(sample, None), settings) == []
    queued = sample.model_copy(update={"kind": "queue"})  # what waits is doubted: no measure of what lands
    assert health.over_budget(insight(queued, budget), settings) == []


@pytest.mark.parametrize(
    ("before", "recent", "told"),
    [
        ((10, 500), (20, 100), True),  # 2% to 20%
        ((400, 500), (20, 100), True),  # and less is as telling as more
        ((10, 500), (7, 100), False),  # 2% to 7%: less than alerts.drift_share
        ((1, 5), (3, 5), False),  # 20% to 60% of five documents: chance
        ((10, 500), (0, 1), False),
    ],
)
def test_reasons_have_drifted_when_it_is_much_and_no_chance(
    settings: Settings, before: tuple[int, int], recent: tuple[int, int], told: bool
) -> None:
    one = ReasonDrift(
        source="s3://key:secret@inbox/north",
        reason="model_unsure",
        before=before[0],
        before_documents=before[1],
        recent=recent[0],
        recent_documents=recent[1],
    )
    said = health.drifted([one], settings)
    assert bool(said) is told
    assert all("secret" not in str(notice.event_dict()) for notice in said)


def test_payloads_hold_figures_closed_words_and_links_only(settings: Settings) -> None:
    one = notices.new_objects("s3://key:secret@inbox/north", 3, "s3://inbox/north/a\n.pdf")
    assert one.payload == {"objects": 3, "uri": "s3://inbox/north/a .pdf"}
    assert one.resource["prefect.resource.id"].startswith("parquetry.source.")
    assert one.resource["prefect.resource.name"] == "s3://inbox/north"
    again = notices.new_objects("s3://inbox/north", 1)
    assert again.resource == one.resource
    assert again.related[0]["prefect.resource.role"] == "source"
