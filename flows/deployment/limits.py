"""Global concurrency limits: how many runs may have a model on the GPUs at a time."""

from __future__ import annotations

from collections.abc import Iterator

from flows.deployment.target import Change, Target


def apply_limits(target: Target) -> Iterator[Change]:
    """Makes the limit that the settings name, with their number of slots. Without a name there is none."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
    from prefect.exceptions import ObjectNotFound

    gpu = target.settings.gpu
    if not gpu.limit:
        return
    try:
        found = target.client.read_global_concurrency_limit_by_name(gpu.limit)
    except ObjectNotFound:
        target.client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=gpu.limit, limit=gpu.slots)
        )
        yield Change("concurrency limit", gpu.limit, "created")
        return
    if (found.limit, found.active) == (gpu.slots, True):
        yield Change("concurrency limit", gpu.limit, "unchanged")
        return
    target.client.update_global_concurrency_limit(
        gpu.limit, GlobalConcurrencyLimitUpdate(limit=gpu.slots, active=True)
    )
    yield Change("concurrency limit", gpu.limit, "updated")
