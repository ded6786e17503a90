"""A real Prefect server, told everything twice; then what its users see of an upkeep, and of a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows import conductor
from flows.alerts import notices, telling
from flows.settings import load_settings
from flows.supervisor import LOOPBACK, Supervisor
from tests.flows.making import write_folder
from tests.flows.test_calibrate import labelled
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0
SETTINGS = """
home = "{home}"
source = "{source}"
schema = "invoice"
model = "scripted"
concurrency = 2

[gpu]
limit = "parquetry-gpu"
wait_seconds = 300
lease_seconds = 60
"""
HOLDER = """
import os, sys, time
from flows import gpu_slot
from flows.settings import load_settings
with gpu_slot.held(load_settings().gpu):
    print("held", flush=True)
    time.sleep(600)
"""
RUNS = """
import sys
from flows import composition
from flows.settings import load_settings
composition.use(load_settings())
from flows.extract_batch import extract_batch
from flows.maintain import LeaseOptions, maintain
print(extract_batch().run_id)
print(len(maintain(leases=LeaseOptions(grace_minutes=5)).findings))
from flows.evaluate import evaluate
from flows.finetune import finetune
gate = evaluate(sys.argv[1], "scripted", split="calibrate", document_schema="invoice", crops=1)
print("gate", gate.gate.verdict, gate.page)
print("training", finetune("invoice").said)
"""


DEPLOYMENTS = {
    f"deployment {one}"
    for one in (
        "extract_batch/nightly",
        "land_reviews/reviewed",
        "maintain/housekeeping",
        "finetune/corrections",
        "evaluate/gate",
    )
}


def _changes(said: str) -> dict[str, set[str]]:
    """What ``parquetry deploy apply`` printed, by what became of each thing."""
    found: dict[str, set[str]] = {}
    for line in said.splitlines():
        what, thing = line[:10].strip(), line[11:].strip()
        if what in ("created", "updated", "unchanged", "removed", "left out"):
            found.setdefault(what, set()).add(thing)
    return found


class Api:
    """The server's API, asked without Prefect's client."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.csrf: dict[str, str] = {}

    def get(self, path: str) -> Any:
        return self._ask(urllib.request.Request(f"{self.url}{path}"))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        if not self.csrf:  # the server protects itself against forged requests
            token = self.get("/csrf-token?client=tests")["token"]
            self.csrf = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"}
        headers = {"content-type": "application/json", **self.csrf}
        return self._ask(urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), headers))

    def refusal(self, path: str, body: dict[str, Any]) -> str:
        """What the server says when it refuses."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.post(path, body)
        return str(caught.value.read().decode())

    def _ask(self, request: urllib.request.Request) -> Any:
        for _ in range(10):
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code != 503:  # busy, as its own clients know
                    raise
                time.sleep(3)
        raise AssertionError(f"{request.full_url} stays unavailable")


class Place:
    """A home with its settings file, and a server."""

    def __init__(self, folder: Path, url: str) -> None:
        self.api, self.config = Api(url), folder / "parquetry.toml"
        self.home, self.source = folder / "home", folder / "in"
        (self.home / "prefect").mkdir(parents=True)
        write_folder(self.source)
        self.config.write_text(SETTINGS.format(home=self.home, source=self.source), encoding="utf-8")
        prefect = conductor.environment(load_settings(home=self.home), console_level="INFO")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            **prefect,
            "PREFECT_API_URL": url,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",  # everything must do with it, ours and Prefect's
            "PARQUETRY_CONFIG": str(self.config),
            "PYTHONPATH": str(ROOT),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            env=self.environment,
            cwd=self.home.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        with self.start(*words) as process:
            said = process.communicate(timeout=PATIENCE)[0]
        return process.returncode, said

    def apply(self, *words: str) -> tuple[int, str]:
        return self.run("-m", "flows.cli", "deploy", "apply", *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A whole server with all its services: the temporary ones of runs do not take slots back from the dead."""
    folder = tmp_path_factory.mktemp("conduct")
    port = free_port()
    url = f"http://{LOOPBACK}:{port}/api"
    made = Place(folder, url)
    environment = {name: value for name, value in made.environment.items() if name != "PREFECT_API_URL"}
    supervisor = Supervisor(folder / "logs", environment)
    try:
        words = ("server", "start", "--host", LOOPBACK, "--port", str(port))
        supervisor.start("prefect-server", "-m", "prefect", *words)
        supervisor.wait_until(lambda: conductor.healthy(url), "The Prefect server", conductor.STARTUP_SECONDS)
        yield made
    finally:
        supervisor.stop()


