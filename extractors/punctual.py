"""Connections that end in time: a server that sends a byte now and then would else be waited for without an end.

Time limits of HTTP clients are for each read of the socket. The head of a response, or one "100 Continue" after the
other, takes as many reads as the server likes.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import httpcore

DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)
"""When the request that this thread makes must be over, in monotonic seconds."""


class PunctualNetwork(httpcore.SyncBackend):
    """Connects to any address, and minds `DEADLINE`."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to a host."""
        return Punctual(super().connect_tcp(host, port, timeout, local_address, socket_options))


class Punctual(httpcore.NetworkStream):
    """A connection that minds `DEADLINE`.

    Args:
        stream: the connection itself.
    """

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return Punctual(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float | None:
    deadline = DEADLINE.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time limit")
    return left if timeout is None else min(timeout, left)
