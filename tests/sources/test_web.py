"""HTTP against a real server on loopback, with a proxy that breaks what it is told to break."""

from __future__ import annotations

import functools
import http.server
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.intake_options import IntakeOptions
from flows.sources import SourceObject, reopen, web_addresses, web_client
from flows.sources import discover as discover_source
from flows.sources.web_addresses import RefusedAddressError, is_public
from schemas.errors import DocumentError, SourceError
from tests.sources.proxy import Fault, Proxy, answers, breaks_off

LOOPBACK = IntakeOptions(allow_networks=("127.0.0.0/8",), http_seconds=20)


def discover(uri: str, limit: int | None = None, options: IntakeOptions = LOOPBACK) -> Iterator[SourceObject]:
    return discover_source(uri, limit=limit, options=options)


def names(found: Iterator[SourceObject]) -> list[str]:
    return [o.name for o in found]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_client, "PAUSES", (0.01, 0.02))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "web"
    for name in ("bill.pdf", "more/a.pdf", "more/ü & b.pdf", "more/deep/c.pdf", "more/.hidden.pdf"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"%PDF-1.4 " + name.encode())
    return root


@pytest.fixture
def web(folder: Path) -> Iterator[Proxy]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with Proxy(server.server_port) as proxy:
        yield proxy
    server.shutdown()
    thread.join()
    server.server_close()


# ---------------------------------------------------------------- one file, a folder, a list


def test_one_file_keeps_its_token_for_itself(web: Proxy, tmp_path: Path) -> None:
    source = f"{web.url}/bill.pdf?token=SECRET"
    (found,) = discover(source)
    assert found.uri == f"{web.url}/bill.pdf" and "SECRET" not in repr(found)
    assert web.asked == {("HEAD", "/bill.pdf"): 1}
    got = found.fetch(tmp_path / "copy")
    assert (got.media_type, got.size, found.size) == ("application/pdf", 17, 17)
    assert reopen(source, found.uri, options=LOOPBACK).fetch(tmp_path / "copy").sha256 == got.sha256
    with pytest.raises(SourceError, match="404") as caught:
        discover(f"{web.url}/missing.pdf?token=SECRET")
    assert "SECRET" not in str(caught.value) + caught.value.remedy


def test_a_version_changes_with_the_file_and_only_then(web: Proxy, folder: Path) -> None:
    def version() -> str:
        return next(discover(f"{web.url}/bill.pdf")).version

    before = version()
    assert before and version() == before
    os.utime(folder / "bill.pdf", (1, 1))
    assert version() != before
    assert web.count("GET") == 0


def test_a_server_without_head_is_asked_otherwise(web: Proxy, tmp_path: Path) -> None:
    web.faults.append(answers(405, method="HEAD"))
    (found,) = discover(f"{web.url}/bill.pdf")
    assert found.version and found.fetch(tmp_path / "copy").size == 17


def test_an_index_page_is_a_folder(web: Proxy, folder: Path, tmp_path: Path) -> None:
    (folder / "more" / "evil.html").unlink(missing_ok=True)
    source = f"{web.url}/more/"
    found = {o.name: o for o in discover(source)}
    assert sorted(found) == ["a.pdf", "c.pdf", "ü & b.pdf"]
    for one in found.values():
        assert one.fetch(tmp_path / "copy").media_type == "application/pdf"
        assert reopen(source, one.uri, options=LOOPBACK).version == one.version
    assert len(names(discover(source, limit=1))) == 1
    with pytest.raises(SourceError, match="not in the source"):
        reopen(f"{web.url}/more/a.pdf", f"{web.url}/bill.pdf", options=LOOPBACK)


def test_an_index_page_leads_only_below_itself(web: Proxy, folder: Path) -> None:
    page = (
        '<a href="../bill.pdf">up</a><a href="?C=N;O=D">sort</a><a href="http://10.0.0.1/x.pdf">out</a>'
        '<a href="/more/a.pdf">a</a><a href="a.pdf#page=2">a again</a><a href="deep/">deep</a>'
        '<a href="file:///etc/passwd">no</a><a href="./">self</a><a href="mailto:x@y">mail</a><a href="\x01[">'
    )
    (folder / "more" / "index.html").write_text(page, encoding="utf-8")
    (folder / "more" / "deep" / "index.html").write_text('<a href="c.pdf">c</a><a href="../deep/">me</a>')
    assert names(discover(f"{web.url}/more/")) == ["a.pdf", "c.pdf"]


