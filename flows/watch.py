"""Who is told how a run goes: the log by default, a progress bar when a person sits at a console."""

from __future__ import annotations

import logging
from typing import Protocol

log = logging.getLogger(__name__)


class Watcher(Protocol):
    """Is called from several threads."""

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """So many inputs were found, so many documents are to be processed; ``seconds`` is an estimate."""

    def done(self, uri: str, outcome: str, seconds: float) -> None:
        """A document ended."""


class LogWatcher:
    """Writes to the log, which Prefect shows with the run."""

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """One line."""
        guess = "unknown" if seconds is None else f"about {seconds:.0f} s"
        log.info("%d inputs, %d documents to process, time: %s", inputs, documents, guess)

    def done(self, uri: str, outcome: str, seconds: float) -> None:
        """One line."""
        log.info("%s: %s (%.1f s)", uri, outcome, seconds)


_in_charge: list[Watcher] = [LogWatcher()]


def watcher() -> Watcher:
    """The one in charge."""
    return _in_charge[-1]


def watch(new: Watcher) -> None:
    """Puts another in charge of this process."""
    _in_charge[:] = [new]
