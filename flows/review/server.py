"""Runs the review page: ``parquetry review`` and ``parquetry serve``."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from flows.ledger.store import Ledger
from flows.review.app import create_app
from flows.review.pages import PageReader
from schemas.registry import LoadedSchema

LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 5
log = logging.getLogger(__name__)


def run(
    *,
    ledger: Ledger,
    schemas: Callable[[str], LoadedSchema],
    reader: PageReader,
    blobs: Path,
    land: Callable[[], None] | None = None,
    pages: Path | None = None,
    passwords: Sequence[str] = (),
    host: str = LOOPBACK,
    port: int = 8484,
    hosts: Sequence[str] = (),
) -> None:
    """Serves the review page until it is interrupted.

    Args:
        ledger: as for `create_app`.
        schemas: as for `create_app`.
        reader: as for `create_app`.
        blobs: as for `create_app`.
        land: as for `create_app`.
        pages: as for `create_app`.
        passwords: as for `create_app`.
        host: address to listen on. The page has no accounts: anything but loopback lets the network decide.
        port: TCP port.
        hosts: names under which browsers ask for the page when ``host`` is not loopback.
    """
    if not is_loopback(host):
        log.warning(
            "The review page listens on %s: whoever can reach it can read the documents and decide on them. "
            "Put a proxy that signs people in before it.",
            host,
        )
    app = create_app(
        ledger=ledger,
        schemas=schemas,
        reader=reader,
        blobs=blobs,
        land=land,
        pages=pages,
        passwords=passwords,
        hosts=[*hosts, *([] if host in ("0.0.0.0", "::") else [host])],
    )
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
