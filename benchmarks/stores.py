"""Databases and lakes for a benchmark, made for it and gone after it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.databases import execute, throwaway_postgres

Database = Literal["sqlite", "postgresql"]
LakeKind = Literal["local", "s3"]
BUCKET = "benchmark"


@contextmanager
def database(kind: Database, folder: Path, *, max_connections: int = 100) -> Iterator[str]:
    """The URL of an empty database: a file in the folder, or a PostgreSQL server of our own, with fsync."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    with throwaway_postgres(fsync=True, max_connections=max_connections) as server:
        execute(server, "CREATE DATABASE benchmark")
        yield server.replace("/postgres?", "/benchmark?")


@contextmanager
def lake(kind: LakeKind, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The URI of an empty lake, and the environment it is reached with: a folder, or S3 as moto's server does it."""
    if kind == "local":
        yield str(folder / "lake"), {}
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with (folder / "moto.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _make_bucket(endpoint, server)
        yield f"s3://{BUCKET}/lake", environment
    finally:
        server.kill()
        server.wait()


def _make_bucket(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    """Waits until the server answers, then makes the bucket: one PUT, which moto wants no signature for."""
    request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError("moto's server ended; is moto[server] installed?")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("moto's server does not answer")
