"""The review page on a real port, with real page images, for a real browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from extractors.reading.pool import ReaderPool
from flows.decided import land_decided
from flows.ledger.store import Ledger
from flows.review.blobs import BlobStore
from flows.review_options import ReviewOptions
from schemas.registry import load_schema
from tests.databases import sqlite_ledger
from tests.review.support import Case, fill, review_app


@dataclass
class Live:
    """A running page."""

    url: str
    ledger: Ledger
    ids: list[str]


@contextmanager
def live(
    folder: Path,
    cases: Sequence[Case],
    reader: ReaderPool,
    *,
    lake: Path | None = None,
    options: ReviewOptions | None = None,
) -> Iterator[Live]:
    """Serves the cases on a free loopback port; decisions land in ``lake``."""
    home, source = folder / "home", folder / "in"
    source.mkdir(parents=True)
    url = sqlite_ledger(home / "ledger.db")
    with Ledger.open(url) as ledger:
        ids = fill(ledger, BlobStore(home / "documents"), source, cases)
        with serve(url, home, reader, lake=lake, options=options) as address:
            yield Live(address, ledger, ids)


@contextmanager
def serve(
    url: str,
    home: Path,
    reader: ReaderPool,
    *,
    lake: Path | None = None,
    options: ReviewOptions | None = None,
) -> Iterator[str]:
    """Serves the page of a ledger; its address."""
    with Ledger.open(url) as ledger:
        app = review_app(
            ledger=ledger,
            schemas=load_schema,
            reader=reader,
            blobs=home / "documents",
            land=(lambda: land_decided(ledger, str(lake))) if lake is not None else None,
            options=options,
        )
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            deadline = time.monotonic() + 120
            while not server.started and time.monotonic() < deadline and thread.is_alive():
                time.sleep(0.05)
            assert server.started, "the review page did not start"
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(timeout=60)
