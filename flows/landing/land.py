"""Frozen batches become files, each exactly once, whatever dies on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.landing.arrow import to_table
from flows.landing.lake import Lake, open_lake
from flows.ledger.records import FrozenBatch
from flows.ledger.store import Ledger
from schemas.registry import LoadedSchema, from_json_schema


@dataclass(frozen=True, slots=True)
class LandedFile:
    """One file in the lake: where, how many rows, and the SHA-256 of its bytes."""

    path: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LandingReport:
    """What was landed now. ``warnings`` tell what did not fit its column (the evidence has it)."""

    files: list[LandedFile]
    rows: int
    warnings: list[str]


def land(ledger: Ledger, lake: str | Path, schema: LoadedSchema) -> LandingReport:
    """Freezes what is accepted or reviewed under the schema's name and writes all its pending batches.

    The ledger freezes first, then the file ``<schema>/<batch id>.parquet`` appears, then the ledger notes it.
    Killed anywhere between, the next call goes on; a file written twice has the same name and rows.

    Raises:
        LandingError: the lake cannot be written; retryable.
        LedgerError: the ledger cannot be used.
    """
    target = open_lake(lake)
    ledger.register_schema(schema)
    while ledger.freeze_next(schema.name):
        pass
    target.sweep(schema.name)
    files: list[LandedFile] = []
    warnings: list[str] = []
    for batch in ledger.pending_batches(schema.name):
        file, odd = _land_batch(target, batch)
        ledger.mark_landed(batch.batch_id, file.path, file.rows, file.sha256)
        files.append(file)
        warnings += odd
    return LandingReport(files, sum(file.rows for file in files), warnings)


def _land_batch(lake: Lake, batch: FrozenBatch) -> tuple[LandedFile, list[str]]:
    schema = from_json_schema(batch.json_schema, batch.schema_name)
    table, warnings = to_table(schema, batch.rows)
    data = encode(table)
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"{batch.schema_name}/{batch.batch_id}.parquet"
    if lake.digest(name) != sha256:  # it is there when only the note was lost
        lake.write(name, data)
    return LandedFile(lake.location(name), table.num_rows, sha256), warnings


def encode(table: pa.Table) -> bytes:
    """A table as the bytes of a Parquet file; the same bytes for the same table."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd",
        version="2.6",
        write_page_checksum=True,
    )
    return bytes(memoryview(sink.getvalue()))
