"""What is declared: the deployments in both of their forms, the forms of parameters, and the work pools' templates."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args
from unittest.mock import AsyncMock, Mock
from uuid import uuid4

import httpx
import pytest
import yaml
from prefect.client.schemas.objects import FlowRun
from prefect.utilities.schema_tools.validation import validate
from prefect.workers.base import BaseJobConfiguration
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorker, KubernetesWorkerJobConfiguration

from flows.cli import main
from flows.deployment.apply import answering
from flows.deployment.checks import doubts
from flows.deployment.deployments import _job_variables, flow_of
from flows.deployment.specs import deployments
from flows.deployment.target import PoolType, Target
from flows.parameters import Reason
from flows.settings import load_settings
from schemas.errors import OutageError, UsageError
from schemas.outcome import FailureReason, ReviewReason

ROOT = Path(__file__).parents[2]
POOLS = ROOT / "deploy" / "work_pools"
WORKERS: dict[str, tuple[Any, type[BaseJobConfiguration]]] = {
    "process": (ProcessWorker, ProcessJobConfiguration),
    "docker": (DockerWorker, DockerWorkerJobConfiguration),
    "kubernetes": (KubernetesWorker, KubernetesWorkerJobConfiguration),
}


def test_prefects_own_file_says_what_is_declared() -> None:
    said = yaml.safe_load((ROOT / "deploy" / "prefect.yaml").read_text(encoding="utf-8"))
    declared = {spec.full_name: spec for spec in deployments(load_settings())}
    assert len(said["deployments"]) == len(declared)
    for one in said["deployments"]:
        spec = declared[f"{one['entrypoint'].rpartition('.')[2]}/{one['name']}"]
        assert one["entrypoint"] == spec.entrypoint
        assert one["description"] == spec.description
        assert one["tags"] == list(spec.tags)
        assert one["schedules"] == [schedule.model_dump() for schedule in spec.schedules]
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
        assert one["work_pool"] == {"name": "parquetry"}


@pytest.mark.parametrize("spec", deployments(load_settings()), ids=lambda spec: spec.name)
def test_an_entrypoint_is_a_flow_of_that_name_and_its_form_has_titles_and_words(spec: Any) -> None:
    flow = flow_of(spec)
    assert flow.name == spec.flow_name
    assert not flow.persist_result
    for name, field in flow.parameters.properties.items():
        assert field["title"] and field["title"] != name
        assert field["description"], name


def test_the_reasons_of_the_form_are_all_there_are() -> None:
    assert set(get_args(Reason)) == {*FailureReason, *ReviewReason}


@pytest.mark.parametrize(
    ("name", "parameters", "wrong"),
    [
        ("nightly", {"limit": 0}, True),
        ("nightly", {"pages": "one to three"}, True),
        ("nightly", {"retry_outcome": "duplicate"}, True),
        (
            "nightly",
            {"retry_outcome": "failed", "retry_reason": "timeout", "limit": 5, "pages": "1-3"},
            False,
        ),
        ("nightly", {"source": None, "since": None}, False),
        ("nightly", {"source": ""}, True),
        ("nightly", {"since": "2026-11-01T00:00:00Z", "reprocess": True}, False),
        ("housekeeping", {"sweep": {"older_than_hours": 0}}, True),
        ("housekeeping", {"sweep": {"everything": True}}, True),
        ("housekeeping", {"sweep": {"older_than_hours": 48}, "books": {"lake": False}}, False),
        ("corrections", {}, True),
        ("corrections", {"document_schema": "invoice", "device": "tpu"}, True),
        ("corrections", {"document_schema": "invoice", "device": "cuda"}, False),
        ("gate", {"folder": "/data", "candidate": "/model", "tolerance": 0.5}, True),
        ("gate", {"folder": "/data", "candidate": "/model", "tolerance": 0.01}, False),
    ],
)
def test_the_server_refuses_what_a_flow_would_refuse(
    name: str, parameters: dict[str, Any], wrong: bool
) -> None:
    """With the server's own check of parameters."""
    (spec,) = [one for one in deployments(load_settings()) if one.name == name]
    schema = flow_of(spec).parameters.model_dump()
    errors = validate(parameters, schema, raise_on_error=False, preprocess=True)
    assert bool(errors) is wrong, errors


@pytest.mark.parametrize("spec", deployments(load_settings()), ids=lambda spec: spec.name)
def test_no_form_has_a_switch_between_a_type_and_none(spec: Any) -> None:
    schema = flow_of(spec).parameters.model_dump()
    assert "anyOf" not in json.dumps(schema) and "null" not in json.dumps(schema).replace(
        '"default": null', ""
    )


