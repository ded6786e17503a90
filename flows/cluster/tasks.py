"""The Prefect task of a batch on the cluster, and how it comes under its flow run without secrets on the way."""

from __future__ import annotations

from typing import Any

from prefect import task
from prefect.context import EngineContext, TagsContext

from flows import logs
from flows.cluster import workers
from flows.cluster.orders import Order
from flows.tasks import OPTIONS


@task(
    name="extract",
    task_run_name="extract {batch}",
    **OPTIONS,
)
@logs.public_errors()
def extract_on_worker(batch: int, order: Order, size: int) -> int:
    """Claims and processes documents in this worker process, at most so many; gives their number."""
    return workers.work(order, size)


def context_of_run() -> dict[str, Any]:
    """The flow run that this process is in, for `in_context` in another.

    Prefect's own way would take its settings along, with the API key, the flow as a pickle, and the variables of the
    deployment.
    """
    run, marked = EngineContext.get(), TagsContext.get()
    context: dict[str, Any] = {}
    if run is not None and run.flow_run is not None:
        inside = run.serialize(include_secrets=False)
        inside.pop("flow", None)
        inside["flow_run"] = run.flow_run.model_copy(update={"job_variables": {}}).model_dump(mode="json")
        context["flow_run_context"] = inside
    if marked is not None:
        context["tags_context"] = {"current_tags": sorted(marked.current_tags)}
    return context


def in_context(context: dict[str, Any]) -> dict[str, Any]:
    """What Prefect's engine takes: the flow is the one that is installed here."""
    from prefect.client.schemas.objects import FlowRun

    from flows.extract_batch import extract_batch

    made = dict(context)
    if inside := made.get("flow_run_context"):
        made["flow_run_context"] = {
            **inside,
            "flow": extract_batch,
            "flow_run": FlowRun.model_validate(inside["flow_run"]),
        }
    return made
