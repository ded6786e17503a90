"""The lines of a run about its documents: all of them in the log file, enough to follow it on Prefect's server.

A row of its database for each of a night's 100,000 documents is more than a person looks at, and costs more time than a
small document does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

FIRST = 200
"""So many lines are sent of each outcome: the first few that failed are seen, also behind 10,000 that did not."""
EVERY = 60.0
"""Seconds between lines that say how far it is."""


class DocumentLines:
    """Tells how documents ended. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._told = clock()

    def ended(
        self, place: str, outcome: str, why: str, seconds: float, stages: Mapping[str, float] | None = None
    ) -> None:
        """A document ended with an outcome; ``why`` is empty where that needs no reason. ``stages``: its timings."""
        with self._lock:
            self._counts[outcome] += 1
            number, now = self._counts[outcome], self._clock()
            due = now - self._told >= EVERY
            if due:
                self._told = now
            so_far = ", ".join(f"{count} {name}" for name, count in sorted(self._counts.items()))
        reason = f" ({why})" if why else ""
        text = "%s: %s%s, %.1f s"
        told = {"outcome": outcome, "reason": why or None, "seconds": round(seconds, 3), "stages": stages}
        log.info(text, place, outcome, reason, seconds, extra={"send_to_api": number <= FIRST, **told})
        if number == FIRST:
            log.info("%d documents: %s. The lines of further ones are in the log file only.", FIRST, outcome)
        if due:
            log.info("So far: %s", so_far)
