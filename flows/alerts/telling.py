"""How notices get to Prefect: from a flow by its own client, from processes without Prefect in one request.

Neither ever raises into the work that it tells of, except `post`, which says whether the server has it.
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Sequence
from uuid import uuid4

import httpx

from flows import conductor, lost_server
from flows.alerts.notices import Notice
from flows.settings import Settings
from flows.sources.uris import public_uri
from schemas.errors import ParquetryError

log = logging.getLogger(__name__)

ANSWER_WITHIN = 10.0
"""Seconds that the server has to take an event."""


class NotToldError(ParquetryError):
    """Prefect's server did not take an event."""

    retryable = True


def use_server(settings: Settings) -> str | None:
    """Makes Prefect in this process use the server that is meant: the user's own, or that of ``parquetry serve`` here.

    Call it before anything imports Prefect. ``None``: there is none.
    """
    url = os.environ.get("PREFECT_API_URL") or conductor.running_server(settings.home)
    if url:
        os.environ |= {**conductor.environment(settings), "PREFECT_API_URL": url}
    return url


def tell(*notices: Notice) -> None:
    """Tells Prefect from within a flow, whose run and deployment it then names too. Returns at once."""
    if lost_server.is_gone() or not os.environ.get("PREFECT_API_URL"):
        _log(notices)
        return
    try:
        from prefect.events import emit_event

        for notice in notices:
            emit_event(**notice.event_dict())
    except Exception as error:
        log.warning("Prefect was not told of %s: %s", ", ".join(n.event for n in notices), error)
    _log(notices)


def post(notices: Sequence[Notice]) -> None:
    """Tells Prefect in one request, and waits until it has taken it. Needs no Prefect in this process.

    Raises:
        NotToldError: there is no server, or it did not take the events. Whoever calls tries again in its own way.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        raise NotToldError("No Prefect server is known.", remedy="Set PREFECT_API_URL.")
    events = [{**n.event_dict(), "id": str(uuid4()), "occurred": n.at.isoformat()} for n in notices]
    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/events", json=events, headers=_authorization(), timeout=ANSWER_WITHIN
        )
        answer.raise_for_status()
    except httpx.HTTPStatusError as error:
        why = f"it answered {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        why = type(error).__name__
    else:
        _log(notices)
        return
    raise NotToldError(
        f"Prefect's server at {public_uri(url)} did not take an event: {why}.",
        remedy="Check that it is up, and PREFECT_API_URL.",
    )


def _authorization() -> dict[str, str]:
    """What Prefect's own client sends: a key, or user and password of a server of one's own."""
    if key := os.environ.get("PREFECT_API_KEY"):
        return {"Authorization": f"Bearer {key}"}
    if pair := os.environ.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return {}


def _log(notices: Sequence[Notice]) -> None:
    for notice in notices:
        log.info("%s: %s %s", notice.event, notice.name, notice.payload)
