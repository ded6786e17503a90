"""Who is told how a run goes: nobody by default, a progress bar when a person sits at a console."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Is called from several threads."""

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """So many inputs were found, so many documents are to be processed; ``seconds`` is an estimate."""

    def done(self) -> None:
        """A document ended."""


class Nobody:
    """Is not interested."""

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """Does nothing."""

    def done(self) -> None:
        """Does nothing."""


_in_charge: list[Watcher] = [Nobody()]


def watcher() -> Watcher:
    """The one in charge."""
    return _in_charge[-1]


def watch(new: Watcher) -> None:
    """Puts another in charge of this process."""
    _in_charge[:] = [new]
