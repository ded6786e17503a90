"""What the workers of this process hold of a run, so that it can be given back when they cannot do so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flows.ledger.records import ClaimedDocument


class Holding:
    """Counts workers at work, and knows what they have claimed. Safe to share between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working = 0
        self._held: dict[str, ClaimedDocument] = {}

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker looks for a document, and works on it if there is one."""
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    @contextmanager
    def holding(self, claimed: ClaimedDocument) -> Iterator[None]:
        """A worker has a document."""
        with self._changed:
            self._held[claimed.document_id] = claimed
        try:
            yield
        finally:
            with self._changed:
                self._held.pop(claimed.document_id, None)

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether all workers came back within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._working, seconds)

    def held(self) -> list[ClaimedDocument]:
        """What is claimed now."""
        with self._changed:
            return list(self._held.values())
