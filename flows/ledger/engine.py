"""Opens databases so that nothing that was acknowledged is lost, and brings them to today's version."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from flows.ledger.records import LedgerUnavailableError
from schemas.errors import LedgerError

BUSY_SECONDS = 60
"""So long a transaction waits for others (SQLite), and a thread for a connection."""
FROZEN_SECONDS = 30
"""So long PostgreSQL keeps the locks of a client that stopped in the middle of a transaction."""
_PAUSE_SECONDS = 0.05
_KEEPALIVES = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
}
"""A server that vanished is noticed after a minute; by the system's defaults it takes hours."""
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7_265_310_112  # any number, the same for all who migrate one PostgreSQL database


def create_ledger_engine(url: str) -> Engine:
    """An engine whose write transactions are serialised (SQLite) and durable on commit.

    Connections with the execution option ``parquetry_read`` begin deferred: readers never wait for writers.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # without the cause, which quotes what it takes for the port: it may be a piece of the password
        raise LedgerError("The ledger's database URL cannot be read.", remedy=_URL_REMEDY) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend == "postgresql":
        if "@" in f"{parsed.host}{parsed.database}":  # and then it holds a piece of the password
            raise LedgerError("The ledger's database URL has more than one @.", remedy=_URL_REMEDY)
        return _postgresql(parsed)
    raise LedgerError(f"The ledger cannot be kept in {backend!r}.", remedy=_URL_REMEDY)


_URL_REMEDY = (
    "Use sqlite:////folder/ledger.db or postgresql://user:password@host/database; "
    "in user and password write @ as %40, / as %2F, : as %3A and % as %25."
)


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            isolation_level="READ COMMITTED",
            connect_args={name: value for name, value in _KEEPALIVES.items() if name not in url.query},
        )
    except ImportError as error:
        raise LedgerError(
            "PostgreSQL's client library is not installed.",
            remedy="Install psycopg: pip install 'psycopg[binary]'.",
        ) from error

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # A worker that froze amid a transaction, or whose machine vanished, must not hold its rows for hours.
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = '{FROZEN_SECONDS}s'")
        connection.commit()

    return engine


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
    engine = create_engine(
        url,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"))
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        reads = connection.get_execution_options().get("parquetry_read")
        try:
            _patiently(lambda: _begin_sqlite(raw, reads=bool(reads)))
        except sqlite3.Error as error:
            raise OperationalError("BEGIN", None, error) from error

    return engine


def _begin_sqlite(connection: sqlite3.Connection, *, reads: bool) -> None:
    """Begins, and has the lock or the snapshot when it returns.

    A deferred transaction that turns into a writer can fail at once with "database is locked", whatever the
    timeout; an immediate one waits its turn.
    """
    if not reads:
        connection.execute("BEGIN IMMEDIATE")
        return
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise


def _patiently(step: Callable[[], object]) -> None:
    """Does a step again while others are in the way.

    SQLite's own timeout does not cover all of it: the first to open a new file or one whose users were killed,
    and the last to close it, hold it for a moment against everyone, who are told "locked" at once.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            step()
        except sqlite3.OperationalError as error:
            in_the_way = getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_PROTOCOL"))
            if not in_the_way or time.monotonic() >= until:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: they see one state of the database, and block nobody."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return engine.execution_options(parquetry_read=True)


def now(session: Session) -> dt.datetime:
    """The time leases are measured by: the server's where there is one, as workers' clocks may differ.

    Taken once the transaction has begun, not before: on a busy SQLite file that can be a minute later, and a
    lease would be half over when it is granted.
    """
    session.connection()
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
        if _is_of_today(engine):
            return
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
    except (DBAPIError, PoolTimeoutError) as error:
        raise explain(error, engine.url) from error
    except (CommandError, SQLAlchemyError) as error:
        raise LedgerError(
            f"The ledger {_shown(engine.url)} cannot be brought to today's version: {error}",
            remedy="Restore its backup, or use another --home.",
        ) from error


def _is_of_today(engine: Engine) -> bool:
    """Whether nothing is to be done; seen without waiting for writers."""
    with reading(engine).connect() as connection:
        head = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()
        return MigrationContext.configure(connection).get_current_revision() == head


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for the packaged migrations, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def explain(error: DBAPIError | PoolTimeoutError, url: URL) -> LedgerError:
    """A database error in words that say what to do; never with the statement's values or the password."""
    shown = _shown(url)
    if isinstance(error, PoolTimeoutError):
        return LedgerUnavailableError(
            f"The ledger {shown} is too busy: no connection became free within {BUSY_SECONDS} s.",
            remedy="Process fewer documents at a time (concurrency), or give the database a faster disk.",
        )
    cause = str(error.orig).strip().splitlines()
    message = cause[0] if cause else type(error.orig).__name__
    passing = isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated
    remedies = _REMEDIES["sqlite" if url.get_backend_name() == "sqlite" else "postgresql"]
    remedy = next(remedy for words, remedy in remedies if any(word in message for word in words) or not words)
    kind = LedgerUnavailableError if passing else LedgerError
    return kind(f"The ledger {shown} cannot be used: {message}", remedy=remedy)


_REMEDIES: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "sqlite": [
        (("lock",), "Another program holds it; close it and run again. Nothing is lost."),
        (("full",), "Free some disk space and run again; what was recorded is safe."),
        (("not a database", "malformed"), "The file is damaged: restore its backup, or use another --home."),
        ((), "Check that the file and its folder can be written, on a local disk."),
    ],
    "postgresql": [
        (
            ("too many clients", "remaining connection slots"),
            "Raise the server's max_connections (two for each document in work), or start fewer workers.",
        ),
        (
            ("No space left", "could not extend"),
            "Free some disk space on the server and run again; what was recorded is safe.",
        ),
        ((), "Check that the server runs and that user, password and database are right; then run again."),
    ],
}
"""What to do, by words in the database's message; the last one holds for all others."""


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
