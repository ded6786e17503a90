"""What a worker on a cluster is told and checks, and how much room a cluster has; no cluster, no Prefect server."""

from __future__ import annotations

import errno
import json
import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.cluster import connect, workers
from flows.cluster.options import RayOptions
from flows.cluster.orders import (
    Order,
    check_machine,
    check_work,
    environment,
    order_of,
    settings_for,
)
from flows.cluster.slots import Asked, largest, slots
from flows.composition import Parts
from flows.settings import Settings, load_settings
from schemas.errors import OutageError, UsageError
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
        connect._wait_for_room(parts.settings, Asked(2, 1), lambda: [node(8)], parts.stopping)


def test_a_machine_that_is_on_its_way_is_waited_for(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "LOOK_SECONDS", 0.0)
    views = iter([[node(8)], [node(8)], [node(8), node(8, 1)]])
    settings = parts.settings.model_copy(update={"ray": RayOptions(wait_seconds=60)})
    connect._wait_for_room(settings, Asked(2, 1), lambda: next(views), parts.stopping)


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


def test_a_worker_elsewhere_needs_the_ledger_and_the_home(parts: Parts, tmp_path: Path) -> None:
    here = order_of(parts, RUN)
    check_machine(here, parts.settings)
    elsewhere = here.model_copy(update={"host": "another"})
    with pytest.raises(UsageError, match="SQLite"):
        check_machine(elsewhere, parts.settings)
    shared = load_settings(home=tmp_path / "home", database=SECRETS["PARQUETRY_DATABASE"])
    with pytest.raises(UsageError, match="is not the flow's"):
        check_machine(elsewhere, shared)
    (shared.home / "spool" / here.spool).mkdir(parents=True)
    check_machine(elsewhere, shared)


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

    made = make_parts(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}", documents=5, concurrency=2)
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

    ended = list[int]()
    monkeypatch.setattr(workers, "_devices", [])
    monkeypatch.setattr(ray, "get_runtime_context", Context)
    monkeypatch.setattr(os, "_exit", ended.append)
    workers._keep_devices()
    workers._keep_devices()
    assert ended == []
    workers._keep_devices()
    assert ended == [workers.OTHER_DEVICES]
