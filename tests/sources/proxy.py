"""A proxy in front of a server: counts what is asked for, and breaks what it is told to break."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

Fault = Callable[[http.server.BaseHTTPRequestHandler], bool]
"""Answers a request itself and says so, or lets it pass."""


class Proxy:
    """Listens on loopback; ``asked`` counts method and path, ``faults`` are tried in turn on every request."""

    def __init__(self, port: int) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.faults: list[Fault] = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _pass_on(self) -> None:
                proxy.asked[(self.command, self.path.partition("?")[0])] += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if any(fault(self) for fault in proxy.faults):
                    self.close_connection = True
                    return
                behind = http.client.HTTPConnection("127.0.0.1", port)
                behind.request(self.command, self.path, body, dict(self.headers))
                answer = behind.getresponse()
                data = answer.read()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(data)
                behind.close()

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def count(self, method: str, within: str = "") -> int:
        """How often a method was asked for, of paths that hold a word."""
        return sum(n for (asked, path), n in self.asked.items() if asked == method and within in path)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answers(
    status: int, times: int = 1_000_000, *, within: str = "", method: str = "GET", **headers: str
) -> Fault:
    """So many requests are answered with an error."""
    left = [times]

    def fault(request: http.server.BaseHTTPRequestHandler) -> bool:
        if request.command != method or within not in request.path or left[0] <= 0:
            return False
        left[0] -= 1
        request.send_response_only(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.send_header("Connection", "close")
        request.end_headers()
        return True

    return fault


def breaks_off(after: bytes, of: int, times: int = 1_000_000, *, within: str = "", **headers: str) -> Fault:
    """So many answers promise more bytes than they have."""
    left = [times]

    def fault(request: http.server.BaseHTTPRequestHandler) -> bool:
        if request.command != "GET" or within not in request.path or left[0] <= 0:
            return False
        left[0] -= 1
        request.send_response_only(200)
        request.send_header("Content-Length", str(of))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(after)
        return True

    return fault
