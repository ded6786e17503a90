"""How batches are handed out, with a cluster that is a list and a ledger that is real."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("ray")

from grpc import RpcError
from ray.exceptions import WorkerCrashedError

from flows import worker
from flows.cluster import batches
from flows.cluster.batches import Batches
from flows.cluster.machines import blame
from flows.cluster.orders import order_of
from flows.cluster.slots import IN_FLIGHT, Asked
from flows.composition import Parts
from schemas.errors import OutageError
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, make_parts
from tests.flows.working import work as do_all

WORKERS = 2


@dataclass
class Future:
    size: int
    number: int
    run: Any
    task_run_id: Any = field(default_factory=uuid4)

    @property
    def wrapped_future(self) -> int:
        return self.number

    def result(self) -> int:
        return int(self.run(self))


@dataclass
class Cluster:
    """Stands in for Ray and the runner; does a batch when it is waited for, the oldest first."""

    parts: Parts
    flying: dict[int, Future] = field(default_factory=dict)
    most: int = 0
    sizes: list[int] = field(default_factory=list)
    cancelled: list[tuple[int, bool]] = field(default_factory=list)
    act: Any = None
    labels: dict[str, str] = field(default_factory=dict)
    asked_for: list[dict[str, str]] = field(default_factory=list)

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeID": name, "Resources": {"CPU": 1.0}} for name in "ab"[:WORKERS]]

    def submit(self, task: object, parameters: dict[str, Any]) -> Future:
        future = Future(parameters["size"], parameters["batch"], self.act or self.done)
        assert set(parameters) == {"batch", "order", "size"}
        self.flying[future.number] = future
        self.sizes.append(future.size)
        self.asked_for.append(self.labels)
        self.most = max(self.most, len(self.flying))
        return future

    def done(self, future: Future) -> int:
        count = 0
        while count < future.size and worker.work_on_next(self.parts, RUN):
            count += 1
        return count

    def wait(
        self, promises: list[int], timeout: float = 0, num_returns: int = 1
    ) -> tuple[list[int], list[int]]:
        back = promises[:1]
        for number in back:
            self.flying.pop(number, None)
        return back, promises[1:]

    def cancel(self, promise: int, force: bool) -> None:
        self.cancelled.append((promise, force))


@dataclass
class Progress:
    shown: list[tuple[int, int]] = field(default_factory=list)

    def show(self, done: int, total: int) -> None:
        self.shown.append((done, total))


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=20, batch_size=1)
    worker.register_inputs(made, RUN)
    yield made
    made.spool.close()
    made.ledger.close()


@pytest.fixture
def cluster(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster(parts)
    monkeypatch.setattr(batches, "ray", SimpleNamespace(nodes=made.nodes, wait=made.wait, cancel=made.cancel))
    monkeypatch.setattr(batches, "WAIT_SECONDS", 0.0)
    return made


def run(parts: Parts, cluster: Cluster) -> tuple[Batches, Progress]:
    progress = Progress()
    made = Batches(parts, order_of(parts, RUN), Asked(1, 0), 20, progress, cluster)  # type: ignore[arg-type]
    made.run()
    return made, progress


def test_never_more_batches_in_flight_than_a_few_for_each_worker(parts: Parts, cluster: Cluster) -> None:
    made, progress = run(parts, cluster)
    assert cluster.most == IN_FLIGHT * WORKERS < len(cluster.sizes)
    assert max(cluster.sizes) == 2  # an eighth of what each of two workers has before it
    assert made.done == 20 and progress.shown[-1] == (20, 20)
    assert sorted(done for done, _ in progress.shown) == [done for done, _ in progress.shown]
    assert sum(parts.ledger.outcome_counts(RUN).values()) == 20
    assert "pending" not in parts.ledger.outcome_counts(RUN)


def test_a_worker_that_dies_is_counted_and_its_documents_are_done_by_others(
    parts: Parts, cluster: Cluster
) -> None:
    def dies_twice(future: Future) -> int:
        if future.number in (1, 4):
            raise WorkerCrashedError
        return cluster.done(future)

    cluster.act = dies_twice
    made, progress = run(parts, cluster)
    assert made.deaths == 2 and progress.shown[-1] == (20, 20)
    assert parts.notices == [
        "Worker processes of the cluster that died: 2. What they held was done by others."
    ]


def test_workers_that_only_die_end_the_run(parts: Parts, cluster: Cluster) -> None:
    def dies(future: Future) -> int:
        raise WorkerCrashedError

    cluster.act = dies
    with pytest.raises(OutageError, match="no document was done in between"):
        run(parts, cluster)
    assert parts.ledger.outcome_counts(RUN) == {"pending": 20}
    assert len(cluster.sizes) < 30


@pytest.mark.parametrize(
    ("address", "called_back"), [("10.0.0.1:6379", IN_FLIGHT * WORKERS - 1), ("local", 0)]
)
def test_an_outage_calls_workers_back_and_takes_what_they_hold(
    parts: Parts, cluster: Cluster, address: str, called_back: int
) -> None:
    """A cluster that stays is told to stop; one of our own ends by itself. Neither keeps a document."""
    ray = parts.settings.ray.model_copy(update={"address": address})
    parts.settings = parts.settings.model_copy(update={"ray": ray})

    def outage(future: Future) -> int:
        assert worker.claim_next(parts, RUN) is not None  # and never gives it back
        raise OutageError("The model is gone.")

    cluster.act = outage
    with pytest.raises(OutageError, match="The model is gone"):
        run(parts, cluster)
    assert all(not force for _, force in cluster.cancelled)
    assert len({number for number, _ in cluster.cancelled}) == called_back
    assert parts.ledger.outcome_counts(RUN) == {"pending": 20}
    assert "processing" not in parts.ledger.status().documents


def test_a_machine_in_trouble_gets_no_more_batches(parts: Parts, cluster: Cluster) -> None:
    def full_on_a(future: Future) -> int:
        if future.number == 1:
            error = OutageError("On gpu-07: no space left on device.")
            blame(error, "a")
            raise error
        return cluster.done(future)

    cluster.act = full_on_a
    made, _ = run(parts, cluster)
    assert made.done == 20 and made.deaths == 0
    assert len(parts.notices) == 1 and "On gpu-07: no space left" in parts.notices[0]
    assert cluster.asked_for[0] == {} and cluster.asked_for[-1] == {"ray.io/node-id": "!in(a)"}


def test_a_cluster_that_is_lost_is_told_in_our_words(parts: Parts, cluster: Cluster) -> None:
    class LostError(RpcError):  # type: ignore[misc]
        def details(self) -> str:
            return "Socket closed"

    for error in (ConnectionError("Socket closed"), LostError()):

        def lost(future: Future, error: Exception = error) -> int:
            assert worker.claim_next(parts, RUN) is not None
            raise error

        cluster.act = lost
        with pytest.raises(OutageError, match=r"The Ray cluster \(local\) is gone: Socket closed"):
            run(parts, cluster)
        assert parts.ledger.outcome_counts(RUN) == {"pending": 20}
        assert "processing" not in parts.ledger.status().documents


def test_what_another_run_holds_is_waited_for(parts: Parts, cluster: Cluster) -> None:
    """A batch that finds nothing free is no reason to hand out more at once, nor to end."""
    held = [worker.claim_next(parts, RUN) for _ in range(20)]
    seen = list[int]()

    def empty(future: Future) -> int:
        seen.append(future.number)
        if len(seen) == 5:
            for one in held:
                assert one is not None
                parts.ledger.release(one.document_id, one.token)
            return len(do_all(parts))
        return 0

    cluster.act = empty
    made, _ = run(parts, cluster)
    assert made.done == 20 and len(seen) < 12


def test_the_context_that_travels_has_no_key_and_no_pickled_flow() -> None:
    from prefect.client.schemas.objects import FlowRun
    from prefect.context import EngineContext
    from prefect.results import ResultStore
    from prefect.settings import PREFECT_API_KEY, temporary_settings

    from flows.cluster.tasks import context_of_run, in_context
    from flows.extract_batch import extract_batch

    flow_run = FlowRun(flow_id=uuid4(), name="nightly", job_variables={"env": {"TOKEN": "hush-variable"}})
    inside = EngineContext.model_construct(
        flow=extract_batch,
        flow_run=flow_run,
        parameters={"source": None},
        task_runner=extract_batch.task_runner,
        result_store=ResultStore(),
    )
    with temporary_settings({PREFECT_API_KEY: "hush-key"}), inside:
        sent = context_of_run()
    assert "hush" not in repr(sent)
    assert "flow" not in sent["flow_run_context"]
    received = in_context(sent)["flow_run_context"]
    assert received["flow"].name == "extract_batch"
    assert received["flow_run"].id == flow_run.id and received["flow_run"].name == "nightly"
