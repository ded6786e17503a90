"""From a schema's tree to typed Arrow columns, and from frozen rows to a table.

Types: text, currency and choices are ``string``; decimals ``decimal128(38, 9)``; integers ``int64``; dates
``date32``; datetimes ``timestamp[us]`` and times ``time64[us]`` as printed (an offset stays in the evidence);
objects are structs and arrays lists.

A value that its column cannot hold (a number with more than 29 digits before or 9 after the point, an integer
beyond 64 bits) is never rounded: the column is null, and the evidence of the path keeps the exact value with
the reason ``invalid_value``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from flows.ledger.records import FrozenRow
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

DECIMAL = pa.decimal128(38, 9)
_INTEGER_DIGITS = 29
_FRACTION_DIGITS = 9
_INT64 = 2**63
_UTC = pa.timestamp("us", tz="UTC")

EVIDENCE = pa.list_(
    pa.struct(
        [
            pa.field("path", pa.string(), nullable=False),
            pa.field("raw", pa.string()),
            pa.field("value", pa.string()),
            pa.field("page", pa.int32()),
            pa.field("boxes", pa.list_(pa.list_(pa.float64()))),
            pa.field("probability", pa.float64()),
            pa.field("log_probability", pa.float64()),
            pa.field("grounding", pa.string()),
            pa.field("reasons", pa.list_(pa.string())),
        ]
    )
)

PROVENANCE = (
    pa.field("row_key", pa.string(), nullable=False),
    pa.field("version", pa.int64(), nullable=False),
    pa.field("supersedes", pa.int64()),
    pa.field("retracted", pa.bool_(), nullable=False),
    pa.field("valid_from", _UTC, nullable=False),
    pa.field("landed_by", pa.string(), nullable=False),
    pa.field("document_sha256", pa.string(), nullable=False),
    pa.field("source_uri", pa.string(), nullable=False),
    pa.field("model", pa.string(), nullable=False),
    pa.field("schema_version", pa.int64(), nullable=False),
    pa.field("schema_fingerprint", pa.string(), nullable=False),
    pa.field("run_id", pa.string()),
    pa.field("evidence", EVIDENCE, nullable=False),
)
PROVENANCE_NAMES = tuple(field.name for field in PROVENANCE)

_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.CURRENCY: pa.string(),
    Kind.ENUM: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.DECIMAL: DECIMAL,
    Kind.DATE: pa.date32(),
    Kind.DATETIME: pa.timestamp("us"),
    Kind.TIME: pa.time64("us"),
    Kind.BOOLEAN: pa.bool_(),
}


def arrow_schema(schema: LoadedSchema) -> pa.Schema:
    """The columns of a landed file: provenance, the schema's fields in their order, evidence last.

    All fields may be null, also required ones: a retraction has none. Each carries its description. The
    schema's identity is in the key-value metadata of the file.
    """
    names = column_names(schema.tree)
    data = [_field(names[name], node) for name, node in schema.tree.fields]
    return pa.schema(
        [*PROVENANCE[:-1], *data, PROVENANCE[-1]],
        metadata={
            "parquetry.schema": schema.name,
            "parquetry.schema_version": str(schema.version),
            "parquetry.schema_fingerprint": schema.fingerprint,
            "parquetry.format": "1",
        },
    )


def column_names(node: ObjectNode, *, root: bool = True) -> dict[str, str]:
    """Column by field name: the same, unless it is taken (also in other case), then with underscores behind.

    Engines such as DuckDB do not tell ``Total`` from ``total``.
    """
    taken = {name.casefold() for name in PROVENANCE_NAMES} if root else set()
    names: dict[str, str] = {}
    for name, _ in node.fields:
        column = name
        while column.casefold() in taken:
            column += "_"
        taken.add(column.casefold())
        names[name] = column
    return names


def _field(name: str, node: Node) -> pa.Field:
    metadata = {"description": node.description} if node.description else None
    return pa.field(name, _type(node), metadata=metadata)


def _type(node: Node) -> pa.DataType:
    match node:
        case Leaf():
            return _TYPES[node.kind]
        case ArrayNode():
            return pa.list_(_type(node.item))
        case ObjectNode():
            names = column_names(node, root=False)
            return pa.struct([_field(names[name], child) for name, child in node.fields])


class UnfitError(ValueError):
    """A value that its column cannot hold; says why."""


def _decimal(value: Any) -> Decimal:
    number = Decimal(repr(value) if isinstance(value, float) else str(value))
    if not number.is_finite():
        raise UnfitError("not a finite number")
    sign, digits, exponent = number.as_tuple()  # not normalize(): that rounds to the context's 28 digits
    assert isinstance(exponent, int)
    kept = "".join(map(str, digits)).lstrip("0")
    significant = kept.rstrip("0")
    if not significant:
        return Decimal(0)
    exponent += len(kept) - len(significant)
    if -exponent > _FRACTION_DIGITS:
        raise UnfitError(f"more than {_FRACTION_DIGITS} digits after the point")
    if len(significant) + exponent > _INTEGER_DIGITS:
        raise UnfitError(f"more than {_INTEGER_DIGITS} digits before the point")
    return Decimal((sign, tuple(map(int, significant)), exponent))


def _integer(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise UnfitError("not a whole number")
    if not -_INT64 <= number < _INT64:
        raise UnfitError("beyond 64 bits")
    return int(number)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UnfitError("neither true nor false")
    return value


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates: Parquet's text is UTF-8


_MAKE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.CURRENCY: _text,
    Kind.ENUM: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: lambda value: dt.date.fromisoformat(str(value)),
    Kind.DATETIME: lambda value: dt.datetime.fromisoformat(str(value)).replace(tzinfo=None),
    Kind.TIME: lambda value: dt.time.fromisoformat(str(value)).replace(tzinfo=None),
    Kind.BOOLEAN: _boolean,
}


class _Typing:
    """Types the nested data of one row; remembers by path what did not fit."""

    def __init__(self, exact: dict[str, Any]) -> None:
        self.exact = exact
        self.unfit: dict[str, tuple[Any, str]] = {}

    def value(self, node: Node, value: Any, path: str) -> Any:
        if value is None:
            return None
        match node:
            case Leaf():
                return self._leaf(node.kind, value, path)
            case ArrayNode():
                if isinstance(value, list):
                    return [self.value(node.item, item, f"{path}.{i}") for i, item in enumerate(value)]
            case ObjectNode():
                if isinstance(value, dict):
                    return self.object(node, value, path, column_names(node, root=False))
        self.unfit[path] = (value, "of another shape than the schema")
        return None

    def object(
        self, node: ObjectNode, value: dict[str, Any], path: str, names: dict[str, str]
    ) -> dict[str, Any]:
        prefix = f"{path}." if path else ""
        return {names[name]: self.value(child, value.get(name), prefix + name) for name, child in node.fields}

    def _leaf(self, kind: Kind, value: Any, path: str) -> Any:
        try:
            return _MAKE[kind](self._exact(value, path) if kind is Kind.DECIMAL else value)
        except UnfitError as error:
            self.unfit[path] = (value, str(error))
        except (ValueError, InvalidOperation, OverflowError):
            self.unfit[path] = (value, f"no {kind.value}")
        return None

    def _exact(self, value: Any, path: str) -> Any:
        """A JSON number is a float; the evidence has the same number as text, with all its digits."""
        text = self.exact.get(path)
        if isinstance(value, float) and isinstance(text, str):
            try:
                return text if float(text) == value else value
            except ValueError:
                return value
        return value


def unfit_values(schema: LoadedSchema, data: dict[str, Any]) -> dict[str, str]:
    """What of the data no column can hold: why, by path. Such a document is better reviewed than accepted."""
    typing = _Typing({})
    typing.object(schema.tree, data, "", column_names(schema.tree))
    return {path: why for path, (_, why) in typing.unfit.items()}


def to_table(schema: LoadedSchema, rows: Iterable[FrozenRow]) -> tuple[pa.Table, list[str]]:
    """The rows as a table of `arrow_schema`, and a sentence for each value that its column cannot hold."""
    names = column_names(schema.tree)
    records: list[dict[str, Any]] = []
    warnings: list[str] = []
    for row in rows:
        typing = _Typing({field.path: field.value for field in row.evidence})
        data = typing.object(schema.tree, row.data or {}, "", names)
        warnings += [
            f"{row.source_uri}: {path} is not in its column but in the evidence: {why}."
            for path, (_, why) in typing.unfit.items()
        ]
        records.append({**_provenance(row), **data, "evidence": _evidence(row.evidence, typing.unfit)})
    return pa.Table.from_pylist(records, schema=arrow_schema(schema)), warnings


def _provenance(row: FrozenRow) -> dict[str, Any]:
    return {
        "row_key": row.row_key,
        "version": row.version,
        "supersedes": row.supersedes,
        "retracted": row.retracted,
        "valid_from": row.valid_from,
        "landed_by": _text(row.landed_by),
        "document_sha256": row.document_sha256,
        "source_uri": _text(row.source_uri),
        "model": _text(row.model),
        "schema_version": row.schema_version,
        "schema_fingerprint": row.fingerprint,
        "run_id": row.run_id,
    }


def _evidence(fields: list[ExtractedField], unfit: dict[str, tuple[Any, str]]) -> list[dict[str, Any]]:
    known = {field.path for field in fields}
    added = [
        ExtractedField(path=path, value=value) for path, (value, _) in unfit.items() if path not in known
    ]
    return [
        {
            "path": field.path,
            "raw": None if field.raw is None else _text(field.raw),
            "value": _value_text(field.value),
            "page": field.page,
            "boxes": field.boxes,
            "probability": field.probability,
            "log_probability": field.log_probability,
            "grounding": field.grounding,
            "reasons": list(
                dict.fromkeys(
                    [
                        *(r.value for r in field.reasons),
                        *([ReviewReason.INVALID_VALUE] if field.path in unfit else []),
                    ]
                )
            ),
        }
        for field in (*fields, *added)
    ]


def _value_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _text(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
