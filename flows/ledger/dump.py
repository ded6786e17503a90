"""A consistent copy of the ledger as one file while others write to it, and the way back.

SQLite's own backup and PostgreSQL's pg_dump make the copy: each sees one state of the database, and blocks nobody.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from flows.ledger.engine import create_ledger_engine, explain
from schemas.errors import LedgerError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_FILES = {SQLITE: "ledger.db", POSTGRESQL: "ledger.pgdump"}
_PROGRAMS = "Install PostgreSQL's client programs, of the server's version or newer (postgresql-client)."


def kind_of(url: str) -> str:
    """Which database an SQLAlchemy URL names: a dump of one kind cannot be restored into another."""
    return SQLITE if make_url(url).get_backend_name() == SQLITE else POSTGRESQL


def dump_ledger(url: str, folder: Path) -> Path:
    """Writes one state of the ledger into a file in ``folder``, readable by its owner only.

    Raises:
        LedgerError: the database cannot be read, or pg_dump is missing or too old for the server.
    """
    parsed, file = make_url(url), folder / _FILES[kind_of(url)]
    file.touch(mode=0o600)
    if kind_of(url) == SQLITE:
        _copy_sqlite(Path(str(parsed.database)), file)
        return file
    with _service(parsed) as environment:
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={file}"]
        _run("pg_dump", [*options, "--dbname=service=ledger"], environment)
    return file


def restore_ledger(file: Path, url: str) -> None:
    """Fills an empty database from the file of `dump_ledger`; all of it or nothing.

    Raises:
        LedgerError: the database is not empty, of another kind, or cannot be written.
    """
    if file.name != _FILES[kind_of(url)]:
        raise LedgerError(
            f"The backup's ledger is {file.name}, and the database of the settings is {kind_of(url)}.",
            remedy="Restore into a database of the kind that was backed up.",
        )
    require_empty(url)
    parsed = make_url(url)
    if kind_of(url) == SQLITE:
        target = Path(str(parsed.database))
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy_sqlite(file, target)
        return
    with _service(parsed) as environment:
        options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        _run("pg_restore", [*options, "--dbname=service=ledger", str(file)], environment)


def require_empty(url: str) -> None:
    """Raises `LedgerError` when the database has tables: a restore never writes over anything."""
    parsed = make_url(url)
    if kind_of(url) == SQLITE and not Path(str(parsed.database)).exists():
        return
    engine = create_ledger_engine(url)
    try:
        tables = inspect(engine).get_table_names()
    except DBAPIError as error:
        raise explain(error, engine.url) from error
    finally:
        engine.dispose()
    if tables:
        raise LedgerError(
            f"The ledger {parsed.render_as_string(hide_password=True)} is not empty: it has {len(tables)} tables.",
            remedy="Restore into a new, empty database and home folder; nothing is written over.",
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    """One state of a database that may be in use, as one whole file on the disk."""
    if not source.is_file():
        raise LedgerError(f"There is no ledger {source}.", remedy="Correct --home or the database's URL.")
    try:
        origin = sqlite3.connect(source, timeout=60)
        copy = sqlite3.connect(target)
        try:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # no second file beside it
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            copy.close()
            origin.close()
    except sqlite3.Error as error:
        raise LedgerError(
            f"The ledger {source} cannot be copied: {error}.",
            remedy="Check the disk; if the file is damaged, restore an earlier backup.",
        ) from error
    if found != "ok":
        raise LedgerError(f"The ledger {source} is damaged: {found}.", remedy="Restore an earlier backup.")
    with target.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def _service(url: URL) -> Iterator[dict[str, str]]:
    """An environment in which ``service=ledger`` is the database; nothing secret stands on a command line."""
    said = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **url.query}
    with tempfile.TemporaryDirectory(prefix="parquetry-") as folder:
        service = Path(folder) / "service.conf"
        lines = [f"{name}={value}" for name, value in said.items() if value is not None]
        service.write_text("\n".join(["[ledger]", *lines, ""]), encoding="utf-8")
        environment = {**os.environ, "PGSERVICEFILE": str(service)}
        if url.password is not None:
            environment["PGPASSWORD"] = str(url.password)
        yield environment


def _run(program: str, arguments: list[str], environment: dict[str, str]) -> None:
    command = [_found(program), "--no-password", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:500]
        remedy = (
            _PROGRAMS if "version mismatch" in said else "Check that the server runs and who may sign in."
        )
        raise LedgerError(f"{program} failed: {said}", remedy=remedy)


def _found(program: str) -> str:
    """The newest one: a pg_dump that is older than its server refuses to work."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda p: int(p.parts[4]))
    found = str(packaged[-1]) if packaged else shutil.which(program)
    if found is None:
        raise LedgerError(f"PostgreSQL's program {program} is not installed.", remedy=_PROGRAMS)
    return found