def test_a_server_is_brought_into_the_declared_state_and_shows_what_came_of_it(place: Place) -> None:
    code, said = place.run("-c", HOLDER)
    assert code != 0 and "Prefect's server has no concurrency limit 'parquetry-gpu'" in said

    code, said = place.apply()
    assert code == 0, said
    done = _changes(said)
    assert {"work pool parquetry", "concurrency limit parquetry-gpu", *DEPLOYMENTS} <= done["created"]
    limit = place.api.get("/v2/concurrency_limits/parquetry-gpu")
    assert limit["limit"] == 1
    doomed = place.start("-c", HOLDER)
    assert doomed.stdout is not None
    for line in doomed.stdout:
        if line == "held\n":
            break
    assert place.api.get("/v2/concurrency_limits/parquetry-gpu")["active_slots"] == 1
    doomed.kill()  # its slot is taken back by the server, while we look at other things
    doomed.wait()
    doomed.stdout.close()

    code, said = place.apply()
    assert code == 0 and done["created"] <= _changes(said)["unchanged"], said
    assert not {"created", "updated", "removed"} & set(_changes(said)), said
    code, said = place.apply("--pool-type", "docker")
    assert code == 2 and "of type process" in said

    _look_at_deployments(place.api)

    folder = labelled(place.home.parent / "labelled", 2)
    code, said = place.run("-c", RUNS, str(folder))  # waits for the slot of the one that was killed
    assert code == 0, said
    _look_at_the_batch(place)
    _look_at_the_upkeep(place)
    _look_at_the_models(place, said)
    assert place.api.get("/v2/concurrency_limits/parquetry-gpu")["active_slots"] == 0


