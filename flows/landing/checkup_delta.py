"""Ledger against Delta tables, by key and version of each row: a commit has no bytes of its own to compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from flows.landing.delta import fragments
from flows.landing.formats import DeltaFormat
from flows.landing.trouble import Trouble
from flows.ledger.store import Ledger

_NAME = pa.schema([("row_key", pa.string()), ("version", pa.int64())])
_ANEW = 'Set "lake" to an empty place and run `parquetry doctor --lake --repair`, which writes all landed rows there.'


def delta_troubles(way: DeltaFormat, ledger: Ledger, *, repair: bool) -> Iterator[Trouble]:
    """See `flows.landing.checkup.check_lake`. Keys and versions are held in memory, some 100 bytes a row."""
    # In this order a landing that goes on beside is no trouble: what had landed before must be there, and what
    # is there must have been frozen by the end.
    batches = [batch.batch_id for batch in ledger.batches(way.schema_name) if batch.landed_at]
    landed = _rows_of(ledger, batches)
    there = _names(way, way.history).group_by(["row_key", "version"]).aggregate([([], "count_all")])
    others = [
        batch.batch_id for batch in ledger.batches(way.schema_name) if batch.batch_id not in set(batches)
    ]
    both = landed.join(there, _NAME.names, join_type="full outer")
    missing = both.filter(pc.and_(pc.is_valid(both["batch"]), pc.is_null(both["count_all"])))
    for found in missing.group_by("batch").aggregate([([], "count_all")]).sort_by("batch").to_pylist():
        batch_id = batches[found["batch"]]
        detail = f"{found['count_all']} rows of batch {batch_id} are not in the history"
        if repair:
            file = way.repair(ledger.frozen_batch(batch_id))
            ledger.record_file(batch_id, file.path, file.sha256)
        yield Trouble(f"{way.history}: {batch_id}", "missing", detail).after(repair)
    surplus = both.filter(pc.is_null(both["batch"]))
    unknown = surplus.join(_rows_of(ledger, others), _NAME.names, join_type="left anti").num_rows
    if unknown:
        detail = f"{unknown} rows of the history are in no batch of the ledger"
        yield Trouble(way.history, "unknown", detail, _ANEW)
    twice = there.filter(pc.greater(there["count_all"], 1)).num_rows
    if twice:
        yield Trouble(
            way.history, "duplicate", f"{twice} rows of the history are there more than once", _ANEW
        )
    yield from _present(way, repair=repair)


def _present(way: DeltaFormat, *, repair: bool) -> Iterator[Trouble]:
    """Whether the table of the present is the latest of the history."""
    present = _names(way, way.current).group_by("row_key").aggregate([([], "count_all")])
    twice = present.filter(pc.greater(present["count_all"], 1)).num_rows
    if twice:
        yield Trouble(way.current, "duplicate", f"{twice} keys are there more than once", _ANEW)
    stale = _stale(way)
    if stale.num_rows:
        stale = stale.join(_stale(way), stale.column_names, join_type="left semi")  # or a landing goes on
    if stale.num_rows == 0:
        return
    detail = f"{stale.num_rows} rows are not the latest of the history"
    if pc.any(pc.greater(stale["version"], stale["newest"])).as_py():
        yield Trouble(way.current, "unknown", detail, _ANEW)
        return
    if repair:
        _bring_up(way, stale)
    yield Trouble(way.current, "outdated", detail).after(repair)


def _stale(way: DeltaFormat) -> pa.Table:
    """Keys whose version in the present is not the newest of the history; 0 where there is none."""
    present = _names(way, way.current)
    newest = _names(way, way.history).group_by("row_key").aggregate([("version", "max")])
    both = present.join(newest.rename_columns({"version_max": "newest"}), "row_key", join_type="full outer")
    both = both.set_column(1, "version", pc.fill_null(both["version"], 0))
    both = both.set_column(2, "newest", pc.fill_null(both["newest"], 0))
    return both.filter(pc.not_equal(both["version"], both["newest"]))


def _bring_up(way: DeltaFormat, stale: pa.Table) -> None:
    table = way.store.find(way.history)
    assert table is not None
    dataset: Any = table.to_pyarrow_dataset()
    keys = pc.unique(stale["row_key"])
    for batch in dataset.to_batches(filter=pc.field("row_key").isin(keys), batch_size=10_000):
        if batch.num_rows:
            way.store.merge(way.current, "repair", pa.Table.from_batches([batch]), repair=True)


def _names(way: DeltaFormat, name: str) -> pa.Table:
    """Key and version of every row of a table; none when there is no such table."""
    table = way.store.find(name)
    if table is None:
        return _NAME.empty_table()
    read = [fragment.to_table(columns=["row_key", "version"]) for fragment in fragments(table)]
    return pa.concat_tables([_NAME.empty_table(), *(part.cast(_NAME) for part in read)])


def _rows_of(ledger: Ledger, batches: list[str]) -> pa.Table:
    """Key and version of each row of these batches, with the number of its batch."""
    schema = _NAME.append(pa.field("batch", pa.int64()))
    parts = [schema.empty_table()]
    for number, batch_id in enumerate(batches):
        names = ledger.row_names(batch_id)
        columns = [[n.row_key for n in names], [n.version for n in names], [number] * len(names)]
        parts.append(pa.table(columns, schema=schema))
    return pa.concat_tables(parts)
