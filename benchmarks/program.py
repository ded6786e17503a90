"""The pipeline as single processes: what the Prefect tasks call, without Prefect, so that each can be killed.

``discover``, ``work`` and ``land`` run `flows.worker` and `flows.landing` as `flows.tasks` does, with the real
reader children. They go on until the plan's stop file exists. What a user would see of them is in their logs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flows import composition, worker
from flows.composition import Job, Parts
from flows.landing.land import land as land_rows
from flows.ledger.store import Ledger
from flows.settings import PREFIX, Settings, load_settings
from schemas.errors import ParquetryError
from schemas.registry import load_schema

log = logging.getLogger("benchmark")

IDLE_SECONDS = 0.1
RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class Plan:
    """What all processes of a benchmark share."""

    folder: Path
    schema: Path
    database: str
    lake: str
    lease_seconds: float = 2.0
    max_attempts: int = 3
    threads: int = 2
    quick: bool = False
    """Read text only: no page image, no OCR."""
    list_seconds: float = 0.1
    """Between two listings of the source."""
    land_seconds: float = 0.1
    """Between two landings, when there was nothing to land."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def source(self) -> Path:
        """Where the documents are."""
        return self.folder / "in"

    @property
    def home(self) -> Path:
        """The home folder of the pipeline."""
        return self.folder / "home"

    @property
    def logs(self) -> Path:
        """One log for each name of a process."""
        return self.folder / "logs"

    @property
    def stop(self) -> Path:
        """Exists when all are to end."""
        return self.folder / "stop"

    @property
    def job(self) -> Job:
        """What the run is about."""
        return Job(source=str(self.source), schema_=str(self.schema), model="scripted")

    def settings(self) -> Settings:
        """The settings in force, as the environment of a user would make them."""
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            del os.environ[name]
        os.environ.update(self.environment)
        made = load_settings(
            home=self.home,
            source=str(self.source),
            schema=str(self.schema),
            model="scripted",
            database=self.database,
            lake=self.lake,
            concurrency=self.threads,
            max_attempts=self.max_attempts,
        )
        # A lease shorter than a user may set: the time of a benchmark goes by in waiting for them.
        changes: dict[str, object] = {"lease_seconds": self.lease_seconds}
        if self.quick:
            changes["read"] = made.read.model_copy(update={"image_side_px": 0, "ocr": False})
        return made.model_copy(update=changes)


def enter(plan: Plan, name: str) -> Settings:
    """Settings in force and a log of its own, for the process of that name."""
    plan.logs.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=plan.logs / f"{name}.log",
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )
    made = plan.settings()
    composition.use(made)
    return made


def discover(plan: Plan, name: str, run_id: str) -> None:
    """Lists the source again and again; the run is this process's."""
    enter(plan, name)
    with composition.opened(plan.job) as parts, parts.run(run_id):
        until_stopped(plan, lambda: worker.register_inputs(parts, run_id) < 0, plan.list_seconds)


def work_in_threads(plan: Plan, parts: Parts, run_id: str) -> None:
    """Claims and processes documents in as many threads as the plan says, until it is stopped."""
    threads = [
        threading.Thread(target=until_stopped, args=(plan, lambda: process_next(parts, run_id)))
        for _ in range(plan.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work(plan: Plan, name: str, run_id: str) -> None:
    """Claims and processes documents in as many threads as the plan says."""
    enter(plan, name)
    with composition.opened(plan.job) as parts:
        work_in_threads(plan, parts, run_id)


def process_next(parts: Parts, run_id: str) -> bool:
    """One document, if one is free; what the task ``extract`` does in its loop."""
    claimed = worker.claim_next(parts, run_id)
    if claimed is not None:
        worker.process(parts, claimed)
    return claimed is not None


def land(plan: Plan, name: str, run_id: str) -> None:
    """Lands what is accepted, again and again; what the task ``land`` does."""
    enter(plan, name)
    schema = load_schema(str(plan.schema))

    def once() -> bool:
        with Ledger.open(plan.database) as ledger:
            return land_rows(ledger, plan.lake, schema).rows > 0

    until_stopped(plan, once, plan.land_seconds)


def until_stopped(plan: Plan, step: Callable[[], bool], idle_seconds: float = IDLE_SECONDS) -> None:
    """Does the step again and again, with a pause where it found nothing to do.

    What a task would try again is tried again, and stands in the log as an error; so does what would end a run.
    """
    while not plan.stop.exists():
        try:
            busy = step()
        except ParquetryError as error:
            if not worker.worth_retrying(error):
                log.exception("this would end the run")
                return
            log.error("a task would be tried again: %s", error)
            time.sleep(RETRY_SECONDS)
        except BaseException:
            log.exception("this would end the run")
            raise
        else:
            until = time.monotonic() + (0 if busy else idle_seconds)
            while time.monotonic() < until and not plan.stop.exists():
                time.sleep(IDLE_SECONDS)
