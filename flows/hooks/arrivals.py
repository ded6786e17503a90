"""From notifications to events: the first is told at once, what follows soon after it as one.

The sender of the first waits for Prefect, and hears of it when it does not answer: then it sends again. What comes
within the next seconds is counted and told at their end, with no sender waiting; should that fail, it is tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flows.alerts.announcer import Announcer


class Arrivals:
    """Tells of new objects, at most twice within ``seconds``."""

    def __init__(self, tell: Callable[[int, str], None], seconds: float) -> None:
        self._tell, self._seconds = tell, seconds
        self._later = Announcer(tell, seconds, name="arrivals")
        self._lock = threading.Lock()
        self._told = -seconds

    def came(self, count: int, uri: str) -> None:
        """So many objects came. Raises what ``tell`` raises if they are the first for a while."""
        with self._lock:
            before, now = self._told, time.monotonic()
            first = now - before >= self._seconds
            if first:
                self._told = now
        if not first:
            self._later.happened(count, uri)
            return
        try:
            self._tell(count, uri)
        except BaseException:
            with self._lock:  # nobody knows of it yet: the next one is the first
                self._told = before
            raise

    def close(self) -> None:
        """Tells what is left."""
        self._later.close()
