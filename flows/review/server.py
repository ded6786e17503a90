"""Runs the review page: ``parquetry review`` and ``parquetry serve``."""

from __future__ import annotations

import ipaddress
import logging

import uvicorn
from fastapi import FastAPI

LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 5
log = logging.getLogger(__name__)


def run(app: FastAPI, *, host: str = LOOPBACK, port: int = 8484) -> None:
    """Serves the review page until it is interrupted.

    Args:
        app: from `flows.review.app.create_app`; its ``hosts`` must name ``host`` when that is not loopback.
        host: address to listen on. The page has no accounts: anything but loopback lets the network decide.
        port: TCP port.
    """
    if not is_loopback(host):
        log.warning(
            "The review page listens on %s: whoever can reach it can read the documents and decide on them. "
            "Put a proxy that signs people in before it.",
            host,
        )
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,  # addresses hold what reviewers search for
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
