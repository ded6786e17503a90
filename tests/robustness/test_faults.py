"""Faults at the boundaries of a run: each leaves a clear error, and a state from which the next run finishes."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from flows import conductor, worker
from flows.composition import Parts
from flows.ledger import engine as ledger_engine
from flows.ledger.records import LedgerUnavailableError
from flows.ledger.store import Ledger
from flows.report import RunReport
from flows.settings import load_settings
from flows.spool import Spool
from schemas.document import DocumentRef
from schemas.errors import BackendError, LedgerError, OutageError
from schemas.outcome import Outcome
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, acts, begin, make_parts, work
from tests.robustness.commands import Start, wait_until
from tests.robustness.postgres import CrashingPostgres, LossyLine

DOCUMENTS = 8


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    monkeypatch.setattr(worker, "BACKEND_PAUSES", (0.0, 0.0))
    made = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=DOCUMENTS)
    yield made
    made.spool.close()
    made.ledger.close()


def _finish(parts: Parts, run_id: str) -> None:
    """The next run does all that is left, each document once, and its books are in order."""
    begin(parts, run_id)
    worker.register_inputs(parts, run_id)
    work(parts, run_id)
    parts.ledger.check_conservation(run_id)
    status = parts.ledger.status()
    assert status.outcomes == {"review": DOCUMENTS}
    assert status.documents == {"review": DOCUMENTS}


def test_a_model_that_is_gone_stops_the_run_and_the_rest_stays_pending(parts: Parts) -> None:
    def act(_: DocumentRef) -> None:
        raise BackendError("CUDA error: the GPU has fallen off the bus")

    acts(parts, act)
    worker.register_inputs(parts, RUN)
    work(parts)
    assert isinstance(parts.outage, OutageError)
    assert "fallen off the bus" in str(parts.outage) and "test page" in str(parts.outage)
    assert parts.ledger.outcome_counts(RUN) == {"failed": 4, "pending": DOCUMENTS - 4}
    acts(parts, lambda ref: None)
    _finish(parts, "run-2")


def test_documents_that_upset_the_model_do_not_stop_the_run(parts: Parts) -> None:
    def act(ref: DocumentRef) -> None:
        if ref.uri.endswith(".pdf") and ref.uri.startswith("file:"):
            raise BackendError("too many tokens")

    acts(parts, act)
    worker.register_inputs(parts, RUN)
    work(parts)
    assert parts.outage is None
    assert parts.ledger.outcome_counts(RUN) == {"failed": DOCUMENTS}
    parts.ledger.check_conservation(RUN)


def test_a_full_disk_in_the_spool_is_not_the_documents_fault(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's own device that is always full stands in the place of a download."""

    def full(spool: Spool) -> Path:
        path = spool.folder / f"incoming-{time.monotonic_ns()}-{threading.get_ident()}"
        path.symlink_to("/dev/full")
        return path

    with monkeypatch.context() as patch:
        patch.setattr(Spool, "new", full)
        with pytest.raises(OutageError, match="No space left on device") as caught:
            worker.register_inputs(parts, RUN)
        assert "Make room" in caught.value.remedy
        assert parts.ledger.outcome_counts(RUN) == {}
    begin(parts, "run-2")
    worker.register_inputs(parts, "run-2")
    for copy in parts.spool.folder.iterdir():
        copy.unlink()  # so that each is fetched again when it is claimed
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "new", full)
        work(parts, "run-2")
    assert parts.outage is not None and "No space left" in str(parts.outage)
    assert parts.ledger.outcome_counts("run-2") == {"pending": DOCUMENTS}
    _finish(parts, "run-3")


def test_a_full_disk_under_the_copies_for_review_is_not_the_documents_fault(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*, prefix: str, dir: Path) -> tuple[int, str]:
        path = dir / f"{prefix}{time.monotonic_ns()}"
        path.symlink_to("/dev/full")
        return os.open(path, os.O_WRONLY), str(path)

    worker.register_inputs(parts, RUN)
    with monkeypatch.context() as patch:
        patch.setattr("flows.review.blobs.tempfile.mkstemp", full)
        work(parts)
    assert parts.outage is not None and "No space left" in str(parts.outage)
    assert "Make room" in parts.outage.remedy
    assert parts.ledger.outcome_counts(RUN) == {"pending": DOCUMENTS}
    assert list(parts.blobs.folder.iterdir()) == []  # nothing half written, under whatever name
    _finish(parts, "run-2")
    kept = {blob.name for blob in parts.blobs.folder.iterdir()}
    assert kept == {hashlib.sha256(blob.read_bytes()).hexdigest() for blob in parts.blobs.folder.iterdir()}
    assert len(kept) == DOCUMENTS