def test_what_would_fail_every_night_is_told_when_it_is_deployed(tmp_path: Path) -> None:
    fine = load_settings(schema="invoice", source=str(tmp_path))
    assert list(doubts(fine)) == []
    nothing, unseen = doubts(load_settings())
    assert "No schema is set" in nothing and "No source is set" in unseen
    elsewhere = load_settings(schema="/schemas/bill.json", source=str(tmp_path / "gone"))
    schema, source = doubts(elsewhere)
    assert "/schemas/bill.json is not on this machine" in schema
    assert f"The source {tmp_path / 'gone'} cannot be listed from here" in source
    relative = list(doubts(load_settings(schema="bill.json", source="in")))
    assert sum("is a relative path" in one for one in relative) == 2


@pytest.mark.parametrize(("status", "kind"), [(401, UsageError), (403, UsageError), (500, OutageError)])
def test_a_server_that_refuses_is_told_as_such(status: int, kind: type[Exception]) -> None:
    asked = httpx.Request("POST", "http://prefect.example/api/work_pools/")
    with (
        pytest.raises(kind, match=f"http://prefect.example/api .*{status}"),
        answering("http://prefect.example/api"),
    ):
        raise httpx.HTTPStatusError("no", request=asked, response=httpx.Response(status, request=asked))


def test_an_address_without_api_is_told_as_such() -> None:
    asked = httpx.Request("POST", "http://prefect.example/work_pools/")
    with pytest.raises(UsageError) as told, answering("http://prefect.example"):
        raise httpx.HTTPStatusError("no", request=asked, response=httpx.Response(404, request=asked))
    assert "PREFECT_API_URL" in told.value.remedy and "/api" in told.value.remedy


def test_an_unknown_schema_is_refused_before_anything_is_applied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PARQUETRY_SCHEMA", "invocie")
    assert main(["deploy", "apply"]) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert "No schema named 'invocie'" in said and "PARQUETRY_SCHEMA" in said and "invoice" in said


def template(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((POOLS / f"{kind}.json").read_text(encoding="utf-8"))
    return found


def configured(kind: str, values: dict[str, Any] | None = None) -> Any:
    """What the worker makes of the template for a run."""
    _, configuration = WORKERS[kind]
    made = asyncio.run(
        configuration.from_template_and_values(template(kind), values or {}, client=AsyncMock())
    )
    made.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="invoice in"))
    return made


@pytest.mark.parametrize("kind", WORKERS)
def test_a_template_has_what_its_worker_takes_and_nothing_that_it_does_not(kind: str) -> None:
    worker, configuration = WORKERS[kind]
    ours, default = template(kind), worker.get_default_base_job_template()
    assert set(ours["job_configuration"]) <= set(default["job_configuration"])
    assert set(ours["job_configuration"]) <= set(configuration.model_fields)
    text = json.dumps(ours["job_configuration"])
    for name in ours["variables"]["properties"]:
        assert f"{{{{ {name} }}}}" in text, f"{name} is asked for and goes nowhere"
    left = json.dumps(configured(kind).model_dump(mode="json"))
    assert "{{" not in left
    assert configured(kind).env["DO_NOT_TRACK"] == "1"
    for secret in ("password", "bearer", "api_key"):
        assert secret not in json.dumps(ours["job_configuration"]).lower()


def test_a_container_is_not_root_writes_nowhere_and_has_bounds() -> None:
    made = configured("docker", {"image": "parquetry-gpu:1"})
    more = made.container_create_kwargs
    assert made.image == "parquetry-gpu:1"
    assert more["user"] == "10001:10001" and more["read_only"] is True
    assert more["cap_drop"] == ["ALL"] and more["security_opt"] == ["no-new-privileges:true"]
    assert made.mem_limit and more["nano_cpus"] and more["pids_limit"]
    assert not made.privileged
    assert any(volume.endswith(":/etc/parquetry:ro") for volume in made.volumes)  # secrets by reference
    assert made.env["PARQUETRY_CONFIG"] == "/etc/parquetry/parquetry.toml"


def test_a_pod_is_not_root_writes_nowhere_and_takes_its_secrets_by_reference() -> None:
    spec = configured("kubernetes").job_manifest["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["envFrom"] == [{"secretRef": {"name": "parquetry"}}]
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"memory": "8Gi"},
    }
    mounted = {one["name"] for one in container["volumeMounts"]}
    assert mounted == {one["name"] for one in spec["volumes"]}
    assert container["args"][:2] == ["prefect", "flow-run"]


def test_gpus_are_asked_for_where_they_are_wanted() -> None:
    target = Target(load_settings(), Mock(), "parquetry", PoolType.KUBERNETES, POOLS, gpus=2)
    model = next(spec for spec in deployments(target.settings) if spec.uses_model)
    job = configured("kubernetes", _job_variables(target, model)).job_manifest["spec"]
    spec = job["template"]["spec"]
    assert (job["completions"], job["parallelism"]) == (1, 1) and not {"completions", "parallelism"} & set(
        spec
    )
    assert [one["key"] for one in spec["tolerations"]] == ["nvidia.com/gpu"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 2
