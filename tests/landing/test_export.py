from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.export import EXPORT_FORMATS, export_queue, export_rows, write_rows
from flows.export.cells import csv_cell, plain_decimal
from flows.export.workbook import MAX_CHARS, MAX_COLUMNS
from flows.landing import Snapshot, land
from flows.ledger.store import Ledger
from schemas.errors import UsageError
from schemas.outcome import ReviewReason
from schemas.registry import from_json_schema
from tests.ledger.builders import add, claim, extraction, process, start

NESTED = from_json_schema(
    {
        "title": "order",
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "day": {"type": "string", "format": "date"},
            "total": {"type": "number"},
            "party": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "vat": {"type": "string"}},
            },
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "what": {"type": "string"},
                        "sum": {"type": "number"},
                        "tax": {"type": "object", "properties": {"rate": {"type": "number"}}},
                    },
                },
            },
            "tags": {"type": "array", "items": {"type": "string"}},
        },
    },
    "order",
)
ROWS: list[dict[str, Any]] = [
    {
        "name": "=HYPERLINK(1)",
        "day": "2024-02-29",
        "total": "-1234.5",
        "party": {"name": "@SUM(1)", "vat": None},
        "lines": [
            {"what": "+bolt, 'M8'\n\"x\"", "sum": "1.10", "tax": {"rate": "19"}},
            {"what": None, "sum": "12345678901234567.5", "tax": None},
        ],
        "tags": ["=a", "ü"],
    },
    {"name": "plain\x07 bell", "day": None, "total": None, "party": None, "lines": [], "tags": None},
]


@pytest.fixture
def landed(ledger: Ledger, lake: Path) -> Path:
    start(ledger, schema=NESTED)
    for number, data in enumerate(ROWS):
        add(ledger, "run-1", f"{number}.pdf", schema=NESTED)
        (held,) = claim(ledger, schema=NESTED)
        done = extraction(held.sha256, data=data, schema=NESTED)
        ledger.record_extraction(held.document_id, held.token, done)
    land(ledger, lake, NESTED)
    return lake


