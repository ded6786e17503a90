"""Databases for tests: a real PostgreSQL of our own, thrown away at the end, and files of SQLite.

Migrating takes most of a short test's time, so the tables are made once in a session, and every test gets a copy.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest

from flows.ledger.store import Ledger

_names = count()


_ROOM = 4 << 30


def scratch() -> Path:
    """The folder for all that tests write: in memory, if there is one with room for it."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return memory if roomy else Path("/tmp")


class NoPostgresError(Exception):
    """PostgreSQL's server programs are missing, or do not start."""


@contextmanager
def throwaway_postgres(
    *, fsync: bool = False, max_connections: int = 100, port: int | None = None
) -> Iterator[str]:
    """The address of a new server, on a socket in a folder of its own; gone, with all data, at the end.

    Args:
        fsync: whether it waits for the disk, as a server that is to keep its data does.
        max_connections: how many clients it takes.
        port: of this machine, at which it listens as well and asks for passwords.

    Raises:
        NoPostgresError: it cannot be had, and what to install.
    """
    folder = Path(tempfile.mkdtemp(prefix="pqpg", dir=scratch()))  # a socket's path must be short
    server: subprocess.Popen[bytes] | None = None
    try:
        prefix, data, log = _as_server_user(folder), str(folder / "data"), folder / "log"
        env = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}
        initdb = [*prefix, _program("initdb"), "-D", data]
        initdb += ["-U", "postgres", "-A", "trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(initdb, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if made.returncode:
            raise NoPostgresError(f"initdb: {made.stdout}{made.stderr}")
        options = {
            "listen_addresses": "127.0.0.1" if port else "",
            "port": str(port or 5432),
            "unix_socket_directories": str(folder),
            "fsync": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
            "max_connections": str(max_connections),
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as out:
            command = [*prefix, _program("postgres"), "-D", data, *settings]
            server = subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out)
        address = f"postgresql://postgres@/postgres?host={folder}" + (f"&port={port}" if port else "")
        _wait_until_it_answers(address, server, log)
        yield address
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # at once; nothing in it is kept
            server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    """The newest of PostgreSQL's server programs; Debian keeps them out of PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    found = str(packaged[-1]) if packaged else shutil.which(name)
    if not found:
        raise NoPostgresError(
            f"PostgreSQL's program {name!r} is missing, and the ledger must be tested on it: "
            "install the package postgresql (Debian, Ubuntu) or postgresql-server (Fedora)."
        )
    return found


def _as_server_user(folder: Path) -> list[str]:
    """How to start a server program: as another user when we are root, which PostgreSQL refuses to run as.

    Where there is setpriv, the server also ends with us, even if we are killed.
    """
    setpriv = shutil.which("setpriv")
    command = [setpriv, "--pdeathsig", "INT"] if setpriv else []
    if os.geteuid() != 0:
        return command
    if not setpriv:
        raise NoPostgresError(
            "As root, setpriv (package util-linux) is needed to run PostgreSQL as another user."
        )
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*command, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _wait_until_it_answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise NoPostgresError(f"PostgreSQL ended at once: {log.read_text()}")
        try:
            psycopg.connect(address, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise NoPostgresError(f"PostgreSQL does not answer: {log.read_text()}")


def execute(server: str, statement: str) -> None:
    """Runs one statement outside of a transaction."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def _migrated() -> bytes:
    """The file of a ledger with all its tables."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        path = Path(folder) / "ledger.db"
        Ledger.open(f"sqlite:///{path}").close()
        return path.read_bytes()


def sqlite_ledger(path: Path) -> str:
    """Makes an empty ledger of its own at the path, with its folder; the address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated())
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("PRAGMA synchronous = OFF")
        copy.execute(
            "UPDATE identity SET value = ?", (uuid.uuid4().hex,)
        )  # a copy would pass for the other one
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server that all tests of the session share."""
    try:
        with throwaway_postgres() as address:
            yield address
    except NoPostgresError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database with the tables, to be copied for each test."""
    execute(postgres_server, "CREATE DATABASE ledger_template")
    Ledger.open(postgres_server.replace("/postgres?", "/ledger_template?")).close()
    return postgres_server


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A database without tables."""
    name = f"empty_{next(_names)}"
    execute(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    """A database with the ledger's tables."""
    name = f"ledger_{next(_names)}"
    execute(postgres_template, f"CREATE DATABASE {name} TEMPLATE ledger_template")
    yield postgres_template.replace("/postgres?", f"/{name}?")
    execute(postgres_template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger's database, on SQLite and on PostgreSQL: what is tested with it is tested on both."""
    if request.param == "sqlite":
        return sqlite_ledger(tmp_path / "ledger.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("empty_postgres_url"))
