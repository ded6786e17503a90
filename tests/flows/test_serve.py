"""``parquetry serve`` as a user meets it: started, looked at, used through its ports, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from tests.flows.making import write_folder
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 400.0


def test_a_port_in_use_is_told_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--prefect-port", port]) == 2
        assert f"Port {port} for the Prefect server" in (err := capsys.readouterr().err)
        assert "--prefect-port" in err
        assert main(["serve", "--prefect-port", str(free_port()), "--review-port", port]) == 2
        assert "--review-port" in capsys.readouterr().err
        assert main(["review", "--port", port]) == 2


@dataclass(frozen=True)
class Served:
    """A running ``parquetry serve``."""

    process: subprocess.Popen[str]
    api: str
    review: str
    home: Path

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"content-type": "application/json"}
        return _json(urllib.request.Request(f"{self.api}{path}", json.dumps(body).encode(), headers))

    def get(self, path: str) -> Any:
        return _json(urllib.request.Request(f"{self.api}{path}"))


def _json(request: urllib.request.Request) -> Any:
    """The answer; a server that is busy (503, as its own clients know) is asked again."""
    for _ in range(10):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            time.sleep(3)
    raise AssertionError(f"{request.full_url} stays unavailable")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    write_folder(tmp_path / "in")
    home, prefect, review = tmp_path / "home", free_port(), free_port()
    line = [sys.executable, "-m", "flows.cli", "serve", "--home", str(home), "--source", str(tmp_path / "in")]
    line += ["--schema", "invoice", "--model", "scripted"]
    line += ["--prefect-port", str(prefect), "--review-port", str(review)]
    process = subprocess.Popen(
        line,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if "Ctrl-C" in text:
                break
        assert process.poll() is None, "".join(said)
        yield Served(process, f"http://127.0.0.1:{prefect}/api", f"http://127.0.0.1:{review}", home)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(120)
        finally:
            process.kill()
            if process.stdout is not None:
                process.stdout.close()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_schedule_run_artifacts_review_page_and_end(served: Served) -> None:
    deployments = {d["name"]: d for d in served.post("/deployments/filter", {})}
    assert {"nightly", "reviewed", "health", "look"} <= set(deployments)
    automations = {a["name"]: a["enabled"] for a in served.post("/automations/filter", {})}
    assert automations["parquetry: run failed"] is True
    assert automations["parquetry: look again after a run"] is False
    (schedule,) = deployments["nightly"]["schedules"]
    assert (schedule["schedule"]["cron"], schedule["active"]) == ("0 2 * * *", True)

    with urllib.request.urlopen(served.review, timeout=60) as page:
        assert b"parquetry" in page.read()
    with urllib.request.urlopen(served.api.removesuffix("/api"), timeout=60) as ui:
        assert b"Prefect" in ui.read()

    run = served.post(
        f"/deployments/{deployments['nightly']['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}}
    )
    until = time.monotonic() + PATIENCE
    while (now := served.get(f"/flow_runs/{run['id']}"))["state_type"] not in (
        "COMPLETED",
        "FAILED",
        "CRASHED",
    ):
        assert time.monotonic() < until, now["state_name"]
        time.sleep(1)
    assert now["state_type"] == "COMPLETED"
    assert now["name"].startswith("invoice in 20")
    artifacts = {a["key"]: a for a in served.post("/artifacts/filter", {}) if a["flow_run_id"] == run["id"]}
    kept = {"summary", "outcomes", "slowest-documents", "failed-documents", "cost", "progress"}
    assert kept == set(artifacts)
    assert "| sum | 7 |" in artifacts["outcomes"]["data"]

    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(served.process.pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(children) == 3
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(120) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert not (served.home / "serve.json").exists()
