"""What a worker on a cluster is told and checks, and how much room a cluster has; no cluster, no Prefect server."""

from __future__ import annotations

import errno
import json
import os
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.cluster import addresses, connect, workers
from flows.cluster.machines import Machines, blame, unasked_gpus
from flows.cluster.options import RayOptions
from flows.cluster.orders import (
    Order,
    check_machine,
    check_server,
    check_work,
    environment,
    order_of,
    settings_for,
)
from flows.cluster.slots import Asked, in_flight, largest, slots
from flows.composition import Parts
from flows.settings import Settings, load_settings
from schemas.errors import OutageError, ParquetryError, UsageError
from tests.databases import sqlite_ledger
from tests.flows.working import RUN, acts, make_parts

HERE = socket.gethostname()
SECRETS = {
    "PARQUETRY_DATABASE": "postgresql://me:hush-db@ledger.example/x",
    "PARQUETRY_LAKE": "s3://key:hush-lake@b/x",
}


def node(cpus: float, gpus: float = 0.0, *, alive: bool = True, host: str = HERE) -> dict[str, Any]:
    return {"Alive": alive, "NodeManagerHostname": host, "Resources": {"CPU": cpus, "GPU": gpus}}


@pytest.mark.parametrize(
    ("nodes", "asked", "fit"),
    [
        ([node(4), node(3)], Asked(2, 0), 3),
        ([node(4), node(4, alive=False)], Asked(2, 0), 2),
        ([node(8, 1), node(8)], Asked(1, 1), 1),
        ([node(8, 2)], Asked(2, 0.5), 4),
        ([node(8, 1)], Asked(2, 0.3), 3),
        ([node(64, 3)], Asked(1, 0.6), 3),  # a share of a GPU is of one
        ([node(3, 4)], Asked(0, 1), 4),
        ([node(3)], Asked(0, 0), 3),
        ([node(0.3)], Asked(0.1, 0), 3),
        ([node(16)], Asked(1, 0, most=5), 5),
        ([node(1)], Asked(2, 0), 0),
        ([], Asked(1, 0), 0),
    ],
)
def test_workers_that_fit(nodes: list[dict[str, Any]], asked: Asked, fit: int) -> None:
    assert slots(nodes, asked) == fit


@pytest.mark.parametrize(
    ("nodes", "asked", "out"),
    [
        ([node(4)], Asked(1, 0), 8),  # one in work, one that waits
        ([node(4)], Asked(1, 0, most=4), 8),
        ([node(4)], Asked(1, 0, most=3), 3),  # one that waited would find room: a fourth worker
        ([node(4)], Asked(0, 0), 4),  # who asks for nothing never waits
        ([node(64, 8)], Asked(4, 1), 16),
        ([node(1)], Asked(2, 0), 2),
    ],
)
def test_batches_in_flight(nodes: list[dict[str, Any]], asked: Asked, out: int) -> None:
    assert in_flight(nodes, asked) == out


def test_the_largest_machine_is_named() -> None:
    assert largest([node(64), node(8, 2), node(99, 9, alive=False)]) == "8 CPUs and 2 GPUs"


@pytest.mark.parametrize("address", ["local", "auto", "head:6379", "10.0.0.1:6379", "ray://head:10001"])
def test_addresses(address: str) -> None:
    assert RayOptions(address=f" {address} ").address == address


@pytest.mark.parametrize(
    "address", ["", "head", "http://head:1", "ray://me:hush@head:10001", "ray://head:port"]
)
def test_what_is_no_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ValueError, match="none of: local, auto") as caught:
        RayOptions(address=address)
    assert "me:hush" not in str(caught.value.errors(include_input=False))  # type: ignore[attr-defined]


def test_nobody_answers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = "run --source . --schema invoice --model scripted --runner ray --ray-address 127.0.0.1:1"
    assert main(line.split()) == 2
    assert "No Ray cluster answers at 127.0.0.1:1" in capsys.readouterr().err


