"""The batch: discover, extract, land what is sure, queue the rest, check that nothing was lost."""

from __future__ import annotations

import logging
import math
import os
import threading
from contextlib import AbstractContextManager, nullcontext

from prefect import flow, runtime, unmapped
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import composition, conductor, ending
from flows.artifacts import ProgressArtifact
from flows.composition import Job, Parts
from flows.estimate import seconds_for
from flows.report import RunReport
from flows.reporting import reporting
from flows.tasks import discover_inputs, extract_documents, land_rows
from flows.watch import watcher
from flows.worker import patiently

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""Between looks at documents that another run holds."""
STEPS = 8
"""A task takes at most this part of what each worker still has before it; the last ones are the smallest."""


def _run_name() -> str:
    """``invoice 2026-11 2026-11-22``: what, from where, when."""
    given = runtime.flow_run.parameters
    asked = composition.job(source=given.get("source"), schema=given.get("document_schema"))
    return composition.title(asked)


@flow(
    name="extract_batch",
    flow_run_name=_run_name,
    # Bounded by PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS, which `flows.conductor` sets from the settings.
    task_runner=ThreadPoolTaskRunner(),  # type: ignore[arg-type]
    persist_result=False,
)
def extract_batch(
    source: str | None = None,
    document_schema: str | None = None,
    model: str | None = None,
    limit: int | None = None,
    pages: str | None = None,
    retry_outcome: str | None = None,
    retry_reason: str | None = None,
    reprocess: bool = False,
    since: str | None = None,
) -> RunReport:
    """Documents of a source into typed rows; what is not sure waits for a person.

    Args:
        source: folder, file or URI without credentials; empty: the one in the settings.
        document_schema: catalog name or path of a JSON Schema; empty: the one in the settings.
        model: embedded, scripted or a model folder; empty: the one in the settings.
        limit: at most so many inputs.
        pages: pages to read, such as 1-3.
        retry_outcome: do inputs of this outcome again, such as failed, instead of listing the source.
        retry_reason: only those with this reason.
        reprocess: do again what is through, unless a person has decided on it.
        since: of those, only what was extracted then or later: 2026-11-22, or with a time (UTC).
    """
    run_id = str(runtime.flow_run.id)
    if _ours():
        conductor.log_to_file(composition.settings(), "run")
    again = composition.again(outcome=retry_outcome, reason=retry_reason, reprocess=reprocess, since=since)
    composition.check_runner(composition.settings())
    job = composition.job(
        source=source, schema=document_schema, model=model, limit=limit, pages=pages, again=again
    )
    with (
        _ended_in_time(),
        composition.opened(job) as parts,
        reporting(parts, run_id) as report,
        parts.run(run_id),
    ):
        with report.stage("discover"):
            inputs = discover_inputs(job, run_id)
        with report.stage("extract"):
            _extract_all(job, parts, run_id, inputs)
        with report.stage("land"):
            landed = land_rows(parts.schema.name, parts.schema.fingerprint)
        return report.complete(landed)


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
    rest = total = ledger.open_documents(run_id) + failed
    guess = seconds_for(total, ledger, fingerprint=parts.schema.fingerprint, model=parts.model_id)
    log.info("%d inputs, %d documents to process, estimated seconds: %s", inputs, total, guess)
    watcher().expect(inputs, total, guess)
    progress, done = ProgressArtifact(), 0
    if rest and settings.runner == "ray":
        from flows.cluster.batches import extract_all  # Ray is an extra

        extract_all(parts, run_id, total, progress)
        rest = 0
    if rest:
        parts.extractor.backend.load()  # a model that is incomplete ends the run before it costs a document
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
