"""The kill test: SIGKILL at random moments of a running pipeline, and a reader looking all the while.

    python -m benchmarks.kill --points 200 --database sqlite --lake local

Real processes discover, work (with their reading children) and land. At each point one of them dies, or a
reading child, or all at once, or PostgreSQL drops every connection; what died is started again. In the end a run
without kills finishes the work, and ledger and lake are held against the documents that were written.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import check, look, program, stores
from benchmarks.crew import Crew
from benchmarks.documents import write_documents, write_schema
from benchmarks.program import Plan
from flows.ledger.engine import create_ledger_engine, reading
from flows.ledger.models import Transition
from flows.ledger.store import Ledger

WORKERS = 2
BACKLOG = 12
"""At every kill so many documents are there to be processed."""
LONGEST_WAIT = 1.0
"""Seconds, at random, from when the pipeline is at work again to the next kill."""
STEPS, STEPS_SECONDS = 3, 20.0
"""It is at work again when documents have made so many steps, or so much time has passed."""
VICTIMS = {"worker": 8, "reading child": 5, "landing": 5, "discovery": 2, "all of them": 2, "connections": 2}
"""Who dies, and how often compared to the others. Connections only where there is a server."""
MAX_ATTEMPTS = 100
"""Nobody kills at this rate but us: with the default of 3 a document would be set aside for bad luck."""
FINISH_SECONDS = 900
SHOW_EVERY = 10
log = logging.getLogger("benchmark")


@dataclass
class Killing:
    """What was done, and what came of it."""

    points: int
    victims: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    seconds: float = 0.0
    left_over: int = 0
    result: check.Reckoning | None = None


@contextmanager
def prepared(
    folder: Path,
    database: stores.Database,
    lake: stores.LakeKind,
    *,
    max_connections: int = 100,
    **options: Any,
) -> Iterator[Plan]:
    """A plan with its database and its lake."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        stores.database(database, folder, max_connections=max_connections) as url,
        stores.lake(lake, folder) as (uri, environment),
    ):
        schema = write_schema(folder)
        yield Plan(folder=folder, schema=schema, database=url, lake=uri, environment=environment, **options)


def kill(
    plan: Plan, points: int, seed: int, *, finish_by_cli: bool = False, minutes: float | None = None
) -> Killing:
    """Kills so many times, or as often as the minutes allow, finishes the work, and reckons."""
    killing, rng, crew = Killing(points), random.Random(seed), Crew()
    began = time.monotonic()
    Ledger.open(plan.database).close()
    killing.documents = write_documents(plan.source, range(BACKLOG))
    crew.start("look", look.look, plan, "look")
    try:
        _start(crew, plan, run := 0)
        for _ in range(points):
            if minutes is not None and time.monotonic() - began > 60 * minutes:
                break
            _top_up(plan, killing)
            _wait_until_at_work(plan)
            time.sleep(rng.uniform(0, LONGEST_WAIT))
            victim = _choose(rng, plan)
            killing.victims[victim] += 1
            if killing.victims.total() % SHOW_EVERY == 0:
                log.info("%d of %d kills, %d documents", killing.victims.total(), points, killing.documents)
            if victim == "all of them":
                crew.kill(*_pipeline(crew))
                _start(crew, plan, run := run + 1)
            else:
                _kill_one(victim, crew, plan, rng)
        crew.kill(*_pipeline(crew))
        killing.left_over = _open_documents(plan)
        finish_with_cli(plan) if finish_by_cli else _finish(crew, plan, run + 1)
        (plan.folder / "stop-looking").touch()
        crew.join("look")
    finally:
        crew.end()
    killing.result = check.reckon(plan, killing.documents, look.read_seen(plan, "look"))
    killing.seconds = time.monotonic() - began
    return killing


def _start(crew: Crew, plan: Plan, run: int) -> None:
    """All processes of the pipeline, for a run of its own."""
    run_id = f"run-{run}"
    crew.start("discovery", program.discover, plan, "discovery", run_id)
    for number in range(WORKERS):
        crew.start(f"work-{number}", program.work, plan, f"work-{number}", run_id)
    crew.start("landing", program.land, plan, "landing", run_id)


def _pipeline(crew: Crew) -> list[str]:
    return [name for name in crew.names() if name != "look"]


def _choose(rng: random.Random, plan: Plan) -> str:
    there = {v: w for v, w in VICTIMS.items() if v != "connections" or plan.database.startswith("postgresql")}
    return rng.choices(list(there), list(there.values()))[0]


def _kill_one(victim: str, crew: Crew, plan: Plan, rng: random.Random) -> None:
    if victim == "connections":
        drop_connections(plan)
    elif victim == "reading child":
        readers = crew.readers()
        if readers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(readers), signal.SIGKILL)
    else:
        name = f"work-{rng.randrange(WORKERS)}" if victim == "worker" else victim
        crew.kill(name)
        crew.restart(name)


def drop_connections(plan: Plan) -> None:
    """PostgreSQL ends every connection to the ledger but this one, whatever it is in the middle of."""
    engine = create_ledger_engine(plan.database)
    with engine.begin() as connection:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
    engine.dispose()


def _wait_until_at_work(plan: Plan) -> None:
    """Lets documents make a few steps: on a busy machine what was killed takes long to be back."""
    until, before = time.monotonic() + STEPS_SECONDS, steps(plan)
    while steps(plan) < before + STEPS and time.monotonic() < until:
        time.sleep(0.1)


