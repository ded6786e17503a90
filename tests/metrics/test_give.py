"""How metrics are given: on standard output, at an address, in a file, at /metrics of the review page."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from flows.cli import main
from flows.cluster.options import PROCESS_NAME
from flows.ledger.store import Ledger
from flows.metrics import give, names
from flows.metrics.ledger import LedgerCollector
from flows.metrics.machine import gpu_memory, role_of
from schemas.errors import LedgerError
from tests.databases import sqlite_ledger
from tests.ledger.builders import add, process, start
from tests.ports import free_port
from tests.review.support import review_app

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-the-settings"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose ledger has seen two documents."""
    folder = tmp_path / "home"
    with Ledger.open(sqlite_ledger(folder / "ledger.db")) as ledger:
        start(ledger)
        for name in ("a.pdf", "b.pdf"):
            add(ledger, "run-1", name)
        process(ledger)
    return folder


def samples(text: str) -> dict[str, float]:
    """Every sample as ``name{labels}``; fails where the text is not Prometheus' format."""
    return {
        f"{one.name}{sorted(one.labels.items())}": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def documents(found: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in found.items() if name.startswith("parquetry_documents_total")}


def test_one_exposition_on_standard_output(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "--home", str(home)]) == 0
    found = samples(capsys.readouterr().out)
    assert sum(documents(found).values()) == 2
    assert found["parquetry_ledger_up[]"] == 1
    families = {name.split("[")[0].removesuffix("_total") for name in found}
    absent = {one.name for one in names.ALL if one.kind != "histogram"} - families
    # nothing of the kind has happened here
    assert absent <= {
        "parquetry_gpu_memory_bytes",
        "parquetry_pages",
        "parquetry_cpu_seconds",
        "parquetry_inputs_without_document",
        "parquetry_last_completed_run_timestamp_seconds",
    }


def test_a_ledger_that_cannot_be_read_is_a_metric_and_not_a_crash() -> None:
    def broken() -> Any:
        raise LedgerError("The ledger is gone.")

    said: list[str] = []
    (up,) = LedgerCollector(broken, said.append).collect()
    assert [sample.value for sample in up.samples] == [0.0] and said == ["The ledger is gone."]


def test_the_file_appears_whole_and_may_be_read_by_others(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "textfile" / "parquetry.prom"
    before = os.umask(0o077)
    try:
        with Ledger.open(f"sqlite:///{home / 'ledger.db'}") as ledger:
            give.write_file(ledger, path)
    finally:
        os.umask(before)
    assert sum(documents(samples(path.read_text())).values()) == 2
    assert path.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in path.parent.iterdir()] == ["parquetry.prom"]
    # node exporter has these of its own, and refuses a second kind
    assert "\nprocess_" not in path.read_text() and "\npython_" not in path.read_text()


def test_a_file_that_cannot_be_written_does_not_cost_the_run(
    home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with Ledger.open(f"sqlite:///{home / 'ledger.db'}") as ledger, caplog.at_level(logging.WARNING):
        give.write_file(ledger, tmp_path / "file" / "parquetry.prom")
    assert "cannot be written" in caplog.text


def page(home: Path, token: str) -> TestClient:
    ledger = Ledger.open(f"sqlite:///{home / 'ledger.db'}")
    reader: Any = SimpleNamespace()
    app = review_app(
        ledger=ledger, schemas=lambda name: None, reader=reader, blobs=home / "blobs", metrics_token=token
    )
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, f"bearer  {TOKEN} ", 200),
        (TOKEN, f"Bearer {TOKEN}x", 401),
        (TOKEN, f"Basic {TOKEN}", 401),
        (TOKEN, "Bearer tökèn", 401),
        (TOKEN, "", 401),
        ("", "Bearer ", 401),
        ("", "", 401),
    ],
)
def test_the_page_gives_them_to_who_sends_the_token(home: Path, token: str, sent: str, status: int) -> None:
    headers = {"Authorization": sent.encode("utf-8")} if sent else {}
    answer = page(home, token).get("/metrics", headers=headers)
    assert answer.status_code == status
    assert ("parquetry_" in answer.text) == (status == 200)
    if status == 200:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.slow
def test_an_endpoint_for_workers_answers_until_it_is_told_to_stop(home: Path) -> None:
    port = free_port()
    process_ = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "metrics", "--home", str(home), "--port", str(port)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process_.stderr is not None and "Metrics: " in process_.stderr.readline()
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                found = samples(answer.read().decode())
            assert sum(documents(found).values()) == 2
            assert found["parquetry_processes[('role', 'metrics')]"] >= 1
        process_.send_signal(signal.SIGINT)
        assert process_.wait(60) == 0
    finally:
        process_.kill()
        process_.wait()


def test_roles_of_processes() -> None:
    python = ["/usr/bin/python3", "-P", "-m"]
    assert role_of([*python, "extractors.reading.child", "ocr", "1"]) == "reader"
    assert role_of([*python, "flows.cli", "run", "--source", "in"]) == "run"
    assert role_of([f"ray::{PROCESS_NAME} 12", "", ""]) == "worker"
    assert role_of(["/venv/bin/python", "/venv/bin/parquetry", "review"]) == "review"
    assert role_of([*python, "uvicorn", "prefect.server.api.server:create_app"]) == "prefect"
    assert role_of([*python, "flows.cli", "metrics", "--port", "1"]) == "metrics"
    assert role_of(["/usr/bin/vim", "notes.txt"]) == ""


def test_gpu_memory_comes_from_nvml_and_is_absent_without() -> None:
    class NVMLError(Exception):
        pass

    ended: list[bool] = []
    nvml = SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(used=10 + handle, total=100),
        nvmlShutdown=lambda: ended.append(True),
    )
    assert gpu_memory(nvml) == [(10, 100), (11, 100)] and ended == [True]

    def missing() -> None:
        raise NVMLError

    nvml.nvmlInit = missing
    assert gpu_memory(nvml) == []
