"""Many small things that happen become few events: what comes within a while is gathered, and told as one.

`Announcer.happened` only counts, under a lock that is never held for longer; a thread of its own does the telling. So
whoever calls it (a reviewer's decision, a bucket's notification) never waits for Prefect, memory does not grow with
what happens, and a server that is down costs nothing: what was counted stays counted, and is told when it is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

AGAIN_AFTER = (5.0, 30.0, 120.0, 600.0)
"""Seconds before telling is tried again; then always the last."""
AT_LAST = 3.0
"""Seconds that `close` waits for what is yet to be told."""


class Announcer:
    """Gathers what happens for ``seconds`` from the first of it, then calls ``told`` with how many there were.

    Args:
        told: gets the number and the last note; may raise, and is then called again later with what came meanwhile.
        seconds: to gather.
        name: of the thread.
        pauses: before it is tried again.
    """

    def __init__(
        self,
        told: Callable[[int, str], None],
        seconds: float,
        *,
        name: str = "announcer",
        pauses: tuple[float, ...] = AGAIN_AFTER,
    ) -> None:
        self._told, self._seconds, self._pauses = told, seconds, pauses
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._over = threading.Event()
        self._count, self._note = 0, ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def happened(self, count: int = 1, note: str = "") -> None:
        """Something happened. Returns at once, and never raises."""
        with self._lock:
            self._count += count
            self._note = note or self._note
        self._some.set()

    __call__ = happened

    @property
    def waiting(self) -> int:
        """How much happened that was not told yet."""
        return self._count

    def _run(self) -> None:
        failures = 0
        while not self._over.is_set():
            self._some.wait()
            pause = self._pauses[min(failures, len(self._pauses)) - 1] if failures else self._seconds
            self._over.wait(pause)
            failures = 0 if self._tell() else failures + 1

    def _tell(self) -> bool:
        """Whether all of it was taken."""
        with self._lock:
            count, note = self._count, self._note
            self._some.clear()
        if not count:
            return True
        try:
            self._told(count, note)
        except Exception as error:
            log.warning("%d events are told later: %s", count, error)
            self._some.set()
            return False
        with self._lock:
            self._count -= count
        return True

    def close(self) -> None:
        """Tells what is left, once and within `AT_LAST` seconds."""
        self._over.set()
        self._some.set()
        self._thread.join(AT_LAST)
