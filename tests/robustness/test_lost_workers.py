"""Workers that really die, or really stop and come back, amid a document; on both databases."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from benchmarks import check, program
from benchmarks.crew import Crew
from benchmarks.documents import write_documents
from benchmarks.program import Plan
from flows.ledger.records import DocumentRecord, DocumentState
from flows.ledger.store import Ledger
from tests.robustness import programs

pytestmark = pytest.mark.slow
RUN = "run-1"
PATIENCE_SECONDS = 240


def wait_until(ready: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < until, f"{what}: not within {PATIENCE_SECONDS} s"
        time.sleep(0.05)


def registered(plan: Plan, crew: Crew, ledger: Ledger, documents: int) -> None:
    """So many documents are in the ledger, and the run goes on."""
    write_documents(plan.source, range(documents))
    crew.start("discovery", program.discover, plan, "discovery", RUN)
    wait_until(lambda: sum(ledger.outcome_counts().values()) == documents, "discovery")


def through(ledger: Ledger) -> bool:
    counts = ledger.outcome_counts()
    return bool(counts) and "pending" not in counts


def finished(plan: Plan, crew: Crew, ledger: Ledger) -> dict[str, DocumentRecord]:
    """Lands, ends all processes, checks the books; the documents by the name of their file."""
    crew.start("landing", program.land, plan, "landing", RUN)
    wait_until(lambda: not ledger.status().rows_to_land, "landing")
    plan.stop.touch()
    crew.join(*(name for name in crew.names() if crew.alive(name)))
    ledger.check_conservation(RUN)
    found = [ledger.document(str(d.document_id)) for d in ledger.run_documents(RUN)]
    return {record.uri.rsplit("/", 1)[-1]: record for record in found}


def all_accepted(documents: dict[str, DocumentRecord]) -> bool:
    others = {n: (d.inputs[0].detail, d.transitions) for n, d in documents.items() if d.state != "accepted"}
    assert not others, others
    return True


def test_a_document_that_kills_its_workers_is_set_aside_and_its_neighbours_land(
    plan: Plan, crew: Crew
) -> None:
    with Ledger.open(plan.database) as ledger:
        registered(plan, crew, ledger, 6)
        deaths = 0
        crew.start("work", programs.work, programs.with_threads(plan, 3), "work", RUN, programs.die_of_it)

        def all_through() -> bool:
            nonlocal deaths
            if not crew.alive("work"):
                assert crew.exit_code("work") == -signal.SIGKILL
                deaths += 1
                crew.restart("work")
            return through(ledger)

        wait_until(all_through, "the workers")
        documents = finished(plan, crew, ledger)
    deadly = documents.pop("B-00000000.pdf")
    assert deaths == 3
    assert deadly.state is DocumentState.FAILED
    assert deadly.inputs[0].reason == "reader_crashed"
    assert "3 workers in a row" in deadly.inputs[0].detail
    assert all_accepted(documents)
    found = check.reckon(plan, 6)
    assert found.clean, found.faults()
    assert found.rows == 5


def test_documents_of_a_dead_worker_are_taken_over(plan: Plan, crew: Crew) -> None:
    with Ledger.open(plan.database) as ledger:
        registered(plan, crew, ledger, 8)
        crew.start("dies", programs.work, programs.with_threads(plan, 2), "dies", RUN, programs.hold_it)
        wait_until(lambda: ledger.status().documents.get("processing") == 2, "claims")
        crew.kill("dies")
        crew.start("lives", programs.work, plan, "lives", RUN, programs.nothing)
        wait_until(lambda: through(ledger), "the other worker")
        documents = finished(plan, crew, ledger)
    taken_over = [d for d in documents.values() if any("taken over" in t.detail for t in d.transitions)]
    assert len(taken_over) == 2
    assert all_accepted(documents)
    found = check.reckon(plan, 8)
    assert found.clean and found.rows == 8, found.faults()


def test_a_worker_that_was_stopped_past_its_lease_can_write_nothing(plan: Plan, crew: Crew) -> None:
    with Ledger.open(plan.database) as ledger:
        registered(plan, crew, ledger, 1)
        crew.start("stops", programs.work, programs.with_threads(plan, 1), "stops", RUN, programs.hold_it)
        wait_until((plan.folder / "held").exists, "the claim")
        crew.signal("stops", signal.SIGSTOP)
        crew.start("takes-over", programs.work, plan, "takes-over", RUN, programs.nothing)
        wait_until(lambda: through(ledger), "the other worker")
        (document_id,) = (str(d.document_id) for d in ledger.run_documents(RUN))
        before = ledger.document(document_id)
        crew.signal("stops", signal.SIGCONT)
        (plan.folder / "go").touch()
        log = plan.logs / "stops.log"
        wait_until(lambda: "after its lease was lost" in log.read_text(), "the refusal")
        assert ledger.document(document_id) == before
        finished(plan, crew, ledger)
    found = check.reckon(plan, 1)
    assert found.clean and found.rows == 1, found.faults()
