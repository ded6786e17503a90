"""The batch: discover, extract, land what is sure, queue the rest, check that nothing was lost."""

from __future__ import annotations

import datetime as dt
import logging
import math
import os
import threading
from contextlib import AbstractContextManager, nullcontext

from prefect import flow, runtime, unmapped
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import composition, conductor, ending, gpu_slot, lineage, logs, states, summary
from flows.artifacts import ProgressArtifact
from flows.composition import Job, Parts
from flows.estimate import seconds_for
from flows.parameters import (
    Limit,
    ModelName,
    Pages,
    Reprocess,
    RetryOutcome,
    RetryReason,
    SchemaName,
    Since,
    Source,
)
from flows.report import RunReport
from flows.reporting import reporting
from flows.tasks import discover_inputs, extract_documents, land_rows
from flows.watch import watcher
from flows.worker import at_run, patiently
from schemas.errors import ParquetryError

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""Between looks at documents that another run holds."""
STEPS = 8
"""A task takes at most this part of what each worker still has before it; the last ones are the smallest."""


def _run_name() -> str:
    """``invoice 2026-11 2026-11-22 02:00``: what, from where, when; and what of it is done again."""
    given = runtime.flow_run.parameters
    try:
        asked = composition.job(source=given.get("source"), schema=given.get("document_schema"))
    except ParquetryError:
        # The flow itself says why, and the run fails with the reason; an error here would be a crash without one.
        return f"extract {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}"
    again = given.get("retry_outcome") or ("all" if given.get("reprocess") else "")
    return composition.title(asked) + (f" ({again} again)" if again else "")


@flow(
    name="extract_batch",
    flow_run_name=_run_name,
    # Bounded by PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS, which `flows.conductor` sets from the settings.
    task_runner=ThreadPoolTaskRunner(),  # type: ignore[arg-type]
    persist_result=False,
)
def extract_batch(
    source: Source = None,
    document_schema: SchemaName = None,
    model: ModelName = None,
    limit: Limit = None,
    pages: Pages = None,
    retry_outcome: RetryOutcome = None,
    retry_reason: RetryReason = None,
    reprocess: Reprocess = False,
    since: Since = None,
) -> RunReport:
    """Documents of a source into typed rows; what is not sure waits for a person.

    Args:
        source: Folder, file or URI without credentials. Empty: the one in the settings of the worker.
        document_schema: Catalog name, or path of a JSON Schema. Empty: the one in the settings of the worker.
        model: embedded, scripted, promoted, a model folder, a stored NAME or a URI. Empty: the one in the settings of
            the worker.
        limit: The first so many that are found. Empty: all.
        pages: Of each document. Empty: all pages.
        retry_outcome: Instead of listing the source, inputs that earlier runs left with this outcome. What a person has
            decided is never done again.
        retry_reason: Goes with the outcome above.
        reprocess: Also what is through, unless a person has decided on it. Not together with an outcome.
        since: Goes with the switch above. Without an offset, the time is in UTC.
    """
    run_id = str(runtime.flow_run.id)
    if _ours():
        conductor.log_to_file(composition.settings(), "run")
    again = composition.again(
        outcome=retry_outcome,
        reason=retry_reason,
        reprocess=reprocess,
        since=since.isoformat() if since else None,
    )
    composition.check_runner(composition.settings())
    job = composition.job(
        source=source, schema=document_schema, model=model, limit=limit, pages=pages, again=again
    )
    with (
        logs.public_errors(),  # no decorator: Prefect looks up the types of the parameters in the function's own module
        _ended_in_time(),
        composition.opened(job) as parts,
        at_run(parts, run_id),
        reporting(parts, run_id) as report,
        parts.run(run_id),
    ):
        with report.stage("discover"):
            inputs = discover_inputs(job, run_id)
        with report.stage("extract"):
            _extract_all(job, parts, run_id, inputs)
        with report.stage("land"):
            came_from = lineage.source_asset(job.source)
            landed = land_rows(parts.schema.name, parts.schema.fingerprint, came_from)
        done = report.complete(landed)
    return states.completed(done, summary.run_sentence(done), summary.run_tags(done))


def task_sizes(documents: int, batch_size: int, workers: int) -> list[int]:
    """How many documents each task takes, so that 2,000 documents are some 50 tasks, and 100,000 some 100.

    A task costs Prefect a tenth of a second. Large ones come first; the last have ``batch_size`` documents, so that
    no worker is left with a long one when the others are through.
    """
    sizes, left = list[int](), documents
    while left > 0:
        sizes.append(max(batch_size, math.ceil(left / (STEPS * workers))))
        left -= sizes[-1]
    return sizes + [batch_size] * (min(workers, documents) - len(sizes))  # one for each worker at least


def _ended_in_time() -> AbstractContextManager[None]:
    """In a process that Prefect started for this run, a cancelled run ends before Prefect kills it."""
    return ending.in_time() if _ours() else nullcontext()


def _ours() -> bool:
    """Whether Prefect started this process for this run."""
    return "PREFECT__FLOW_RUN_ID" in os.environ and threading.current_thread() is threading.main_thread()


def _extract_all(job: Job, parts: Parts, run_id: str, inputs: int) -> None:
    """Rounds of mapped tasks until every document of the run is through.

    Raises:
        OutageError: what every document needs does not work; those not through stay pending.
    """
    settings, ledger = parts.settings, parts.ledger
    failed = ledger.outcome_counts(run_id).get("failed", 0)  # a failure is tried again, once a run
    rest = ledger.open_documents(run_id) + failed
    guess = seconds_for(rest, ledger, fingerprint=parts.schema.fingerprint, model=parts.model_id)
    told = "unknown" if guess is None else f"{guess:.0f}"
    log.info("%d inputs, %d documents to process, estimated seconds: %s", inputs, rest, told)
    watcher().expect(inputs, rest, guess)
    if not rest:
        ProgressArtifact().show(0, 0)
        return
    if settings.runner == "ray":
        from flows.cluster.batches import extract_all  # Ray is an extra; it gives out the GPUs, too

        extract_all(parts, run_id, rest, ProgressArtifact())
        return
    with gpu_slot.held(settings.gpu):
        parts.extractor.backend.load()  # a model that is incomplete ends the run before it costs a document
        _in_rounds(job, parts, run_id, rest)


def _in_rounds(job: Job, parts: Parts, run_id: str, rest: int) -> None:
    """Mapped tasks for what is open, and again for what they left, until nothing is."""
    settings, ledger, total = parts.settings, parts.ledger, rest
    progress, done = ProgressArtifact(), 0
    while rest:
        sizes = task_sizes(rest, settings.batch_size, settings.concurrency)
        before = done
        futures = extract_documents.map(
            range(len(sizes)), job=unmapped(job), run_id=unmapped(run_id), size=sizes
        )
        for future in as_completed(futures):
            done += future.result()
            progress.show(done, total)
        if parts.outage is not None:
            raise parts.outage
        rest = patiently(parts, "counting", lambda: ledger.open_documents(run_id))
        if rest and done == before:  # another run has them, or had them and died: its leases run out
            parts.stopping.wait(WAIT_SECONDS)
    progress.show(total, total)
