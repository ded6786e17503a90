"""The endpoint: who may ring, how often, how loudly, and what comes of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from flows.alerts.telling import NotToldError
from flows.cli import main
from flows.hooks.app import PATH, create_app
from flows.hooks.bodies import MAX_BYTES
from tests.hooks.test_bodies import S3

ROOT = Path(__file__).parents[2]
TOKEN = "a-secret-of-twenty-four-or-more"
BODY = json.dumps(S3).encode()
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Told:
    """What Prefect was told; ``broken``: it does not answer."""

    said: list[tuple[int, str]] = field(default_factory=list)
    broken: bool = False

    def __call__(self, count: int, uri: str) -> None:
        if self.broken:
            raise NotToldError("no answer")
        self.said.append((count, uri))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def client(told: Told) -> Iterator[TestClient]:
    app = create_app(source="s3://inbox/north", token=TOKEN, per_minute=30, tell=told, seconds=3600)
    with TestClient(app) as made:
        yield made


def test_a_notification_is_told_with_nothing_but_the_uri(client: TestClient, told: Told) -> None:
    answer = client.post(PATH, content=BODY, headers=BEARER)
    assert (answer.status_code, answer.json()) == (202, {"objects": 1})
    assert told.said == [(1, "s3://inbox/north/May bill(1).pdf")]
    assert client.get("/healthz").json() == {"status": "ok"}


def test_what_follows_soon_is_told_once_at_the_end(told: Told) -> None:
    app = create_app(source="s3://inbox/north", token=TOKEN, per_minute=600, tell=told, seconds=3600)
    with TestClient(app) as client:
        for _ in range(41):
            assert client.post(PATH, content=BODY, headers=BEARER).status_code == 202
        assert len(told.said) == 1
    assert [count for count, _ in told.said] == [1, 40]


def test_the_secret_in_each_way_it_can_be_sent(client: TestClient, told: Told) -> None:
    basic = base64.b64encode(f"sns:{TOKEN}".encode()).decode()
    made = hmac.new(TOKEN.encode(), BODY, hashlib.sha256).hexdigest()
    assert client.post(PATH, content=BODY, headers={"Authorization": f"Basic {basic}"}).status_code == 202
    assert client.post(f"{PATH}?token={TOKEN}", content=BODY).status_code == 202
    assert (
        client.post(PATH, content=BODY, headers={"X-Hub-Signature-256": f"sha256={made}"}).status_code == 202
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Basic not base64"},
        {"Authorization": "Basic " + base64.b64encode(TOKEN.encode()).decode()},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256=" + hashlib.sha256(BODY).hexdigest(), **BEARER},
    ],
)
def test_without_the_secret_nothing_is_told(client: TestClient, told: Told, headers: dict[str, str]) -> None:
    assert client.post(PATH, content=BODY, headers=headers).status_code == 401
    assert told.said == []


def test_guessing_ends_soon_and_shuts_nobody_else_out(client: TestClient, told: Told) -> None:
    answers = [client.post(PATH, content=BODY).status_code for _ in range(25)]
    assert answers[:20] == [401] * 20
    assert set(answers[20:]) == {429}
    assert told.said == []
    # Behind a proxy all have one address: whoever knows the secret is still let in.
    assert client.post(PATH, content=BODY, headers=BEARER).status_code == 202


def test_too_many_and_too_large_are_refused(client: TestClient, told: Told) -> None:
    large = b"[" + b" " * MAX_BYTES + b"]"
    assert client.post(PATH, content=large, headers=BEARER).status_code == 413
    parts = (b" " * 65536 for _ in range(20))  # sent in pieces, without a length
    assert client.post(PATH, content=parts, headers=BEARER).status_code == 413
    answers = [client.post(PATH, content=BODY, headers=BEARER).status_code for _ in range(40)]
    assert answers.count(202) == 30
    assert answers[30:] == [429] * 10


def test_nonsense_is_told_apart_from_what_is_of_no_concern(client: TestClient, told: Told) -> None:
    assert client.post(PATH, content=b"{", headers=BEARER).status_code == 400
    assert client.post(PATH, content=b"{}", headers=BEARER).json() == {"objects": 0}
    elsewhere = json.dumps({"uris": ["s3://other/a.pdf"]}).encode()
    assert client.post(PATH, content=elsewhere, headers=BEARER).json() == {"objects": 0}
    assert client.get(PATH).status_code == 405
    assert {client.get(path).status_code for path in ("/docs", "/openapi.json", "/")} == {404}
    assert told.said == []


def test_while_prefect_is_down_the_sender_hears_it_and_sends_again(client: TestClient, told: Told) -> None:
    told.broken = True
    refused = client.post(PATH, content=BODY, headers=BEARER)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    told.broken = False
    assert client.post(PATH, content=BODY, headers=BEARER).status_code == 202
    assert len(told.said) == 1


def test_nobody_visits_the_link_of_a_subscription(
    client: TestClient, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    asked = {
        "Type": "SubscriptionConfirmation",
        "TopicArn": "arn:aws:sns:x:1:t",
        "Token": "23af",
        "SubscribeURL": "http://127.0.0.1:1/steal",
    }
    with caplog.at_level(logging.WARNING):
        assert client.post(PATH, content=json.dumps(asked).encode(), headers=BEARER).status_code == 202
    assert "--topic-arn arn:aws:sns:x:1:t --token 23af" in caplog.text
    assert "steal" not in caplog.text
    assert told.said == []


def test_the_command_needs_a_secret_and_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["hooks", "--home", str(tmp_path)]
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert main(line) == 2
    assert "PARQUETRY_HOOKS__TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("PARQUETRY_HOOKS__TOKEN", "too short")
    assert main(line) == 2
    assert "too short" not in capsys.readouterr().err
    monkeypatch.setenv("PARQUETRY_HOOKS__TOKEN", TOKEN)
    for source in ("", str(tmp_path), "https://example.org/in/"):
        monkeypatch.setenv("PARQUETRY_SOURCE", source)
        assert main(line) == 2
        assert "no bucket" in capsys.readouterr().err
    monkeypatch.setenv("PARQUETRY_SOURCE", "s3://key:hunter2@inbox/north")
    assert main(line) == 2
    said = capsys.readouterr().err
    assert "No Prefect server" in said
    assert "hunter2" not in said


def test_the_endpoint_needs_neither_torch_nor_prefect() -> None:
    line = (
        "import sys; from flows.commands import hooks; from flows import conductor, home, serve\n"
        "from flows.alerts import notices, telling; from flows.hooks import app; from flows.review import server\n"
        "print({'torch', 'prefect', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