def test_what_answers_is_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray itself waited for minutes on a web server, and for ever on a port that takes connections and says nothing."""
    pytest.importorskip("ray")
    monkeypatch.setattr(addresses, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for scheme in ("", "ray://"):
            with pytest.raises(UsageError, match="is no Ray cluster"):
                addresses.check_address(f"{scheme}127.0.0.1:{silent.getsockname()[1]}")


def test_a_client_server_is_not_taken_for_a_head_nor_the_other_way_round() -> None:
    grpc = pytest.importorskip("grpc")

    class Server(grpc.GenericRpcHandler):  # type: ignore[misc]
        def __init__(self, method: str) -> None:
            self._method = method

        def service(self, call: Any) -> Any:
            if call.method != self._method:
                return None
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")

    for method, right, wrong in (
        (addresses._HEADS, "", "ray://"),
        (addresses._CLIENTS, "ray://", ""),
    ):
        server = grpc.server(ThreadPoolExecutor(1), handlers=[Server(method)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            addresses.check_address(f"{right}127.0.0.1:{port}")
            with pytest.raises(UsageError, match="client server") as caught:
                addresses.check_address(f"{wrong}127.0.0.1:{port}")
        finally:
            server.stop(0).wait()
        assert "HOST:6379" in caught.value.remedy


def test_auto_goes_by_the_variable_of_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    addresses.check_address("auto")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UsageError, match=r"No Ray cluster answers at 127\.0\.0\.1:1"):
        addresses.check_address("auto")


TOLD = """Initialization failure from server:
Traceback (most recent call last):
  File "proxier.py", line 783, in Datapath
    raise RuntimeError(
RuntimeError: Starting Ray client server failed.
"""


class Flaky:
    """Ray, whose `init` fails so many times with this error."""

    def __init__(self, error: Exception, times: int) -> None:
        self.errors, self.calls = [error] * times, 0

    def init(self, address: str, **options: Any) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop()

    def shutdown(self) -> None:
        pass


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (2, 3)])
def test_a_client_server_that_could_not_start_our_process_is_asked_again(
    parts: Parts, failures: int, calls: int
) -> None:
    ray = Flaky(ConnectionAbortedError(TOLD), failures)
    settings = parts.settings.model_copy(update={"ray": RayOptions(address="ray://head:10001")})
    with connect._theirs(ray, settings):
        pass
    assert ray.calls == calls


@pytest.mark.parametrize(
    ("error", "said", "calls"),
    [
        (ConnectionAbortedError(TOLD), "server: RuntimeError: Starting Ray client server failed.", 3),
        (ConnectionAbortedError(), "could not be joined: ConnectionAbortedError", 3),
        (RuntimeError("Version mismatch:\nhere 1, there 2"), "could not be joined: Version mismatch:", 1),
    ],
)
def test_what_a_cluster_says_is_told_with_its_cause(
    parts: Parts, error: Exception, said: str, calls: int
) -> None:
    ray = Flaky(error, 9)
    settings = parts.settings.model_copy(update={"ray": RayOptions(address="ray://head:10001")})
    with pytest.raises(UsageError) as raised, connect._theirs(ray, settings):
        pass
    assert str(raised.value).endswith(said) and ray.calls == calls


def test_no_such_runner(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--source", ".", "--schema", "invoice", "--runner", "slurm"]) == 2
    assert "runner" in capsys.readouterr().err


def test_ray_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "find_spec", lambda name: None if name == "prefect_ray" else find_spec(name))
    with pytest.raises(UsageError, match="prefect_ray") as caught:
        connect.require_ray()
    assert "make install EXTRAS=ray" in caught.value.remedy


def test_no_machine_has_what_is_asked(parts: Parts) -> None:
    with pytest.raises(
        UsageError, match=r"can give 2 CPUs and 1 GPU to a worker; the largest has 8 CPUs and 0 GPU"
    ):
        connect._wait_for_room(parts.settings, Asked(2, 1), lambda: [node(8)], parts.stopping, object)


def test_a_machine_that_is_on_its_way_is_waited_for(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "LOOK_SECONDS", 0.0)
    views = iter([[node(8)], [node(8)], [node(8), node(8, 1)]])
    settings = parts.settings.model_copy(update={"ray": RayOptions(wait_seconds=60)})
    wanted = list[bool]()
    connect._wait_for_room(
        settings, Asked(2, 1), lambda: next(views), parts.stopping, lambda: wanted.append(True) or wanted
    )
    assert wanted == [True]  # else no autoscaler would know


def test_sqlite_and_a_server_on_the_loopback_address_are_for_one_machine(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [node(4), node(4, host="other"), node(4, host="dead", alive=False)]
    connect._check_machines(parts.settings, [node(4)])
    with pytest.raises(UsageError, match=r"SQLite, .*the cluster has other"):
        connect._check_machines(parts.settings, two)
    shared = load_settings(database=SECRETS["PARQUETRY_DATABASE"])
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    with pytest.raises(UsageError, match="which other cannot reach"):
        connect._check_machines(shared, two)
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    connect._check_machines(shared, two)


def test_what_all_may_see_of_prefect_has_no_key() -> None:
    known = {
        "PREFECT_API_KEY": "hush",
        "PREFECT_API_AUTH_STRING": "hush",
        "PREFECT_API_URL": "http://prefect:4200/api",
        "PREFECT_LOGGING_LEVEL": "INFO",
        "AWS_SECRET_ACCESS_KEY": "hush",
    }
    given = connect.prefect_environment(known)
    assert "hush" not in given.values()
    assert given["PREFECT_API_URL"] == "http://prefect:4200/api" and given["PREFECT_LOGGING_LEVEL"] == "INFO"
    assert "PREFECT_API_URL" not in connect.prefect_environment(
        {"PREFECT_API_URL": "http://me:hush@prefect/api"}
    )


@pytest.fixture
def secretive(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings in which everything that can be secret is."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    provider = {"issuer": "https://i.example", "client_id": "x", "client_secret": "hush-oidc"}
    return load_settings(
        home=tmp_path / "home",
        source="s3://key:hush-source@bucket/x",
        read={"passwords": ["hush-file"], "max_pages": 7},
        extract={"error_budget": 0.02},
        vllm={"url": "http://gpu.example:8000", "api_key": "hush-vllm"},
        review={"url": "https://r.example", "oidc": provider},
        concurrency=3,
    )


def test_an_order_has_no_secret_and_no_document(parts: Parts, secretive: Settings) -> None:
    parts.settings = secretive
    order = order_of(parts, RUN).model_dump(mode="json")
    text = json.dumps(order)
    assert "hush" not in text
    assert len(text) < 5_000
    assert Order.model_validate(json.loads(text)) == order_of(parts, RUN)
    told = environment(secretive)  # to our own children: these do get them
    for secret in ("hush-db", "hush-lake", "hush-source", "hush-file", "hush-vllm"):
        assert any(secret in value for value in told.values())


def test_a_worker_has_its_own_secrets_and_the_flows_rules(
    parts: Parts, secretive: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parts.settings = secretive
    order = Order.model_validate(order_of(parts, RUN).model_dump(mode="json"))
    monkeypatch.setenv("PARQUETRY_DATABASE", "postgresql://worker:mine@ledger.example/x")
    monkeypatch.setenv("PARQUETRY_READ__PASSWORDS", '["mine-too"]')
    monkeypatch.setenv("PARQUETRY_READ__MAX_PAGES", "99")
    monkeypatch.setenv("PARQUETRY_CONCURRENCY", "9")
    made = settings_for(order)
    assert made.database_url == "postgresql://worker:mine@ledger.example/x"
    assert [one.get_secret_value() for one in made.read.passwords] == ["mine-too"]
    assert (made.read.max_pages, made.concurrency, made.extract.error_budget) == (7, 3, 0.02)


def test_a_worker_needs_the_home_and_elsewhere_another_ledger(parts: Parts, tmp_path: Path) -> None:
    here = order_of(parts, RUN)
    with pytest.raises(UsageError, match="is not the flow's"):
        check_machine(here, load_settings(home=tmp_path / "another"))
    (parts.settings.home / "spool" / here.spool).mkdir(parents=True)
    check_machine(here, parts.settings)
    elsewhere = here.model_copy(update={"host": "another"})
    with pytest.raises(UsageError, match="SQLite"):
        check_machine(elsewhere, parts.settings)
    check_machine(elsewhere, load_settings(home=tmp_path / "home", database=SECRETS["PARQUETRY_DATABASE"]))


def test_a_worker_needs_a_server_of_prefect_that_it_reaches(parts: Parts) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    here = order_of(parts, RUN)
    elsewhere = here.model_copy(update={"host": "another"})
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}):
        check_server(here)
        with pytest.raises(
            UsageError, match=r"cannot reach Prefect's server at http://127\.0\.0\.1:4200/api"
        ):
            check_server(elsewhere)
    with temporary_settings({PREFECT_API_URL: "http://prefect:4200/api"}):
        check_server(elsewhere)
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(UsageError, match="does not know where"),
    ):
        check_server(here)


def test_a_worker_with_another_model_or_ledger_says_so(parts: Parts) -> None:
    order = order_of(parts, RUN)
    check_work(order, parts)
    with pytest.raises(UsageError, match="another model"):
        check_work(order.model_copy(update={"model_id": "larger@1"}), parts)
    with pytest.raises(UsageError, match="another schema"):
        check_work(order.model_copy(update={"fingerprint": "0" * 64}), parts)
    with pytest.raises(UsageError, match="does not know the run"):
        check_work(order.model_copy(update={"run_id": "of-another-ledger"}), parts)


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """The order of a run with five documents, whose parts are in this process already."""
    from flows import worker

    made = make_parts(tmp_path, sqlite_ledger(tmp_path / "ledger.db"), documents=5, concurrency=2)
    worker.register_inputs(made, RUN)
    ordered = order_of(made, RUN)
    monkeypatch.setitem(workers._ready, RUN, made)
    return ordered


def test_a_batch_takes_so_many_documents_and_the_next_one_the_rest(order: Order) -> None:
    assert [workers.work(order, 3), workers.work(order, 3), workers.work(order, 3)] == [3, 2, 0]
    ledger = workers._ready[RUN].ledger
    steps = [t for d in ledger.run_documents(RUN) for t in ledger.document(str(d.document_id)).transitions]
    assert sum(step.to_state == "processing" for step in steps) == 5


def test_an_outage_on_a_worker_names_its_machine_and_leaves_documents_pending(order: Order) -> None:
    parts = workers._ready[RUN]

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    acts(parts, full)
    with pytest.raises(OutageError, match=f"On {HERE}: .*No space left"):
        workers.work(order, 5)
    assert parts.ledger.outcome_counts(RUN) == {"pending": 5}
    assert "processing" not in parts.ledger.status().documents


def test_a_worker_that_is_stopped_gives_back_what_it_holds(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = workers._ready[RUN]
    monkeypatch.setattr(parts.extractor.reader, "abort", lambda: None, raising=False)
    acts(parts, lambda ref: parts.stopping.wait(60) and None)

    def interrupted(*_: object) -> None:
        while len(parts.holding.held()) < 2:
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        workers.work(order, 5)
    assert parts.ledger.outcome_counts(RUN) == {"pending": 5}
    assert "processing" not in parts.ledger.status().documents


def test_a_process_whose_gpu_changed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    given = iter([["0"], ["0"], ["1"]])

    class Context:
        def get_accelerator_ids(self) -> dict[str, list[str]]:
            return {"GPU": next(given)}

        def get_node_id(self) -> str:
            return "a"

    ended = list[int]()
    monkeypatch.setattr(workers, "_devices", [])
    monkeypatch.setattr(workers, "_node", [])
    monkeypatch.setattr(ray, "get_runtime_context", Context)
    monkeypatch.setattr(os, "_exit", ended.append)
    workers._keep_devices()
    workers._keep_devices()
    assert ended == []
    workers._keep_devices()
    assert ended == [workers.OTHER_DEVICES]


def test_gpus_that_nobody_asks_for_are_told() -> None:
    nodes = [node(64, 8), node(64, 8), node(64, 8, alive=False)]
    assert "16 GPUs, and workers ask for none" in unasked_gpus(nodes, Asked(4, 0))
    assert unasked_gpus(nodes, Asked(4, 0.5)) == unasked_gpus([node(64)], Asked(4, 0)) == ""


def _machines(nodes: list[dict[str, Any]], patience: float = 60.0) -> tuple[Machines, list[str]]:
    named = [{**one, "NodeID": name} for one, name in zip(nodes, "abc", strict=False)]
    notices = list[str]()
    return Machines(lambda: named, Asked(1, 0), notices, patience), notices


def _of(node: str, error: ParquetryError) -> ParquetryError:
    blame(error, node)
    return error


def test_a_machine_in_trouble_is_left_out_until_none_is_left() -> None:
    machines, notices = _machines([node(4), node(4), node(0)])
    assert machines.labels == {}
    machines.leave_out(pickle.loads(pickle.dumps(_of("a", OutageError("On gpu-07: the disk is full.")))))
    assert machines.labels == {"ray.io/node-id": "!in(a)"} and slots(machines.up(), Asked(1, 0)) == 4
    assert len(notices) == 1 and "On gpu-07: the disk is full." in notices[0]
    machines.leave_out(_of("a", OutageError("a batch that was waiting there")))
    assert len(notices) == 1
    with pytest.raises(UsageError, match="another ledger"):
        machines.leave_out(_of("b", UsageError("On gpu-08: another ledger.")))


def test_an_error_of_no_machine_ends_the_run() -> None:
    machines, _ = _machines([node(4), node(4)])
    with pytest.raises(OutageError, match="a fault"):
        machines.leave_out(OutageError("a fault"))


def test_a_cluster_without_room_is_not_waited_for_for_ever() -> None:
    machines, _ = _machines([node(4, alive=False), node(0)], patience=0.0)
    with pytest.raises(
        OutageError, match=r"no machine .* could give 1 CPU and 0 GPUs .* the largest that is up has 0"
    ):
        machines.up()
