"""Worker processes that do what a test wants at one document; run in processes of their own."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.idle import Pausing
from benchmarks.program import Plan, enter, work_in_threads
from flows import composition
from schemas.document import DocumentRef
from schemas.extraction import Extraction

Act = Callable[[Plan, DocumentRef], None]


@dataclass(frozen=True)
class Acting(Pausing):
    """Knows what is on a document by its name; acts first."""

    plan: Plan | None = None
    act: Act = lambda plan, ref: None

    def extract(self, ref: DocumentRef, path: Path) -> Extraction:
        assert self.plan is not None
        self.act(self.plan, ref)
        return super().extract(ref, path)


def work(plan: Plan, name: str, run_id: str, act: Act) -> None:
    """A worker of the plan's threads, which acts before each of its documents."""
    enter(plan, name)
    with composition.opened(plan.job) as parts:
        real = parts.extractor
        parts.extractor = Acting(
            schema=real.schema,
            backend=real.backend,
            reader=real.reader,
            read_options=real.read_options,
            options=real.options,
            judge=real.judge,
            plan=plan,
            act=act,
        )
        work_in_threads(plan, parts, run_id)


def is_deadly(ref: DocumentRef) -> bool:
    """The first document of every test that needs one."""
    return ref.uri.endswith("B-00000000.pdf")


def die_of_it(plan: Plan, ref: DocumentRef) -> None:
    """The deadly document kills its worker, the others take a while."""
    if is_deadly(ref):
        time.sleep(0.3)  # so that its neighbours are being worked on
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)


def hold_it(plan: Plan, ref: DocumentRef) -> None:
    """Says that it holds the document, and goes on only when told to."""
    (plan.folder / "held").touch()
    while not (plan.folder / "go").exists():
        time.sleep(0.02)


def nothing(plan: Plan, ref: DocumentRef) -> None:
    """A worker without peculiarities."""


def with_threads(plan: Plan, threads: int) -> Plan:
    """The plan for a process with so many threads."""
    return replace(plan, threads=threads)
