"""Reading children that outlive their pools: most of what a short test waits for is the start of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest

from extractors.reading import pool
from extractors.reading.process import ReaderChild
from extractors.reading.slot import Slot

_MOST = 2
"""Of one kind so many are kept."""


class Kept:
    """Idle children, by kind and threads."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[ReaderChild]] = defaultdict(list)

    def take(self, kind: str, threads: int) -> ReaderChild | None:
        """A warm child, if there is one that lives."""
        idle = self._idle[kind, threads]
        while idle:
            child = idle.pop()
            if child.alive:
                return child
            child.kill()
        return None

    def keep(self, kind: str, threads: int, child: ReaderChild) -> bool:
        """Whether it is kept; only one that is ready and has nothing to do."""
        idle = self._idle[kind, threads]
        if len(idle) >= _MOST or not (child.ready and child.alive):
            return False
        idle.append(child)
        return True

    def end(self) -> None:
        """Kills all."""
        for idle in self._idle.values():
            for child in idle:
                child.kill()
            idle.clear()


class LendingSlot(Slot):
    """A slot that begins with a child of the pool before, and leaves its own to the next one."""

    kept = Kept()

    def _start(self, kind: str) -> None:
        if kind not in self._children and not self._over.is_set():
            child = self.kept.take(kind, self._threads_of(kind))
            if child is not None:
                child._over = self._over
                self._cpu_before[kind] = self._cpu_before.get(kind, 0.0) - child.cpu_seconds
                self._children[kind] = child
        super()._start(kind)

    def close(self) -> None:
        """Leaves what is well, unless the pool was told to end at once."""
        for kind, child in list(self._children.items()):
            if not self._over.is_set() and self.kept.keep(kind, self._threads_of(kind), child):
                del self._children[kind]
        super().close()

    def _threads_of(self, kind: str) -> int:
        return self._threads if kind == "ocr" else 1


@pytest.fixture(scope="session")
def kept_readers() -> Iterator[Kept]:
    """The children that are left at the end of the session end with it."""
    yield LendingSlot.kept
    LendingSlot.kept.end()


@pytest.fixture
def warm_readers(kept_readers: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reader pools of this process begin with the children of earlier tests.

    Not for tests of the children themselves, of how pools start and end, or of what children are started with.
    """
    monkeypatch.setattr(pool, "Slot", LendingSlot)
