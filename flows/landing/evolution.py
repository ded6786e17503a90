"""Schemas change: what was landed under all of them stays one table, or the change is refused with its field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from flows.landing.arrow import arrow_schema
from flows.ledger.store import Ledger
from schemas.errors import SchemaError
from schemas.registry import LoadedSchema

_WORDS = {
    pa.string(): "text",
    pa.int64(): "a whole number",
    pa.date32(): "a date",
    pa.timestamp("us"): "a date with time",
    pa.time64("us"): "a time",
    pa.bool_(): "true or false",
}


def unify(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """One schema over all: a column of any of them, numbers widened, the order of the last one leads.

    Raises:
        SchemaError: a column's types have nothing in common; names it.
    """
    distinct: list[pa.Schema] = []
    for schema in reversed(schemas):
        if not any(schema.equals(other) for other in distinct):
            distinct.append(schema)
    merged = distinct[0]
    for older in distinct[1:]:
        try:
            merged = pa.unify_schemas([merged, older], promote_options="permissive")
        except pa.ArrowException as error:
            raise _refusal(older, merged) from error
    return merged.with_metadata(distinct[0].metadata)


def _refusal(older: pa.Schema, newer: pa.Schema) -> SchemaError:
    path, was, now = next(_clashes(list(older), list(newer), ""), ("a field", None, None))
    metadata = newer.metadata or {}
    name = metadata.get(b"parquetry.schema", b"this schema").decode()
    return SchemaError(
        f"{path} of {name} was {_said(was)} in rows that have landed, and now is {_said(now)}: "
        "no reader can take both for one column.",
        remedy="Give the changed schema another name, so that its rows get a folder of their own "
        '(a new file in the catalog; another "title" in a JSON Schema), or take the change back.',
    )


def _clashes(
    older: Iterable[pa.Field], newer: Iterable[pa.Field], prefix: str
) -> Iterator[tuple[str, pa.DataType, pa.DataType]]:
    """The columns, at any depth, whose types cannot be one."""
    now = {field.name: field.type for field in newer}
    for field in older:
        if field.name in now:
            yield from _clash(f"{prefix}{field.name}", field.type, now[field.name])


def _clash(path: str, was: pa.DataType, now: pa.DataType) -> Iterator[tuple[str, pa.DataType, pa.DataType]]:
    if pa.types.is_struct(was) and pa.types.is_struct(now):
        yield from _clashes(list(was), list(now), f"{path}.")
    elif pa.types.is_list(was) and pa.types.is_list(now):
        yield from _clash(f"{path}[]", was.value_type, now.value_type)
    else:
        try:
            pa.unify_schemas([pa.schema([("c", was)]), pa.schema([("c", now)])], promote_options="permissive")
        except pa.ArrowException:
            yield path, was, now


def _said(kind: pa.DataType | None) -> str:
    if kind is None:
        return "of another type"
    if pa.types.is_decimal(kind):
        return "a number"
    if pa.types.is_struct(kind):
        return "an object"
    if pa.types.is_list(kind):
        return "a list"
    return _WORDS.get(kind, str(kind))


def check_evolution(ledger: Ledger, schema: LoadedSchema) -> None:
    """Whether rows of this schema can stand in one table with all rows made under its name before.

    Raises:
        SchemaError: a field cannot be both; to be asked before a document is touched.
    """
    before = [old for old in ledger.schemas_with_rows(schema.name) if old.fingerprint != schema.fingerprint]
    if before:
        unify([arrow_schema(one) for one in (*before, schema)])


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The columns as the Delta format has them: all may be null, times are text, no other string types."""
    return pa.schema([pa.field(f.name, _plain(f.type), metadata=f.metadata) for f in schema], schema.metadata)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_time(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def same_columns(one: pa.Schema, other: pa.Schema) -> bool:
    """Whether both have the same columns, in whatever order."""
    return {f.name: f.type for f in one} == {f.name: f.type for f in other}


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in these columns: what it lacks is null, what is narrower is widened, at any depth."""
    columns = [
        pc.cast(table[field.name], field.type)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
