"""The Prefect tasks: thin covers over `flows.worker`, tried again only where that can help.

Inputs and results stay in memory: nothing of a document gets into Prefect's database or result store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypedDict

from prefect import task
from prefect.assets import Asset, materialize
from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows import composition, lineage, logs, worker
from flows.composition import Job, Parts
from flows.landing.land import LandingReport, land
from flows.ledger.store import Ledger
from schemas.errors import LedgerError

log = logging.getLogger(__name__)

for _ours in ("flows", "extractors.reading"):
    logging.getLogger(_ours).setLevel(logging.INFO)  # Prefect shows with a run what our own modules say


def can_help(_task: object, _run: object, state: Any) -> bool:
    """Prefect's retry condition."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and worker.worth_retrying(error)


class TaskOptions(TypedDict):
    """Those options of Prefect's tasks that all of ours have alike."""

    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], bool]
    cache_policy: CachePolicy
    persist_result: bool


OPTIONS: TaskOptions = {
    "retries": 2,
    "retry_delay_seconds": [2.0, 15.0],
    "retry_condition_fn": can_help,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
"""Of every task of a batch, on a cluster too: when and how often it is tried again, and that nothing of it is kept."""


@task(
    name="discover",
    task_run_name="discover",
    **OPTIONS,
)
@logs.public_errors()
def discover_inputs(job: Job, run_id: str) -> int:
    """Every object of the source, with its content hash, is in the ledger; gives their number.

    What is to be done again is back to work then; if an outcome chooses it, the source is not listed.
    """
    parts = composition.parts(job)
    with worker.at_run(parts, run_id):
        return _discover(parts, job, run_id)


def _discover(parts: Parts, job: Job, run_id: str) -> int:
    if job.again is not None and job.again.outcome is not None:
        return worker.reopen_inputs(parts, run_id, job.again)
    count = worker.register_inputs(parts, run_id)
    if job.again is not None:
        again = parts.ledger.reprocess(run_id, since=job.again.since)
        log.info("%d documents are done again", again)
    return count


@task(
    name="extract",
    task_run_name="extract {batch}",
    **OPTIONS,
)
@logs.public_errors()
def extract_documents(batch: int, job: Job, run_id: str, size: int) -> int:
    """Claims and processes one document after the other, at most so many; gives their number."""
    parts = composition.parts(job)
    done = 0
    while done < size and worker.work_on_next(parts, run_id):
        done += 1
    return done


def land_rows(schema_name: str, fingerprint: str, came_from: Asset) -> LandingReport:
    """Writes what is accepted or reviewed under a schema, and not in the lake yet; a step of the table's lineage."""
    table = lineage.table_asset(composition.settings(), schema_name)
    landing = materialize(
        table,
        by=lineage.BY,
        asset_deps=[came_from],
        name="land",
        task_run_name="land {schema_name}",
        **OPTIONS,
    )(_land)
    landed = landing(schema_name, fingerprint, table)
    assert isinstance(landed, LandingReport)
    return landed


@logs.public_errors()
def _land(schema_name: str, fingerprint: str, table: Asset) -> LandingReport:
    settings = composition.settings()
    with Ledger.open(settings.database_url) as ledger:
        schema = ledger.stored_schema(fingerprint)
        if schema is None:
            raise LedgerError(
                f"The ledger does not have schema {schema_name} ({fingerprint[:12]}).",
                remedy="Run extract_batch with it once.",
            )
        landed = land(ledger, settings.lake_uri, schema, format=settings.lake_format)
    lineage.note(table, landed)
    return landed
