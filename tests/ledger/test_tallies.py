"""Metrics of the ledger: everything that happened is counted once, whoever asks, whenever."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from flows.ledger import tallies
from flows.ledger.figures import MetricFigures
from flows.ledger.models import Tally, Transition
from flows.ledger.store import Ledger
from schemas.outcome import FailureReason
from tests.ledger.builders import SCHEMA, add, claim, extraction, process, start
from tests.ledger.test_lost_workers import Clock

NAME = SCHEMA.name


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(ledger: Ledger, clock: Clock) -> Ledger:
    return Ledger(ledger._engine, clock=clock)


def _steps(found: MetricFigures) -> dict[str, float]:
    return {label: value for (name, _, label), value in found.sums.items() if name == "steps"}


def _costly(ledger: Ledger, **more: float) -> None:
    (claimed,) = claim(ledger, limit=1)
    done = extraction(claimed.sha256).model_copy(
        update={
            "counts": {
                "pages": 3,
                "pages_ocr": 2,
                "pages_blank": 1,
                "model_calls": 6,
                "prompt_tokens": 700,
                "answer_tokens": 80,
                "retries": 1,
            },
            "timings": {"read": 4.0, "ocr": 3.0, "model": 0.25, "total": 5.0, "read_cpu": 1.5, **more},
        }
    )
    ledger.record_extraction(claimed.document_id, claimed.token, done)


def test_every_step_counts_once_before_and_after_it_is_folded(timed: Ledger, clock: Clock) -> None:
    start(timed)
    for name in "abc":
        add(timed, "run-1", f"{name}.pdf", name)
    process(timed)
    expected = {">pending": 3.0, "pending>processing": 3.0, "processing>accepted": 3.0}
    assert _steps(timed.metric_figures()) == expected
    with timed._read() as session:
        assert not session.scalars(select(Tally)).all()  # all of it is too fresh
    clock.passes(200)
    assert _steps(timed.metric_figures()) == expected
    with timed._read() as session:
        assert session.scalar(select(Tally.value).where(Tally.name == "mark"))
    add(timed, "run-1", "d.pdf", "d")
    assert _steps(timed.metric_figures()) == {**expected, ">pending": 4.0}
    clock.passes(200)
    assert _steps(timed.metric_figures()) == {**expected, ">pending": 4.0}


def test_what_documents_cost_is_summed_by_stage(timed: Ledger, clock: Clock) -> None:
    start(timed)
    add(timed, "run-1", "a.pdf", "a")
    _costly(timed)
    for _ in range(2):
        sums = timed.metric_figures().sums
        assert sums["pages", NAME, "ocr"] == 2 and sums["pages", NAME, "blank"] == 1
        assert sums["model", NAME, "model_calls"] == 6 and sums["model", NAME, "retries"] == 1
        assert sums["model", NAME, "prompt_tokens"] == 700 and sums["model", NAME, "answer_tokens"] == 80
        assert sums["seconds", NAME, "read"] == 1.0  # without OCR, which is a stage of its own
        assert sums["seconds", NAME, "ocr"] == 3.0 and sums["cpu", NAME, "read"] == 1.5
        at = tallies.BUCKETS.index(0.25)
        assert sums["bucket", NAME, f"model|{at}"] == 1  # the bound itself is below it, as `le` says
        clock.passes(200)


def test_a_document_that_is_done_again_counts_again_with_what_it_cost_each_time(
    timed: Ledger, clock: Clock
) -> None:
    start(timed)
    add(timed, "run-1", "a.pdf", "a")
    _costly(timed)
    clock.passes(1)
    start(timed, "run-2")
    add(timed, "run-2", "a.pdf", "a")
    assert timed.reprocess("run-2") == 1
    (claimed,) = claim(timed, "run-2", limit=1)
    timed.record_extraction(claimed.document_id, claimed.token, extraction(claimed.sha256))
    sums = timed.metric_figures().sums
    assert sums["seconds", NAME, "read"] == 1.5  # 1.0 of the first time, 0.5 of the second
    assert sums["steps", NAME, "processing>accepted"] == 2


def test_lost_leases_failures_and_what_is_released(timed: Ledger, clock: Clock) -> None:
    start(timed)
    add(timed, "run-1", "a.pdf", "a")
    (first,) = claim(timed, worker="one", limit=1)
    timed.release(first.document_id, first.token)
    claim(timed, worker="one", limit=1)
    clock.passes()
    (again,) = claim(timed, worker="two", limit=1)
    timed.record_extraction(
        again.document_id,
        again.token,
        extraction(again.sha256, failed=True, failure=FailureReason.MODEL_ERROR),
    )
    start(timed, "run-2")
    add(timed, "run-2", "a.pdf", "a")
    claim(timed, "run-2", worker="three", limit=1)
    steps = _steps(timed.metric_figures())
    assert steps["processing>processing"] == 1  # the lease that ran out
    assert steps["processing>failed"] == 1 and steps["failed>processing"] == 1
    assert steps["processing>pending"] == 1


def test_an_old_ledger_is_folded_in_parts(
    timed: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(timed)
    for name in "abcdefgh":
        add(timed, "run-1", f"{name}.pdf", name)
    process(timed)
    with timed._write() as session:  # as tables before version 9 have it
        for step in session.scalars(select(Transition)):
            step.figures = None
    clock.passes(200)
    monkeypatch.setattr(tallies, "CHUNK", 5)
    sums = timed.metric_figures().sums
    assert sums["steps", NAME, "processing>accepted"] == 8
    assert sums["seconds", NAME, "read"] == 4.0  # of the documents' own figures


def test_many_who_ask_at_once_fold_nothing_twice(ledger: Ledger) -> None:
    later = Clock()
    writer = Ledger(ledger._engine, clock=later)
    start(writer)
    for number in range(30):
        add(writer, "run-1", f"{number}.pdf", str(number))
    process(writer)
    later.passes(200)
    together, found = Barrier(6), list[float]()

    def ask() -> None:
        together.wait()
        found.append(writer.metric_figures().sums["steps", NAME, "processing>accepted"])

    threads = [Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [30.0] * 6


def test_the_queue_runs_and_rows_as_they_are(timed: Ledger, clock: Clock) -> None:
    start(timed)
    for name in "ab":
        add(timed, "run-1", f"{name}.pdf", name)
    process(timed, accepted=False)
    clock.passes(3600)
    found = timed.metric_figures()
    assert (found.waiting[NAME].documents, found.waiting[NAME].oldest_seconds) == (2, 3600.0)
    assert found.runs == {(NAME, "running"): 1} and found.completed == {}
    timed.finish_run("run-1", "completed")
    assert timed.metric_figures().completed == {NAME: clock.time.timestamp()}
    add(timed, "run-1", "c.pdf", "c")
    start(
        timed,
        "run-2",
    )
    process(timed)
    assert timed.metric_figures().to_land == {NAME: 1}
    timed.register_schema(SCHEMA)
    (batch,) = timed.freeze_batch(NAME)
    assert timed.metric_figures().to_land == {NAME: 1}
    timed.mark_landed(batch.batch_id, "x.parquet", 1, "0" * 64)
    assert timed.metric_figures().to_land == {} and timed.metric_figures().landed == {NAME: 1}
