"""Compaction, for a lake in the Delta format; the files of a Parquet lake are never written again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.landing.delta import KEEP_HOURS, TABLES, DeltaStore, is_delta
from flows.landing.lake import open_lake
from schemas.errors import UsageError


@dataclass(frozen=True, slots=True)
class Compacted:
    """What was done to one table: files put together into larger ones, and files removed."""

    table: str
    merged: int
    removed: int


def compact(lake: str | Path, schema_name: str, *, keep_hours: int = KEEP_HOURS) -> Iterator[Compacted]:
    """Optimizes and vacuums the tables of a schema; safe beside landings and readers.

    Args:
        lake: path or fsspec URI.
        schema_name: names the folder in the lake.
        keep_hours: files that no table refers to any more are kept so long: what readers are still at, and
            Delta's own past of the tables.

    Raises:
        UsageError: the lake is of Parquet files.
        LandingError: a table cannot be read or written.
    """
    opened = open_lake(lake)
    if not is_delta(opened, schema_name):
        raise UsageError(
            f"{opened.location(schema_name)} holds no Delta tables: files of a Parquet lake are never rewritten.",
            remedy='Set lake_format = "delta" and "lake" to an empty place to have tables that can be compacted.',
        )
    store = DeltaStore(opened)
    for table in TABLES:
        name = f"{schema_name}/{table}"
        merged, removed = store.compact(name, keep_hours=keep_hours)
        yield Compacted(opened.location(name), merged, removed)
