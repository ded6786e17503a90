"""Whatever becomes of a schema, its old files and its new ones are one table, or the change is refused."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.landing import check_evolution, land, read_all
from flows.landing.arrow import arrow_schema, to_table
from flows.landing.delta import DeltaStore
from flows.landing.evolution import conform, plain_schema, unify
from flows.landing.formats import encode
from flows.landing.lake import open_lake
from flows.ledger.store import Ledger
from schemas.errors import SchemaError
from schemas.registry import LoadedSchema, from_json_schema
from tests.databases import scratch
from tests.landing.test_arrow import row
from tests.ledger.builders import add, claim, extraction, start

INTEGER, NUMBER = {"type": ["integer", "null"]}, {"type": ["number", "null"]}
TEXT, ENUM = {"type": ["string", "null"]}, {"enum": ["x", "y", "z"]}
DAY = {"type": ["string", "null"], "format": "date"}


def schema_of(properties: dict[str, Any]) -> LoadedSchema:
    return from_json_schema({"title": "bill", "type": "object", "properties": properties}, "bill")


def an_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def a_list(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": an_object(properties)}


# What a field was and what it may become. `None`: it was not there, or is there no more.
CHANGES: list[tuple[Any, Any]] = [
    (TEXT, TEXT),
    (None, TEXT),
    (TEXT, None),
    (INTEGER, NUMBER),
    (NUMBER, INTEGER),
    (ENUM, TEXT),
    (TEXT, ENUM),
    (DAY, None),
    (an_object({"a": INTEGER}), an_object({"a": NUMBER, "b": TEXT})),
    (an_object({"a": TEXT, "b": DAY}), an_object({"b": DAY})),
    (a_list({"n": INTEGER}), a_list({"fresh": DAY, "n": NUMBER})),
    (a_list({"n": TEXT, "o": an_object({"p": INTEGER})}), a_list({"o": an_object({"p": NUMBER, "q": TEXT})})),
]
evolutions = st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)


def value_of(kind: dict[str, Any], number: int) -> Any:
    if "properties" in kind:
        return {name: value_of(child, number) for name, child in kind["properties"].items()}
    if "items" in kind:
        return [value_of(kind["items"], number), value_of(kind["items"], number + 1)]
    if "enum" in kind:
        return "xyz"[number % 3]
    if kind == DAY:
        return dt.date(2024, 1, 1 + number).isoformat()
    return number if kind == INTEGER else f"{number}.5" if kind == NUMBER else f"text {number}"


def typed(kind: dict[str, Any], value: Any) -> Any:
    """What stands in a column for it."""
    if value is None:
        return None
    if "properties" in kind:
        return {name: typed(child, value.get(name)) for name, child in kind["properties"].items()}
    if "items" in kind:
        return [typed(kind["items"], item) for item in value]
    if kind == DAY:
        return dt.date.fromisoformat(value)
    return Decimal(str(value)) if kind in (NUMBER, INTEGER) else value


def merged(was: Any, now: Any) -> Any:
    """The field as a reader of both sees it."""
    if was is None or now is None:
        return was or now
    if "properties" in was:
        both = {**now["properties"], **was["properties"]}
        return an_object({n: merged(was["properties"].get(n), now["properties"].get(n)) for n in both})
    if "items" in was:
        return {"type": "array", "items": merged(was["items"], now["items"])}
    return NUMBER if NUMBER in (was, now) else now


def two_versions(changes: list[tuple[Any, Any]]) -> tuple[list[pa.Table], list[dict[str, Any]]]:
    """A table of the old schema and one of the new, and what a reader of both should see of the fields."""
    fields = {f"f{i}": change for i, change in enumerate(changes)}
    tables, expected = [], []
    for version in (0, 1):
        kinds = {name: change[version] for name, change in fields.items() if change[version] is not None}
        schema = schema_of({"always": TEXT, **kinds})
        data = {"always": f"v{version}"} | {name: value_of(kind, version) for name, kind in kinds.items()}
        tables.append(to_table(schema, [row(data, row_key=f"k{version}", version=1)])[0])
        both = {name: merged(*change) for name, change in fields.items()}
        seen = {name: typed(kind, data.get(name)) for name, kind in both.items() if kind is not None}
        expected.append({"always": f"v{version}", **seen})
    return tables, expected


def in_a_folder(check: Callable[[Path], None]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="evolution", dir=scratch()))
    try:
        check(folder)
    finally:
        shutil.rmtree(folder)


def picked(rows: list[dict[str, Any]], like: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = sorted(rows, key=lambda r: str(r["always"]))
    return [{name: r[name] for name in wanted} for r, wanted in zip(rows, like, strict=True)]


@settings(max_examples=25, deadline=None)
@given(evolutions)
def test_old_and_new_files_are_one_dataset(changes: list[tuple[Any, Any]]) -> None:
    tables, expected = two_versions(changes)

    def check(folder: Path) -> None:
        (folder / "bill").mkdir()
        for number, table in enumerate(tables):
            (folder / "bill" / f"{number}.parquet").write_bytes(encode(table))
        assert picked(read_all(folder, "bill").to_pylist(), expected) == expected
        files = ds.dataset(folder / "bill")  # as the README says
        schemas = [file.physical_schema for file in files.get_fragments()]
        unified = pa.unify_schemas(schemas, promote_options="permissive")
        whole = ds.dataset(files.files, schema=unified)
        assert picked(whole.to_table().to_pylist(), expected) == expected
        with duckdb.connect() as connection:
            query = f"FROM read_parquet('{folder}/bill/*.parquet', union_by_name = true)"
            seen: Any = connection.execute(query).to_arrow_table()
        assert picked(seen.to_pylist(), expected) == expected

    in_a_folder(check)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(evolutions)
def test_a_delta_table_follows_its_schema(changes: list[tuple[Any, Any]]) -> None:
    tables, expected = two_versions(changes)

    def check(folder: Path) -> None:
        store = DeltaStore(open_lake(folder))
        for number, table in enumerate(tables):
            store.append("bill/history", f"b{number}", table)
            store.merge("bill/current", f"b{number}", table)
        assert picked(read_all(folder, "bill").to_pylist(), expected) == expected
        current = store.find("bill/current")
        assert current is not None
        assert picked(current.to_pyarrow_table().to_pylist(), expected) == expected

    in_a_folder(check)


def test_a_decimal_of_less_precision_is_widened(tmp_path: Path) -> None:
    (tmp_path / "bill").mkdir()
    wide = to_table(schema_of({"total": NUMBER}), [row({"total": "2.123456789"})])[0]
    at = wide.schema.get_field_index("total")
    narrow = wide.set_column(at, "total", pa.array([Decimal("1.50")], pa.decimal128(12, 2)))
    for number, table in enumerate((narrow, wide)):
        pq.write_table(table, tmp_path / "bill" / f"{number}.parquet")
    assert read_all(tmp_path, "bill")["total"].to_pylist() == [Decimal("1.5"), Decimal("2.123456789")]


IMPOSSIBLE = [
    ({"day": TEXT}, {"day": DAY}, "day of bill was text in rows that have landed, and now is a date"),
    ({"n": TEXT}, {"n": INTEGER}, "now is a whole number"),
    ({"n": {"type": "boolean"}}, {"n": NUMBER}, "was true or false"),
    ({"p": TEXT}, {"p": an_object({"a": TEXT})}, "now is an object"),
    ({"p": a_list({"a": an_object({"d": DAY})})}, {"p": a_list({"a": an_object({"d": TEXT})})}, r"p\[\].a.d"),
]


@pytest.mark.parametrize(("was", "now", "said"), IMPOSSIBLE)
def test_an_impossible_change_is_refused_with_its_field(
    was: dict[str, Any], now: dict[str, Any], said: str
) -> None:
    with pytest.raises(SchemaError, match=said) as caught:
        unify([arrow_schema(schema_of(was)), arrow_schema(schema_of(now))])
    assert "another name" in caught.value.remedy


def test_it_is_refused_before_anything_is_done(ledger: Ledger, lake: Path) -> None:
    was, now = schema_of({"number": TEXT, "day": TEXT}), schema_of({"number": TEXT, "day": DAY})
    check_evolution(ledger, now)  # nothing has landed: whatever it was before
    start(ledger, schema=was)
    check_evolution(ledger, now)
    add(ledger, "run-1", "a.pdf", schema=was)
    (held,) = claim(ledger, schema=was)
    done = extraction(held.sha256, data={"number": "1", "day": "soon"}, schema=was)
    ledger.record_extraction(held.document_id, held.token, done)
    with pytest.raises(SchemaError, match="day of bill"):
        check_evolution(ledger, now)
    with pytest.raises(SchemaError, match="day of bill"):
        land(ledger, lake, now)
    assert ledger.status().rows_to_land == 1 and not lake.exists()
    check_evolution(ledger, was)
    assert land(ledger, lake, was).rows == 1


def test_conform_and_plain() -> None:
    schema = pa.schema([("t", pa.list_(pa.time64("us"))), ("n", pa.int64())])
    plain = plain_schema(schema)
    assert plain.field("t").type == pa.list_(pa.string())
    table = conform(pa.table({"t": pa.array([[dt.time(10, 30)]], pa.list_(pa.time64("us")))}), plain)
    assert table.to_pylist() == [{"t": ["10:30:00.000000"], "n": None}]
