"""Nothing waits for a Prefect server that is gone in the midst of a run.

Prefect's client asks again with growing pauses, a minute for each request, and at the end of the process for each
batch of logs and each event: right for a server that is busy or starts anew, minutes of nothing for one that does not
come back. When one is gone is known here, not guessed by the clock: its process has ended, or, for a server
of others, nobody takes connections at its address for a while after the work is done.
"""

from __future__ import annotations

import logging
import os
import time
import urllib.error
import urllib.request

log = logging.getLogger(__name__)

BACK_WITHIN = 20.0
"""Seconds that a server of others has to come back, once the work is done; a restart takes about so long."""
_PAUSE = 1.0
_ANSWER_WITHIN = 2.0

_why: list[str] = []


def is_gone() -> bool:
    """Whether Prefect's server was given up."""
    return bool(_why)


def told() -> str:
    """What happened and what it means, in a sentence or two; empty while the server is there."""
    if not _why:
        return ""
    return (
        f"Prefect's server is gone ({_why[0]}): its pages do not show how this run went on. "
        "Ledger, lake and report have what was done."
    )


def ended(code: int) -> None:
    """The process of a server of ours ended by itself. Call it after Prefect was imported."""
    give_up(f"its process ended by itself, exit code {code}")


def refuses() -> bool:
    """Whether nobody listens at the server's address. One that is slow to answer is busy, and does not refuse."""
    if is_gone():
        return True
    url = os.environ.get("PREFECT_API_URL", "")
    if not url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=_ANSWER_WITHIN):
            return False
    except urllib.error.URLError as error:
        return isinstance(error.reason, ConnectionRefusedError)
    except (OSError, ValueError):
        return False


def make_sure(seconds: float = BACK_WITHIN) -> None:
    """The work is done: a server that refuses for so long is given up, instead of being asked for minutes."""
    until = time.monotonic() + seconds
    while refuses():
        if is_gone():
            return
        if time.monotonic() >= until:
            give_up("nobody listens at its address")
            return
        time.sleep(_PAUSE)


def give_up(why: str) -> None:
    """From here on each request to the server is tried once, and no more logs are sent to it."""
    if _why:
        return
    _why.append(why)
    log.warning("%s", told())
    _ask_once()


def _ask_once() -> None:
    from prefect._internal.concurrency.services import _QueueServiceBase
    from prefect.events.clients import PrefectEventsClient
    from prefect.settings import get_current_settings

    settings = get_current_settings()  # one object for all threads; the client looks before each try
    settings.client.max_retries = 0
    settings.logging.to_api.enabled = False
    # What is queued is worked off at the end of the process, and each event would be tried eleven times. There is
    # no public way to the client that is at it; Prefect's version is pinned.
    for service in list(vars(_QueueServiceBase)["_instances"].values()):
        client = getattr(service, "_client", None)
        if isinstance(client, PrefectEventsClient):
            client._reconnection_attempts = 0