def test_csv_is_flat_and_runs_no_formula(landed: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "rows.csv"
    assert export_rows(landed, "order", "csv", target) == 2
    with target.open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["name"] == "'=HYPERLINK(1)" and first["party.name"] == "'@SUM(1)"
    assert (first["total"], first["day"], first["retracted"]) == ("-1234.5", "2024-02-29", "false")
    assert json.loads(first["lines"])[0] == {
        "what": "+bolt, 'M8'\n\"x\"",
        "sum": "1.1",
        "tax": {"rate": "19"},
    }
    assert json.loads(first["tags"]) == ["=a", "ü"]
    assert second["party.name"] == "" and second["lines"] == "[]" and second["tags"] == ""
    assert "evidence" not in first and [p.name for p in target.parent.iterdir()] == ["rows.csv"]


def test_jsonl_has_all_digits_and_the_evidence(landed: Path, tmp_path: Path) -> None:
    export_rows(landed, "order", "jsonl", tmp_path / "rows.jsonl")
    first, second = map(json.loads, (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines())
    assert first["name"] == "=HYPERLINK(1)" and first["lines"][1]["sum"] == "12345678901234567.5"
    assert first["evidence"] and second["party"] is None
    assert dt.datetime.fromisoformat(first["valid_from"]).tzinfo is not None


def test_xlsx_has_typed_cells_and_a_sheet_of_line_items(landed: Path, tmp_path: Path) -> None:
    export_rows(landed, "order", "xlsx", tmp_path / "rows.xlsx")
    book = openpyxl.load_workbook(tmp_path / "rows.xlsx")
    assert book.sheetnames == ["rows", "lines"]
    head, first, second = list(book["rows"].iter_rows())
    cells = {name.value: cell for name, cell in zip(head, first, strict=True)}
    assert "evidence" not in cells
    for name, text in (("name", "=HYPERLINK(1)"), ("party.name", "@SUM(1)")):
        assert cells[name].value == text and cells[name].data_type == "s" and cells[name].quotePrefix
    assert cells["total"].value == -1234.5 and cells["day"].value == dt.datetime(2024, 2, 29)
    assert cells["day"].number_format.startswith("yyyy") and json.loads(str(cells["tags"].value)) == [
        "=a",
        "ü",
    ]
    assert [c.value for c in second][list(cells).index("name")] == "plain\ufffd bell"
    items = [[c.value for c in line] for line in book["lines"].iter_rows()]
    assert items[0] == ["row_key", "position", "what", "sum", "tax.rate"]
    assert items[1][1:] == [1, "+bolt, 'M8'\n\"x\"", 1.1, 19]
    assert items[2][1:] == [2, None, "12345678901234567.5", None]  # Excel would round it
    assert items[1][0] == cells["row_key"].value and len(items) == 3


def test_parquet_is_the_current_table(landed: Path, tmp_path: Path) -> None:
    export_rows(landed, "order", "parquet", tmp_path / "rows.parquet")
    table = pq.read_table(tmp_path / "rows.parquet")
    assert table.num_rows == 2 and table.schema.field("total").type == pa.decimal128(38, 9)


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_nothing_landed_is_an_empty_file(tmp_path: Path, format: Any) -> None:
    assert export_rows(tmp_path / "lake", "order", format, tmp_path / "empty") == 0
    assert (tmp_path / "empty").exists()


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_queue(ledger: Ledger, tmp_path: Path, format: Any) -> None:
    start(ledger)
    add(ledger, "run-1", "a.pdf")
    add(ledger, "run-1", "b.pdf")
    process(ledger, accepted=False, reasons=[ReviewReason.RULE_VIOLATED])
    target = tmp_path / f"queue.{format}"
    assert export_queue(ledger, format, target) == 2
    assert export_queue(ledger, format, tmp_path / "none", schema="other") == 0
    rows: list[dict[str, Any]]
    match format:
        case "csv":
            with target.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.DictReader(stream))
        case "jsonl":
            rows = [json.loads(line) for line in target.read_text().splitlines()]
        case "parquet":
            rows = pq.read_table(target).to_pylist()
        case _:
            head, *lines = openpyxl.load_workbook(target)["rows"].iter_rows(values_only=True)
            rows = [dict(zip(map(str, head), line, strict=True)) for line in lines]
    assert [r["source_uri"] for r in rows] == ["file:///in/a.pdf", "file:///in/b.pdf"]
    assert rows[0]["reasons"] == "rule_violated" and rows[0]["doubtful_fields"] == "total"
    assert json.loads(rows[0]["data"])["day"] == "2024-02-29"


def test_long_text_is_cut_visibly_and_too_many_columns_refused(tmp_path: Path) -> None:
    long = pa.table({"row_key": ["k"], "text": ["x" * 40_000]})
    write_rows(Snapshot.of(long), "xlsx", tmp_path / "long.xlsx", key="row_key")
    text = openpyxl.load_workbook(tmp_path / "long.xlsx")["rows"]["B2"].value
    assert isinstance(text, str) and len(text) == MAX_CHARS and "40000 characters" in text
    wide = pa.table({f"c{n}": pa.array([], pa.string()) for n in range(MAX_COLUMNS + 1)})
    with pytest.raises(UsageError, match="columns do not fit"):
        write_rows(Snapshot.of(wide), "xlsx", tmp_path / "wide.xlsx", key="c0")
    assert [p.name for p in tmp_path.iterdir()] == ["long.xlsx"]


def test_wrong_format_and_unwritable_destination(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No format 'xml'"):
        export_rows(tmp_path, "order", "xml", tmp_path / "x")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        export_rows(tmp_path, "order", "csv", tmp_path / "file" / "rows.csv")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "  =1", "\r=1", "\n-1", "＝1", "＠x"])
def test_guarded_texts(text: str) -> None:
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize(
    ("value", "cell"), [("a=1", "a=1"), ("", ""), (Decimal("-5"), "-5"), (-5, "-5"), (True, "true")]
)
def test_unguarded_values(value: Any, cell: str) -> None:
    assert csv_cell(value) == cell


def test_plain_decimals() -> None:
    cases = {
        "12.500000000": "12.5",
        "0E-9": "0",
        "1E+3": "1000",
        "-0.100": "-0.1",
        "100": "100",
        "5.000": "5",
    }
    assert {text: plain_decimal(Decimal(text)) for text in cases} == cases
