"""How notices get to Prefect: from a flow by its own client, from processes without Prefect in one request.

Neither ever raises into the work that it tells of, except `post`, which says whether the server has it.
"""

from __future__ import annotations

import base64
import logging
import os
import ssl
from collections.abc import Sequence
from typing import Any
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
        _send(url.rstrip("/"), events)
    except httpx.HTTPStatusError as error:
        why = f"it answered {error.response.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, KeyError, TypeError) as error:
        why = type(error).__name__
    else:
        _log(notices)
        return
    raise NotToldError(
        f"Prefect's server at {public_uri(url)} did not take an event: {why}.",
        remedy="Check that it is up, and PREFECT_API_URL.",
    )


def _send(api: str, events: list[dict[str, Any]]) -> None:
    """Posts the events; to a server that protects itself against forged requests with the token that it gives.

    Raises:
        httpx.HTTPError: it did not take them.
    """
    with httpx.Client(headers=_authorization(), timeout=ANSWER_WITHIN, verify=_trusted()) as client:
        answer = client.post(f"{api}/events", json=events)
        if answer.status_code == httpx.codes.FORBIDDEN:
            answer = client.post(f"{api}/events", json=events, headers=_csrf(client, api))
        answer.raise_for_status()


def _csrf(client: httpx.Client, api: str) -> dict[str, str]:
    """What Prefect's own client sends where PREFECT_SERVER_CSRF_PROTECTION_ENABLED is set; nothing elsewhere."""
    name = str(uuid4())
    given = client.get(f"{api}/csrf-token", params={"client": name})
    if given.status_code != httpx.codes.OK:
        return {}
    return {"Prefect-Csrf-Token": str(given.json()["token"]), "Prefect-Csrf-Client": name}


def _trusted() -> ssl.SSLContext | bool:
    """Whose certificates count, as Prefect's own client is told."""
    if os.environ.get("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "").lower() in ("1", "true", "yes", "on"):
        return False
    file = os.environ.get("PREFECT_API_SSL_CERT_FILE")
    return ssl.create_default_context(cafile=file) if file else True


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
