"""Many workers on one ledger.

    python -m benchmarks.swarm crowd --database postgresql --workers 16 --documents 10000
    python -m benchmarks.swarm crowd --database sqlite --workers 8 --documents 2000
    python -m benchmarks.swarm paused --workers 100

``crowd``: worker processes and their reading children die at random; each document must land once, and no user may
see an error of the database. ``paused``: all workers are stopped past their lease, others do their work, and when
they wake up they must not be able to write.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import check, idle, program
from benchmarks.crew import Crew
from benchmarks.documents import write_documents
from benchmarks.kill import prepared, steps
from benchmarks.program import Plan
from flows.ledger.engine import create_ledger_engine
from flows.ledger.models import Document, Transition
from flows.ledger.records import DocumentState
from flows.ledger.store import Ledger

RUN = "run-1"
READER_SHARE = 0.25
"""Of the kills, so many hit a reading child."""
PATIENCE_SECONDS = 3600
UNDONE = "a task would be tried again"
REFUSED = "finished after its lease was lost"
app = typer.Typer(add_completion=False, help="Many workers on one ledger.")


@dataclass
class Swarming:
    """What was done, and what came of it."""

    workers: int
    documents: int
    facts: dict[str, object] = field(default_factory=dict)
    result: check.Reckoning | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong, and every document landed."""
        assert self.result is not None
        return self.result.clean and self.result.rows == self.documents and not self.database_errors

    @property
    def database_errors(self) -> list[str]:
        """Errors of the database that a user would see."""
        assert self.result is not None
        words = ("The ledger ", "is locked", "sqlite3.", "sqlalchemy.", "psycopg.")
        return [e for e in self.result.errors_shown if any(word in e for word in words)]


def crowd(plan: Plan, workers: int, documents: int, seed: int, *, kill_seconds: float = 2.0) -> Swarming:
    """Processes documents with many workers while some die; about one kill in every ``kill_seconds``."""
    done, rng, crew = Swarming(workers, documents), random.Random(seed), Crew()
    write_documents(plan.source, range(documents))
    Ledger.open(plan.database).close()
    kills: Counter[str] = Counter()
    began = time.monotonic()
    try:
        crew.start("discovery", program.discover, plan, "discovery", RUN)
        crew.start("landing", program.land, plan, "landing", RUN)
        for number in range(workers):
            crew.start(f"work-{number}", program.work, plan, f"work-{number}", RUN)
        with Ledger.open(plan.database) as ledger:
            while _through(ledger) < documents:
                _check_time(began)
                time.sleep(rng.uniform(0, 2 * kill_seconds))
                readers = crew.readers() if rng.random() < READER_SHARE else []
                if readers:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(rng.choice(readers), signal.SIGKILL)
                    kills["reading children"] += 1
                else:
                    name = f"work-{rng.randrange(workers)}"
                    crew.kill(name)
                    crew.restart(name)
                    kills["workers"] += 1
            done.facts["seconds until all were through"] = time.monotonic() - began
            _wait_for_landing(ledger, began)
        plan.stop.touch()
        crew.join(*crew.names(), seconds=300)
    finally:
        crew.end()
    with Ledger.open(plan.database) as ledger:
        ledger.check_conservation(RUN)
    done.facts |= {f"killed {who}": count for who, count in kills.items()}
    done.facts["documents a second"] = documents / float(str(done.facts["seconds until all were through"]))
    done.facts |= _takeovers(plan, crew)
    done.result = check.reckon(plan, documents)
    return done


def paused(plan: Plan, workers: int, seed: int, *, documents: int, rivals: int = 4) -> Swarming:
    """Stops all workers at random moments, lets others do their work, and wakes them up again."""
    done, rng, crew = Swarming(workers, documents), random.Random(seed), Crew()
    write_documents(plan.source, range(documents))
    Ledger.open(plan.database).close()
    began = time.monotonic()
    sleepers = [f"paused-{number}" for number in range(workers)]
    shortest = 3.0 + 0.2 * workers  # so that all hold a document before the first has done with it
    longest = shortest + 6.0
    try:
        crew.start("discovery", program.discover, plan, "discovery", RUN)
        start = plan.folder / "start"
        for name in sleepers:
            crew.start(name, idle.work, plan, name, RUN, shortest, longest, start)
        while len(list(plan.folder.glob("ready-*"))) < workers:
            _check_time(began)
            time.sleep(0.5)
        start.touch()
        with Ledger.open(plan.database) as ledger:
            while _processing(plan) < 0.9 * workers and not _through(ledger):
                _check_time(began)
                time.sleep(0.2)
        for name in sleepers:
            time.sleep(rng.uniform(0, 2 * plan.lease_seconds / workers))
            crew.signal(name, signal.SIGSTOP)
        done.facts["held a document when paused"] = _processing(plan)
        time.sleep(1.5 * plan.lease_seconds)
        for number in range(rivals):
            crew.start(f"rival-{number}", idle.work, plan, f"rival-{number}", RUN, 0.0, 0.02)
        with Ledger.open(plan.database) as ledger:
            while _through(ledger) < documents:
                _check_time(began)
                time.sleep(0.2)
            before = steps(plan)
            for name in sleepers:
                crew.signal(name, signal.SIGCONT)
            time.sleep(longest + plan.lease_seconds)
            crew.start("landing", program.land, plan, "landing", RUN)
            _wait_for_landing(ledger, began)
            plan.stop.touch()
            crew.join(*crew.names(), seconds=300)
            done.facts["steps written after they woke up"] = steps(plan) - before
            ledger.check_conservation(RUN)
    finally:
        crew.end()
    logs = [path.read_text(encoding="utf-8") for path in plan.logs.glob("paused-*.log")]
    done.facts["results of theirs that were refused"] = sum(text.count(REFUSED) for text in logs)
    # Whoever was paused amid a transaction finds it undone by the server, and tries again.
    done.facts["transactions of theirs that were undone"] = sum(text.count(UNDONE) for text in logs)
    done.facts |= _takeovers(plan, crew)
    done.facts["seconds"] = time.monotonic() - began
    done.result = check.reckon(plan, documents)
    done.result.errors_shown = [e for e in done.result.errors_shown if UNDONE not in e]
    return done


