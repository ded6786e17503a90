"""Child processes that begin, are watched, and end together, also when their parent is killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from schemas.errors import ParquetryError

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 8.0
"""So long children have to end politely. A stopped run is over within 35 s, whatever they do."""
_PR_SET_PDEATHSIG = 1


@dataclass
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    watched: bool = False


@dataclass
class Supervisor:
    """Starts children, watches them, and ends them all together."""

    logs: Path
    environment: dict[str, str]
    children: list[_Child] = field(default_factory=list)
    stopping: bool = False

    def start(self, name: str, *arguments: str) -> None:
        """Starts ``python arguments`` with its output in ``logs/<name>.log``."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches only us; we end the children in order
                preexec_fn=partial(_end_with_parent, os.getpid()),  # noqa: PLW1509  two system calls
            )
        self.children.append(_Child(name, process, log))

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Waits until ``ready``, while watching that no child ends.

        Raises:
            ParquetryError: a child ended, or the time is over.
        """
        until = time.monotonic() + seconds
        while not self.stopping and not ready():
            self.check()
            if time.monotonic() > until:
                raise ParquetryError(
                    f"{what} did not answer within {seconds:.0f} s.",
                    remedy=f"Look into {self.logs}, and try again on a less busy machine.",
                )
            time.sleep(0.2)

    def check(self) -> None:
        """Raises `ParquetryError` with the end of its log if a child has ended."""
        for child in self.children:
            code = child.process.poll()
            if code is not None and not self.stopping:
                raise ParquetryError(
                    f"The {child.name} process ended by itself (exit code {code}):\n{_tail(child.log)}",
                    remedy=f"See {child.log}.",
                )

    def when_ended(self, act: Callable[[int], None]) -> None:
        """Has ``act`` called with the exit code as soon as a child ends by itself; in a thread of its own."""

        def wait(child: _Child) -> None:
            code = child.process.wait()
            if not self.stopping:
                act(code)

        for child in self.children:
            if not child.watched:
                child.watched = True
                threading.Thread(target=wait, args=(child,), name=f"{child.name}-watch", daemon=True).start()

    def watch(self) -> None:
        """Returns when asked to stop; raises `ParquetryError` if a child ends before that."""
        while not self.stopping:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        """Ends all children, the last started first: politely, then not."""
        self.stopping = True
        for child in reversed(self.children):
            _signal(child.process, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, until - time.monotonic()))
            _signal(child.process, signal.SIGKILL)  # whatever is left of its group
            child.process.wait()


def port_is_free(port: int) -> bool:
    """Whether the loopback address can be bound at this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether something answers at this port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def free_port() -> int:
    """A port of the loopback address that nothing uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _end_with_parent(parent: int) -> None:
    """In the child: SIGTERM when the parent dies, however it dies (Linux; elsewhere only when it ends well)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we had asked
            os._exit(0)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _tail(path: Path, lines: int = 15) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 8_000))
        return "\n".join(stream.read().decode("utf-8", "replace").splitlines()[-lines:])
