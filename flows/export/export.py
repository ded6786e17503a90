"""Exports: read the current rows or the queue, write one file, in one step."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from flows.export.cells import csv_cell, flat_names, pick, to_json
from flows.export.rows import Rows, each
from flows.export.workbook import write_workbook
from flows.landing.snapshot import Snapshot, open_snapshot
from flows.ledger.store import Ledger
from schemas.errors import UsageError

ExportFormat = Literal["csv", "jsonl", "xlsx", "parquet"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

_PAGE = 500
_GROUP_ROWS = 20_000
_GROUP_BYTES = 64 << 20
HEAVY = frozenset({"evidence"})
"""Left out of csv and xlsx, which are for people: it is many times larger than the rows."""

_QUEUE = pa.schema(
    [
        ("document_id", pa.string()),
        ("source_uri", pa.string()),
        ("schema", pa.string()),
        ("model", pa.string()),
        ("queued_at", pa.timestamp("us", tz="UTC")),
        ("reasons", pa.string()),
        ("doubtful_fields", pa.string()),
        ("page_count", pa.int64()),
        ("data", pa.string()),
    ]
)


def export_rows(lake: str | Path, schema_name: str, format: ExportFormat, destination: str | Path) -> int:
    """Writes the current landed rows of a schema; gives their number.

    CSV and XLSX have objects opened up into ``party.name`` columns and lists as JSON text (in XLSX lists of
    items also as a sheet of their own), and no evidence; JSONL and Parquet have everything. In CSV, text that
    a spreadsheet would run as a formula gets an apostrophe before it.

    Raises:
        UsageError: the destination cannot be written, or does not hold so much.
    """
    rows = open_snapshot(lake, schema_name)
    write_rows(rows, format, destination, key="row_key")
    return rows.num_rows


def export_queue(
    ledger: Ledger, format: ExportFormat, destination: str | Path, *, schema: str | None = None
) -> int:
    """Writes the review queue; gives the number of documents. ``data`` is the proposal as JSON text."""
    rows = list(_queue_rows(ledger, schema))
    table = pa.Table.from_pylist(rows, schema=_QUEUE)
    write_rows(Snapshot.of(table), format, destination, key="document_id")
    return len(rows)


def _queue_rows(ledger: Ledger, schema: str | None) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := ledger.queue(schema=schema, limit=_PAGE, offset=offset):
        offset += len(page)
        for item in page:
            extraction = ledger.document(item.document_id).extraction
            fields = extraction.fields if extraction else []
            yield {
                "document_id": item.document_id,
                "source_uri": item.uri,
                "schema": item.schema_name,
                "model": item.model,
                "queued_at": item.queued_at,
                "reasons": ", ".join(item.reasons),
                "doubtful_fields": ", ".join(field.path for field in fields if field.reasons),
                "page_count": item.page_count,
                "data": json.dumps(extraction.data) if extraction else None,
            }


def write_rows(rows: Rows, format: ExportFormat, destination: str | Path, *, key: str) -> None:
    """Writes rows into one file, which appears when it is whole; into a pipe as they come.

    Args:
        rows: what is written, batch by batch.
        format: kind of file.
        destination: where.
        key: the column by which sheets of a workbook are joined.

    Raises:
        UsageError: the destination cannot be written, or does not hold so much.
    """
    destination = Path(destination)
    writers: dict[str, Callable[[Path], None]] = {
        "csv": lambda path: _to_text(path, lambda out: write_csv(rows, out)),
        "jsonl": lambda path: _to_text(path, lambda out: write_jsonl(rows, out)),
        "xlsx": lambda path: write_workbook(rows, path, key=key, without=HEAVY),
        "parquet": lambda path: _write_parquet(rows, path),
    }
    if format not in writers:
        raise UsageError(f"No format {format!r}.", remedy=f"One of: {', '.join(writers)}.")
    aside = destination.with_name(f".{destination.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        if destination.exists() and not destination.is_file():  # a pipe, /dev/stdout
            writers[format](destination)
            return
        destination.parent.mkdir(parents=True, exist_ok=True)
        writers[format](aside)
        aside.replace(destination)
    except OSError as error:
        raise UsageError(
            f"{destination} cannot be written: {error.strerror or error}.", remedy="Choose another file."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def _to_text(path: Path, write: Callable[[TextIO], None]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        write(out)


def write_csv(rows: Rows, out: TextIO) -> None:
    """Flat columns, no evidence, nothing that a spreadsheet would run."""
    columns = flat_names(rows.schema, without=HEAVY)
    writer = csv.writer(out)
    writer.writerow([csv_cell(".".join(column)) for column in columns])
    for row in each(rows):
        writer.writerow([csv_cell(pick(row, column)) for column in columns])


def write_jsonl(rows: Rows, out: TextIO) -> None:
    """One JSON object a line, with everything."""
    for row in each(rows):
        out.write(json.dumps(to_json(row), ensure_ascii=False) + "\n")


def _write_parquet(rows: Rows, path: Path) -> None:
    """Row groups of some size, however small the batches are."""
    with pq.ParquetWriter(path, rows.schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in rows.batches():
            held.append(batch)
            if sum(b.num_rows for b in held) >= _GROUP_ROWS or sum(b.nbytes for b in held) >= _GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(held))
                held = []
        if held:
            writer.write_table(pa.Table.from_batches(held))
