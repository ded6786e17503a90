from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from flows.ledger.engine import alembic_config, create_ledger_engine, migrate
from flows.ledger.store import Ledger
from schemas.errors import LedgerError
from tests.ledger.builders import add, start


def _drift(url: str) -> None:
    engine = create_ledger_engine(url)
    migrate(engine)
    with engine.begin() as connection:
        command.check(alembic_config(connection))
    engine.dispose()


def test_migrations_make_exactly_the_tables_of_the_models_sqlite(tmp_path: Path) -> None:
    _drift(f"sqlite:///{tmp_path / 'l.db'}")


@pytest.mark.postgres
def test_migrations_make_exactly_the_tables_of_the_models_postgres(empty_postgres_url: str) -> None:
    _drift(empty_postgres_url)


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
    _drift(url)


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
