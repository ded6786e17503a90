"""Runs the review page: ``parquetry review`` and ``parquetry serve``."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from flows.ledger.store import Ledger
from flows.review_options import ReviewOptions
from schemas.errors import UsageError

LOOPBACK = "127.0.0.1"
_STOP_SECONDS = 5


def run(app: FastAPI, *, host: str = LOOPBACK, port: int = 8484, own_logs: bool = False) -> None:
    """Serves the review page until it is interrupted.

    Args:
        app: from `flows.review.app.create_app`; its ``hosts`` must name ``host`` when that is not loopback.
        host: address to listen on; see `require_sign_in`.
        port: TCP port.
        own_logs: the process has its handlers already (`flows.logs.to_stderr`), and uvicorn brings none.
    """
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        log_config=None if own_logs else uvicorn.config.LOGGING_CONFIG,
        access_log=False,  # addresses hold what reviewers search for
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


def require_sign_in(ledger: Ledger, options: ReviewOptions) -> None:
    """Refuses to be reached from elsewhere while whoever comes would be let in.

    Raises:
        UsageError: ``options.host`` or ``options.url`` is not this machine, and nobody has to sign in.
    """
    outside = not is_loopback(options.host) or (
        options.url is not None and not is_loopback(urlsplit(options.url).hostname or "")
    )
    if outside and options.oidc is None and not ledger.has_accounts():
        raise UsageError(
            "The review page is only for this machine while there are no accounts.",
            remedy="Add the first one with `parquetry people add NAME --role admin`, or set up single sign-on.",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
