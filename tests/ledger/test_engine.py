from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from flows.ledger.common import locked_document
from flows.ledger.engine import create_ledger_engine, explain, migrate
from flows.ledger.records import ClaimedDocument, LedgerUnavailableError
from flows.ledger.store import Ledger
from schemas.errors import LedgerError
from tests.ledger.builders import add, claim, start


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    engine = create_ledger_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'l.db'}")
    migrate(engine)
    with engine.connect() as connection:
        got = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
        got["foreign_keys"] = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
        assert got == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
    engine.dispose()


@pytest.mark.parametrize("password", ["one@two", "one@two:three", "one@two/three", "one@two:3/four@five"])
def test_a_password_that_is_not_encoded_is_not_shown(password: str) -> None:
    with pytest.raises(LedgerError) as told:
        create_ledger_engine(f"postgresql://ada:{password}@127.0.0.1/ledger")
    said = "".join(traceback.format_exception(told.value))
    assert "%40" in told.value.remedy and not any(piece in said for piece in ("two", "three", "four"))


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'l.db'}"
    with Ledger.open(url) as ledger:
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        with sqlite3.connect(tmp_path / "l.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            assert ledger.status().inputs == 1
            assert ledger.queue() == []
            other.execute("ROLLBACK")
        other.close()


def test_opening_again_keeps_everything(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as first:
        start(first)
        add(first, "run-1", "a.pdf")
    with Ledger.open(ledger_url) as second:
        assert second.status().inputs == 1


def test_many_processes_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    code = "import sys; from flows.ledger.store import Ledger; Ledger.open(sys.argv[1]).close()"
    url = f"sqlite:///{tmp_path / 'l.db'}"
    started = [
        subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE, cwd=Path.cwd())
        for _ in range(3)
    ]
    errors = [process.communicate(timeout=120)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], errors
    with Ledger.open(url) as ledger:
        assert ledger.status().inputs == 0


def test_a_ledger_of_a_newer_program_is_left_alone(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger, ledger._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="version 9999") as caught:
        Ledger.open(ledger_url)
    assert "newer parquetry" in caught.value.remedy and caught.value.exit_code == 6


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "l.db").write_bytes(b"certainly not a database, but long enough to be looked at" * 10)
    with pytest.raises(LedgerError, match="not a database") as caught:
        Ledger.open(f"sqlite:///{tmp_path / 'l.db'}")
    assert "backup" in caught.value.remedy


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be made"):
        Ledger.open(f"sqlite:///{tmp_path / 'file' / 'sub' / 'l.db'}")


@pytest.mark.parametrize("url", ["no url", "mysql://u:p@h/d", "sqlite://", "sqlite:///:memory:", "oracle:x"])
def test_urls_that_are_no_ledger(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url)
    assert "sqlite:////folder/ledger.db" in caught.value.remedy


@pytest.mark.postgres
def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open("postgresql://me:hunter2@127.0.0.1:1/ledger?connect_timeout=2")
    assert "hunter2" not in str(caught.value) and "127.0.0.1" in str(caught.value)
    assert "server runs" in caught.value.remedy


def test_errors_never_show_what_was_being_written(ledger: Ledger) -> None:
    start(ledger)
    with ledger._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE run_inputs"))
    with pytest.raises(LedgerError) as caught:
        add(ledger, "run-1", "top-secret.pdf")
    assert "run_inputs" in str(caught.value) and "top-secret" not in str(caught.value)


def test_a_busy_database_is_told_as_such_and_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.ledger.engine.BUSY_SECONDS", 0.2)
    with Ledger.open(f"sqlite:///{tmp_path / 'l.db'}") as ledger:
        start(ledger)
        with closing(sqlite3.connect(tmp_path / "l.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailableError, match="locked") as caught:
                add(ledger, "run-1", "a.pdf")
            other.execute("ROLLBACK")
        assert caught.value.retryable and "Nothing is lost" in caught.value.remedy
        add(ledger, "run-1", "a.pdf")


def test_the_time_of_a_lease_begins_when_the_ledger_has_its_turn(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'l.db'}") as ledger:
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        held: list[ClaimedDocument] = []
        with closing(sqlite3.connect(tmp_path / "l.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = threading.Thread(target=lambda: held.extend(claim(ledger, lease=60)))
            waiting.start()
            time.sleep(0.5)
            free_at = dt.datetime.now(dt.UTC)
            other.execute("ROLLBACK")
        waiting.join()
        assert held[0].lease_until >= free_at + dt.timedelta(seconds=60)


def test_no_free_connection_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    error = explain(
        sa.exc.TimeoutError("QueuePool limit of size 5"), sa.make_url("postgresql://me:pw@host/db")
    )
    assert isinstance(error, LedgerUnavailableError)
    assert "concurrency" in error.remedy and "pw" not in str(error)


def test_many_processes_use_a_ledger_whose_users_were_killed(tmp_path: Path) -> None:
    """Who opens it first recovers it, alone for a moment; the others wait and are told nothing."""
    url = f"sqlite:///{tmp_path / 'l.db'}"
    with Ledger.open(url) as ledger:
        start(ledger)
    code = (
        "import os, signal, sys; from flows.ledger.store import Ledger;"
        "from tests.ledger.builders import add; ledger = Ledger.open(sys.argv[1]);"
        "[add(ledger, 'run-1', f'{sys.argv[2]}-{n}.pdf') for n in range(5)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    for round_ in range(2):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, url, f"{round_}-{n}"], stderr=subprocess.PIPE, cwd=Path.cwd()
            )
            for n in range(3)
        ]
        errors = [process.communicate(timeout=240)[1].decode() for process in started]
        assert [process.returncode for process in started] == [-signal.SIGKILL] * 3, errors
    with Ledger.open(url) as ledger:
        assert ledger.status().inputs == 30


@pytest.mark.postgres
def test_a_client_that_froze_in_a_transaction_loses_its_locks(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.ledger.engine.FROZEN_SECONDS", 1)
    with Ledger.open(postgres_url) as frozen, Ledger.open(postgres_url) as other:
        start(other)
        record = add(other, "run-1", "a.pdf")
        with pytest.raises(LedgerUnavailableError), frozen._write() as session:
            locked_document(session, str(record.document_id))
            assert claim(other) == []  # passed over, not waited for
            time.sleep(3)
            session.execute(sa.text("SELECT 1"))
        assert len(claim(other)) == 1
        assert frozen.status().inputs == 1  # with a new connection


@pytest.mark.postgres
def test_a_server_that_dropped_all_connections_is_used_again(postgres_url: str) -> None:
    with Ledger.open(postgres_url) as ledger, Ledger.open(postgres_url) as other:
        start(ledger)
        with other._write() as session:
            session.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert add(ledger, "run-1", "a.pdf").new
