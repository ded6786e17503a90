"""Metrics of this machine: processes of parquetry and their memory, memory of GPUs, what is installed."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from flows.cluster.options import PROCESS_NAME
from flows.metrics import names
from flows.metrics.ledger import family

_ROLES = (
    ("reader", ("extractors.reading.child",)),
    ("worker", (f"ray::{PROCESS_NAME}",)),  # a process of a Ray cluster, while it has a batch
    ("prefect", ("prefect.server", "prefect.engine", "prefect.flow_engine")),
    ("review", ("flows.cli review", "parquetry review")),
    ("metrics", ("flows.cli metrics", "parquetry metrics")),
    ("run", ("flows.", "/parquetry ")),
)
"""By what stands in its command line; the first that fits."""


class MachineCollector(Collector):
    """Looks at this machine at each scrape."""

    def describe(self) -> list[Family]:
        """Asked when it is registered."""
        return []

    def collect(self) -> Iterator[Family]:
        """The families; of GPUs only where NVIDIA's library is."""
        counts: Counter[str] = Counter()
        memory: Counter[str] = Counter()
        for process in psutil.process_iter():
            try:
                role = role_of(process.cmdline())
                if role:
                    memory[role] += process.memory_info().rss
                    counts[role] += 1
            except psutil.Error:  # it has just ended, or is somebody else's
                continue
        for metric, found in ((names.PROCESSES, counts), (names.MEMORY, memory)):
            made = family(metric)
            for role, _ in _ROLES:
                made.add_metric([role], found[role])
            yield made
        build = family(names.BUILD)
        build.add_metric([_version(), platform.python_version()], 1)
        yield build
        if gpus := gpu_memory():
            made = family(names.GPU)
            for number, (used, total) in enumerate(gpus):
                made.add_metric([str(number), "used"], used)
                made.add_metric([str(number), "total"], total)
            yield made


def role_of(command: list[str]) -> str:
    """What a process does for parquetry; empty: nothing."""
    line = " ".join(command)
    return next((role for role, words in _ROLES if any(word in line for word in words)), "")


def gpu_memory(nvml: Any = None) -> list[tuple[int, int]]:
    """Used and total bytes of each GPU. By NVML, which needs no CUDA context: torch would take memory to tell."""
    if nvml is None:
        try:
            import pynvml
        except ImportError:
            return []
        nvml = pynvml
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return []
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
        found = [nvml.nvmlDeviceGetMemoryInfo(handle) for handle in handles]
        return [(int(one.used), int(one.total)) for one in found]
    except nvml.NVMLError:
        return []
    finally:
        nvml.nvmlShutdown()


def _version() -> str:
    try:
        return version("parquetry")
    except PackageNotFoundError:
        return "checkout"
