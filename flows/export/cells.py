"""One value in one cell of a table that people open: flat, plain, and never a formula."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

_FORMULA_STARTS = frozenset("=+-@\t\r\n＝＋－＠")


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet may take the text for a formula (also full-width signs, and behind blanks)."""
    return text[:1] in _FORMULA_STARTS or text.lstrip()[:1] in _FORMULA_STARTS


def plain_decimal(number: Decimal) -> str:
    """A decimal without exponent and without zeros behind: ``12.5``, not ``12.500000000`` or ``1E+3``."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def to_json(value: Any) -> Any:
    """A value of a table in JSON form: decimals as plain strings, so that no digit is lost; ISO times."""
    match value:
        case Decimal():
            return plain_decimal(value)
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat()
        case dict():
            return {name: to_json(item) for name, item in value.items()}
        case list():
            return [to_json(item) for item in value]
    return value


def csv_cell(value: Any) -> str:
    """The text of a CSV cell. Text that looks like a formula gets an apostrophe before it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value if starts_formula(value) else value
        case dict() | list():
            return json.dumps(to_json(value), ensure_ascii=False)
        case dt.datetime() | dt.date() | dt.time() | Decimal():
            return str(to_json(value))
    return str(value)


def flat_names(schema: pa.Schema, *, without: frozenset[str] = frozenset()) -> list[tuple[str, ...]]:
    """Paths of the columns with objects opened up: ``("party", "name")``."""
    return [path for field in schema if field.name not in without for path in _paths(field, ())]


def _paths(field: pa.Field, prefix: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if pa.types.is_struct(field.type):
        for child in field.type:
            yield from _paths(child, (*prefix, field.name))
    else:
        yield (*prefix, field.name)


def pick(row: dict[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path; ``None`` where an object on the way is missing."""
    value: Any = row
    for name in path:
        if value is None:
            return None
        value = value[name]
    return value
