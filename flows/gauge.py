"""How much memory a run takes at most: this process, and its reading children."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

SECONDS = 1.0
"""Between two looks. What comes and goes in between is not seen."""
_READER = "extractors.reading"


class MemoryGauge:
    """Looks once a second, in a thread of its own. Resident bytes; pages that processes share count in each.

    Attributes:
        parent: most of this process at one look.
        children: most of all reading children together at one look.
    """

    def __init__(self) -> None:
        self.parent = self.children = 0
        self._us = psutil.Process()
        self._is_reader: dict[int, bool] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-gauge", daemon=True)

    def __enter__(self) -> MemoryGauge:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """One look more, beside those of the clock."""
        children = 0
        for child in self._us.children(recursive=True):
            try:
                if child.pid not in self._is_reader:
                    self._is_reader[child.pid] = any(_READER in word for word in child.cmdline())
                children += child.memory_info().rss if self._is_reader[child.pid] else 0
            except psutil.Error:  # it has just ended
                continue
        self.parent = max(self.parent, self._us.memory_info().rss)
        self.children = max(self.children, children)

    def _watch(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(SECONDS)
