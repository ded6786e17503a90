"""What happens in a worker process of the cluster. It keeps ledger, readers and model from one batch to the next."""

from __future__ import annotations

import contextvars
import logging
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

from flows import composition, conductor, worker
from flows.cluster.orders import Order, check_machine, check_work, settings_for
from flows.composition import Parts
from flows.home import make_home
from schemas.errors import OutageError, ParquetryError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""Between looks of the main thread, which Ray interrupts to stop a task: it must not wait in C for long."""
OTHER_DEVICES = 75
"""Exit code of a process whose GPU was given to another."""

_ready: dict[str, Parts] = {}
_devices: list[tuple[str, ...]] = []


def run_batch(parameters: dict[str, Any], task_run_id: str, context: dict[str, Any]) -> Any:
    """The Ray task: the Prefect task, under the flow's run, in this process; gives its final state.

    All arguments are plain values: what Ray keeps of them can be read without our code.
    """
    from prefect.task_engine import run_task_sync

    from flows.cluster.tasks import extract_on_worker, in_context

    _keep_devices()
    return run_task_sync(
        task=extract_on_worker,
        task_run_id=UUID(task_run_id),
        parameters={**parameters, "order": Order.model_validate(parameters["order"])},
        context=in_context(context),
        return_type="state",
    )


def _keep_devices() -> None:
    """A process that has a model on a GPU cannot move to another one: it makes room for one that begins anew."""
    import ray

    given = tuple(ray.get_runtime_context().get_accelerator_ids().get("GPU", ()))
    if _devices and _devices[0] != given:
        log.warning("the GPU of this process was %s and is now %s: it ends", _devices[0], given)
        os._exit(OTHER_DEVICES)
    _devices[:] = [given]


def work(order: Order, size: int) -> int:
    """Takes documents of the run from the ledger and processes them, at most so many; gives their number.

    Raises:
        UsageError: this machine is not set up as the flow's.
        OutageError: what every document needs does not work here.
        LedgerError: nothing can be recorded.
    """
    parts = _parts(order)
    turns = threading.BoundedSemaphore(size)
    enough = threading.Event()

    def take() -> int:
        done = 0
        while (
            not enough.is_set() and turns.acquire(blocking=False) and worker.work_on_next(parts, order.run_id)
        ):
            done += 1
        return done

    threads = min(size, parts.settings.concurrency)
    with ThreadPoolExecutor(threads, thread_name_prefix="ray") as pool:
        try:
            running = [pool.submit(contextvars.copy_context().run, take) for _ in range(threads)]
            while wait(running, LOOK_SECONDS).not_done:
                if any(one.done() and one.exception() for one in running):
                    enough.set()
        except BaseException:  # Ray stops the task: the run was stopped
            parts.call_workers_back()
            raise
    if parts.outage is not None:
        raise _from_here(parts.outage)
    return sum(one.result() for one in running)


def _from_here(outage: OutageError) -> OutageError:
    return OutageError(f"On {socket.gethostname()}: {outage}", remedy=outage.remedy)


def _parts(order: Order) -> Parts:
    """Made for the first batch of a run; then they are there, with the model."""
    if order.run_id not in _ready:
        settings = settings_for(order)
        check_machine(order, settings)
        composition.use(settings)
        make_home(settings)
        conductor.log_to_file(settings, f"ray-{socket.gethostname()}-{os.getpid()}")
        try:
            parts = composition.parts(order.job)
        except ParquetryError as error:
            error.args = (f"On {socket.gethostname()}: {error}",)
            raise
        check_work(order, parts)
        parts.spool.also = settings.home / "spool" / order.spool
        parts.extractor.backend.load()
        _ready[order.run_id] = parts
    return _ready[order.run_id]
