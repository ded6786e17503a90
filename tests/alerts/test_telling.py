"""How events get to Prefect without its client; `tests/flows/test_conduct` sends them to a real server."""

from __future__ import annotations

import ssl

import certifi
import pytest

from flows.alerts import telling


def test_the_server_is_trusted_as_prefects_own_client_trusts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "PREFECT_API_SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert telling._trusted() is True
    monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", certifi.where())
    context = telling._trusted()
    assert isinstance(context, ssl.SSLContext) and context.verify_mode is ssl.CERT_REQUIRED
    monkeypatch.setenv("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "true")
    assert telling._trusted() is False


def test_a_certificate_that_is_not_there_is_told_and_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://127.0.0.1:9/api")
    monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(telling.NotToldError, match="FileNotFoundError"):
        telling.post([])
