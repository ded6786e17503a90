"""What events lead to, on a real Prefect server; collected by `test_extract_batch`, whose server it is."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi.testclient import TestClient

from flows import composition
from flows.home import make_home
from flows.ledger.store import Ledger
from flows.settings import Settings
from schemas.outcome import ReviewReason
from tests.flows.making import write_invoice
from tests.hooks.test_bodies import S3
from tests.ledger.builders import add, process, start
from tests.loops import outside_of_loops

PATIENCE = 180.0
T = TypeVar("T")


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook of somebody: its address, and the messages that it got, each with its Authorization."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            got.append({**body, "authorization": self.headers.get("authorization")})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", got
        finally:
            server.shutdown()


def wait_for(what: Callable[[], T], why: str) -> T:
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until, why
        time.sleep(0.5)
    return found


def applied(settings: Settings) -> dict[str, str]:
    from prefect.client.orchestration import get_client

    from flows.alerts import automations

    with get_client(sync_client=True) as client:
        return {name: what for name, what, _ in automations.apply(settings, client)}


def deployed(settings: Settings) -> None:
    from flows.deployment.deployments import runner_deployment
    from flows.deployment.specs import deployments

    for spec in deployments(settings):
        if spec.name in ("nightly", "reviewed"):  # what is not deployed is left out, and said to be
            runner_deployment(spec.model_copy(update={"schedules": ()})).apply()


def runs_of(name: str) -> list[Any]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name(name).id
        wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment]))
        return client.read_flow_runs(deployment_filter=wanted)


@pytest.fixture
def alerted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, list[dict[str, Any]]]]:
    """Settings with a webhook as their channel, deployments and automations applied; and what the webhook got."""
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
    with listening() as (address, got):
        alerts = {"channel": "webhook", "address": address, "token": "t0ken", "queue_hours": 0.000001}
        made = settings.model_copy(update={"alerts": type(settings.alerts).model_validate(alerts)})
        composition.use(made)
        outside_of_loops(deployed)(made)
        outside_of_loops(applied)(made)
        yield made, got


@outside_of_loops
def test_automations_are_applied_twice_and_stay_one(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    settings, _ = alerted
    with get_client(sync_client=True) as client:
        before = {one.name: one for one in client.read_automations()}
        client.pause_automation(before["parquetry: queue stale"].id)
        for name in ("parquetry: of an older version", "somebody else's"):
            one = before["parquetry: run failed"].model_dump(exclude={"id"}) | {"name": name}
            client.create_automation(AutomationCore.model_validate(one))
    again = applied(settings)
    assert {what for name, what in again.items() if name in before} == {"unchanged"}
    assert again["parquetry: of an older version"] == "removed"
    assert again["parquetry: look again after a run"] == "left out"
    with get_client(sync_client=True) as client:
        after = {one.name: one for one in client.read_automations()}
        client.resume_automation(before["parquetry: queue stale"].id)
        client.delete_automation(after.pop("somebody else's").id)
    assert {name: one.id for name, one in after.items()} == {name: one.id for name, one in before.items()}
    assert after["parquetry: queue stale"].enabled is False

    moved = settings.alerts.model_copy(update={"channel": None})
    nobody = applied(settings.model_copy(update={"alerts": moved}))
    assert nobody["parquetry: run failed"] == "updated"
    assert nobody["parquetry: new objects"] == "unchanged"  # it tells nobody anyway


@outside_of_loops
def test_a_failed_run_reaches_the_webhook(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from prefect import flow, tags

    @flow(name="extract_batch", flow_run_name="invoice night", persist_result=False)
    def failing() -> None:
        raise RuntimeError("the disk is full")

    _, got = alerted
    with tags("parquetry"), pytest.raises(RuntimeError):
        failing()
    with pytest.raises(RuntimeError):
        failing()  # of somebody else: without our tag nobody is told
    message = wait_for(lambda: got and got[0], "no message came")
    assert message["authorization"] == "Bearer t0ken"
    assert message["subject"] == "parquetry: extract_batch failed"
    for part in (
        "invoice night",
        "the disk is full",
        "run it again",
        "http://prefect.example/runs/flow-run/",
    ):
        assert part in message["text"], message["text"]
    time.sleep(2)
    assert len(got) == 1


@outside_of_loops
def test_what_does_not_hold_reaches_the_webhook_once(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from flows.check_health import check_health

    settings, got = alerted
    make_home(settings)
    with Ledger.open(settings.database_url) as ledger:
        start(ledger)
        add(ledger, "run-1", "a.pdf")
        process(ledger, accepted=False, reasons=[ReviewReason.MODEL_UNSURE])
    assert check_health().told == {"parquetry.queue.stale": 1}
    assert check_health().told == {"parquetry.queue.stale": 1}
    message = wait_for(lambda: got and got[0], "no message came")
    assert message["subject"] == "parquetry: the queue of bill is stale"
    assert "1 documents wait" in message["text"]
    assert "http://127.0.0.1:8484/?schema=bill" in message["text"]
    time.sleep(2)
    assert len(got) == 1


@outside_of_loops
def test_a_notification_of_a_bucket_has_a_run_begin(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from flows.alerts import notices, telling
    from flows.hooks.app import PATH, create_app

    before = len(runs_of("extract_batch/nightly"))
    source, token = "s3://inbox/north", "a-secret-of-twenty-four-or-more"
    app = create_app(
        source=source,
        token=token,
        per_minute=60,
        tell=lambda count, uri: telling.post([notices.new_objects(source, count, uri)]),
        seconds=3600,
    )
    client = TestClient(app)
    for _ in range(20):  # twenty objects, one run
        answer = client.post(PATH, json=S3, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 202
    made = wait_for(lambda: runs_of("extract_batch/nightly")[before:], "no run was made")
    assert made[0].state.is_scheduled()
    assert made[0].parameters == {}  # of the notification nothing gets into the run
    assert made[0].created_by.type == "AUTOMATION"
    time.sleep(2)
    assert len(runs_of("extract_batch/nightly")) == before + 1


@outside_of_loops
def test_what_reviewers_decide_has_it_landed(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from flows.alerts.decided import announcing_decisions

    settings, _ = alerted
    before = len(runs_of("land_reviews/reviewed"))
    soon = settings.alerts.model_copy(update={"review_seconds": 1.0})
    with announcing_decisions(settings.model_copy(update={"alerts": soon})) as decided:
        assert decided is not None
        for _ in range(500):
            decided()
        made = wait_for(lambda: runs_of("land_reviews/reviewed")[before:], "no run was made")
    assert made[0].state.is_scheduled()
    assert len(runs_of("land_reviews/reviewed")) <= before + 2


@outside_of_loops
def test_a_look_finds_what_is_new_and_tells_it_once(alerted: tuple[Settings, list[dict[str, Any]]]) -> None:
    from flows.extract_batch import extract_batch
    from flows.watch_source import watch_source

    settings, _ = alerted
    before = len(runs_of("extract_batch/nightly"))
    time.sleep(settings.intake.settle_seconds + 0.5)
    assert watch_source() is True
    assert watch_source() is False  # told, and not taken yet
    wait_for(lambda: runs_of("extract_batch/nightly")[before:], "no run was made")
    # What no run takes, such as these until now, hides nothing that comes after it.
    write_invoice(Path(composition.job().source) / "zz-new.pdf", 20)
    time.sleep(settings.intake.settle_seconds + 0.5)
    assert (watch_source(), watch_source()) == (True, False)
    extract_batch()
    assert watch_source() is False
    write_invoice(Path(composition.job().source) / "zz-new.pdf", 21)  # it changed, and comes again
    time.sleep(settings.intake.settle_seconds + 0.5)
    assert watch_source() is True
    # Told three times; a run that is made late would be counted by the next test.
    wait_for(lambda: len(runs_of("extract_batch/nightly")) >= before + 3, "not every look has its run")


@outside_of_loops
def test_without_a_server_nothing_breaks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.alerts import notices, telling

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(telling.NotToldError) as caught:
        telling.post([notices.review_finished(1)])
    assert "PREFECT_API_URL" in caught.value.remedy
    monkeypatch.delenv("PREFECT_API_URL")
    telling.tell(notices.review_finished(1))
    assert "PREFECT_API_URL" not in os.environ
