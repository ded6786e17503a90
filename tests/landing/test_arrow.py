from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.landing.arrow import PROVENANCE_NAMES, arrow_schema, column_names, to_table, unfit_values
from flows.ledger.records import FrozenRow
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema, catalog_names, from_json_schema, load_schema

ALL_KINDS = from_json_schema(
    {
        "title": "all",
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "whole": {"type": "integer"},
            "amount": {"type": ["number", "null"]},
            "day": {"type": "string", "format": "date"},
            "moment": {"type": "string", "format": "date-time"},
            "hour": {"type": "string", "format": "time"},
            "flag": {"type": "boolean"},
            "choice": {"enum": ["a", "b"]},
            "money": {"type": "string", "x-parquetry": {"kind": "currency"}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "party": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "vat": {"type": "number"}},
            },
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "sum": {"type": "number"}},
                },
            },
        },
    },
    "all",
)


def row(
    data: dict[str, Any] | None, evidence: list[ExtractedField] | None = None, **change: Any
) -> FrozenRow:
    return FrozenRow.model_validate(
        {
            "row_key": "k",
            "version": 1,
            "supersedes": None,
            "valid_from": dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
            "landed_by": "model",
            "retracted": data is None,
            "document_sha256": "s",
            "source_uri": "file:///x.pdf",
            "model": "m",
            "schema_version": 1,
            "fingerprint": "f",
            "run_id": "r",
            "data": data,
            "evidence": evidence or [],
            **change,
        }
    )


def test_types_by_kind() -> None:
    types = {field.name: field.type for field in arrow_schema(ALL_KINDS)}
    money = pa.decimal128(38, 9)
    assert {name: types[name] for name in types if name not in PROVENANCE_NAMES} == {
        "text": pa.string(),
        "whole": pa.int64(),
        "amount": money,
        "day": pa.date32(),
        "moment": pa.timestamp("us"),
        "hour": pa.time64("us"),
        "flag": pa.bool_(),
        "choice": pa.string(),
        "money": pa.string(),
        "tags": pa.list_(pa.string()),
        "party": pa.struct([("name", pa.string()), ("vat", money)]),
        "lines": pa.list_(pa.struct([("name", pa.string()), ("sum", money)])),
    }
    assert types["valid_from"] == pa.timestamp("us", tz="UTC")
    metadata = arrow_schema(ALL_KINDS).metadata
    assert metadata[b"parquetry.schema_fingerprint"].decode() == ALL_KINDS.fingerprint


@pytest.mark.parametrize("name", catalog_names())
def test_every_catalog_schema_has_columns(name: str) -> None:
    schema = load_schema(name)
    columns = arrow_schema(schema).names
    assert columns[-1] == "evidence" and set(dict(schema.tree.fields)) <= set(columns)


def test_values_are_typed() -> None:
    data = {
        "text": "a",
        "whole": 3.0,
        "amount": 1234.5,
        "day": "2024-02-29",
        "moment": "2024-02-29T10:00:00+02:00",
        "hour": "10:30",
        "flag": True,
        "choice": "b",
        "money": "EUR",
        "tags": ["x", None],
        "party": {"name": "N"},
        "lines": [{"name": "L", "sum": "1.10"}, {"sum": None}],
    }
    evidence = [ExtractedField(path="amount", raw="1.234,50", value="1234.50", page=1, boxes=[[1, 2, 3, 4]])]
    table, warnings = to_table(ALL_KINDS, [row(data, evidence)])
    got = table.to_pylist()[0]
    assert warnings == []
    assert got["amount"] == Decimal("1234.5") and got["whole"] == 3 and got["flag"] is True
    assert got["day"] == dt.date(2024, 2, 29) and got["hour"] == dt.time(10, 30)
    assert got["moment"] == dt.datetime(2024, 2, 29, 10)  # as printed
    assert got["tags"] == ["x", None] and got["party"] == {"name": "N", "vat": None}
    assert got["lines"] == [{"name": "L", "sum": Decimal("1.1")}, {"name": None, "sum": None}]
    assert got["evidence"][0]["boxes"] == [[1, 2, 3, 4]] and got["evidence"][0]["raw"] == "1.234,50"


