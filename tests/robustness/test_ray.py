"""`parquetry run --runner ray` on real clusters of this machine: workers die, machines die and join, runs stop."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.dataset as ds
import pytest

from flows.ledger.store import Ledger
from tests.ports import free_port
from tests.robustness.commands import ROOT, Start, wait_until

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

RUN = "run --source in --schema invoice --model scripted --home home --runner ray"
SHORT_LEASE = "5"
STOPPED = 120.0
"""18 s after the signal a run is over; a busy machine takes longer to clear up."""
ONE_EACH = {"PARQUETRY_CONCURRENCY": "1", "PARQUETRY_LEASE_SECONDS": SHORT_LEASE, "PARQUETRY_BATCH_SIZE": "4"}


def _worker_processes(ledger: Ledger) -> Counter[str]:
    """Claims by process that made them: ``host:pid-start``."""
    found = Counter[str]()
    for seen in ledger.run_documents(ledger.newest_runs(1)[0].run_id):
        for step in ledger.document(str(seen.document_id)).transitions:
            if step.to_state == "processing":
                found[step.actor.rpartition(":")[0]] += 1
    return found


def _pid(process: str) -> int:
    return int(process.rpartition(":")[2].partition("-")[0])


def _at_work(ledger: Ledger) -> list[int]:
    """Processes that hold a document now."""
    run = ledger.newest_runs(1)
    held = [] if not run else [d for d in ledger.run_documents(run[0].run_id) if d.outcome is None]
    records = [ledger.document(str(d.document_id)) for d in held]
    pids = [_pid(r.transitions[-1].actor.rpartition(":")[0]) for r in records if r.state == "processing"]
    return [pid for pid in pids if psutil.pid_exists(pid)]


def _killed_at_work(ledger: Ledger) -> list[int]:
    """A process that died with a document in its hands; none if each put its own down before it could be stopped."""
    for pid in _at_work(ledger):
        os.kill(pid, signal.SIGSTOP)
        if pid in _at_work(ledger):
            os.kill(pid, signal.SIGKILL)
            return [pid]
        os.kill(pid, signal.SIGCONT)
    return []


def _done(ledger: Ledger) -> int:
    outcomes = ledger.outcome_counts()
    return sum(outcomes.values()) - outcomes.get("pending", 0)


def _all_landed_once(ledger: Ledger, home: Path, documents: int) -> None:
    run = ledger.newest_runs(1)[0]
    ledger.check_conservation(run.run_id)
    assert ledger.outcome_counts() == {"accepted": documents}
    rows = ds.dataset(home / "lake" / "invoice").to_table()
    keys = rows["row_key"].to_pylist()
    assert len(keys) == len(set(keys)) == documents
    numbers = {value.rpartition("-")[2] for value in rows["document_number"].to_pylist()}
    assert numbers == {str(number) for number in range(documents)}


def _model_loads(home: Path) -> dict[int, int]:
    """How often each worker process loaded the model, by its own log."""
    loads = {}
    for log in (home / "logs").glob("ray-*.log"):
        loads[int(log.stem.rpartition("-")[2])] = len(re.findall(r"model \S+ loaded", log.read_text()))
    return loads


def test_a_killed_worker_costs_nothing_and_each_process_loads_the_model_once(
    start: Start, tmp_path: Path, documents: int, home_ledger: Callable[[], Ledger]
) -> None:
    command = start(RUN, **ONE_EACH, PARQUETRY_RAY__MAX_WORKERS="2", PARQUETRY_RAY__NUM_CPUS="0.5")
    command.wait_for("3 of 60 documents")
    command.note_children()
    with home_ledger() as ledger:
        wait_until(lambda: len(_at_work(ledger)) >= 2, "two workers")
        killed: list[int] = []
        wait_until(lambda: killed.extend(_killed_at_work(ledger)) or bool(killed), "a worker at work")
        assert command.end(600) == 0, command.text
        processes = _worker_processes(ledger)
        _all_landed_once(ledger, tmp_path / "home", documents)
    assert set(killed) < {_pid(process) for process in processes}
    assert sum(processes.values()) == documents + 1  # the killed one's document was claimed twice
    loads = _model_loads(tmp_path / "home")
    assert set(loads) == {_pid(process) for process in processes} and len(loads) >= 3
    assert set(loads.values()) == {1}
    wait_until(lambda: not command.survivors(), f"{command.survivors()} still run", STOPPED)
    assert "Worker processes of the cluster that died: 1" in _report(tmp_path / "home")


def _report(home: Path) -> str:
    (report,) = (home / "reports").glob("*.json")
    return report.read_text()


def test_a_stopped_run_ends_in_time_with_its_cluster_and_gives_back_what_it_held(
    start: Start, tmp_path: Path, documents: int, home_ledger: Callable[[], Ledger]
) -> None:
    command = start(RUN, PARQUETRY_CONCURRENCY="2", PARQUETRY_BATCH_SIZE="30")
    command.wait_for("3 of 60 documents")
    children = command.note_children()
    assert any("raylet" in " ".join(child.cmdline()) for child in children)
    command.process.send_signal(signal.SIGINT)
    assert command.end(STOPPED) == 128 + signal.SIGINT, command.text
    wait_until(lambda: not command.survivors(), f"{command.survivors()} still run", STOPPED)
    assert "Traceback" not in command.text
    with home_ledger() as ledger:
        assert "processing" not in ledger.status().documents
        assert ledger.newest_runs(1)[0].state == "cancelled"
        assert 0 < _done(ledger) < documents
        command = start(RUN.replace("--runner ray", "--runner local"))
        assert command.end(600) == 0, command.text
        _all_landed_once(ledger, tmp_path / "home", documents)


@pytest.fixture
def no_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A cluster to add machines to, each a set of processes here, whose workers have settings of their own."""
    from ray.cluster_utils import Cluster

    for name, value in {
        "PARQUETRY_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "RAY_NUM_REDIS_GET_RETRIES": "120",
        "RAY_worker_register_timeout_seconds": "300",
    }.items():
        monkeypatch.setenv(name, value)
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.shutdown()


