"""Deployments: a flow with its schedules and the form of its parameters, made known to the server."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from flows.deployment.pools import job_template
from flows.deployment.specs import DeploymentSpec, deployments
from flows.deployment.target import Change, PoolType, Target

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment

_COMPARED = (
    "concurrency_limit", "concurrency_options", "description", "enforce_parameter_schema", "entrypoint",
    "job_variables", "parameter_openapi_schema", "parameters", "path", "tags", "version", "work_pool_name",
)  # fmt: skip
"""What a deployment is declared by. The rest is the server's: its status, the ids of schedules, times."""


def flow_of(spec: DeploymentSpec) -> Flow[..., Any]:
    """The flow that a deployment runs."""
    module, _, name = spec.entrypoint.rpartition(".")
    found: Flow[..., Any] = getattr(importlib.import_module(module), name)
    return found


def runner_deployment(
    spec: DeploymentSpec, *, pool: str | None = None, job_variables: dict[str, Any] | None = None
) -> RunnerDeployment:
    """The deployment as Prefect's own code applies and serves it; the flow is imported as a module."""
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.schedules import Cron
    from prefect.types.entrypoint import EntrypointType

    made: Any = flow_of(spec).to_deployment(
        spec.name,
        schedules=[
            Cron(one.cron, timezone=one.timezone, active=one.active, slug=one.slug) for one in spec.schedules
        ],
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        description=spec.description,
        tags=list(spec.tags),
        entrypoint_type=EntrypointType.MODULE_PATH,
        work_pool_name=pool,
        job_variables=job_variables or {},
    )
    return cast("RunnerDeployment", made)  # what it is to synchronous callers


def apply_deployments(target: Target) -> Iterator[Change]:
    """Makes every deployment, or brings it to what is declared; one that was paused stays paused."""
    for spec in deployments(target.settings):
        made = runner_deployment(spec, pool=target.pool, job_variables=_job_variables(target, spec))
        before = _read(target, spec)
        made.apply()
        if before is None:
            yield Change("deployment", spec.full_name, "created")
        else:
            same = before == _read(target, spec)
            yield Change("deployment", spec.full_name, "unchanged" if same else "updated")


def _job_variables(target: Target, spec: DeploymentSpec) -> dict[str, Any]:
    """What a run's container is to have besides the template's defaults."""
    if target.pool_type is PoolType.PROCESS:
        return {}
    wanted: dict[str, Any] = {"image": target.image} if target.image else {}
    if target.gpus and spec.uses_model:
        wanted |= _with_gpus(target)
    return wanted


def _with_gpus(target: Target) -> dict[str, Any]:
    """GPUs as the pool's workers ask for them."""
    if target.pool_type is PoolType.KUBERNETES:
        # Nodes with GPUs keep others out by this taint, as they do the worker of deploy/k8s/overlays/gpu.
        taint = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
        return {"gpus": target.gpus, "tolerations": [taint]}
    name = "container_create_kwargs"
    plain = job_template(target)["variables"]["properties"][name].get("default") or {}
    asked = {"Driver": "nvidia", "Count": target.gpus, "Capabilities": [["gpu"]]}
    return {name: plain | {"device_requests": [asked]}}


def _read(target: Target, spec: DeploymentSpec) -> dict[str, Any] | None:
    """The deployment as the server has it, as far as it is declared; ``None``: it does not."""
    from prefect.exceptions import ObjectNotFound

    try:
        found = target.client.read_deployment_by_name(spec.full_name)
    except ObjectNotFound:
        return None
    plain = found.model_dump(mode="json")
    schedules = [
        {key: one[key] for key in ("slug", "active", "schedule")} for one in plain["schedules"] or []
    ]
    return {name: plain.get(name) for name in _COMPARED} | {"schedules": schedules}
