"""What a run cost: the clock shared out, and money where a price is known."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest

from flows import artifacts, cost
from flows.commands import launch
from flows.cost import RunCost, cost_of
from flows.cost_options import CostOptions
from flows.report import RunReport, as_html
from flows.settings import load_settings
from schemas.errors import UsageError
from tests.flows.making import report_of

CLOCK = {"discover": 10.0, "extract": 100.0, "land": 5.0}
WORK = {"read": 60.0, "ocr": 40.0, "model_busy": 130.0, "model": 300.0, "check": 6.0, "ledger": 4.0, "total": 500.0,
        "read_cpu": 18.0, "ocr_cpu": 70.0, "model_cpu": 200.0, "ledger_cpu": 2.0}  # fmt: skip


def made(**more: object) -> RunCost:
    how = {"clock": CLOCK, "cpu": {"discover": 1.0, "land": 3.0, "run": 220.0}, "work": WORK, "seconds": 120.0,
           "machines": 1, "documents": 500, "options": CostOptions(per_machine_hour=3.6)}  # fmt: skip
    return cost_of(**{**how, **more})  # type: ignore[arg-type]


def test_the_clock_is_shared_out_by_work_and_sums_to_the_run() -> None:
    found = {stage.name: stage.machine_seconds for stage in made().stages}
    assert found == {
        "discovering": 10.0, "reading": 10.0, "OCR": 20.0, "model": 65.0, "checks": 3.0, "ledger": 2.0,
        "landing": 5.0, "rest": 5.0,
    }  # fmt: skip
    assert made().machine_seconds == 120.0


def test_processor_time_where_it_can_be_told_apart() -> None:
    found = {stage.name: stage.cpu_seconds for stage in made().stages}
    # rest: what the process used, less what is known of it; readers are other processes
    assert found == {
        "discovering": 1.0, "reading": 18.0, "OCR": 70.0, "model": 200.0, "checks": None, "ledger": 2.0,
        "landing": 3.0, "rest": 14.0,
    }  # fmt: skip


def test_a_price_per_machine_hour_becomes_one_per_thousand_documents() -> None:
    found = made()
    assert found.seconds_per_document == 0.24 and found.price == pytest.approx(0.12)
    assert found.price_per_thousand == pytest.approx(0.24)
    assert cost.sentence(found) == (
        "A thousand documents like these: 0.07 machine hours, 0.24 EUR (0.24 machine seconds each)."
    )
    assert cost.rows(found)[-1] == ("sum", "120.0", "308.0", "240", "0.24 EUR")
    assert len(cost.head(found)) == len(cost.rows(found)[0]) == 5
    free = made(options=CostOptions())
    assert free.price is None and len(cost.head(free)) == len(cost.rows(free)[0]) == 4
    assert "EUR" not in cost.sentence(free)


def test_machines_count_and_a_run_without_documents_has_no_price_for_them() -> None:
    several = made(machines=3)
    assert several.machine_seconds == 360.0
    assert next(one for one in several.stages if one.name == "rest").cpu_seconds is None  # of others, unknown
    idle = made(work={}, documents=0, clock={"discover": 4.0, "extract": 1.0, "land": 1.0}, seconds=7.0)
    assert idle.machine_seconds == 7.0 and idle.price_per_thousand is None and cost.sentence(idle) == ""


@pytest.mark.parametrize("value", [0.0, 0.0123, 0.5, 1234.5])
def test_small_sums_keep_their_digits(value: float) -> None:
    assert cost.money(value, "EUR") == {0.0: "0.00 EUR", 0.0123: "0.0123 EUR", 0.5: "0.50 EUR"}.get(
        value, "1,234.50 EUR"
    )


def with_cost() -> RunReport:
    return report_of().model_copy(update={"cost": made()})


def test_it_is_in_artifact_page_console_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    report = with_cost()
    table = artifacts.cost_table(report)
    assert "| model | 65.0 | 200.0 | 130 | 0.13 EUR |" in table
    page = as_html(report)
    assert '<tr class="sum"><td>sum</td><td class="n">120.0</td>' in page and "0.24 EUR" in page
    launch.show(report, SimpleNamespace(lake_uri="lake", lake=None, home=report_path()))  # type: ignore[arg-type]
    said = capsys.readouterr().out
    assert "machine s" in said and "A thousand documents like these" in said
    kept = json.loads(report.model_dump_json())["cost"]
    assert kept["machine_seconds"] == 120.0 and kept["price_per_thousand"] == pytest.approx(0.24)
    assert RunReport.model_validate(report.model_dump(mode="json")).cost == report.cost


def report_path() -> object:
    from pathlib import Path

    return Path("/nowhere")


def test_stages_of_the_report_are_those_that_have_a_clock() -> None:
    from flows.report import stage_figures

    names = [stage.name for stage in stage_figures({"extract": 9.0}, WORK, 5, 5, 5)]
    assert names == [
        "extract",
        "extract: read",
        "extract: ocr",
        "extract: model",
        "extract: check",
        "extract: ledger",
    ]


def test_the_price_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARQUETRY_COST__PER_MACHINE_HOUR", "2.5")
    assert load_settings().cost.per_machine_hour == 2.5
    monkeypatch.setenv("PARQUETRY_COST__PER_MACHINE_HOUR", "-1")
    with pytest.raises(UsageError, match=r"cost\.per_machine_hour"):
        load_settings()


def test_time_on_the_ledger_is_a_timing_of_documents(parts: object) -> None:
    from flows import worker
    from flows.composition import Parts
    from tests.flows.working import RUN, work

    assert isinstance(parts, Parts)
    worker.register_inputs(parts, RUN)
    work(parts)
    summed = parts.ledger.reckon(RUN)
    assert 0 < summed.stage_seconds["ledger"] < time.monotonic() and summed.machines == 1
    assert summed.stage_seconds["ledger_cpu"] > 0
