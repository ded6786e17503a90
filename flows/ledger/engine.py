"""Opens databases so that nothing that was acknowledged is lost, and brings them to today's version."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from schemas.errors import LedgerError

BUSY_SECONDS = 60
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_265_310_112  # any number, the same for all who migrate one PostgreSQL database


def create_ledger_engine(url: str) -> Engine:
    """An engine whose write transactions are serialised (SQLite) and durable on commit.

    Connections with the execution option ``parquetry_read`` begin deferred: readers never wait for writers.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError("The ledger's database URL cannot be read.", remedy=_URL_REMEDY) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        try:
            return create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED")
        except ImportError as error:
            raise LedgerError(
                "PostgreSQL's client library is not installed.",
                remedy="Install psycopg: pip install 'psycopg[binary]'.",
            ) from error
    raise LedgerError(f"The ledger cannot be kept in {backend!r}.", remedy=_URL_REMEDY)


_URL_REMEDY = "Use sqlite:////folder/ledger.db or postgresql://user:password@host/database."


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise LedgerError("The ledger must be a file: in memory it would be lost.", remedy=_URL_REMEDY)
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"The folder of the ledger {url.database} cannot be made: {error.strerror}.",
            remedy="Choose another --home, or correct its permissions.",
        ) from error
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A deferred transaction that turns into a writer can fail at once with "database is locked", whatever
        # the timeout; an immediate one waits its turn.
        reads = connection.get_execution_options().get("parquetry_read")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: they see one state of the database, and block nobody."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(parquetry_read=True)


def now(session: Session) -> dt.datetime:
    """The time leases are measured by: the server's where there is one, as workers' clocks may differ."""
    if session.get_bind().dialect.name == "postgresql":
        value = session.scalar(select(func.clock_timestamp()))
        assert isinstance(value, dt.datetime)
        return value.astimezone(dt.UTC)
    return dt.datetime.now(dt.UTC)


def migrate(engine: Engine) -> None:
    """Creates or upgrades the tables in one transaction; several processes may do so at once.

    Raises:
        LedgerError: the database cannot be used, or a newer version of the program has written it.
    """
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config = alembic_config(connection)
            scripts = ScriptDirectory.from_config(config)
            at = MigrationContext.configure(connection).get_current_revision()
            if at == scripts.get_current_head():
                return
            if at is not None and at not in {script.revision for script in scripts.walk_revisions()}:
                raise LedgerError(
                    f"The ledger {_shown(engine.url)} is at version {at}, which this program does not know.",
                    remedy="Use the newer parquetry that wrote it, or another --home.",
                )
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise explain(error, engine.url) from error
    except (CommandError, SQLAlchemyError) as error:
        raise LedgerError(
            f"The ledger {_shown(engine.url)} cannot be brought to today's version: {error}",
            remedy="Restore its backup, or use another --home.",
        ) from error


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for the packaged migrations, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def explain(error: DBAPIError, url: URL) -> LedgerError:
    """A database error in words that say what to do; never with the statement's values or the password."""
    shown, cause = _shown(url), str(error.orig).strip().splitlines()
    message = cause[0] if cause else type(error.orig).__name__
    if url.get_backend_name() == "sqlite":
        if "locked" in message:
            remedy = "Another program holds it; close it and run again. Nothing is lost."
        elif "full" in message:
            remedy = "Free some disk space and run again; what was recorded is safe."
        elif "not a database" in message or "malformed" in message:
            remedy = "The file is damaged: restore its backup, or use another --home."
        else:
            remedy = "Check that the file and its folder can be written, on a local disk."
    else:
        remedy = "Check that the server runs and that user, password and database are right; then run again."
    return LedgerError(f"The ledger {shown} cannot be used: {message}", remedy=remedy)


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
