"""A workbook for Excel or LibreOffice: one sheet of rows, and one sheet for each list of items."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from flows.export.cells import flat_names, pick, plain_decimal, starts_formula, to_json
from flows.export.rows import Rows, each
from schemas.errors import UsageError

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_CHARS = 32_767
_FLOAT_DIGITS = 15
_CUT = " … [cut: {0} characters; export as jsonl to have all]"
_NOT_IN_SHEET_NAMES = re.compile(r"[\\/*?:\[\]']")


def write_workbook(rows: Rows, destination: Path, *, key: str, without: frozenset[str]) -> None:
    """Writes the rows. Lists of objects also become sheets of their own, joined by ``key`` and ``position``.

    Text stays text, whatever it starts with: its cell is of type string and quote-prefixed, so that it does
    not become a formula when someone edits it. Numbers of more than 15 digits are text, as Excel would round.

    Raises:
        UsageError: more rows or columns than a sheet can hold.
    """
    book = Workbook(write_only=True)
    _sheet(book, "rows", flat_names(rows.schema, without=without), each(rows))
    for field in rows.schema:
        if field.name in without or not _is_list_of_objects(field.type):
            continue
        item = pa.schema(list(field.type.value_type))
        paths = [(key,), ("position",), *(("item", *path) for path in flat_names(item))]
        _sheet(book, field.name, paths, _items(rows, key, field.name))
    book.save(destination)


def _is_list_of_objects(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type))


def _items(rows: Rows, key: str, column: str) -> Iterator[dict[str, Any]]:
    for row in each(rows, [key, column]):
        for position, item in enumerate(row[column] or [], start=1):
            yield {key: row[key], "position": position, "item": item}


def _sheet(book: Workbook, name: str, paths: list[tuple[str, ...]], rows: Iterable[dict[str, Any]]) -> None:
    if len(paths) > MAX_COLUMNS:
        raise UsageError(f"{len(paths)} columns do not fit in a sheet.", remedy="Export as csv or parquet.")
    sheet = book.create_sheet(_sheet_name(name, book.sheetnames))
    assert isinstance(sheet, WriteOnlyWorksheet)
    sheet.freeze_panes = "A2"
    header = [_text(sheet, ".".join(path).removeprefix("item.")) for path in paths]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for count, row in enumerate(rows, start=2):
        if count > MAX_ROWS:
            raise UsageError(
                f"More than {MAX_ROWS} rows do not fit in a sheet.", remedy="Export as csv or parquet."
            )
        sheet.append([_cell(sheet, pick(row, path)) for path in paths])


def _sheet_name(name: str, taken: list[str]) -> str:
    clean = base = _NOT_IN_SHEET_NAMES.sub("_", name)[:31] or "items"
    number = 1
    while clean.casefold() in {t.casefold() for t in taken} or clean.casefold() == "history":
        number += 1
        clean = f"{base[:27]}_{number}"
    return clean


def _cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return WriteOnlyCell(sheet, value)
    if isinstance(value, dt.datetime):
        return WriteOnlyCell(sheet, value.replace(tzinfo=None))  # spreadsheets know no zones; ours are UTC
    if isinstance(value, (dt.date, dt.time)):
        moment: Any = value
        return WriteOnlyCell(sheet, moment)
    if isinstance(value, (int, Decimal)):
        return _number(sheet, Decimal(value))
    if isinstance(value, (dict, list)):
        return _text(sheet, json.dumps(to_json(value), ensure_ascii=False))
    return _text(sheet, str(value))


def _number(sheet: WriteOnlyWorksheet, value: Decimal) -> Any:
    plain = plain_decimal(value)
    if len(plain.lstrip("-0.").replace(".", "").rstrip("0")) > _FLOAT_DIGITS:
        return _text(sheet, plain)
    return WriteOnlyCell(sheet, float(value))


def _text(sheet: WriteOnlyWorksheet, text: str) -> Any:
    text = ILLEGAL_CHARACTERS_RE.sub("�", text)
    if len(text) > MAX_CHARS:
        note = _CUT.format(len(text))
        text = text[: MAX_CHARS - len(note)] + note
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # openpyxl takes what starts with "=" for a formula
    if starts_formula(text):
        cell.quotePrefix = True
    return cell
