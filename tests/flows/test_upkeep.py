"""Upkeep without Prefect: what lost processes left, files without an owner, books that must add up."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from pathlib import Path

import pytest

from flows import maintain
from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger
from flows.settings import Settings, load_settings
from flows.upkeep import books, leases, refit, sweep
from flows.upkeep.findings import Finding
from schemas.errors import ConservationError
from schemas.outcome import FailureReason
from tests.databases import sqlite_ledger
from tests.ledger.builders import MODEL, SCHEMA, add, claim, process, start
from tests.ledger.test_lost_workers import Clock

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    opened = Ledger.open(sqlite_ledger(tmp_path / "ledger.db"))
    return Ledger(opened._engine, clock=clock)


def _start(ledger: Ledger, lease_seconds: float) -> None:
    ledger.start_run(
        run_id="run-1",
        source="/in",
        schema=SCHEMA.name,
        fingerprint=SCHEMA.fingerprint,
        model=MODEL,
        parameters={},
        lease_seconds=lease_seconds,
    )


def test_what_a_lost_process_holds_goes_back_and_its_run_shows_as_crashed(
    ledger: Ledger, clock: Clock
) -> None:
    _start(ledger, 60)
    for name in "ab":
        add(ledger, "run-1", f"{name}.pdf")
    held = claim(ledger, worker="gone:1:a", limit=2)
    clock.passes(120)
    nothing = leases.reap_leases(ledger, grace=HOUR, max_attempts=3)
    assert nothing.verdict == "ok"  # a process that is late is not lost yet
    assert ledger.document(held[0].document_id).state is DocumentState.PROCESSING
    clock.passes(3600)
    found = leases.reap_leases(ledger, grace=HOUR, max_attempts=3)
    assert found.verdict == "done" and found.said.startswith("2 documents given back")
    assert found.details == ["run run-1 was lost, and shows as crashed now"]
    assert ledger.document(held[0].document_id).state is DocumentState.PENDING
    assert ledger.run("run-1").state == "crashed"
    assert leases.reap_leases(ledger, grace=HOUR, max_attempts=3).verdict == "ok"
    # Who was only late after all records nothing: another worker may have the document.
    with pytest.raises(Exception, match="no longer held"):
        ledger.heartbeat(held[0].document_id, held[0].token, lease_seconds=60)


def test_a_document_that_took_all_its_workers_with_it_is_set_aside_and_one_on_its_last_chance_is_left(
    ledger: Ledger, clock: Clock
) -> None:
    _start(ledger, 60)
    add(ledger, "run-1", "a.pdf")
    states = []
    for number in range(3):
        (held,) = claim(ledger, worker=f"h:{number}:a", limit=1)
        clock.passes(7200)
        leases.reap_leases(ledger, grace=HOUR, max_attempts=3)
        states.append(ledger.document(held.document_id).state)
    # The second time it is left for a claim, which gives it out alone.
    assert states == [DocumentState.PENDING, DocumentState.PROCESSING, DocumentState.FAILED]
    assert ledger.run_documents("run-1")[0].reasons == [FailureReason.READER_CRASHED]


def _settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", model="scripted", schema="invoice")


def test_leftovers_of_dead_processes_are_deleted_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    spool = settings.home / "spool"
    host = "".join(c if c.isalnum() else "_" for c in socket.gethostname())
    mine = spool / f"{host}-{os.getpid()}-x"
    dead = spool / f"{host}-999999999-x"
    far_old, far_new = spool / "elsewhere-1-x", spool / "elsewhere-2-x"
    for folder in (mine, dead, far_old, far_new):
        folder.mkdir(parents=True)
        (folder / "copy").write_bytes(b"secret")
    (settings.home / "blobs").mkdir()
    half, fresh = settings.home / "blobs" / ".incoming-a", settings.home / "blobs" / ".incoming-b"
    for file in (half, fresh, settings.home / "blobs" / ("0" * 64)):
        file.write_bytes(b"x")
    long_ago = time.time() - 3 * 24 * 3600
    for path in (far_old / "copy", far_old, half):
        os.utime(path, (long_ago, long_ago))
    settings.logs.mkdir()
    logs = [settings.logs / name for name in ("ray-gpu-1-7.log", "ray-gpu-1-8.log", "run.log")]
    for log, days in zip(logs, (31, 3, 31), strict=True):
        log.touch()
        os.utime(log, (at := time.time() - days * 24 * 3600, at))
    found = sweep.sweep_scratch(settings, older_than_seconds=24 * 3600)
    assert found.verdict == "done" and found.said.startswith("4 leftovers")
    assert [log.exists() for log in logs] == [
        False,
        True,
        True,
    ]  # of many short-lived processes only, and the oldest
    assert (mine.exists(), far_new.exists(), fresh.exists()) == (True, True, True)
    assert (dead.exists(), far_old.exists(), half.exists()) == (False, False, False)
    assert (settings.home / "blobs" / ("0" * 64)).exists()
    assert sweep.sweep_scratch(settings, older_than_seconds=24 * 3600).verdict == "ok"


def test_books_that_do_not_add_up_are_wrong_and_say_so(tmp_path: Path, ledger: Ledger) -> None:
    settings = _settings(tmp_path)
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    process(ledger)
    ledger.finish_run("run-1", "completed")
    assert books.check_runs(ledger, 10).verdict == "ok"
    assert books.check_trail(ledger).verdict == "ok"
    assert books.check_lake_against_ledger(ledger, settings).verdict == "ok"
    with ledger._engine.begin() as connection:  # a later run has begun it anew
        connection.exec_driver_sql("UPDATE inputs SET outcome = NULL")
        connection.exec_driver_sql("UPDATE documents SET state = 'pending'")
    assert books.check_runs(ledger, 10).verdict == "ok"
    with pytest.raises(ConservationError):
        ledger.check_conservation("run-1")
    with ledger._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET state = 'accepted'")
        connection.exec_driver_sql("UPDATE inputs SET outcome = 'rejected'")
    wrong = books.check_runs(ledger, 10)
    assert wrong.verdict == "fail" and "1 run of the last 1" in wrong.said and wrong.details


def test_a_calibration_is_fitted_on_samples_only_and_never_on_too_few(tmp_path: Path, ledger: Ledger) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    process(ledger)

    def asked() -> None:
        raise AssertionError("the model was asked")

    found = refit.refit_calibration(
        ledger,
        _settings(tmp_path),
        least=10,
        model_in_use=asked,  # type: ignore[arg-type]
    )
    assert found.verdict == "ok"
    assert found.details == [f"{SCHEMA.name}: 0 of 10 documents decided that were drawn at random"]


def test_a_step_that_breaks_is_a_finding_and_ends_nothing() -> None:
    def broken() -> Finding:
        raise OSError(28, "No space left on device")

    found = maintain.run_step.fn("scratch", broken)
    assert (found.step, found.verdict) == ("scratch", "fail")
    assert found.said == "It could not be done: OSError: No space left on device."