def test_a_list_of_addresses_is_a_folder(web: Proxy, folder: Path, tmp_path: Path) -> None:
    lines = ["# bills", "", f"{web.url}/bill.pdf?token=A", f"{web.url}/bill.pdf?token=B", "more/a.pdf"]
    lines += [f"{web.url}/gone.pdf", "ftp://x/y.pdf", "http://10.1.2.3/private.pdf"]
    (folder / "list.txt").write_text("\r\n".join(lines), encoding="utf-8")
    found = list(discover(f"{web.url}/list.txt"))
    assert [o.uri.removeprefix(web.url) for o in found] == [
        "/bill.pdf",
        "/bill.pdf",
        "/more/a.pdf",
        "/gone.pdf",
        "/list.txt#line=7",
        "http://10.1.2.3/private.pdf",
    ]
    assert found[0].version != found[1].version  # two addresses, whatever of them may be shown
    assert [bool(o.fault) for o in found] == [False] * 3 + [True] * 3
    assert found[2].fetch(tmp_path / "copy").size == 19
    for bad, why in zip(found[3:], ("404", "no address", "not a public address"), strict=True):
        with pytest.raises(SourceError, match=why):
            bad.fetch(tmp_path / "copy")
    again = reopen(f"{web.url}/list.txt", f"{web.url}/more/a.pdf", options=LOOPBACK)
    assert again.version == found[2].version


def test_a_table_of_addresses_is_a_folder(web: Proxy, folder: Path) -> None:
    rows = ["id;address;sum", f'1;"{web.url}/bill.pdf";2', f"2; {web.url}/more/a.pdf;3", "3;;4"]
    (folder / "list.csv").write_text("\ufeff" + "\n".join(rows), encoding="utf-8")
    found = list(discover(f"{web.url}/list.csv"))
    assert [(o.name, bool(o.fault)) for o in found] == [
        ("bill.pdf", False),
        ("a.pdf", False),
        ("list.csv", True),
    ]
    (folder / "empty.txt").write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(SourceError, match="holds no address"):
        list(discover(f"{web.url}/empty.txt"))


def test_a_list_is_read_as_it_is_needed(web: Proxy, folder: Path) -> None:
    (folder / "long.txt").write_text("".join(f"{web.url}/bill.pdf?n={n}\n" for n in range(500)))
    assert len(list(islice(discover(f"{web.url}/long.txt"), 10))) == 10
    assert web.count("HEAD", "bill.pdf") < 100


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_addresses_that_are_not(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses())
def test_nothing_that_is_not_global_is_public(address: Any) -> None:
    assert address.is_global or not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0",
        "0x7f000001",
        "2130706433",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
    ],
)
def test_private_hosts_are_refused_however_they_are_written(host: str) -> None:
    with pytest.raises(SourceError) as caught:
        discover(f"http://{host}:1/x.pdf", options=IntakeOptions())
    assert isinstance(caught.value, RefusedAddressError) or "no valid address" in str(caught.value)


def test_a_refusal_says_what_to_set(web: Proxy) -> None:
    with pytest.raises(RefusedAddressError) as caught:
        discover(f"{web.url}/bill.pdf", options=IntakeOptions())
    assert "127.0.0.1/32" in caught.value.remedy and web.asked == {}


