"""Ledger against lake, both ways: what the one says of the other, and what of it can be put right safely.

Safe is what follows from the frozen rows: to write a batch again that is missing or damaged (a damaged file is
moved aside, not deleted), to note the hash of a file that has other bytes and the same rows, to sweep what dead
writers left. What nobody but a person can know, such as whose a foreign file is, is only told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.landing.checkup_delta import delta_troubles
from flows.landing.formats import (
    LEDGER_KEY,
    DeltaFormat,
    LakeFormat,
    ParquetFormat,
    batch_table,
    open_format,
)
from flows.landing.lake import open_lake
from flows.landing.trouble import Trouble
from flows.ledger.records import BatchRecord
from flows.ledger.store import Ledger
from schemas.errors import ParquetryError

_FOREIGN = "Move it out of the lake, or give each ledger a lake of its own."


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found for one schema.

    Attributes:
        batches: how many the ledger has landed.
        rows: how many rows are in them.
        pending: batches that wait for the next landing, which is no trouble.
        troubles: what does not agree.
    """

    schema_name: str
    format: LakeFormat
    batches: int
    rows: int
    pending: int
    troubles: list[Trouble]


def check_lake(
    ledger: Ledger, lake: str | Path, *, format: LakeFormat = "parquet", repair: bool = False
) -> Iterator[Checkup]:
    """Holds every landed batch against the lake, and every file of the lake against the ledger.

    All files are read, once, piece by piece. With ``repair`` what is safe is put right.

    Args:
        ledger: the ledger.
        lake: path or fsspec URI.
        format: what the lake's format is set to.
        repair: put right what is safe, and say so in the troubles.

    Raises:
        LandingError: the lake cannot be reached.
        LedgerError: the ledger cannot be used.
    """
    opened, ledger_id = open_lake(lake), ledger.ledger_id()
    names = {schema.name for schema in ledger.schemas_with_rows()} | set(opened.folders())
    for name in sorted(names):
        landed = rows = pending = 0
        for batch in ledger.batches(name):
            landed, rows, pending = (
                (landed + 1, rows + batch.row_count, pending)
                if batch.landed_at
                else (landed, rows, pending + 1)
            )
        try:
            way = open_format(opened, name, format, ledger_id)
            found = (
                delta_troubles(way, ledger, repair=repair)
                if isinstance(way, DeltaFormat)
                else _parquet_troubles(way, ledger, repair=repair)
                if isinstance(way, ParquetFormat)
                else iter(())
            )
            troubles = list(found)
        except ParquetryError as error:
            troubles = [Trouble(name, "unusable", str(error), error.remedy)]
        yield Checkup(name, format, landed, rows, pending, troubles)


def _parquet_troubles(way: ParquetFormat, ledger: Ledger, *, repair: bool) -> Iterator[Trouble]:
    there = set(way.lake.files(way.schema_name))  # listed first: a file's batch is in the ledger before it
    known: set[str] = set()
    for batch in ledger.batches(way.schema_name):
        name = way.name(batch.batch_id)
        known.add(name)
        if batch.landed_at is not None:
            trouble = _check_file(way, ledger, batch, name, repair=repair)
            if trouble is not None:
                yield trouble
    yield from _unknown(way, sorted(there - known), repair=repair)
    for name in way.lake.leftovers(way.schema_name):
        if repair:
            way.lake.remove(name)
        yield Trouble(
            name,
            "left over",
            "a writer died while it wrote this; no reader sees it",
            "The next landing removes it.",
            repaired=repair,
            grave=False,
        )


def _check_file(
    way: ParquetFormat, ledger: Ledger, batch: BatchRecord, name: str, *, repair: bool
) -> Trouble | None:
    try:
        digest = way.lake.digest(name)
    except ParquetryError as error:
        return Trouble(name, "unreadable", str(error), error.remedy)
    if digest is None:
        return _rewritten(way, ledger, batch, Trouble(name, "missing", "landed, and not in the lake"), repair)
    if digest == batch.file_sha256:
        rows = _row_count(way, name)
        if rows == batch.row_count:
            return None
        return Trouble(
            name,
            "row count",
            f"{rows} rows in the file, {batch.row_count} in the ledger",
            "The ledger was changed by hand: restore its backup.",
        )
    if _same_rows(way, ledger, batch, name):
        if repair:
            ledger.record_file(batch.batch_id, way.lake.location(name), digest)
        trouble = Trouble(name, "other bytes", "the rows are those of the ledger, written by another version")
        return trouble.after(repair)
    if repair:
        way.lake.set_aside(name)
    return _rewritten(
        way, ledger, batch, Trouble(name, "damaged", "it is not the file that was landed"), repair
    )


def _rewritten(
    way: ParquetFormat, ledger: Ledger, batch: BatchRecord, trouble: Trouble, repair: bool
) -> Trouble:
    if repair:
        file, _ = way.write(ledger.frozen_batch(batch.batch_id))
        ledger.record_file(batch.batch_id, file.path, file.sha256)
    return trouble.after(repair)


def _row_count(way: ParquetFormat, name: str) -> int:
    system, root = way.lake.file_system()
    return int(pq.read_metadata(f"{root}/{name}", filesystem=system).num_rows)


def _same_rows(way: ParquetFormat, ledger: Ledger, batch: BatchRecord, name: str) -> bool:
    """Whether a file with another hash has the batch's rows, such as one that another pyarrow wrote."""
    system, root = way.lake.file_system()
    wanted, _ = batch_table(ledger.frozen_batch(batch.batch_id), way.ledger_id)
    try:
        found = pq.ParquetFile(f"{root}/{name}", filesystem=system, page_checksum_verification=True).read()
        return bool(found.schema.equals(wanted.schema) and found.equals(wanted))
    except (OSError, pa.ArrowException):
        return False


def _unknown(way: ParquetFormat, names: list[str], *, repair: bool) -> Iterator[Trouble]:
    for name in names:
        if way.is_ours(name):
            if repair:
                way.lake.set_aside(name)
            trouble = Trouble(
                name, "lost batch", "this ledger wrote it and has lost it: was it restored from a backup?"
            )
            yield trouble.after(repair)
            continue
        said = way.metadata(name)
        whose = "another ledger" if LEDGER_KEY in said else "an older or another program"
        yield Trouble(name, "unknown", f"the ledger does not know it: {whose} wrote it", _FOREIGN)
