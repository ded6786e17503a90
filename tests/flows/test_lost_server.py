"""A Prefect server that is gone: each request is tried once, with Prefect's own clients."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from flows import artifacts, lost_server
from flows.supervisor import Supervisor, free_port
from tests.flows.making import report_of


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was given up before, and Prefect's settings are the same again after."""
    from prefect.settings import get_current_settings

    settings = get_current_settings()
    monkeypatch.setattr(lost_server, "_why", [])
    monkeypatch.setattr(settings.client, "max_retries", settings.client.max_retries)
    monkeypatch.setattr(settings.logging.to_api, "enabled", settings.logging.to_api.enabled)
    yield


def _tries(monkeypatch: pytest.MonkeyPatch) -> int:
    """How often Prefect's client asks a server that was there, and takes no connections any more."""
    from prefect.client.base import PrefectHttpxSyncClient

    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) == 1:
            return httpx.Response(200)
        raise httpx.ConnectError("refused", request=request)

    monkeypatch.setattr("prefect.client.base.time.sleep", lambda seconds: None)
    with PrefectHttpxSyncClient(transport=httpx.MockTransport(answer), base_url="http://127.0.0.1") as client:
        client.get("/health")
        with pytest.raises(httpx.ConnectError):
            client.get("/flow_runs")
    return len(asked) - 1


def test_a_server_that_only_hiccups_is_asked_again_and_one_that_is_gone_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _tries(monkeypatch) > 3 and lost_server.told() == ""
    lost_server.give_up("exit code -9")
    assert _tries(monkeypatch) == 1
    assert "exit code -9" in lost_server.told() and "report" in lost_server.told()


def test_each_event_that_still_waits_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect._internal.concurrency.services import _QueueServiceBase
    from prefect.events.clients import PrefectEventsClient
    from prefect.events.schemas.events import Event, Resource

    client = PrefectEventsClient(f"http://127.0.0.1:{free_port()}/api")
    service = type("Service", (), {"_client": client})()
    monkeypatch.setattr(_QueueServiceBase, "_instances", {1: service})
    tries: list[None] = []

    async def refused(self: PrefectEventsClient) -> None:
        tries.append(None)
        raise ConnectionRefusedError

    monkeypatch.setattr(PrefectEventsClient, "_reconnect", refused)
    lost_server.give_up("exit code -9")
    event = Event(event="test", resource=Resource({"prefect.resource.id": "test"}))
    with suppress(ConnectionRefusedError):
        asyncio.run(client._emit(event))
    assert len(tries) == 1


def test_a_server_of_ours_is_given_up_when_its_process_ends_and_not_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    told = threading.Event()

    def ended(code: int) -> None:
        codes.append(code)
        told.set()

    stopped = Supervisor(tmp_path, {})
    stopped.start("stopped", "-c", "import time; time.sleep(600)")
    stopped.when_ended(ended)
    stopped.stop()
    dies = Supervisor(tmp_path, {})
    dies.start("dies", "-c", "raise SystemExit(3)")
    dies.when_ended(ended)
    dies.when_ended(ended)
    assert told.wait(60) and codes == [3]


def test_busy_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes connections and does not answer is left to Prefect's client and its patience."""
    monkeypatch.setattr(lost_server, "_ANSWER_WITHIN", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as busy:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{busy.getsockname()[1]}/api")
        assert not lost_server.refuses()
        lost_server.make_sure(0.0)
        assert not lost_server.is_gone()


def test_one_that_comes_back_in_time_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, True, False])
    monkeypatch.setattr(lost_server, "refuses", lambda: next(answers))
    monkeypatch.setattr(lost_server, "_PAUSE", 0.0)
    lost_server.make_sure(600.0)
    assert not lost_server.is_gone()


def test_one_that_stays_away_is_not_asked_and_given_up_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    for name in ("update_progress_artifact", "create_markdown_artifact"):
        monkeypatch.setattr(artifacts, name, lambda *_, **__: pytest.fail("it was asked"))
    monkeypatch.setattr(artifacts, "create_progress_artifact", lambda **_: uuid4())
    artifacts.ProgressArtifact().show(1, 1)
    assert not lost_server.is_gone()
    lost_server.make_sure(0.0)
    assert lost_server.is_gone()
    artifacts.publish(report_of())
