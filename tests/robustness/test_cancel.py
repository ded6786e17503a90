"""Ctrl-C, SIGTERM, SIGKILL and Prefect's cancel, on real processes: nothing survives, nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.dataset as ds
import pytest

from flows.ledger.store import Ledger
from tests.robustness.commands import Command, Start, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RUN = "run --source in --schema invoice --model scripted --home home"
OVER = 90.0
"""Seconds after which no process of a stopped run may be left: 18 by its own clock, and what a busy machine adds."""

OpenLedger = Callable[[], Ledger]


def _in_the_midst(command: Command) -> None:
    """Until some documents are through and some are not, with reading children at work."""
    command.wait_for("3 of 60 documents")
    children = command.note_children()
    assert any("extractors.reading" in " ".join(child.cmdline()) for child in children)


def _nothing_left(command: Command) -> None:
    wait_until(lambda: not command.survivors(), f"{command.survivors()} still run", OVER)


def _rows(tmp_path: Path) -> int:
    """Rows in the lake, each once."""
    keys = ds.dataset(tmp_path / "home" / "lake" / "invoice").to_table()["row_key"].to_pylist()
    assert len(keys) == len(set(keys))
    return len(keys)


def _next_run_finishes(start: Start, open_ledger: OpenLedger, tmp_path: Path, documents: int) -> None:
    command = start(RUN)
    assert command.end() == 0, command.text
    with open_ledger() as ledger:
        outcomes = ledger.status().outcomes
        assert sum(outcomes.values()) == documents
        assert outcomes["accepted"] + outcomes.get("review", 0) == documents
        assert _rows(tmp_path) == outcomes["accepted"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_midst_keeps_what_is_done_and_gives_back_the_rest(
    start: Start,
    home_ledger: OpenLedger,
    tmp_path: Path,
    documents: int,
    number: signal.Signals,
    code: int,
) -> None:
    command = start(RUN)
    _in_the_midst(command)
    command.process.send_signal(number)
    assert command.end(OVER) == code, command.text
    _nothing_left(command)
    assert command.text.count("Stopped.") == 1 and "goes on where it was stopped" in command.text
    assert "Traceback" not in command.text
    with home_ledger() as ledger:
        status = ledger.status()
        assert "processing" not in status.documents  # given back at once, not after a lease
        assert status.runs[0].state == "cancelled"
        done = documents - status.outcomes["pending"]
        assert 3 <= done < documents
        before = {d.document_id for d in ledger.run_documents(status.runs[0].run_id) if d.outcome}
    (report,) = (tmp_path / "home" / "reports").glob("*.json")
    assert '"state": "cancelled"' in report.read_text(encoding="utf-8")

    _next_run_finishes(start, home_ledger, tmp_path, documents)
    with home_ledger() as ledger:
        (newest, *_) = ledger.newest_runs()
        assert ledger.processed_in(newest.run_id) == documents - done
        for document_id in before:  # what was finished was not done again
            steps = [t.to_state.value for t in ledger.document(document_id or "").transitions]
            assert steps.count("processing") == 1


def test_a_second_ctrl_c_does_not_wait(start: Start, home_ledger: OpenLedger, documents: int) -> None:
    command = start(RUN)
    _in_the_midst(command)
    began = time.monotonic()
    while command.process.poll() is None and time.monotonic() - began < OVER:
        command.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert command.end(60) == 130, command.text
    _nothing_left(command)
    assert "Traceback" not in command.text
    with home_ledger() as ledger:
        status = ledger.status()
        assert "processing" not in status.documents
        assert sum(status.outcomes.values()) == documents


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_while_the_prefect_server_starts(
    start: Start, documents: int, number: signal.Signals, code: int
) -> None:
    command = start(RUN, PREFECT_API_URL="")
    command.wait_for("Starting a Prefect server")
    wait_until(lambda: bool(command.note_children()), "the server's process")
    command.process.send_signal(number)
    assert command.end(OVER) == code, command.text
    _nothing_left(command)
    assert command.text.count("Stopped.") == 1
    assert "Traceback" not in command.text


def test_a_killed_run_takes_its_children_with_it_and_the_next_one_goes_on(
    start: Start, home_ledger: OpenLedger, tmp_path: Path, documents: int
) -> None:
    command = start(RUN, PARQUETRY_LEASE_SECONDS="5")
    _in_the_midst(command)
    command.process.kill()
    command.end()
    _nothing_left(command)
    _next_run_finishes(start, home_ledger, tmp_path, documents)


def test_a_stopped_serve_leaves_no_flow_behind(start: Start, documents: int, tmp_path: Path) -> None:
    """Prefect's own processes, and a run cancelled through its API: the way of the button in its UI."""
    from tests.robustness.served import cancel, ports, run_now, state_of

    prefect, review = ports()
    line = "serve --home home --source in --schema invoice --model scripted"
    command = start(
        f"{line} --prefect-port {prefect} --review-port {review}",
        PREFECT_API_URL="",
        PREFECT_RUNNER_POLL_FREQUENCY="2",
    )
    api = f"http://127.0.0.1:{prefect}/api"
    wait_until(lambda: (tmp_path / "home" / "serve.json").exists(), "serve is up", 600)
    with Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}") as ledger:
        first = run_now(api)
        wait_until(lambda: ledger.status().outcomes.get("accepted", 0) >= 3, "some are through", 400)
        children = command.note_children()
        readers = [c for c in children if "extractors.reading" in " ".join(c.cmdline())]
        assert readers
        cancel(api, first)
        gone = time.monotonic() + OVER + 10  # Prefect looks every few seconds
        wait_until(lambda: not any(_runs(c) for c in readers), "the readers end", gone - time.monotonic())
        wait_until(lambda: state_of(api, first) == "CANCELLED", "Prefect says so")
        status = ledger.status()
        assert "processing" not in status.documents and status.runs[0].state == "cancelled"
        done = sum(count for name, count in status.outcomes.items() if name != "pending")

        run_now(api)
        wait_until(
            lambda: (documents - ledger.status().outcomes.get("pending", documents)) > done,
            "the next one goes on",
            400,
        )
        command.note_children()
        os.kill(command.process.pid, signal.SIGTERM)
        assert command.end() == 0
        _nothing_left(command)
        assert sum(ledger.status().outcomes.values()) == documents


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
