"""How many runs have a model on the GPUs at a time: a slot of a global concurrency limit of Prefect, if one is set.

The limit must exist: a misspelt name would mean no limit at all, and be noticed by a GPU that is out of memory. A slot
is held by a lease that its process prolongs, so that one whose process was killed is free again after
``gpu.lease_seconds``. A Prefect server that is gone does not end a run that has its slot: two models on one GPU are
slow, not wrong.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from prefect import runtime
from prefect.client.schemas.objects import ConcurrencyLeaseHolder
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency

from flows import lost_server
from flows.settings import GpuOptions
from schemas.errors import OutageError, UsageError

log = logging.getLogger(__name__)


@contextmanager
def held(gpu: GpuOptions) -> Iterator[None]:
    """Waits for a slot, and holds it during the block; without a limit in the settings, nothing.

    Raises:
        UsageError: Prefect's server has no limit of that name.
        OutageError: no slot became free in time, or the server did not answer.
    """
    if not gpu.limit:
        yield
        return
    log.info("waiting for a slot of the concurrency limit %s", gpu.limit)
    slot = _slot(gpu)
    _take(slot, gpu)
    log.info("a slot of %s is taken", gpu.limit)
    try:
        yield
    finally:
        lost_server.make_sure()  # else giving it back would be tried for minutes
        try:
            slot.__exit__(None, None, None)
        except Exception as error:  # whatever Prefect's client raises
            log.warning(
                "The slot of %s could not be given back (%s); it is free again in %g s.",
                gpu.limit,
                type(error).__name__,
                gpu.lease_seconds,
            )


def _slot(gpu: GpuOptions) -> AbstractContextManager[Any]:
    run_id = runtime.flow_run.id
    return concurrency(
        str(gpu.limit),
        occupy=1,
        timeout_seconds=gpu.wait_seconds,
        lease_duration=gpu.lease_seconds,
        strict=True,
        holder=ConcurrencyLeaseHolder(type="flow_run", id=run_id) if run_id else None,
        raise_on_lease_renewal_failure=False,
    )


def _take(slot: AbstractContextManager[Any], gpu: GpuOptions) -> None:
    try:
        slot.__enter__()
    except AcquireConcurrencySlotTimeoutError as error:
        raise OutageError(
            f"No slot of the concurrency limit {gpu.limit!r} became free in {gpu.wait_seconds:g} s.",
            remedy="Run again when fewer runs use the GPU, or raise gpu.wait_seconds or the limit.",
        ) from error
    except ConcurrencySlotAcquisitionError as error:
        if error.__cause__ is None:  # the server answered, and has none
            raise UsageError(
                f"Prefect's server has no concurrency limit {gpu.limit!r}, which gpu.limit asks for.",
                remedy="Make it with `parquetry deploy apply`, or with `prefect gcl create`; or correct gpu.limit. "
                "A run without a server of its own (PREFECT_API_URL, parquetry serve) has no limits.",
            ) from error
        raise OutageError(
            f"No slot of the concurrency limit {gpu.limit!r} could be had: {error}",
            remedy="Check Prefect's server; then run again: it goes on where it was stopped.",
        ) from error
