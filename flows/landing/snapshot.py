"""A state of the lake, now or then, read batch by batch: the table is never in memory as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from flows.landing.arrow import PROVENANCE
from flows.landing.delta import delta_fragments
from flows.landing.evolution import plain_schema, unify
from flows.landing.lake import Lake, open_lake
from schemas.errors import LandingError

_READERS = 8
_BATCH_ROWS = 1_000
"""Evidence makes rows heavy: some 20 MB a batch."""
_KEYS = ["row_key", "version", "valid_from", "retracted"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows of one schema in a state that does not change while they are read.

    Attributes:
        schema: the columns, over all files.
        num_rows: how many rows `batches` will give.
    """

    schema: pa.Schema
    num_rows: int
    _read: Callable[[], Iterator[pa.RecordBatch]]

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in the order of landing; may be asked for more than once.

        Raises:
            LandingError: a file cannot be read.
        """
        return self._read()

    def table(self) -> pa.Table:
        """All rows at once, for tables that fit in memory."""
        return pa.Table.from_batches(self.batches(), schema=self.schema)

    @classmethod
    def of(cls, table: pa.Table) -> Snapshot:
        """A table that is in memory already."""
        return cls(table.schema, table.num_rows, lambda: iter(table.to_batches(max_chunksize=_BATCH_ROWS)))


def open_snapshot(
    lake: str | Path,
    schema_name: str,
    *,
    as_of: dt.datetime | None = None,
    all_versions: bool = False,
) -> Snapshot:
    """The latest version of every row that is not withdrawn, whatever the format of the lake.

    Only keys and versions are held in memory while the snapshot is taken (measured: 320 MB for 500,000 rows).

    Args:
        lake: path or fsspec URI.
        schema_name: names the folder in the lake.
        as_of: an aware time: the state as it was then.
        all_versions: every version of every row instead, withdrawals too.

    Returns:
        The snapshot; without rows, and with the provenance columns only, when nothing has landed. Files of
        several versions of the schema are read as one: a column that a file lacks is null there.

    Raises:
        LandingError: the lake or a file in it cannot be read.
        SchemaError: its files cannot be read as one table.
    """
    opened = open_lake(lake)
    with _explained(schema_name):
        delta = delta_fragments(opened, schema_name)
        fragments = _files(opened, schema_name) if delta is None else delta
        if not fragments:
            return Snapshot.of(pa.schema(PROVENANCE).empty_table())
        with ThreadPoolExecutor(_READERS) as pool:
            looked_at = list(pool.map(_look, fragments))
        kinds = [kind for kind, _ in looked_at]
        schema = unify(kinds if delta is None else [plain_schema(kind) for kind in kinds])
        chosen = _everything(looked_at) if all_versions else _newest([keys for _, keys in looked_at], as_of)
    count = sum(len(rows) for rows in chosen)
    return Snapshot(schema, count, lambda: _batches(schema_name, fragments, chosen, schema))


def _files(lake: Lake, schema_name: str) -> Sequence[Any]:
    """The files of a Parquet lake, oldest first."""
    system, root = lake.file_system()
    paths = [f"{root}/{name}" for name in lake.files(schema_name)]
    if not paths:
        return []
    whole = ds.dataset(paths, schema=pa.schema(PROVENANCE), filesystem=system, format="parquet")
    return list(whole.get_fragments())


def _look(fragment: Any) -> tuple[pa.Schema, pa.Table]:
    """A file's own columns, and what decides which of its rows count."""
    keys = fragment.scanner(schema=pa.schema(PROVENANCE), columns=_KEYS, use_threads=False).to_table()
    return fragment.physical_schema, keys


def _everything(looked_at: list[tuple[pa.Schema, pa.Table]]) -> list[Any]:
    return [np.arange(keys.num_rows) for _, keys in looked_at]


def _newest(keys: list[pa.Table], as_of: dt.datetime | None) -> list[Any]:
    """The positions of the rows that count, by file."""
    ends = np.cumsum([0, *(table.num_rows for table in keys)])
    table = pa.concat_tables(keys).append_column("at", pa.array(np.arange(ends[-1])))
    if as_of is not None:
        then = pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
        table = table.filter(pc.less_equal(table["valid_from"], then))
    table = table.select(["row_key", "version", "at", "retracted"]).sort_by("version")
    last = table.group_by("row_key", use_threads=False).aggregate([("at", "last"), ("retracted", "last")])
    current = np.sort(last.filter(pc.invert(last["retracted_last"]))["at_last"].to_numpy())
    bounds = np.searchsorted(current, ends)
    return [
        current[start:end] - first
        for start, end, first in zip(bounds[:-1], bounds[1:], ends[:-1], strict=True)
    ]


def _batches(
    schema_name: str, fragments: Sequence[Any], chosen: list[Any], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    with _explained(schema_name):
        for fragment, rows in zip(fragments, chosen, strict=True):
            first = 0
            if not len(rows):
                continue
            scanner = fragment.scanner(
                schema=schema, batch_size=_BATCH_ROWS, batch_readahead=1, fragment_readahead=1
            )
            for batch in scanner.to_batches():
                start, end = np.searchsorted(rows, [first, first + batch.num_rows])
                if end > start:
                    yield batch.take(pa.array(rows[start:end] - first))
                first += batch.num_rows


@contextmanager
def _explained(schema_name: str) -> Iterator[None]:
    """Whatever a reading library raises, in words that say what to do."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        cause = " ".join(str(error).split())[:300]
        raise LandingError(
            f"The files of {schema_name} in the lake cannot be read: {cause}",
            remedy="`parquetry doctor --lake` says which file is damaged, and --repair writes it again.",
        ) from error