def test_a_name_is_resolved_once_and_the_connection_goes_there(
    web: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    port = int(web.url.rpartition(":")[2])
    asked: list[str] = []

    def rebinding(host: str, at: int, *_: Any, **__: Any) -> list[Any]:
        if host[0].isdigit():  # the connection itself
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, at))]
        asked.append(host)
        address = "127.0.0.1" if len(asked) % 2 else "127.0.0.2"  # nobody listens on the second
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    real = socket.create_connection
    reached: list[str] = []

    def connect(address: Any, *arguments: Any, **more: Any) -> socket.socket:
        reached.append(address[0])
        return real(address, *arguments, **more)

    monkeypatch.setattr("flows.sources.web_addresses.socket.getaddrinfo", rebinding)
    monkeypatch.setattr("socket.create_connection", connect)
    (found,) = discover(f"http://documents.example:{port}/bill.pdf")
    assert found.size == 17 and asked == ["documents.example"] and reached[0] == "127.0.0.1"


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr("flows.sources.web_addresses.socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(RefusedAddressError, match=r"10\.0\.0\.1"):
        discover("http://both.example/x.pdf", options=IntakeOptions())


# ---------------------------------------------------------------- redirects


def redirects(to: str, within: str = "/r", status: int = 302) -> list[Fault]:
    return [answers(status, within=within, method=method, Location=to) for method in ("GET", "HEAD")]


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/x.pdf", "http://[::1]:1/x.pdf", "http://169.254.169.254/latest"]
)
def test_a_redirect_to_a_private_address_is_refused(web: Proxy, target: str) -> None:
    web.faults += redirects(target)
    with pytest.raises(RefusedAddressError):
        discover(f"{web.url}/r.pdf")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.com/x", "gopher://x"])
def test_a_redirect_to_another_scheme_is_refused(web: Proxy, target: str) -> None:
    web.faults += redirects(target)
    with pytest.raises(SourceError, match="no address of HTTP"):
        discover(f"{web.url}/r.pdf")


def test_redirects_are_followed_a_few_times(web: Proxy, tmp_path: Path) -> None:
    web.faults += redirects("/bill.pdf", status=307)
    (found,) = discover(f"{web.url}/r.pdf")
    assert found.uri == f"{web.url}/r.pdf" and found.fetch(tmp_path / "copy").size == 17
    web.faults[:] = redirects("/r2.pdf")
    with pytest.raises(SourceError, match="redirects"):
        discover(f"{web.url}/r.pdf")


