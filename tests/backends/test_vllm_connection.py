"""The connection itself, byte by byte: what a server sends or the key has is not told, and nothing is waited for."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from extractors.backends.vllm import server as connection
from extractors.backends.vllm.handshake import find_model
from extractors.backends.vllm.server import Server
from extractors.options import VllmOptions
from schemas.errors import ModelError, OutageError, ParquetryError, public

TEXT = b"Total 4711.00 EUR of Mr Smith"
TLS_HELLO = b"\x16"
Says = Callable[[socket.socket], None]
Listen = Callable[..., str]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts a server that reads a request and says what it is told to; gives its address."""
    sockets: list[socket.socket] = []

    def begin(says: Says, tls: ssl.SSLContext | None = None) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)

        def answer(taken: socket.socket) -> None:
            try:
                with tls.wrap_socket(taken, server_side=True) if tls else taken as client:
                    take_request(client)
                    says(client)
            except OSError:
                pass

        def accept() -> None:
            while True:
                try:
                    taken, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(taken,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return f"{'https' if tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}"

    yield begin
    for one in sockets:
        one.close()


def take_request(client: socket.socket) -> None:
    """Reads all of it: who closes a connection with bytes unread resets it, and the answer may be lost with it."""
    request = client.recv(65536)
    while request and b"\r\n\r\n" not in request and not request.startswith(TLS_HELLO):
        request += (more := client.recv(65536))
        if not more:
            return
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (more := client.recv(65536)):
        left -= len(more)


def sends(*pieces: bytes) -> Says:
    return lambda client: client.sendall(b"".join(pieces))


def ok(body: bytes) -> Says:
    return sends(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body), body)


def ask(url: str, seconds: float = 20.0, **more: Any) -> Any:
    server = Server(VllmOptions.model_validate({"url": url, "outage_seconds": 0.1, **more}))
    try:
        return server.ask("/v1/completions", {"prompt": "x"}, time.monotonic() + seconds)
    finally:
        server.close()


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\n"], ids=["for a status", "for a header"])
def test_what_a_server_sends_out_of_turn_is_not_in_the_log(
    listen: Listen, before: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of an answer that was given up, say, where the next one should begin."""
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ParquetryError, match="the connection broke") as caught,
    ):
        ask(listen(sends(before, TEXT, b"\r\n\r\n")))
    assert "Smith" in str(caught.value) and "Smith" not in public(str(caught.value))
    assert caplog.records and "Smith" not in caplog.text


def test_a_key_from_a_file_with_a_new_line_is_a_key(listen: Listen) -> None:
    assert ask(listen(ok(b"{}")), api_key="sk-of-a-file\n") == {}
    made = Server(VllmOptions.model_validate({"api_key": "sk-of-a-file\n"}))
    assert made._client.headers["authorization"] == "Bearer sk-of-a-file"
    made.close()


@pytest.mark.parametrize(
    "key", ["sk-\nsecret", "sk-s\N{LATIN SMALL LETTER E WITH ACUTE}cret", "sk-\x00secret"]
)
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(ValidationError, match="letters, digits and signs") as caught:
        VllmOptions.model_validate({"api_key": key})
    assert all("secret" not in one["msg"] for one in caught.value.errors())


@pytest.mark.parametrize("status", [200, 400])
def test_json_that_is_too_deep_is_no_answer(listen: Listen, status: int) -> None:
    body = b"[" * 100_000
    head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(body))
    with pytest.raises(ParquetryError, match=r"no JSON|HTTP 400"):
        ask(listen(sends(head, body)))


def continues(client: socket.socket) -> None:
    for _ in range(600):
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.1)


def endless_head(client: socket.socket) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(600):
        client.sendall(b"y")
        time.sleep(0.1)


@pytest.mark.parametrize("says", [continues, endless_head])
def test_a_head_that_never_ends_is_not_waited_for(listen: Listen, says: Says) -> None:
    """A byte now and then keeps every time limit of a single read."""
    with pytest.raises(ParquetryError, match="no answer within") as caught:
        ask(listen(says), 1.0, request_seconds=0.5, connect_seconds=0.5)
    assert caught.value.remedy


def test_no_time_left_is_said_as_such(listen: Listen) -> None:
    with pytest.raises(ParquetryError, match="time at the server was over") as caught:
        ask(listen(ok(b"{}")), -1.0)
    assert "document_seconds" in caught.value.remedy


def test_an_address_with_a_path_is_told_as_it_is(listen: Listen) -> None:
    url = listen(sends(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"))
    with pytest.raises(OutageError, match=f"^{url}/gateway/v1/completions is not there"):
        ask(f"{url}/gateway")


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """One that only its own file vouches for, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, now - dt.timedelta(days=1), now + dt.timedelta(days=1)
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "ca.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = folder / "both.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both.write_bytes(key.private_bytes(*form) + file.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return file, context


def test_a_certificate_is_trusted_when_the_settings_name_it_and_else_the_remedy_says_so(
    listen: Listen, tmp_path: Path
) -> None:
    file, context = certificate(tmp_path)
    url = listen(ok(json.dumps({"at": 1}).encode()), context)
    assert ask(url, ca_file=str(file)) == {"at": 1}
    with pytest.raises(OutageError, match=r"no trusted connection.*self.signed") as caught:
        ask(url, outage_seconds=600.0, seconds=600.0)  # it does not pass, so nobody waits for it to pass
    assert "vllm.ca_file" in caught.value.remedy
    plain = listen(ok(b"{}")).replace("http:", "https:")
    with pytest.raises(OutageError, match="no trusted connection"):
        ask(plain)
    with pytest.raises(ModelError, match=r"certificates in .* cannot be read"):
        ask(url, ca_file=str(tmp_path / "none.pem"))


@pytest.mark.parametrize("url", ["http://gpu:99999", "http://gpu:abc", "http://g pu:8000", "http://gpu:0"])
def test_addresses_that_nobody_could_connect_to_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="it is no address"):
        VllmOptions.model_validate({"url": url})


def test_a_list_of_models_may_have_anything_in_it() -> None:
    said = {
        "data": [{"id": []}, 7, {"id": "other\x1b[2J"}, {"id": "tiny", "parent": {}, "max_model_len": "x"}]
    }
    answers: dict[str, Any] = {"/version": {"version": "0.32\x1b[2J" + "0" * 1000}, "/v1/models": said}
    server: Any = SimpleNamespace(get=lambda path: answers[path])
    found = find_model(server, "tiny")
    assert found.context is None and len(found.version) <= 80 and found.version.isprintable()
    with pytest.raises(ModelError, match="does not serve 'none'; it serves: other") as caught:
        find_model(server, "none")
    assert str(caught.value).isprintable()
