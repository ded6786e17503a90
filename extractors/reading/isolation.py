"""Finds out, by trying, what a reading child can still do on this machine."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from extractors.reading.frames import Frame
from extractors.reading.process import ReaderChild

_PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Isolation:
    """What came of it.

    Attributes:
        layers: the protections in force, in plain words.
        tried: each attempt with why it failed, ``""`` where it succeeded.
        environment: the variables that the child was started with.
    """

    layers: tuple[str, ...]
    tried: dict[str, str]
    environment: dict[str, str]

    @property
    def open(self) -> list[str]:
        """What the child could do although it should not."""
        return [attempt for attempt, why in self.tried.items() if not why]


def try_isolation(kind: str) -> Isolation:
    """Starts a child of a kind (``text`` or ``ocr``), lets it try what is forbidden, and ends it.

    Raises:
        ChildDiedError, ChildTimeoutError, ProtocolError, OSError: the child does not start, or not answer.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pq-")))
        folder.chmod(0o777)
        for name in ("secret", "removable"):
            (folder / name).write_bytes(b"to be read by nobody")
            (folder / name).chmod(0o666)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        unix.bind(str(folder / "socket"))
        unix.listen()
        child = ReaderChild(kind, 1, threading.Event())
        stack.callback(child.kill)
        child.wait_ready()
        ready = {
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "unix": str(folder / "socket"),
            "folder": str(folder),
            "secret": str(folder / "secret"),
        }
        deadline = time.monotonic() + _PROBE_SECONDS
        child.send(Frame("probe", ready), deadline)
        answer = child.receive(deadline, None)
        return Isolation(tuple(child.layers), answer.data["tried"], answer.data["environment"])
