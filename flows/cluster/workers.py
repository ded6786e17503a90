"""What happens in a worker process of the cluster. It keeps ledger, readers and model from one batch to the next."""

from __future__ import annotations

import contextvars
import logging
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flows import composition, conductor, worker
from flows.cluster.machines import blame
from flows.cluster.orders import Order, check_machine, check_server, check_work, settings_for
from flows.composition import Parts
from flows.home import make_home
from schemas.errors import OutageError, ParquetryError, foreign

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
"""Between looks of the main thread, which Ray interrupts to stop a task: it must not wait in C for long."""
OTHER_DEVICES = 75
"""Exit code of a process whose GPU was given to another."""

_ready: dict[str, Parts] = {}
_devices: list[tuple[str, ...]] = []
_node: list[str] = []
"""Ray's id of this machine."""


def run_batch(parameters: dict[str, Any], task_run_id: str, context: dict[str, Any]) -> Any:
    """The Ray task: the Prefect task, under the flow's run, in this process; gives its final state.

    All arguments are plain values: what Ray keeps of them can be read without our code.
    """
    from prefect.task_engine import run_task_sync

    from flows.cluster.tasks import extract_on_worker, in_context

    _keep_devices()
    order = Order.model_validate(parameters["order"])
    with _from_here():
        check_server(order)
    return run_task_sync(
        task=extract_on_worker,
        task_run_id=UUID(task_run_id),
        parameters={**parameters, "order": order},
        context=in_context(context),
        return_type="state",
    )


def _keep_devices() -> None:
    """A process that has a model on a GPU cannot move to another one: it makes room for one that begins anew."""
    import ray

    context = ray.get_runtime_context()
    given = tuple(context.get_accelerator_ids().get("GPU", ()))
    if _devices and _devices[0] != given:
        log.warning("the GPU of this process was %s and is now %s: it ends", _devices[0], given)
        os._exit(OTHER_DEVICES)
    _devices[:], _node[:] = [given], [context.get_node_id()]


def work(order: Order, size: int) -> int:
    """Takes documents of the run from the ledger and processes them, at most so many; gives their number.

    Raises:
        UsageError: this machine is not set up as the flow's.
        OutageError: what every document needs does not work here.
        LedgerError: nothing can be recorded.
    """
    with _from_here():
        return _work(_parts(order), order, size)


@contextmanager
def _from_here() -> Iterator[None]:
    """What goes wrong is told with the machine it went wrong on: the flow leaves that one out."""
    try:
        yield
    except ParquetryError as error:
        here = socket.gethostname()
        if f" {here}" not in str(error):
            error.args = (f"On {here}: {error}",)
        blame(error, "".join(_node))
        raise


def _work(parts: Parts, order: Order, size: int) -> int:
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
        raise parts.outage
    return sum(one.result() for one in running)


def _parts(order: Order) -> Parts:
    """Made for the first batch of a run; then they are there, with the model."""
    if order.run_id not in _ready:
        settings = settings_for(order)
        check_machine(order, settings)
        composition.use(settings)
        make_home(settings)
        conductor.log_to_file(settings, f"ray-{socket.gethostname()}-{os.getpid()}")
        with _model_troubles():
            parts = composition.parts(order.job)
        check_work(order, parts)
        parts.spool.also = settings.home / "spool" / order.spool
        with _model_troubles():
            parts.extractor.backend.load()
        _ready[order.run_id] = parts
    return _ready[order.run_id]


@contextmanager
def _model_troubles() -> Iterator[None]:
    """A GPU that is gone, or a library that does not fit it, is of this machine, whatever torch raises."""
    try:
        yield
    except ParquetryError:
        raise
    except Exception as error:
        log.exception("the model could not be loaded")
        raise OutageError(
            f"The model could not be loaded: {type(error).__name__} {foreign(error)}".strip(),
            remedy="Look at its GPU and its libraries; the worker's log, home/logs/ray-HOST-PROCESS.log, has more.",
        ) from error
