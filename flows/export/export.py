"""Exports: read the current rows or the queue, write one file, in one step."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from flows.export.cells import csv_cell, flat_names, pick, to_json
from flows.export.workbook import write_workbook
from flows.landing.current import read_current
from flows.ledger.store import Ledger
from schemas.errors import UsageError

ExportFormat = Literal["csv", "jsonl", "xlsx", "parquet"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

_PAGE = 500
_HEAVY = frozenset({"evidence"})
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
    table = read_current(lake, schema_name)
    _write(table, format, Path(destination), key="row_key")
    return int(table.num_rows)


def export_queue(
    ledger: Ledger, format: ExportFormat, destination: str | Path, *, schema: str | None = None
) -> int:
    """Writes the review queue; gives the number of documents. ``data`` is the proposal as JSON text."""
    rows = list(_queue_rows(ledger, schema))
    _write(pa.Table.from_pylist(rows, schema=_QUEUE), format, Path(destination), key="document_id")
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


def _write(table: pa.Table, format: ExportFormat, destination: Path, *, key: str) -> None:
    writers: dict[str, Callable[[Path], None]] = {
        "csv": lambda path: _write_csv(table, path),
        "jsonl": lambda path: _write_jsonl(table, path),
        "xlsx": lambda path: write_workbook(table, path, key=key, without=_HEAVY),
        "parquet": lambda path: pq.write_table(table, path, compression="zstd"),
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


def _write_csv(table: pa.Table, path: Path) -> None:
    columns = flat_names(table.schema, without=_HEAVY)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([csv_cell(".".join(column)) for column in columns])
        for batch in table.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                writer.writerow([csv_cell(pick(row, column)) for column in columns])


def _write_jsonl(table: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for batch in table.to_batches(max_chunksize=1000):
            for row in batch.to_pylist():
                out.write(json.dumps(to_json(row), ensure_ascii=False) + "\n")
