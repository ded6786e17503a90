"""prefect-ray's task runner, for batches: one Ray function for all of them, and nothing secret in what it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import ray
from prefect.client.schemas.objects import RunInput
from prefect.futures import PrefectFuture
from prefect.tasks import Task
from prefect_ray.task_runners import PrefectRayFuture, RayTaskRunner

from flows.cluster.options import PROCESS_NAME
from flows.cluster.slots import Asked
from flows.cluster.tasks import context_of_run
from flows.cluster.workers import run_batch


class BatchRunner(RayTaskRunner[int]):  # type: ignore[misc]  # prefect-ray has no types
    """Submits `flows.cluster.tasks.extract_on_worker`. A cluster must be connected already.

    prefect-ray by itself makes a Ray function of each task, so that Ray looks for a worker, and its GPU, anew each
    time; it ends a worker with a GPU after each task; and it sends Prefect's settings with each, API key included.
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked
        self.labels: dict[str, str] = {}
        """What Ray is to select machines by; may change from batch to batch."""
        self._context = context_of_run()
        self._run_batch = ray.remote(
            num_cpus=asked.cpus,
            num_gpus=asked.gpus,
            max_calls=0,  # for ever
            max_retries=0,  # what was lost is in the ledger, and is handed out again from there
        )(run_batch)

    def duplicate(self) -> BatchRunner:
        """Another one like this."""
        return type(self)(self._asked)

    def submit(  # of its overloads only the one for plain functions
        self,
        task: Task[..., int],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectRayFuture[int]:
        """A batch as a Prefect task run on the cluster. Batches wait for nothing and depend on nothing."""
        task_run_id = uuid4()
        name = f"{PROCESS_NAME} {parameters['batch']}"
        named = self._run_batch.options(name=name, label_selector=self.labels or None)
        promise = named.remote(parameters, str(task_run_id), self._context)
        return PrefectRayFuture(task_run_id=task_run_id, wrapped_future=promise)
