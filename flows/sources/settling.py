"""Files that were changed a moment ago may still be being written: they are looked at last, and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from flows.sources.objects import SourceObject
from schemas.errors import SourceError

HELD = 10_000
"""Young files put aside at a time; their turn comes when there are more, or when the source is at its end."""

Wait = Callable[[float], object]
"""Waits so many seconds."""


def settled(
    found: Iterator[SourceObject], *, seconds: float, patience: float, wait: Wait = time.sleep
) -> Iterator[SourceObject]:
    """The same objects; what is younger than ``seconds`` comes late, as it is then.

    So a run over files that were copied just now takes all of them, after a moment. What is still not old
    enough when ``patience`` is used up comes as ``unsettled``: it is to be left for the next run.

    Args:
        found: as listed; an object without a time of its last change is never young.
        seconds: since its last change, before an object is taken.
        patience: seconds to wait, all in all.
        wait: how; ``stopping.wait`` lets a run be stopped meanwhile.
    """
    queue = _Queue(seconds, patience, wait)
    for one in found:
        if queue.still_to_wait(one) <= 0:
            yield one
            continue
        queue.young.append(one)
        if len(queue.young) >= HELD:
            yield from queue.drained()
    yield from queue.drained()


class _Queue:
    def __init__(self, seconds: float, patience: float, wait: Wait) -> None:
        self._seconds, self._patience, self._wait = seconds, patience, wait
        self.young: list[SourceObject] = []

    def still_to_wait(self, one: SourceObject) -> float:
        """Seconds until it is old enough. A time far in the future is a wrong clock, not a file being written."""
        if one.modified is None or one.fault:
            return 0.0
        age = time.time() - one.modified
        return self._seconds - age if abs(age) < self._seconds else 0.0

    def drained(self) -> Iterator[SourceObject]:
        """What was put aside, oldest first; what changed meanwhile once more, as long as patience lasts."""
        rest = sorted(self.young, key=lambda one: one.modified or 0.0)
        self.young.clear()
        while rest:
            late: list[SourceObject] = []
            for one in rest:
                pause = max(0.0, self.still_to_wait(one))
                if pause > self._patience:
                    yield replace(one, unsettled=True)
                    continue
                if pause:
                    self._patience -= pause
                    self._wait(pause)
                now = _as_it_is_now(one)
                if now.version == one.version:
                    yield now
                else:
                    late.append(now)
            rest = late


def _as_it_is_now(one: SourceObject) -> SourceObject:
    if one.again is None:
        return one
    try:
        return one.again()
    except SourceError:
        return one  # gone: fetching it will say so
