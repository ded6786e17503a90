"""How a run is shown on a console while it goes on."""

from __future__ import annotations

import threading

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.commands.common import duration


def estimate(documents: int, seconds: float | None) -> str:
    """What is to be done and how long it may take, as a sentence."""
    if not documents:
        return "There is nothing to process."
    if seconds is None:
        return f"{documents} documents to process. Time: unknown, there is no earlier run to judge by."
    return f"{documents} documents to process. Time: about {duration(seconds)}, at the pace of the last run."


class ProgressBar:
    """Shows a run on a console: a bar where it is one, plain lines where it is a file."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("discovering", total=None)
        self._lock = threading.Lock()
        self._done = self._total = 0

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def expect(self, inputs: int, documents: int, seconds: float | None) -> None:
        """The estimate, before the work begins."""
        with self._lock:
            self._total = documents
        self._bar.update(self._task, description="documents", total=documents, completed=0)
        self._console.print(
            f"{inputs} inputs found. {estimate(documents, seconds)}", style="dim", soft_wrap=True
        )

    def done(self) -> None:
        """One step further; a line now and then where no bar can be drawn."""
        with self._lock:
            self._done += 1
            done, total = self._done, self._total
        self._bar.advance(self._task)
        step = max(1, total // 20)
        if not self._console.is_terminal and (done % step == 0 or done == total):
            self._console.print(f"{done} of {total} documents", style="dim")

    @property
    def so_far(self) -> str:
        """How far it got, for one who stopped it."""
        with self._lock:
            return (
                f"{self._done} of {self._total} documents are through" if self._total else "Nothing was begun"
            )
