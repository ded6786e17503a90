"""How many workers a cluster has room for, and how many batches are out for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Any

from flows.settings import Settings

_DUST = 1e-6
"""Ray counts in ten-thousandths; 0.1 + 0.2 must fit into 0.3."""
IN_FLIGHT = 2
"""Batches for each worker: one in work, one that waits behind it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one worker process asks for."""

    cpus: float
    gpus: float
    most: int | None = None


def asked_by(settings: Settings) -> Asked:
    """What the settings say; a worker has as many cores as documents at a time, unless told otherwise."""
    ours = settings.ray
    return Asked(
        float(settings.concurrency) if ours.num_cpus is None else ours.num_cpus,
        ours.num_gpus,
        ours.max_workers,
    )


def slots(nodes: Iterable[Mapping[str, Any]], asked: Asked) -> int:
    """So many workers fit on the machines that are up, at most as many as are wanted."""
    found = _room(nodes, asked)
    return found if asked.most is None else min(found, asked.most)


def in_flight(nodes: Iterable[Mapping[str, Any]], asked: Asked) -> int:
    """So many batches may be out. One that waits must not find room: it would be a worker more than is wanted."""
    room = _room(nodes, asked)
    most = room if asked.most is None else asked.most
    if room > most or not (asked.cpus or asked.gpus):  # who asks for nothing always finds room
        return max(1, min(room, most))
    return IN_FLIGHT * max(1, room)


def _room(nodes: Iterable[Mapping[str, Any]], asked: Asked) -> int:
    return sum(_fit(node.get("Resources", {}), asked) for node in nodes if node["Alive"])


def _fit(resources: Mapping[str, float], asked: Asked) -> int:
    cpus, gpus = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    by_cpu = (
        floor(cpus / asked.cpus + _DUST) if asked.cpus else floor(cpus)
    )  # who asks for no core: one for each
    if not asked.gpus:
        return by_cpu
    return min(by_cpu, _on_gpus(gpus, asked.gpus)) if asked.cpus else _on_gpus(gpus, asked.gpus)


def _on_gpus(gpus: float, each: float) -> int:
    """A share of a GPU is of one: three workers with 0.6 need three."""
    if each < 1:
        return floor(gpus + _DUST) * floor(1 / each + _DUST)
    return floor(gpus / each + _DUST)


def largest(nodes: Iterable[Mapping[str, Any]]) -> str:
    """What the machine with the most GPUs, then cores, has, for people."""
    has = [node.get("Resources", {}) for node in nodes if node["Alive"]]
    best = max(((r.get("GPU", 0.0), r.get("CPU", 0.0)) for r in has), default=(0.0, 0.0))
    return told(Asked(best[1], best[0]))


def told(asked: Asked) -> str:
    """``4 CPUs and 0.5 GPUs``."""
    cpus = f"{asked.cpus:g} CPU{'' if asked.cpus == 1 else 's'}"
    return f"{cpus} and {asked.gpus:g} GPU{'' if asked.gpus == 1 else 's'}"
