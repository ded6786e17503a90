"""Where messages go: one block for each channel, and no secret where it does not belong."""

from __future__ import annotations

import json
import socketserver
import threading
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock, MicrosoftTeamsWebhook, SlackWebhook

from flows.alert_options import AlertOptions
from flows.alerts.channels import notification_block
from flows.cli import main
from flows.settings import load_settings
from schemas.errors import UsageError

SLACK = "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx"
TEAMS = (
    "https://prod-1.westeurope.logic.azure.com:443/workflows/0123456789abcdef0123456789abcdef/triggers/manual"
    "/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abcdefghijklmnop"
)


def options(**said: Any) -> AlertOptions:
    return AlertOptions.model_validate(said)


def test_each_channel_has_its_block() -> None:
    assert notification_block(options()) is None
    assert notification_block(options(channel="block", block="slack-webhook/mine")) is None
    assert isinstance(notification_block(options(channel="slack", address=SLACK)), SlackWebhook)
    assert isinstance(notification_block(options(channel="teams", address=TEAMS)), MicrosoftTeamsWebhook)
    address = "https://example.org/hook?key=s3cret"
    webhook = notification_block(options(channel="webhook", address=address, token="t0ken"))
    assert isinstance(webhook, CustomWebhookNotificationBlock)
    plain = json.dumps(webhook.model_dump(mode="json", exclude={"secrets"}))
    assert "s3cret" not in plain
    assert "t0ken" not in plain
    assert "s3cret" not in repr(webhook)
    sent = webhook._build_request_args("text", "subject")
    assert sent["url"] == address
    assert sent["headers"] == {"Authorization": "Bearer t0ken"}
    assert sent["json"] == {"subject": "subject", "text": "text"}


@pytest.mark.parametrize(
    "said",
    [
        {"channel": "slack"},
        {"channel": "slack", "address": "mailto://a@b.example"},
        {"channel": "email", "address": "https://example.org"},
        {"channel": "webhook", "address": "example.org"},
        {"channel": "block"},
        {"channel": "block", "block": "mine"},
        {"channel": "pigeon"},
        {"look_schedule": "every minute"},
    ],
)
def test_half_a_channel_is_refused_without_its_secret(tmp_path: Path, said: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(home=tmp_path, alerts={"token": "hunter2", **said})
    assert "alerts" in str(caught.value)
    assert "hunter2" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("channel", ["slack", "teams"])
def test_an_address_that_is_none_of_the_channel_is_told(channel: str) -> None:
    with pytest.raises(UsageError, match=channel) as caught:
        notification_block(options(channel=channel, address="https://example.org/s3cret"))
    assert "s3cret" not in str(caught.value)


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a message takes."""

    got: list[str]

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line.decode().split()[0].upper()
            if word == "DATA":
                self.wfile.write(b"354 go on\r\n")
                text = []
                while (part := self.rfile.readline()) != b".\r\n":
                    text.append(part.decode())
                self.got.append("".join(text))
            self.wfile.write(b"221 bye\r\n" if word == "QUIT" else b"250 ok\r\n")
            if word == "QUIT":
                return


def test_mail_reaches_a_mail_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    got: list[str] = []
    handler = type("Mail", (_Mail,), {"got": got})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port = server.server_address[1]
        monkeypatch.setenv("PARQUETRY_ALERTS__CHANNEL", "email")
        address = f"mailto://127.0.0.1:{port}?from=parquetry@example.org&to=ops@example.org"
        monkeypatch.setenv("PARQUETRY_ALERTS__ADDRESS", address)
        assert main(["alerts", "test", "--home", str(tmp_path)]) == 0, capsys.readouterr().err
        server.shutdown()
    (message,) = got
    assert "Subject: parquetry: a test" in message
    assert "ops@example.org" in message
    assert "Sent to email." in capsys.readouterr().out


def test_a_channel_that_does_not_answer_is_told_without_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARQUETRY_ALERTS__CHANNEL", "webhook")
    monkeypatch.setenv("PARQUETRY_ALERTS__ADDRESS", "http://127.0.0.1:9/s3cret")
    assert main(["alerts", "test", "--home", str(tmp_path)]) == 9
    said = capsys.readouterr().err
    assert "was not taken" in said
    assert "s3cret" not in said
    monkeypatch.delenv("PARQUETRY_ALERTS__CHANNEL")
    monkeypatch.delenv("PARQUETRY_ALERTS__ADDRESS")
    assert main(["alerts", "test", "--home", str(tmp_path)]) == 2
