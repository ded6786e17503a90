"""What a reading child does to itself for one document: limits of memory and time; and a clean stdout."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import BinaryIO

_REPEAT_SECONDS = 0.5


class Interrupted(BaseException):
    """A step took longer than its share. Not an `Exception`: parsers swallow those."""


def private_stdout() -> BinaryIO:
    """Takes the real stdout for the protocol; whatever prints from now on prints to stderr."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def end_with_parent(stdin_fd: int = 0) -> None:
    """Ends this process as soon as the other end of its stdin is closed, even in the midst of work."""

    def watch() -> None:
        poll = select.poll()
        poll.register(stdin_fd, 0)  # hang-up and errors are always reported
        while True:
            if any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll()):
                os._exit(3)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def limit_memory(megabytes: int) -> None:
    """Caps the address space at what is in use plus ``megabytes`` (Linux; elsewhere the parent watches)."""
    try:
        in_use = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + (megabytes << 20), hard))


def limit_cpu(seconds: float) -> None:
    """Lets the kernel end the child after ``seconds`` more of CPU: the last resort, if the parent is gone."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(usage.ru_utime + usage.ru_stime + seconds) + 2, hard))


@contextmanager
def interrupt_after(cpu_seconds: float, seconds: float) -> Iterator[None]:
    """Raises `Interrupted` in the main thread when time is up, again and again until it gets through.

    Only Python code can be interrupted; a call that hangs in C is ended by the parent.

    Args:
        cpu_seconds: CPU time, so that what is read does not depend on how busy the machine is.
        seconds: time on the clock, so that the document's own deadline is kept.
    """

    def on_alarm(_signal: int, _frame: FrameType | None) -> None:
        raise Interrupted

    timers = (
        (signal.SIGPROF, signal.ITIMER_PROF, cpu_seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, seconds),
    )
    previous = [signal.signal(number, on_alarm) for number, _, _ in timers]
    try:
        for _, timer, limit in timers:
            signal.setitimer(timer, max(limit, 0.01), _REPEAT_SECONDS)
        yield
    finally:
        for _, timer, _ in timers:
            signal.setitimer(timer, 0)
        for (number, _, _), handler in zip(timers, previous, strict=True):
            signal.signal(number, handler)
