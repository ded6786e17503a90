"""The processes of a benchmark: started, killed, paused and started again."""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

import psutil

# A server that has imported everything and has no threads: its forks are there at once, and as real as any.
_fresh = multiprocessing.get_context("forkserver")
_fresh.set_forkserver_preload(["benchmarks.program", "benchmarks.look"])

END_SECONDS = 240


class Crew:
    """Processes by name; one that was killed can be started again as it was."""

    def __init__(self) -> None:
        self._members: dict[str, tuple[ForkServerProcess, Callable[..., None], tuple[Any, ...]]] = {}
        self.deaths: dict[int, dt.datetime] = {}
        """When each process that was killed was, by its id."""

    def start(self, name: str, role: Callable[..., None], *arguments: Any) -> None:
        """Starts a process under a name."""
        process = _fresh.Process(target=role, args=arguments, name=name)
        process.start()
        self._members[name] = (process, role, arguments)

    def restart(self, name: str) -> None:
        """Starts a process that has ended once more, with the same arguments."""
        _, role, arguments = self._members[name]
        self.start(name, role, *arguments)

    def names(self, prefix: str = "") -> list[str]:
        """Those whose name begins so."""
        return [name for name in self._members if name.startswith(prefix)]

    def pid(self, name: str) -> int:
        """Its process id."""
        pid = self._members[name][0].pid
        assert pid is not None
        return pid

    def alive(self, name: str) -> bool:
        """Whether it still runs."""
        return self._members[name][0].is_alive()

    def exit_code(self, name: str) -> int | None:
        """How it ended; ``None`` while it runs."""
        return self._members[name][0].exitcode

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid(name), number)

    def kill(self, *names: str) -> None:
        """SIGKILL for all of them, then waits until they are gone."""
        for name in names:
            self.signal(name, signal.SIGKILL)
            self.deaths[self.pid(name)] = dt.datetime.now(dt.UTC)
        for name in names:
            self._members[name][0].join(END_SECONDS)

    def readers(self, prefix: str = "work") -> list[int]:
        """Process ids of the reading children of the workers."""
        found: list[int] = []
        for name in self.names(prefix):
            with contextlib.suppress(psutil.Error):
                found += [child.pid for child in psutil.Process(self.pid(name)).children()]
        return found

    def join(self, *names: str, seconds: float = END_SECONDS) -> None:
        """Waits for the end of these processes.

        Raises:
            TimeoutError: one goes on.
        """
        for name in names:
            self._members[name][0].join(seconds)
            if self.alive(name):
                raise TimeoutError(f"{name} does not end")

    def end(self) -> None:
        """Ends what is still there."""
        for name in self.names():
            self.signal(name, signal.SIGCONT)
        self.kill(*self.names())
