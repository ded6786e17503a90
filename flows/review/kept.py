"""Figures that take long are kept a while, so that a page never waits for them twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request

from flows.ledger.desk import COUNT_CAP, QueueExtras
from flows.ledger.figures import Insight
from flows.ledger.store import Ledger

QUEUE_SECONDS = 30.0
DASHBOARD_SECONDS = 60.0
"""So old may the filters' counts be, and the dashboard, when there is so much that they take long."""

T = TypeVar("T")


class Kept(Generic[T]):
    """What a function gave, for so many seconds. While one asks anew, all others get what there is."""

    def __init__(
        self,
        make: Callable[[], T],
        seconds: Callable[[T], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``seconds`` says of a value how long it may be shown; 0: it is made each time."""
        self._make, self._seconds, self._clock = make, seconds, clock
        self._making = threading.Lock()
        self._found: tuple[T, float] | None = None

    def __call__(self) -> T:
        """The value, perhaps of a moment ago."""
        found = self._found
        if found is not None and self._clock() < found[1]:
            return found[0]
        first = found is None or self._seconds(found[0]) <= 0
        if not self._making.acquire(blocking=first):
            assert found is not None
            return found[0]
        try:
            value = self._make()
            keep = self._seconds(value)
            self._found = (value, self._clock() + keep) if keep > 0 else None
            return value
        finally:
            self._making.release()


@dataclass
class Desk:
    """What takes long on the pages of a ledger. Lives in ``app.state.desk``."""

    extras: Kept[QueueExtras]
    insight: Kept[Insight]

    @classmethod
    def of(cls, ledger: Ledger) -> Desk:
        """Small ledgers are asked each time, so that figures are those of now."""
        return cls(
            Kept(ledger.queue_extras, lambda found: QUEUE_SECONDS if found.waiting > COUNT_CAP else 0.0),
            Kept(ledger.insight, lambda found: DASHBOARD_SECONDS if found.documents > COUNT_CAP else 0.0),
        )


def desk_of(request: Request) -> Desk:
    """The desk of a request."""
    desk: Desk = request.app.state.desk
    return desk
