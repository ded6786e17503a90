"""Where to apply, with what; and what a part says of each thing that it looked after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.settings import Settings

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


class PoolType(StrEnum):
    """How a work pool's workers run flows. For each there is a base job template, ``work_pools/<type>.json``."""

    PROCESS = "process"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"


@dataclass(frozen=True, slots=True)
class Target:
    """A server and what it is to be told.

    Attributes:
        settings: schedules, limits, names.
        client: of the server.
        pool: name of the work pool that the deployments run in.
        pool_type: what its workers are.
        templates: folder of the base job templates.
        image: for Docker and Kubernetes; ``None``: the template's own.
        gpus: for Docker and Kubernetes: so many for each run that uses the model.
    """

    settings: Settings
    client: SyncPrefectClient
    pool: str
    pool_type: PoolType
    templates: Path
    image: str | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one thing: ``kind`` such as work pool, and its name."""

    kind: str
    name: str
    what: Literal["created", "updated", "unchanged", "removed", "left out"]


Part = Callable[[Target], Iterator[Change]]
"""Brings things of one kind into their declared state; a second time it changes nothing."""