def test_credentials_do_not_travel_to_another_origin(web: Proxy, folder: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    def note(request: http.server.BaseHTTPRequestHandler) -> bool:
        seen.append((request.headers["Host"], request.headers.get("Authorization")))
        return False

    port = web.url.rpartition(":")[2]
    web.faults += [note, *redirects(f"http://localhost:{port}/bill.pdf")]
    source = f"http://user:p%40ss@127.0.0.1:{port}/r.pdf"
    both = IntakeOptions(allow_networks=("127.0.0.0/8", "::1/128"))
    (found,) = discover(source, options=both)
    assert "p%40ss" not in found.uri and found.uri == f"http://127.0.0.1:{port}/r.pdf"
    assert seen == [(f"127.0.0.1:{port}", "Basic dXNlcjpwQHNz"), (f"localhost:{port}", None)]


# ---------------------------------------------------------------- faults


def test_trouble_that_passes_is_waited_for(web: Proxy, tmp_path: Path) -> None:
    (found,) = discover(f"{web.url}/bill.pdf")
    web.faults += [answers(503, 1), answers(429, 1, Retry_After="0")]
    assert found.fetch(tmp_path / "copy").size == 17
    assert web.count("GET") == 3


def test_trouble_that_lasts_is_told_after_a_few_tries(web: Proxy, tmp_path: Path) -> None:
    (found,) = discover(f"{web.url}/bill.pdf")
    web.faults.append(answers(503))
    with pytest.raises(SourceError, match="503") as caught:
        found.fetch(tmp_path / "copy")
    assert web.count("GET") == 3 and "later" in caught.value.remedy
    web.faults[:] = [answers(403)]
    with pytest.raises(SourceError, match="403"):
        found.fetch(tmp_path / "copy")
    assert web.count("GET") == 4  # what is forbidden is not asked for again


def test_a_server_that_asks_for_too_much_patience_gets_none(web: Proxy, tmp_path: Path) -> None:
    (found,) = discover(f"{web.url}/bill.pdf")
    web.faults.append(answers(429, Retry_After="3600"))
    with pytest.raises(SourceError, match="429"):
        found.fetch(tmp_path / "copy")
    assert web.count("GET") == 1


def test_a_body_shorter_than_promised_is_no_document(web: Proxy, tmp_path: Path) -> None:
    (found,) = discover(f"{web.url}/bill.pdf")
    web.faults.append(breaks_off(b"%PDF-1.4 half", 1000))
    with pytest.raises(SourceError, match="broke the connection"):
        found.fetch(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_body_that_breaks_off_goes_on_where_its_tag_says_it_is_the_same(web: Proxy, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    asked: list[str] = []

    def resumes(request: http.server.BaseHTTPRequestHandler) -> bool:
        asked.append(request.headers.get("Range", ""))
        start = int(asked[-1].removeprefix("bytes=").rstrip("-") or 0)
        assert not start or request.headers["If-Range"] == '"v1"'
        request.send_response_only(206 if start else 200)
        request.send_header("Content-Length", str(len(data) - start))
        request.send_header("ETag", '"v1"')
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(data[start : start + 120_000])
        return True

    web.faults.append(resumes)
    (found,) = discover(f"{web.url}/bill.pdf")
    got = found.fetch(tmp_path / "copy")
    assert got.path.read_bytes() == data and asked == ["", "", "bytes=120000-", "bytes=240000-"]


def test_more_than_promised_and_more_than_allowed(web: Proxy, tmp_path: Path) -> None:
    (found,) = discover(f"{web.url}/bill.pdf")

    def lies(request: http.server.BaseHTTPRequestHandler) -> bool:
        request.send_response_only(200)  # no length at all: until the connection closes
        request.end_headers()
        for _ in range(64):
            request.wfile.write(b"%PDF-" * 10_000)
        return True

    web.faults.append(lies)
    with pytest.raises(DocumentError) as caught:
        found.fetch(tmp_path / "copy", max_bytes=100_000)
    assert caught.value.reason == "too_large" and not (tmp_path / "copy").exists()


def test_a_server_that_drips_is_left_alone_in_time(web: Proxy, tmp_path: Path) -> None:
    patience = IntakeOptions(allow_networks=("127.0.0.0/8",), http_seconds=0.5)
    (found,) = discover(f"{web.url}/bill.pdf", options=patience)
    over = threading.Event()

    def drips(request: http.server.BaseHTTPRequestHandler) -> bool:
        request.send_response_only(200)
        try:
            for _ in range(300):
                request.wfile.write(b"X-Drip: 1\r\n")
                if over.wait(0.05):
                    return True
        except OSError:
            pass
        return True

    web.faults.append(drips)
    started = time.monotonic()
    with pytest.raises(SourceError):
        found.fetch(tmp_path / "copy")
    over.set()
    assert time.monotonic() - started < 15  # the drips would take as long


def test_a_host_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def unknown(kind: int) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            tries.append(kind)
            raise socket.gaierror(kind, "nothing")

        return fail

    for kind, times in ((socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 3)):
        tries.clear()
        monkeypatch.setattr("flows.sources.web_addresses.socket.getaddrinfo", unknown(kind))
        with pytest.raises(web_addresses.UnknownHostError, match=r"no\.such\.host"):
            discover("https://no.such.host/x.pdf")
        assert len(tries) == times


def test_a_file_that_is_packed_on_the_way_is_refused(web: Proxy) -> None:
    web.faults.append(answers(200, method="HEAD", Content_Encoding="gzip"))
    with pytest.raises(SourceError, match="packs the file"):
        discover(f"{web.url}/bill.pdf")


def test_a_certificate_that_nobody_trusts(web: Proxy) -> None:
    with pytest.raises(SourceError, match="the server"):
        discover(web.url.replace("http:", "https:") + "/bill.pdf")


@pytest.mark.parametrize("uri", ["http://", "http:///x", "http://a b/x", "http://[::1/x", "http://x:99999/"])
def test_what_is_no_address(uri: str) -> None:
    with pytest.raises(SourceError):
        discover(uri)
