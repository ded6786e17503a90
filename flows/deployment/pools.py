"""The work pool, with its base job template from ``deploy/work_pools``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.deployment.target import Change, PoolType, Target
from schemas.errors import UsageError

DESCRIPTIONS = {
    PoolType.PROCESS: "Runs of parquetry as processes on the machines where workers are started.",
    PoolType.DOCKER: "Runs of parquetry as containers of the Docker engine beside each worker.",
    PoolType.KUBERNETES: "Runs of parquetry as Kubernetes jobs.",
}


def apply_pools(target: Target) -> Iterator[Change]:
    """Makes the pool, or gives it the template as it is now; its queues, limit and pause stay as they are."""
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound

    template, about = job_template(target), DESCRIPTIONS[target.pool_type]
    try:
        found = target.client.read_work_pool(target.pool)
    except ObjectNotFound:
        target.client.create_work_pool(
            WorkPoolCreate(
                name=target.pool, type=target.pool_type.value, description=about, base_job_template=template
            )
        )
        yield Change("work pool", target.pool, "created")
        return
    if found.type != target.pool_type:
        raise UsageError(
            f"The server has a work pool {target.pool!r} of type {found.type}.",
            remedy=f"Give another name with --pool, or --pool-type {found.type}.",
        )
    if (found.base_job_template, found.description) == (template, about):
        yield Change("work pool", target.pool, "unchanged")
        return
    target.client.update_work_pool(target.pool, WorkPoolUpdate(description=about, base_job_template=template))
    yield Change("work pool", target.pool, "updated")


def job_template(target: Target) -> dict[str, Any]:
    """The base job template of the pool's type.

    Raises:
        UsageError: it is not there, or no JSON object.
    """
    path: Path = target.templates / f"{target.pool_type}.json"
    try:
        template = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The base job template {path} cannot be read: {error}.",
            remedy="Give the folder `deploy/work_pools` of the project with --work-pools.",
        ) from error
    if not isinstance(template, dict) or not {"job_configuration", "variables"} <= set(template):
        raise UsageError(
            f"{path} is no base job template.", remedy="It needs job_configuration and variables."
        )
    return template
