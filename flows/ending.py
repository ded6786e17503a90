"""How a process that runs a batch ends when it is told to: in order if it can, and in time in any case.

Ctrl-C, SIGTERM and Prefect's cancel (a SIGTERM to the flow's process) raise in the main thread; the run then
gives back what it holds (`flows.composition.Parts`). But a main thread may wait in C, a worker sit in the
model for minutes, a database not answer. So a thread of its own is told of the signal too, by the wakeup file
descriptor, and ends the process when `LIMIT_SECONDS` are over, or at once at a second signal.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

import psutil

GRACE_SECONDS = 8.0
"""So long the workers of a run have to come back, once their reading children were ended."""
LIMIT_SECONDS = 18.0
"""So long a process lives on after the first signal. Prefect kills its flows 30 s after it."""
LAST_SECONDS = 4.0
"""So long may take what is done at the very end."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)

_at_last: list[Callable[[], None]] = []
"""What to do before the process is ended hard, by whoever holds something."""
_ours: list[_Once] = []
"""Our signal handler, if this process has one."""
_left_behind: list[bool] = []
_running_out: list[socket.socket] = []
"""Keeps a clock running whose block was left."""


class Stopped(SystemExit):
    """A signal asked the process to end; ``code`` is 128 and the number of the signal, as shells have it."""


def exit_code(error: BaseException) -> int | None:
    """The exit code if the error says that a signal asked to stop, else ``None``."""
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    if isinstance(error, Stopped):
        return int(error.code or 0)
    number = getattr(error, "signal", None)  # prefect.exceptions.TerminationSignal
    if type(error).__name__ == "TerminationSignal" and isinstance(number, int):
        return 128 + number
    return None


@contextlib.contextmanager
def at_last(action: Callable[[], None]) -> Iterator[None]:
    """Has something done should the process be ended hard within the block; in another thread."""
    _at_last.append(action)
    try:
        yield
    finally:
        _at_last.remove(action)


def left_behind() -> None:
    """Somebody did not come back in time: the clock, once it is running, goes on until the process has ended."""
    _left_behind.append(True)


@contextlib.contextmanager
def in_time(say: Callable[[str], None] | None = None) -> Iterator[None]:
    """From here on a signal ends this process within `LIMIT_SECONDS`, whatever it does. Main thread only.

    Without ``say`` the handlers of the process stay as they are (Prefect has its own in its flow processes).
    With it, the first signal raises in the main thread, and the later ones are left to the clock.
    """
    _left_behind.clear()
    watch = _Watch(say or (lambda _: None))
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    before = {number: signal.getsignal(number) for number in SIGNALS} if say else {}
    if say:
        _ours[:] = [_Once()]
        keep_handlers()
    thread = threading.Thread(target=watch.run, args=(reader,), name="in-time", daemon=True)
    thread.start()
    try:
        yield
    finally:
        _ours.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        if watch.told and _left_behind:
            _running_out.append(writer)
        else:
            writer.close()
            thread.join()


def keep_handlers() -> None:
    """Puts our signal handlers in force again, if this process has some: Prefect puts its own in their place."""
    if _ours and threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _ours[0])


class _Once:
    """A signal handler that raises the first time, whichever signal it is; what follows is left to the clock."""

    def __init__(self) -> None:
        self._raised = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if self._raised:
            return
        self._raised = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise Stopped(128 + number)


class _Watch:
    """The thread with the clock."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.told = False

    def run(self, signals: socket.socket) -> None:
        with signals:
            number = self._next(signals)
            if number is None:
                return
            self.told = True
            signals.settimeout(LIMIT_SECONDS)
            with contextlib.suppress(TimeoutError):
                if self._next(signals) is None:
                    return
            end_now(128 + number, self._say)

    def _next(self, signals: socket.socket) -> int | None:
        """The number of the next of our signals, ``None`` when the block is left."""
        while byte := signals.recv(1):
            if byte[0] in SIGNALS:
                return byte[0]
        return None


def end_now(code: int, say: Callable[[str], None]) -> NoReturn:
    """Ends the process with all its children, in a few seconds, from any thread."""
    with contextlib.suppress(Exception):
        say("Ended at once; what was in work is given back.")
    doing = [threading.Thread(target=action, daemon=True) for action in list(_at_last)]
    for thread in doing:
        thread.start()
    for thread in doing:
        thread.join(LAST_SECONDS)
    end_children()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


def end_children() -> None:
    """Kills all processes below this one, and waits until they are gone."""
    children = psutil.Process().children(recursive=True)
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()
    psutil.wait_procs(children, timeout=LAST_SECONDS)
