"""How metrics are given: one exposition, an endpoint, a file for node exporter's textfile collector."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from flows.ledger.store import Ledger
from flows.metrics.ledger import LedgerCollector
from flows.metrics.machine import MachineCollector

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def registry_of(ledger: Ledger) -> CollectorRegistry:
    """Collectors of a ledger and of this machine, in a registry of their own: nothing else gets in."""
    made = CollectorRegistry()
    made.register(LedgerCollector(ledger.metric_figures, warn=lambda text: log.warning("metrics: %s", text)))
    made.register(MachineCollector())
    return made


def exposition(ledger: Ledger) -> bytes:
    """All metrics in Prometheus' text format."""
    return generate_latest(registry_of(ledger))


def write_file(ledger: Ledger, path: Path) -> None:
    """Writes all metrics to a file, which appears whole or not at all. What goes wrong is told to the log."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), registry_of(ledger))
        with suppress(OSError):
            path.chmod(0o644)  # another account's collector reads it, and it has counts only
    except OSError as error:
        log.warning("metrics: %s cannot be written: %s", path, error.strerror or type(error).__name__)