def steps(plan: Plan) -> int:
    """How many steps all documents have made."""
    engine = create_ledger_engine(plan.database)
    with reading(engine).begin() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(Transition)).scalar_one()
    engine.dispose()
    return int(found)


def _top_up(plan: Plan, killing: Killing) -> None:
    """New documents in the source, so that there is always work."""
    missing = BACKLOG - (killing.documents - _through(plan))
    if missing > 0:
        killing.documents += write_documents(
            plan.source, range(killing.documents, killing.documents + missing)
        )


def _through(plan: Plan) -> int:
    with Ledger.open(plan.database) as ledger:
        counts = ledger.outcome_counts()
    return sum(counts.values()) - counts.get("pending", 0)


def _open_documents(plan: Plan) -> int:
    with Ledger.open(plan.database) as ledger:
        return ledger.outcome_counts().get("pending", 0)


def _finish(crew: Crew, plan: Plan, run: int) -> None:
    """A run that nobody kills, by the same processes."""
    run_id = f"run-{run}"
    _start(crew, plan, run)
    with Ledger.open(plan.database) as ledger:
        until = time.monotonic() + FINISH_SECONDS
        while not _is_finished(plan, ledger, run_id):
            if time.monotonic() > until:
                raise TimeoutError(f"the last run did not finish: {ledger.outcome_counts(run_id)}")
            time.sleep(0.2)
        plan.stop.touch()
        crew.join(*_pipeline(crew))
        ledger.check_conservation(run_id)


def _is_finished(plan: Plan, ledger: Ledger, run_id: str) -> bool:
    seen = sum(ledger.outcome_counts(run_id).values())
    if seen < len(list(plan.source.glob("*.pdf"))) or ledger.open_documents(run_id):
        return False
    return ledger.status().rows_to_land == 0


def command_line(plan: Plan) -> tuple[list[str], dict[str, str]]:
    """``parquetry run`` on the plan's folder, database and lake, and its environment."""
    command = [sys.executable, "-m", "flows.cli", "run", "--home", str(plan.home), "--model", "scripted"]
    command += ["--source", str(plan.source), "--schema", str(plan.schema)]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PARQUETRY_")},
        **plan.environment,
        "PARQUETRY_DATABASE": plan.database,
        "PARQUETRY_LAKE": plan.lake,
        "PARQUETRY_LEASE_SECONDS": "5",
        "PARQUETRY_MAX_ATTEMPTS": str(plan.max_attempts),
    }
    return command, environment


def finish_with_cli(plan: Plan) -> None:
    """The last run as a user starts it.

    Raises:
        RuntimeError: it did not end well.
    """
    command, environment = command_line(plan)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"parquetry run ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


def show(killing: Killing, title: str) -> Table:
    """What was done and what came of it."""
    result = killing.result
    assert result is not None and result.seen is not None
    table = Table("", title, box=None, pad_edge=False)
    table.columns[1].justify = "right"
    facts: dict[str, object] = {
        "kills": killing.victims.total(),
        **{f"  {victim}": count for victim, count in sorted(killing.victims.items())},
        "documents": result.documents,
        "  open when the last kill was done": killing.left_over,
        **{f"  {outcome}": count for outcome, count in sorted(result.outcomes.items())},
        "files in the lake": result.files,
        "rows in the lake": result.rows,
        "looks at the lake": result.seen.passes,
        "  files read": result.seen.reads,
    }
    for name, fact in facts.items():
        table.add_row(name, f"{fact:,}")
    table.add_section()
    for name, faults in result.faults().items():
        table.add_row(name, f"{len(faults):,}", style="red" if faults else None)
    table.add_section()
    table.add_row("errors a task would have been tried again for", f"{len(result.errors_shown):,}")
    table.add_row("seconds", f"{killing.seconds:,.0f}")
    return table


def main(
    points: Annotated[int, typer.Option(min=1, help="How many kills.")] = 200,
    database: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    lake: Annotated[str, typer.Option(help="local or s3.")] = "local",
    seed: Annotated[int, typer.Option(help="Which random moments and victims.")] = 0,
    minutes: Annotated[float | None, typer.Option(help="Kill no longer than this; then finish.")] = None,
    program_only: Annotated[
        bool, typer.Option("--program-only", help="Finish without `parquetry run` and Prefect.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="Work here and leave everything for a look.")] = None,
) -> None:
    """Kills a running pipeline at random moments and looks whether anything was lost or is there twice."""
    if database not in ("sqlite", "postgresql") or lake not in ("local", "s3"):
        raise typer.BadParameter("--database is sqlite or postgresql, --lake local or s3")
    console = Console()
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    log.setLevel(logging.INFO)
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pqkill")))
        plan = stack.enter_context(
            prepared(place, database, lake, max_attempts=MAX_ATTEMPTS)  # type: ignore[arg-type]
        )
        killing = kill(plan, points, seed, finish_by_cli=not program_only, minutes=minutes)
        console.print(show(killing, f"{database}, {lake}"))
        assert killing.result is not None
        for name, faults in killing.result.faults().items():
            for fault in faults[:10]:
                console.print(f"{name}: {fault}", style="red", markup=False)
        for line in Counter(e.split(" ", 3)[-1] for e in killing.result.errors_shown).most_common(5):
            console.print(line, style="dim", markup=False)
    raise typer.Exit(0 if killing.result.clean else 1)


if __name__ == "__main__":
    typer.run(main)