def test_json_numbers_take_their_digits_from_the_evidence() -> None:
    exact = "12345678901234567.25"
    evidence = [ExtractedField(path="amount", value=exact), ExtractedField(path="lines.0.sum", value="0.30")]
    data = {"amount": float(exact), "lines": [{"name": "x", "sum": 0.3}]}
    table, _ = to_table(ALL_KINDS, [row(data, evidence)])
    assert table["amount"][0].as_py() == Decimal(exact)
    assert table["lines"][0].as_py()[0]["sum"] == Decimal("0.3")
    corrected, _ = to_table(ALL_KINDS, [row({"amount": 7.5}, evidence)])
    assert corrected["amount"][0].as_py() == Decimal("7.5")


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("amount", "0.1234567891", "after the point"),
        ("amount", "1" * 30, "before the point"),
        ("amount", "1e40", "before the point"),
        ("amount", "NaN", "finite"),
        ("amount", "abc", "no decimal"),
        ("whole", 2**63, "64 bits"),
        ("whole", 1.5, "whole number"),
        ("day", "2024-02-30", "no date"),
        ("flag", "yes", "true nor false"),
        ("party", [1], "shape"),
        ("lines", {"a": 1}, "shape"),
    ],
)
def test_what_no_column_holds_is_null_there_and_exact_in_the_evidence(
    path: str, value: Any, why: str
) -> None:
    assert why in unfit_values(ALL_KINDS, {path: value})[path]
    for evidence in ([], [ExtractedField(path=path, raw="r", value=value)]):
        table, warnings = to_table(ALL_KINDS, [row({path: value}, evidence)])
        got = table.to_pylist()[0]
        assert got[path] is None
        (kept,) = got["evidence"]
        assert kept["path"] == path and kept["value"] == str(value) and kept["reasons"] == ["invalid_value"]
        assert len(warnings) == 1 and path in warnings[0] and why in warnings[0]


def test_widest_values_fit() -> None:
    for text in ("9" * 29 + "." + "9" * 9, "-" + "9" * 29, "0.000000001", "1.1000000000000", "0E-30"):
        table, warnings = to_table(ALL_KINDS, [row({"amount": text})])
        assert warnings == [] and table["amount"][0].as_py() == Decimal(text)
    assert unfit_values(ALL_KINDS, {"whole": -(2**63)}) == {}


def test_evidence_of_every_value_type_and_hostile_text() -> None:
    evidence = [
        ExtractedField(path="flag", value=True, grounding="choice"),
        ExtractedField(
            path="text", raw="\ud800\x00💶", value="\ud800\x00💶", reasons=[ReviewReason.MODEL_UNSURE]
        ),
        ExtractedField(path="whole"),
    ]
    table, _ = to_table(ALL_KINDS, [row({"flag": True, "text": "\ud800\x00💶"}, evidence)])
    got = table.to_pylist()[0]
    assert got["text"] == "?\x00💶"
    assert [e["value"] for e in got["evidence"]] == ["true", "?\x00💶", None]
    assert got["evidence"][1]["reasons"] == ["model_unsure"]


def test_retraction_has_no_data() -> None:
    table, _ = to_table(ALL_KINDS, [row(None)])
    got = table.to_pylist()[0]
    assert got["retracted"] and all(got[name] is None for name in column_names(ALL_KINDS.tree).values())


def test_fields_named_like_our_columns_are_kept_apart() -> None:
    schema = from_json_schema(
        {
            "title": "clash",
            "type": "object",
            "properties": {
                n: {"type": "string"} for n in ("Model", "model_", "version", "total", "TOTAL", "evidence")
            },
        },
        "clash",
    )
    names = column_names(schema.tree)
    assert names == {
        "Model": "Model_",
        "model_": "model__",
        "version": "version_",
        "total": "total",
        "TOTAL": "TOTAL_",
        "evidence": "evidence_",
    }
    table, _ = to_table(schema, [row({"Model": "T", "TOTAL": "5", "total": "4"})])
    got = table.to_pylist()[0]
    assert (got["model"], got["Model_"], got["total"], got["TOTAL_"]) == ("m", "T", "4", "5")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["1.5", "2024-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "sum", "vat"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([name for name, _ in ALL_KINDS.tree.fields]), JSON))
def test_whatever_the_data_a_row_lands_and_nothing_is_dropped_silently(data: dict[str, Any]) -> None:
    schema: LoadedSchema = ALL_KINDS
    table, warnings = to_table(schema, [row(data)])
    assert table.num_rows == 1 and len(warnings) == len(unfit_values(schema, data))
    got = table.to_pylist()[0]
    for name, value in data.items():
        if value is not None and got[name] is None:
            assert any(e["path"] == name and e["reasons"] for e in got["evidence"])