def _through(ledger: Ledger) -> int:
    counts = ledger.outcome_counts()
    return sum(counts.values()) - counts.get("pending", 0)


def _wait_for_landing(ledger: Ledger, began: float) -> None:
    while ledger.status().rows_to_land:
        _check_time(began)
        time.sleep(0.2)


def _check_time(began: float) -> None:
    if time.monotonic() - began > PATIENCE_SECONDS:
        raise TimeoutError("the workers do not get through")


def _count(plan: Plan, query: sa.Select[int]) -> int:
    engine = create_ledger_engine(plan.database)
    with engine.begin() as connection:
        found = connection.execute(query).scalar_one()
    engine.dispose()
    return int(found)


def _processing(plan: Plan) -> int:
    held = Document.state == DocumentState.PROCESSING
    return _count(plan, sa.select(sa.func.count()).select_from(Document).where(held))


def _takeovers(plan: Plan, crew: Crew) -> dict[str, object]:
    """How often a document was taken over from a lost worker, and how long after that worker's death."""
    engine = create_ledger_engine(plan.database)
    found = sa.select(Transition.at, Transition.detail).where(
        Transition.detail.startswith("taken over from ")
    )
    with engine.begin() as connection:
        rows = connection.execute(found).all()
    engine.dispose()
    # "taken over from host:pid-start:thread, whose lease ran out"
    waits = [
        (row.at - died).total_seconds()
        for row in rows
        if (died := crew.deaths.get(int(row.detail.rsplit(":", 2)[1].partition("-")[0])))
    ]
    return {
        "documents taken over from a lost worker": len(rows),
        "longest from a worker's death to the next claim, in leases": max(waits, default=0.0)
        / plan.lease_seconds,
    }


def show(swarming: Swarming, title: str) -> Table:
    """What was done and what came of it."""
    result = swarming.result
    assert result is not None
    table = Table("", title, box=None, pad_edge=False)
    table.columns[1].justify = "right"
    facts = {
        "workers": swarming.workers,
        "documents": swarming.documents,
        **swarming.facts,
        **{f"  {outcome}": count for outcome, count in sorted(result.outcomes.items())},
        "files in the lake": result.files,
        "rows in the lake": result.rows,
    }
    for name, fact in facts.items():
        table.add_row(name, f"{fact:,.1f}" if isinstance(fact, float) else f"{fact:,}")
    table.add_section()
    for name, faults in {**result.faults(), "database errors shown": swarming.database_errors}.items():
        table.add_row(name, f"{len(faults):,}", style="red" if faults else None)
    table.add_row("other errors shown", f"{len(result.errors_shown) - len(swarming.database_errors):,}")
    return table


def _report(swarming: Swarming, title: str) -> None:
    console = Console()
    console.print(show(swarming, title))
    assert swarming.result is not None
    for name, faults in swarming.result.faults().items():
        for fault in faults[:10]:
            console.print(f"{name}: {fault}", style="red", markup=False)
    for line, count in Counter(e.split(" ", 3)[-1] for e in swarming.result.errors_shown).most_common(5):
        console.print(f"{count} x {line}", style="dim", markup=False)
    raise typer.Exit(0 if swarming.clean else 1)


@app.command("crowd")
def crowd_command(
    database: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "postgresql",
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 16,
    documents: Annotated[int, typer.Option(min=1, help="Documents.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Which random moments and victims.")] = 0,
    kill_seconds: Annotated[float, typer.Option(min=0.1, help="One kill in so many seconds.")] = 2.0,
    folder: Annotated[Path | None, typer.Option(help="Work here and leave everything for a look.")] = None,
) -> None:
    """Many workers, some of which die at any moment."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pqswarm")))
        plan = stack.enter_context(
            prepared(place, database, "local", **CROWD)  # type: ignore[arg-type]
        )
        _report(crowd(plan, workers, documents, seed, kill_seconds=kill_seconds), database)


@app.command("paused")
def paused_command(
    workers: Annotated[int, typer.Option(min=1, help="Worker processes to be paused.")] = 100,
    documents: Annotated[int, typer.Option(min=1, help="Documents.")] = 300,
    seed: Annotated[int, typer.Option(help="Which random moments.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Work here and leave everything for a look.")] = None,
) -> None:
    """Workers that are stopped past their lease and wake up again."""
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pqswarm")))
        plan = stack.enter_context(
            prepared(place, "postgresql", "local", max_connections=4 * workers + 50, **PAUSED)
        )
        _report(paused(plan, workers, seed, documents=documents), "postgresql")


CROWD: dict[str, Any] = {
    "threads": 1,
    "max_attempts": 100,
    "quick": True,
    "lease_seconds": 5.0,
    "list_seconds": 3600.0,
    "land_seconds": 2.0,
}
PAUSED: dict[str, Any] = {"threads": 1, "lease_seconds": 5.0, "list_seconds": 3600.0, "max_attempts": 100}

if __name__ == "__main__":
    app()
