"""What becomes of documents, and runs, whose worker does not come back; by a clock that the tests move."""

from __future__ import annotations

import datetime as dt

import pytest

from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger
from schemas.outcome import FailureReason
from tests.ledger.builders import MODEL, SCHEMA, add, claim, extraction, start


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

    def __call__(self, _session: object) -> dt.datetime:
        return self.time

    def passes(self, seconds: float = 61) -> None:
        self.time += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(ledger: Ledger, clock: Clock) -> Ledger:
    """The ledger, by that clock."""
    return Ledger(ledger._engine, clock=clock)


def test_what_lost_its_worker_comes_before_what_is_pending(timed: Ledger, clock: Clock) -> None:
    ledger = timed
    start(ledger)
    for number in range(5):
        add(ledger, "run-1", f"{number}.pdf")
    lost = claim(ledger, worker="h:1:a", limit=2)
    clock.passes()
    (first,) = claim(ledger, worker="h:2:a", limit=1)
    (second,) = claim(ledger, worker="h:2:b", limit=1)
    assert {first.document_id, second.document_id} == {c.document_id for c in lost}
    assert claim(ledger, worker="h:2:c", limit=1)[0].attempts == 1


def test_documents_on_their_last_chance_are_not_taken_side_by_side(timed: Ledger, clock: Clock) -> None:
    """One of three kills every process; the others were only beside it, and get through."""
    ledger = timed
    start(ledger)
    for name in "abc":
        add(ledger, "run-1", f"{name}.pdf")
    for number in (1, 2):
        assert len(claim(ledger, worker=f"h:{number}:a")) == 3
        clock.passes()
    (alone,) = claim(ledger, worker="h:3:a")
    assert claim(ledger, worker="h:3:b") == [], "beside a document that may be the last of its process"
    (other,) = claim(ledger, worker="h:4:a")
    assert other.document_id != alone.document_id
    ledger.record_extraction(other.document_id, other.token, extraction(other.sha256))
    clock.passes()  # the third process is lost, too, with the one document it held
    (last,) = claim(ledger, worker="h:4:a")
    ledger.record_extraction(last.document_id, last.token, extraction(last.sha256))
    assert claim(ledger, worker="h:4:a") == []
    assert ledger.outcome_counts("run-1") == {"accepted": 2, "failed": 1}
    assert ledger.document(alone.document_id).state is DocumentState.FAILED
    ledger.check_conservation("run-1")


def test_a_process_that_was_late_has_not_lost_a_worker(timed: Ledger, clock: Clock) -> None:
    """On a machine too busy for heartbeats a thread takes over what another one of its process works on."""
    ledger = timed
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    for number in range(5):
        (held,) = claim(ledger, worker=f"h:1-x:{number}")
        clock.passes()
    assert held.attempts == 5
    (held,) = claim(ledger, worker="h:1-y:0")  # the same number, but a process that was started after it
    assert held.attempts == 6
    clock.passes()
    (held,) = claim(ledger, worker="h:1-z:0")
    clock.passes()
    assert claim(ledger, worker="h:1-y:0") == []
    assert "3 workers in a row" in ledger.run_documents("run-1")[0].detail


def test_failures_of_the_model_are_no_lost_workers(timed: Ledger, clock: Clock) -> None:
    """A worker lost once, after two failures, is one lost worker: the document is given out again."""
    ledger = timed
    for number in (1, 2):
        run = start(ledger, f"run-{number}")
        add(ledger, run, "a.pdf")
        (held,) = claim(ledger, run)
        ledger.record_extraction(
            held.document_id,
            held.token,
            extraction(held.sha256, failure=FailureReason.MODEL_ERROR, failed=True),
        )
    run = start(ledger, "run-3")
    add(ledger, run, "a.pdf")
    claim(ledger, run)
    clock.passes()
    (again,) = claim(ledger, run)
    assert again.attempts == 4
    ledger.record_extraction(again.document_id, again.token, extraction(again.sha256))
    assert ledger.outcome_counts(run) == {"accepted": 1}


def test_every_step_keeps_the_token_it_was_made_under(timed: Ledger, clock: Clock) -> None:
    ledger = timed
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    (first,) = claim(ledger, worker="one")
    ledger.release(first.document_id, first.token)
    claim(ledger, worker="two")
    clock.passes()
    (third,) = claim(ledger, worker="three")
    ledger.record_extraction(third.document_id, third.token, extraction(third.sha256))
    steps = [(t.from_state, t.to_state, t.token) for t in ledger.document(first.document_id).transitions]
    assert steps == [
        (None, "pending", 0),
        ("pending", "processing", 1),
        ("processing", "pending", 1),
        ("pending", "processing", 3),
        ("processing", "processing", 4),
        ("processing", "accepted", 4),
    ]


def test_a_run_whose_process_was_lost_is_shown_as_crashed(timed: Ledger, clock: Clock) -> None:
    ledger = timed
    start(ledger)
    assert ledger.run("run-1").state == "running"  # without a lease it is believed
    lease = {"source": "in", "schema": SCHEMA.name, "fingerprint": SCHEMA.fingerprint, "parameters": {}}
    ledger.start_run(run_id="run-2", model=MODEL, lease_seconds=60, **lease)  # type: ignore[arg-type]
    clock.passes(50)
    ledger.keep_run("run-2", lease_seconds=60)
    clock.passes(50)
    assert ledger.run("run-2").state == "running"
    clock.passes(20)
    lost = ledger.run("run-2")
    assert lost.state == "crashed" and lost.finished_at == clock.time - dt.timedelta(seconds=10)
    assert {run.run_id: run.state for run in ledger.status().runs} == {"run-1": "running", "run-2": "crashed"}
    ledger.finish_run("run-2", "completed")  # it was only slow
    ledger.keep_run("run-2", lease_seconds=60)
    clock.passes()
    assert ledger.run("run-2").state == "completed"