@pytest.fixture
def machines(no_machines: Any, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster of two machines with a ledger on PostgreSQL."""
    monkeypatch.setenv("PARQUETRY_DATABASE", postgres_url)
    no_machines.add_node(num_cpus=1, include_dashboard=False, object_store_memory=80 << 20)
    no_machines.add_node(num_cpus=1, object_store_memory=80 << 20)
    return no_machines


@pytest.mark.postgres
def test_a_machine_dies_and_another_joins_during_a_run(
    start: Start, machines: Any, tmp_path: Path, documents: int, postgres_url: str
) -> None:
    command = start(f"{RUN} --ray-address {machines.address}", **ONE_EACH, PARQUETRY_DATABASE=postgres_url)
    command.wait_for("3 of 60 documents")
    with Ledger.open(postgres_url) as ledger:
        wait_until(lambda: len(_at_work(ledger)) >= 2, "a worker on each machine")
        before = set(_at_work(ledger))
        (lost,) = machines.worker_nodes
        machines.remove_node(lost, allow_graceful=False)
        machines.add_node(num_cpus=1, object_store_memory=80 << 20)
        assert command.end(900) == 0, command.text
        pids = {_pid(process) for process in _worker_processes(ledger)}
        _all_landed_once(ledger, tmp_path / "home", documents)
    assert pids > before, "nobody joined"
    assert set(_model_loads(tmp_path / "home").values()) == {1}


def test_by_the_client_server_and_without_a_machine_that_has_another_home(
    start: Start,
    no_machines: Any,
    tmp_path: Path,
    documents: int,
    home_ledger: Callable[[], Ledger],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    head = {"include_dashboard": False, "ray_client_server_port": port}
    no_machines.add_node(num_cpus=1, object_store_memory=80 << 20, **head)
    monkeypatch.setenv("PARQUETRY_HOME", str(tmp_path / "another"))
    no_machines.add_node(num_cpus=1, object_store_memory=80 << 20)
    command = start(f"{RUN} --ray-address ray://127.0.0.1:{port}", **ONE_EACH)
    assert command.end(900) == 0, command.text
    with home_ledger() as ledger:
        _all_landed_once(ledger, tmp_path / "home", documents)
    report = _report(tmp_path / "home")
    assert "A machine of the cluster was left out" in report and "is not the flow's" in report
