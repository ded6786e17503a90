"""The batch: discover, extract, land what is sure, queue the rest, check that nothing was lost."""

from __future__ import annotations

import logging
import math
import time

from prefect import flow, runtime, unmapped
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import artifacts, composition
from flows.artifacts import ProgressArtifact, RunReport
from flows.composition import Job, Parts
from flows.estimate import seconds_for
from flows.tasks import discover_inputs, extract_documents, land_rows
from flows.watch import watcher

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""Between looks at documents that another run holds."""


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
) -> RunReport:
    """Documents of a source into typed rows; what is not sure waits for a person.

    Args:
        source: folder, file or URI without credentials; empty: the one in the settings.
        document_schema: catalog name or path of a JSON Schema; empty: the one in the settings.
        model: embedded, scripted or a model folder; empty: the one in the settings.
        limit: at most so many inputs.
        pages: pages to read, such as 1-3.
    """
    started = time.monotonic()
    run_id = str(runtime.flow_run.id)
    job = composition.job(source=source, schema=document_schema, model=model, limit=limit, pages=pages)
    with composition.opened(job) as parts, parts.run(run_id):
        inputs = discover_inputs(job, run_id)
        processed = _extract_all(job, parts, run_id, inputs)
        landed = land_rows(parts.schema.name, parts.schema.fingerprint)
        parts.ledger.check_conservation(run_id)
        outcomes = parts.ledger.outcome_counts(run_id)
        report = RunReport(
            run_id=run_id,
            source=job.source,
            schema_name=parts.schema.name,
            model=parts.model_id,
            inputs=sum(outcomes.values()),
            outcomes=outcomes,
            processed=processed,
            landed_rows=landed.rows,
            landed_files=[file.path for file in landed.files],
            warnings=landed.warnings,
            queue=parts.ledger.queue_size(schema=parts.schema.name),
            seconds=time.monotonic() - started,
        )
        artifacts.publish(report, parts.ledger.run_documents(run_id))
    return report


def _extract_all(job: Job, parts: Parts, run_id: str, inputs: int) -> int:
    """Rounds of mapped tasks until every document of the run is through; gives the number processed."""
    settings, ledger = parts.settings, parts.ledger
    counts = ledger.outcome_counts(run_id)
    rest = total = counts.get("pending", 0) + counts.get("failed", 0)  # a failure is tried again, once a run
    guess = seconds_for(total, ledger, fingerprint=parts.schema.fingerprint, model=parts.model_id)
    log.info("%d inputs, %d documents to process, estimated seconds: %s", inputs, total, guess)
    watcher().expect(inputs, total, guess)
    if rest:
        parts.extractor.backend.load()  # a model that is incomplete ends the run before it costs a document
    progress, done = ProgressArtifact(), 0
    while rest:
        batches = max(min(settings.concurrency, rest), math.ceil(rest / settings.batch_size))
        before = done
        futures = extract_documents.map(range(batches), job=unmapped(job), run_id=unmapped(run_id))
        for future in as_completed(futures):
            done += future.result()
            progress.show(done, total)
        rest = ledger.open_documents(run_id)
        if rest and done == before:  # another run has them, or had them and died: its leases run out
            parts.stopping.wait(WAIT_SECONDS)
    progress.show(total, total)
    return done
