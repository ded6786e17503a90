"""Frozen batches become rows in the lake, each exactly once, whatever dies on the way."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from flows.landing.evolution import check_evolution
from flows.landing.formats import LakeFormat, LandedFile, open_format
from flows.landing.lake import open_lake
from flows.ledger.store import Ledger
from schemas.registry import LoadedSchema

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LandingReport:
    """What was landed now.

    Attributes:
        files: what was written, batch by batch.
        rows: how many rows in all.
        warnings: what did not fit its column (the evidence has it).
        swept: what writers who died had left behind, by its name in the lake.
    """

    files: list[LandedFile]
    rows: int
    warnings: list[str]
    swept: list[str] = field(default_factory=list)


def land(
    ledger: Ledger, lake: str | Path, schema: LoadedSchema, *, format: LakeFormat = "parquet"
) -> LandingReport:
    """Freezes what is accepted or reviewed under the schema's name and lands all its pending batches.

    The ledger freezes first, then the batch appears in the lake under its own name, then the ledger notes it.
    Killed anywhere between, the next call goes on; a batch written twice is there once.

    Raises:
        LandingError: the lake cannot be written; retryable.
        LedgerError: the ledger cannot be used.
        SchemaError: rows of this schema cannot stand in one table with those that have landed.
        UsageError: the lake is of another format.
    """
    way = open_format(open_lake(lake), schema.name, format, ledger.ledger_id())
    ledger.register_schema(schema)
    check_evolution(ledger, schema)
    while ledger.freeze_next(schema.name):
        pass
    swept = way.sweep(ledger)
    for name in swept:
        log.warning("swept what a writer that died, or a lost ledger, had left: %s", name)
    files: list[LandedFile] = []
    warnings: list[str] = []
    for batch in ledger.pending_batches(schema.name):
        file, odd = way.write(batch)
        ledger.mark_landed(batch.batch_id, file.path, file.rows, file.sha256)
        files.append(file)
        warnings += odd
    return LandingReport(files, sum(file.rows for file in files), warnings, swept)
