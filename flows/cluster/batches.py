"""The flow's side of a cluster: batches are handed out a few at a time, until no document of the run is open.

A batch is a number: so many documents, which the worker takes from the ledger by itself. No process has a list of
them. What a dead worker held is taken by others when its lease is over.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import ray
from grpc import RpcError
from prefect_ray.task_runners import PrefectRayFuture
from ray.exceptions import RayError, RaySystemError, RayTaskError, RuntimeEnvSetupError

from extractors.backends.vllm.served import is_vllm
from flows import ending
from flows.artifacts import ProgressArtifact
from flows.cluster.connect import connected
from flows.cluster.machines import ROOM_SECONDS, Machines, unasked_gpus
from flows.cluster.orders import Order, order_of
from flows.cluster.runner import BatchRunner
from flows.cluster.slots import Asked, in_flight, slots
from flows.cluster.tasks import extract_on_worker
from flows.composition import Parts
from flows.watch import watcher
from flows.worker import patiently
from schemas.errors import LedgerError, OutageError, ParquetryError, UsageError

log = logging.getLogger(__name__)

STEPS = 8
"""A batch is at most this part of what each worker still has before it."""
WAIT_SECONDS = 2.0
"""Between looks at a ledger that has nothing to give out now; longer and longer while that stays so."""
LONGEST_WAIT = 15.0
"""A batch is a task run of Prefect, also one that found nothing."""
LOOK_SHARE = 0.02
"""Of the time that may go into counting what is open."""
DEATHS = 6
"""So many workers for each that has room may die without a document done in between."""


@dataclass
class Batches:
    """Hands out batches of one run."""

    parts: Parts
    order: Order
    asked: Asked
    total: int
    progress: ProgressArtifact
    runner: BatchRunner
    flying: dict[Any, tuple[PrefectRayFuture[int], int]] = field(default_factory=dict)
    """By Ray's promise: Prefect's, and the size of the batch."""
    number: int = 0
    done: int = 0
    deaths: int = 0
    deaths_in_a_row: int = 0
    _looked: float = 0.0
    _pause_until: float = 0.0
    _pause: float = 0.0
    _rest: int = 0

    def __post_init__(self) -> None:
        patience = max(ROOM_SECONDS, self.parts.settings.ray.wait_seconds)
        self.machines = Machines(_nodes, self.asked, self.parts.notices, patience)

    def run(self) -> None:
        """Until every document of the run is through.

        Raises:
            OutageError: what every document needs does not work, or no machine is left; documents that are not
                through stay pending.
            ParquetryError: no worker is set up as it must be.
        """
        self._rest = self._open()
        try:
            with _while_it_is_there(self.parts.settings.ray.address):
                while self._rest or self.flying:
                    self._hand_out()
                    self._take()
                    self._look()
        except BaseException:
            self._call_back()
            raise
        if self.deaths:
            self.parts.notices.append(
                f"Worker processes of the cluster that died: {self.deaths}. What they held was done by others."
            )

    def _hand_out(self) -> None:
        nodes = self.machines.up()
        if time.monotonic() < self._pause_until:
            return
        workers = max(1, slots(nodes, self.asked))  # one that has no room tells an autoscaler what is wanted
        size = max(self.parts.settings.batch_size, math.ceil(self._rest / (STEPS * workers)))
        while self._rest and len(self.flying) < in_flight(nodes, self.asked):
            covered = sum(size for _, size in self.flying.values()) >= self._rest
            if covered and len(self.flying) >= min(workers, self._rest):
                return
            parameters = {"batch": self.number, "order": self.order.model_dump(mode="json"), "size": size}
            self.runner.labels = self.machines.labels
            future = self.runner.submit(extract_on_worker, parameters)
            self.flying[future.wrapped_future] = future, size
            self.number += 1

    def _take(self) -> None:
        """Waits a moment for batches that come back, and for what became of them."""
        if not self.flying:
            self.parts.stopping.wait(WAIT_SECONDS)
            return
        back, _ = ray.wait(list(self.flying), timeout=WAIT_SECONDS)
        for promise in back:
            future, size = self.flying.pop(promise)
            try:
                done = future.result()
            except (RayTaskError, RuntimeEnvSetupError) as error:
                if not isinstance(cause := getattr(error, "cause", None), ParquetryError):
                    raise _not_begun(error) from error
                self.machines.leave_out(cause)
                continue
            except RayError as error:
                self._worker_died(error)
                continue
            except ParquetryError as error:
                self.machines.leave_out(error)
                continue
            if done == size:
                self._pause = 0.0
            else:  # nothing was free any more: others have it, or had it and died
                self._pause = WAIT_SECONDS if done else min(LONGEST_WAIT, WAIT_SECONDS + 2 * self._pause)
            self._pause_until = time.monotonic() + self._pause
            self._looked = 0.0

    def _worker_died(self, error: RayError) -> None:
        self.deaths += 1
        self.deaths_in_a_row += 1
        log.warning("a worker of the cluster died: %s", str(error).strip().splitlines()[0])
        limit = DEATHS * max(1, slots(self.machines.up(), self.asked)) + self.parts.settings.max_attempts
        if self.deaths_in_a_row >= limit:
            raise OutageError(
                f"{self.deaths_in_a_row} workers of the Ray cluster died one after the other, and no document was "
                f"done in between. The last: {str(error).strip().splitlines()[0][:300]}",
                remedy="Look at memory and Ray's logs on its machines, then run again: it goes on where it stopped.",
            )

    def _open(self) -> int:
        return patiently(self.parts, "counting", lambda: self.parts.ledger.open_documents(self.order.run_id))

    def _look(self) -> None:
        """Counts what is open, as often as that costs little, and says how far it is."""
        began = time.monotonic()
        if began < self._looked:
            return
        self._rest = self._open()
        self._looked = time.monotonic() + max(1.0, (time.monotonic() - began) / LOOK_SHARE)
        done = max(self.done, self.total - self._rest)
        if done > self.done:
            self.deaths_in_a_row = 0
        for _ in range(done - self.done):
            watcher().done()
        self.done = done
        self.progress.show(done, self.total)

    def _call_back(self) -> None:
        """Asks workers of a cluster that stays to give back what they hold. One of our own ends with all its workers.

        Nobody is forced: a batch that ends just then brings down the whole process of the flow (Ray 2.60, "unexpected
        system state" in its task manager). Who goes on holds nothing any more, and what he records is refused.
        """
        if self.flying and self.parts.settings.ray.address != "local":
            flying = list(self.flying)
            try:
                for promise in flying:
                    ray.cancel(promise, force=False)
                ray.wait(flying, num_returns=len(flying), timeout=ending.GRACE_SECONDS)
            except Exception as error:  # the cluster may be gone
                log.warning("the workers could not be called back: %s", error)
        release(self.parts, self.order.run_id)


@contextmanager
def _while_it_is_there(address: str) -> Iterator[None]:
    """Says it in our words when the cluster is lost; by Ray's client it is an error of Python's or of gRPC's."""
    try:
        yield
    except (ConnectionError, RaySystemError, RpcError) as error:
        said = error.details() if isinstance(error, RpcError) else str(error)
        raise OutageError(
            f"The Ray cluster ({address}) is gone: {' '.join(str(said).split())[:300]}",
            remedy="Start it again, then run again: it goes on where it stopped.",
        ) from error


def _nodes() -> list[dict[str, Any]]:
    """The machines of the cluster."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return found


def release(parts: Parts, run_id: str) -> None:
    """Takes back what workers may still hold of a run that ends."""
    try:
        parts.ledger.release_run(run_id)
    except LedgerError as error:
        log.warning("run %s: what its workers held has to run out: %s", run_id, error)


def _not_begun(error: RayError) -> UsageError:
    """A batch that failed before our own code had it: parquetry is not there, or another one."""
    last = str(error).strip().splitlines()[-1][:300]
    return UsageError(
        f"A worker of the Ray cluster could not begin: {last}",
        remedy="Install the same version of parquetry, with the extra `ray`, on all machines of the cluster.",
    )


def extract_all(parts: Parts, run_id: str, total: int, progress: ProgressArtifact) -> None:
    """All open documents of a run, on the cluster of the settings. Errors as of `Batches.run` and `connected`."""
    try:
        with (
            connected(parts.settings, parts.stopping) as asked,
            ending.at_last(lambda: release(parts, run_id)),
            BatchRunner(asked) as runner,
        ):
            in_process = parts.weights is not None and not is_vllm(parts.job.model)
            if in_process and (said := unasked_gpus(_nodes(), asked)):
                parts.notices.append(said)
                log.warning("%s", said)
            Batches(parts, order_of(parts, run_id), asked, total, progress, runner).run()
    except BaseException:
        release(parts, run_id)  # a cluster of our own has ended now, and its workers can take nothing more
        raise
