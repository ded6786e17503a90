"""All of compose.yaml without containers: documents into the bucket, a run, rows in the lake, the queue on the page."""

from __future__ import annotations

import base64
import json
import logging
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.landing import read_current
from tests.databases import _program, throwaway_postgres
from tests.deploy.files import DEPLOY
from tests.deploy.stack import Stack, wait_for
from tests.flows.making import write_invoice
from tests.landing.s3 import serving
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(3000)]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """PostgreSQL and an object store that are up; the rest is started by the test."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = free_port()
    with throwaway_postgres(port=port) as address, serving() as (objects, _):
        made = Stack(tmp_path, objects, port)
        for folder in ("home", "tmp", "backups"):
            (tmp_path / folder).mkdir()
        made.make_secrets()
        script = (DEPLOY / "compose" / "databases.sql").read_text(encoding="utf-8")
        psql = [_program("psql"), "--no-psqlrc", "--quiet", address]
        subprocess.run(psql, input=made.here(script), text=True, check=True)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def bucket(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The object store, as the services reach it."""
    import s3fs

    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.objects)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(stack.secrets / "s3_credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    yield s3fs.S3FileSystem(use_listings_cache=False)
    s3fs.S3FileSystem.clear_instance_cache()


class Server:
    """Prefect's API, with and without the password that it wants."""

    def __init__(self, stack: Stack) -> None:
        pair = base64.b64encode(stack.secret("prefect_auth").encode()).decode()
        self.url = f"http://127.0.0.1:{stack.prefect}/api"
        self.client = httpx.Client(headers={"Authorization": f"Basic {pair}"}, timeout=120)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.client.request(method, self.url + path, json=body)
        answer.raise_for_status()
        return answer.json()


def wrong_sum(path: Path) -> Path:
    """An invoice whose parts do not make up its total: somebody must look at it."""
    return write_invoice(path, 90, total="911.00")


def test_from_a_bucket_to_rows_and_the_queue(stack: Stack, bucket: Any, tmp_path: Path) -> None:
    stack.start("prefect", "http://127.0.0.1:4200/api/health")
    server = Server(stack)
    assert httpx.get(f"{server.url}/admin/version", timeout=60).status_code == 401
    said = stack.run("prepare")
    assert (
        "bucket documents: made" in said
        and "bucket parquetry: made" in said
        and "folder in of bucket documents: made" in said
        and "Added admin as admin" in said
    )
    again = stack.run("prepare")
    assert (
        "made" not in again.replace("parquetry: there", "")
        and "Added" not in again
        and "created" not in again
    )
    stack.start(
        "worker", "http://127.0.0.1:8080/health", PARQUETRY_MODEL="scripted", PARQUETRY_CONCURRENCY="2"
    )
    stack.start("review", "http://127.0.0.1:8484/healthz", PARQUETRY_REVIEW_PORT=str(stack.review))

    for number in range(3):
        bucket.put_file(
            str(write_invoice(tmp_path / "in" / f"{number}.pdf", number)), f"documents/in/{number}.pdf"
        )
    bucket.put_file(str(wrong_sum(tmp_path / "wrong.pdf")), "documents/in/wrong.pdf")
    bucket.pipe_file("documents/in/broken.pdf", b"%PDF-1.7\n" + b"\x00garbage" * 50)

    nightly = server.call("GET", "/deployments/name/extract_batch/nightly")
    assert nightly["work_pool_name"] == "parquetry" and nightly["schedules"][0]["active"]
    run = server.call(
        "POST", f"/deployments/{nightly['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}}
    )

    def over() -> str:
        state = server.call("GET", f"/flow_runs/{run['id']}")["state"]
        return str(state["type"]) if state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else ""

    log = stack.folder / "worker.log"
    assert wait_for(over, lambda: log.read_text()[-4000:]) == "COMPLETED", log.read_text()[-8000:]

    # The schedule is more than a line in a table: the server makes tonight's run.
    waiting = {
        "deployments": {"id": {"any_": [nightly["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    tonight = wait_for(
        lambda: server.call("POST", "/flow_runs/filter", waiting),
        lambda: (stack.folder / "prefect.log").read_text()[-4000:],
    )
    assert {one["auto_scheduled"] for one in tonight} == {True}

    rows = read_current("s3://parquetry/lake", "invoice")
    assert sorted(rows.column("document_number").to_pylist()) == ["INV-0", "INV-1", "INV-2"]
    assert {uri.rpartition("/")[2] for uri in rows.column("source_uri").to_pylist()} == {
        "0.pdf",
        "1.pdf",
        "2.pdf",
    }

    with httpx.Client(
        base_url=f"http://127.0.0.1:{stack.review}", timeout=120, follow_redirects=True
    ) as page:
        token = re.search(r'name="token" value="([^"]+)"', page.get("/").text)
        assert token is not None, "a page that asks to sign in"
        form = {"token": token[1], "next": "/", "name": "admin", "password": stack.secret("admin_password")}
        queue = page.post("/sign-in", data=form)
        assert queue.status_code == 200 and "wrong.pdf" in queue.text and "0.pdf" not in queue.text
        assert page.get("/healthz").json() == {"status": "ok", "queue": 1}

    assert "the ledger, 1 files of the lake" in stack.run("backup")
    text = "".join(file.read_text(errors="replace") for file in stack.folder.glob("*.log"))
    shown = [
        name
        for name in ("ledger_password", "prefect_password", "admin_password")
        if stack.secret(name) in text
    ]
    assert not shown, "secrets in the logs"
    codes = stack.stop()
    assert all(code in (0, -signal.SIGTERM, 128 + signal.SIGTERM) for code in codes.values()), codes
    manifest = next((stack.folder / "backups" / "backups").glob("*/manifest.json"))
    assert json.loads(manifest.read_text(encoding="utf-8"))["missing"] == []