def test_a_full_disk_while_a_kept_copy_is_taken_leaves_the_document_pending(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document that is done again is read from what is kept for review."""
    worker.register_inputs(parts, RUN)
    work(parts)
    begin(parts, "run-2")
    list(parts.ledger.reopen("run-2", Outcome.REVIEW))

    def full(_: Path, to: Path) -> None:
        to.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("flows.worker.shutil.copyfile", full)
        work(parts, "run-2")
    assert parts.outage is not None and "No space left" in str(parts.outage)
    assert list(parts.spool.folder.iterdir()) == []
    assert parts.ledger.outcome_counts("run-2") == {"pending": DOCUMENTS}
    _finish(parts, "run-3")


def test_a_full_disk_under_the_ledger_is_told_and_nothing_is_lost(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.0,))
    worker.register_inputs(parts, RUN)
    limit = {"pages": 0}

    @event.listens_for(parts.ledger._engine, "checkout")
    def _limited(connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit['pages'] or 1_000_000}")

    with sqlite3.connect(parts.settings.home.parent / "ledger.db") as raw:
        limit["pages"] = raw.execute("PRAGMA page_count").fetchone()[0]
    with pytest.raises(LedgerUnavailableError, match="full") as caught:
        work(parts)
    assert "disk space" in caught.value.remedy
    limit["pages"] = 0
    with sqlite3.connect(parts.settings.home.parent / "ledger.db") as raw:  # as if the lease had run out
        raw.execute(
            "UPDATE documents SET lease_until = '2000-01-01 00:00:00.000000' WHERE state = 'processing'"
        )
    _finish(parts, "run-2")


def test_a_locked_database_is_waited_for(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ledger_engine, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.2,) * 50)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(1.5, other.rollback).start()
    _finish(parts, RUN)
    other.close()


def test_a_read_error_in_the_source_costs_one_document(parts: Parts) -> None:
    """Reading this file of the kernel from its start is an input/output error."""
    (Path(parts.source) / "broken.pdf").symlink_to("/proc/self/mem")
    worker.register_inputs(parts, RUN)
    documents = work(parts)
    assert documents["broken.pdf"].outcome == "failed"
    assert documents["broken.pdf"].reasons == ["unavailable"]
    assert parts.ledger.outcome_counts(RUN) == {"review": DOCUMENTS, "failed": 1}
    parts.ledger.check_conservation(RUN)


def test_a_log_that_cannot_be_written_is_told_once_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings(home=tmp_path / "home")
    settings.logs.mkdir(parents=True)
    (settings.logs / "full.log").symlink_to("/dev/full")
    conductor.log_to_file(settings, "full")
    try:
        for _ in range(3):
            logging.getLogger("flows.test").warning("something")
    finally:
        conductor.log_to_file(load_settings(home=tmp_path / "other"), "other")
    said = capsys.readouterr().err
    assert said.count("No space left on device") == 1
    assert "The run goes on" in said and "Traceback" not in said


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[CrashingPostgres]:
    server = CrashingPostgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _crew(parts: Parts, run_id: str, size: int = 3) -> list[threading.Thread]:
    """Workers side by side, as the flow has them; they come back until all is done."""
    errors: list[BaseException] = []

    def labour() -> None:
        try:
            while worker.patiently(parts, "counting", lambda: parts.ledger.open_documents(run_id)):
                if not worker.work_on_next(parts, run_id):
                    time.sleep(0.2)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=labour, name=f"worker-{n}") for n in range(size)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.slow
@pytest.mark.postgres
def test_a_database_that_crashes_and_comes_back(
    tmp_path: Path, postgres: CrashingPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.5,) * 120)
    parts = make_parts(tmp_path, postgres.url, documents=DOCUMENTS, lease_seconds=5)
    worker.register_inputs(parts, RUN)
    acts(parts, lambda ref: time.sleep(0.3))
    threads = _crew(parts, RUN)
    wait_until(lambda: parts.ledger.outcome_counts(RUN).get("review", 0) >= 2, "two are through")
    postgres.crash()
    time.sleep(2)
    postgres.start()
    for thread in threads:
        thread.join(240)
    assert parts.ledger.outcome_counts(RUN) == {"review": DOCUMENTS}
    parts.ledger.check_conservation(RUN)
    parts.ledger.close()


@pytest.mark.slow
@pytest.mark.postgres
def test_a_database_that_stays_away_ends_the_work_with_a_clear_error(
    tmp_path: Path, postgres: CrashingPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.1, 0.1))
    parts = make_parts(tmp_path, postgres.url, documents=DOCUMENTS, lease_seconds=5)
    worker.register_inputs(parts, RUN)
    acts(parts, lambda ref: postgres.crash())
    with pytest.raises(LedgerError, match="cannot be used") as caught:
        work(parts)
    assert "Check that the server runs" in caught.value.remedy
    postgres.start()
    acts(parts, lambda ref: None)
    begin(parts, "run-2")
    worker.register_inputs(parts, "run-2")
    for thread in _crew(parts, "run-2", 1):
        thread.join(240)
    assert parts.ledger.outcome_counts("run-2") == {"review": DOCUMENTS}
    parts.ledger.check_conservation("run-2")
    parts.ledger.close()


@pytest.mark.slow
@pytest.mark.postgres
def test_replies_lost_after_the_commit_duplicate_nothing(
    tmp_path: Path, postgres: CrashingPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real commits on a real server, whose replies never arrive."""
    monkeypatch.setattr(worker, "LEDGER_PAUSES", (0.05,) * 40)
    monkeypatch.setattr(worker, "FETCHES", 1)
    line = LossyLine(str(postgres.folder / ".s.PGSQL.5432"), share=0.3)
    parts = make_parts(tmp_path, postgres.url, documents=DOCUMENTS, lease_seconds=5)
    parts.ledger.close()
    url = f"postgresql://postgres@127.0.0.1:{line.port}/postgres"
    parts.ledger = Ledger.open(url)
    line.bad = True
    worker.register_inputs(parts, RUN)
    for thread in _crew(parts, RUN, 1):
        thread.join(200)
    line.close()
    assert line.lost > DOCUMENTS / 2
    with Ledger.open(postgres.url) as ledger:
        assert ledger.outcome_counts(RUN) == {"review": DOCUMENTS}
        status = ledger.status()
        assert (status.inputs, status.documents) == (DOCUMENTS, {"review": DOCUMENTS})
        ledger.check_conservation(RUN)
        for document in ledger.run_documents(RUN):
            steps = [step.to_state.value for step in ledger.document(document.document_id or "").transitions]
            assert steps.count("review") == 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_prefect_server_that_dies_in_the_midst(start: Start, documents: int, tmp_path: Path) -> None:
    """Prefect's own clients would go on asking it for minutes after the work is done."""
    line = "run --source in --schema invoice --model scripted --home home"
    command = start(line, PREFECT_API_URL="")
    command.wait_for("3 of 60 documents")
    (server,) = (c for c in command.note_children() if "uvicorn" in " ".join(c.cmdline()))
    server.kill()
    command.wait_for("60 of 60 documents")
    assert command.end(120) == 0, command.text
    assert "Traceback" not in command.text
    assert "The run itself is complete." in command.text
    assert "EventsWorker" not in command.text and "Error logging" not in command.text
    wait_until(lambda: not command.survivors(), "all its processes end", 90)
    (kept,) = (tmp_path / "home" / "reports").glob("*.json")
    report = RunReport.model_validate_json(kept.read_text(encoding="utf-8"))
    assert any("Prefect's server is gone" in warning for warning in report.warnings)
    log = (tmp_path / "home" / "logs" / "run.log").read_text(encoding="utf-8")
    assert log.count(".pdf: ") >= documents  # each document has its line there, server or not
    again = start(line)
    assert again.end() == 0, again.text
    with Ledger.open(f"sqlite:///{tmp_path / 'home' / 'ledger.db'}") as ledger:
        status = ledger.status()
        assert sum(status.outcomes.values()) == documents
        assert not {"pending", "failed", "processing"} & set(status.documents)
