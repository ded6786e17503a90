"""An S3 server of our own (moto's), which does wrong when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"


@dataclass
class Faults:
    """Which requests go wrong, and how.

    Attributes:
        methods: of these HTTP methods; none: all is well.
        path: with this text in their path.
        after: the request is done, and its reply lost; else it is not done.
        seen: how many went wrong.
        puts: paths of all that was put.
    """

    methods: set[str] = field(default_factory=set)
    path: str = ""
    after: bool = False
    seen: int = 0
    puts: list[str] = field(default_factory=list)

    def calm(self) -> None:
        self.methods, self.path, self.after, self.seen = set(), "", False, 0
        self.puts.clear()


class FaultyServer:
    """Moto's application with `Faults` before it."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.app = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if method == "PUT":
            self.faults.puts.append(path)
        if method not in self.faults.methods or self.faults.path not in path:
            answer: Iterable[bytes] = self.app(environ, start)
            return answer
        self.faults.seen += 1
        if self.faults.after:
            list(self.app(environ, lambda *_: lambda _: None))
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start(
            "503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", str(len(_SLOW_DOWN)))]
        )
        return [_SLOW_DOWN]


@contextmanager
def serving() -> Iterator[tuple[str, Faults]]:
    """The address of a running server, and its faults."""
    app = FaultyServer()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", app.faults
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