def test_a_server_that_wants_tokens_takes_what_the_review_page_and_buckets_tell(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = urllib.request.Request(
        f"{place.api.url}/events", b"[]", {"content-type": "application/json"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(bare, timeout=120)
    assert refused.value.code == 403  # it does want one
    monkeypatch.setenv("PREFECT_API_URL", place.api.url)
    telling.post([notices.review_finished(7), notices.new_objects("s3://inbox/north", 3)])
    wanted = {"filter": {"event": {"prefix": ["parquetry."]}}, "limit": 50}
    until = time.monotonic() + PATIENCE
    while len(events := place.api.post("/events/filter", wanted)["events"]) < 2:
        assert time.monotonic() < until
        time.sleep(1)
    told = {one["event"]: one["payload"] for one in events}
    assert told[notices.REVIEW_FINISHED] == {"decisions": 7}
    assert told[notices.NEW_OBJECTS] == {"objects": 3}


def _look_at_deployments(api: Api) -> None:
    """The form of the parameters, read back; wrong values are refused with words."""
    deployments = {one["name"]: one for one in api.post("/deployments/filter", {})}
    assert set(deployments) >= {name.rpartition("/")[2] for name in DEPLOYMENTS}
    nightly = deployments["nightly"]
    (schedule,) = nightly["schedules"]
    assert (schedule["schedule"]["cron"], schedule["slug"]) == ("0 2 * * *", "nightly")
    form = nightly["parameter_openapi_schema"]["properties"]
    assert form["limit"]["title"] == "At most so many documents"
    assert {"minimum": 1, "maximum": 100_000_000, "type": "integer"}.items() <= form["limit"].items()
    path = f"/deployments/{nightly['id']}/create_flow_run"
    assert "minimum" in api.refusal(path, {"parameters": {"limit": 0}})
    assert "is not one of" in api.refusal(path, {"parameters": {"retry_outcome": "lost"}})
    upkeep = deployments["housekeeping"]["parameter_openapi_schema"]
    assert set(upkeep["properties"]) == {"leases", "sweep", "calibration", "books"}
    assert upkeep["properties"]["sweep"]["title"] == "Files without an owner"
    assert upkeep["definitions"]["SweepOptions"]["properties"]["older_than_hours"]["minimum"] == 1


def _look_at_the_batch(place: Place) -> None:
    run = _newest(place.api, "extract_batch")
    assert run["state_type"] == "COMPLETED" and run["name"].startswith("invoice in 20")
    assert (
        run["state"]["message"].startswith("7 inputs: ")
        and "3 failed or unreadable" in run["state"]["message"]
    )
    assert "failed-documents" in run["tags"]
    artifacts = {
        one["key"]: one for one in place.api.post("/artifacts/filter", {}) if one["flow_run_id"] == run["id"]
    }
    assert {"summary", "outcomes", "slowest-documents", "failed-documents", "progress"} <= set(artifacts)
    summary = artifacts["summary"]["data"]
    assert "| came in | 7 |" in summary and "### What landed" in summary and "<" not in summary
    table, source = f"file://{place.home}/lake/invoice", f"file://{place.source}"
    until = time.monotonic() + PATIENCE
    while not (events := _asset_events(place.api)):  # the server writes them down when it comes to it
        assert time.monotonic() < until
        time.sleep(1)
    (landed,) = [one for one in events if one["event"] == "prefect.asset.materialization.succeeded"]
    assert landed["resource"]["prefect.resource.id"] == table
    related = [(one["prefect.resource.id"], one["prefect.resource.role"]) for one in landed["related"]]
    assert (source, "asset") in related and (f"prefect.flow-run.{run['id']}", "flow-run") in related
    assert landed["payload"]["rows"] == 3


def _asset_events(api: Api) -> list[dict[str, Any]]:
    found = api.post("/events/filter", {"filter": {"event": {"prefix": ["prefect.asset."]}}, "limit": 50})
    events = [one for one in found["events"] if one["event"] != "prefect.asset.referenced"]
    return events if events else []


def _look_at_the_upkeep(place: Place) -> None:
    run = _newest(place.api, "maintain")
    assert run["state_type"] == "COMPLETED" and run["name"].startswith("upkeep 20")
    assert run["parameters"]["leases"]["grace_minutes"] == 5
    (artifact,) = [one for one in place.api.post("/artifacts/filter", {}) if one["flow_run_id"] == run["id"]]
    assert artifact["key"] == "upkeep"
    for step in (
        "leases",
        "lake files",
        "scratch",
        "calibration",
        "conservation",
        "audit trail",
        "ledger and lake",
    ):
        assert f"| {step} | " in artifact["data"], step


def _look_at_the_models(place: Place, said: str) -> None:
    """A model against itself is as good; nothing is trained on nothing; and both say so where people look."""
    run = _newest(place.api, "evaluate")
    assert run["state"]["message"].startswith("Gate passed. The candidate is at least as good")
    assert run["tags"] == ["gate-passed"] and run["name"].startswith("scripted on labelled 20")
    (gate,) = [one for one in place.api.post("/artifacts/filter", {}) if one["flow_run_id"] == run["id"]]
    assert "**Gate passed.**" in gate["data"] and "Nothing was promoted" in gate["data"]
    (line,) = [line for line in said.splitlines() if line.startswith("gate as good ")]
    page = Path(line.removeprefix("gate as good "))
    figures = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
    assert figures["against"]["documents"] == 2 and "<html" in page.read_text(encoding="utf-8")
    run = _newest(place.api, "finetune")
    assert run["state_type"] == "COMPLETED" and run["tags"] == ["nothing-new"]
    assert run["state"]["message"].startswith(
        "No document of schema 'invoice' has been confirmed or corrected"
    )


def _newest(api: Api, flow: str) -> dict[str, Any]:
    found = api.post("/flow_runs/filter", {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"})
    done = [run for run in found if run["state_type"] != "SCHEDULED"]
    return dict(done[0])
