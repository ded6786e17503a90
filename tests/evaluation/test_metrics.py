"""Judging one document: what counts as right, wrong, missed and invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.evaluation.metrics import Counts, Guess, aligned, flatten, is_right, judge, verdicts
from schemas.extraction import ExtractedField, Extraction
from schemas.registry import from_json_schema, load_schema
from schemas.tree import Kind, Leaf
from tests.tiny import rows_schema

INVOICE = load_schema("invoice").tree


def _extraction(values: dict[str, Any], raws: dict[str, str] | None = None) -> Extraction:
    fields = [ExtractedField(path=p, raw=(raws or {}).get(p), value=v) for p, v in values.items()]
    return Extraction(
        document="a.pdf",
        outcome="extracted",
        schema_name="invoice",
        schema_fingerprint="f",
        model="m",
        data={},
        fields=fields,
    )


@pytest.mark.parametrize(
    ("kind", "truth", "guess", "right"),
    [
        (Kind.DECIMAL, 12.5, Guess("12,50", "12.50"), True),
        (Kind.DECIMAL, "12.50", Guess("x", "12.5"), True),
        (Kind.DECIMAL, 12.5, Guess("12,50", None), True),
        (Kind.DECIMAL, 12.5, Guess("125", "125"), False),
        (Kind.DECIMAL, -12.5, Guess("12.50", "12.50"), False),
        (Kind.DECIMAL, "1,234.50", Guess(None, "1234.5"), True),
        (Kind.DATE, "2018-12-25", Guess("25.12.2018", "2018-12-25"), True),
        (Kind.DATE, "25/12/2018", Guess(None, "2018-12-25"), True),
        (Kind.DATE, "2018-12-25", Guess("25.11.2018", "2018-11-25"), False),
        (Kind.TEXT, "ACME, Ltd.", Guess("acme ltd", None), True),
        (Kind.TEXT, "Müller", Guess("Muller", None), True),
        (Kind.TEXT, "ACME", Guess("ACME Ltd", "ACME Ltd"), False),
        (Kind.TEXT, "...", Guess("--", None), False),
        (Kind.CURRENCY, "EUR", Guess("€", "EUR"), True),
        (Kind.BOOLEAN, True, Guess("yes", True), True),
        (Kind.BOOLEAN, False, Guess("yes", True), False),
        (Kind.TEXT, "x", Guess(None, ""), False),
    ],
)
def test_what_is_right(kind: Kind, truth: Any, guess: Guess, right: bool) -> None:
    assert is_right(truth, guess, Leaf(kind, True, "", "string", day_first=True)) is right


def test_right_wrong_missed_and_invented_are_counted() -> None:
    truth = {"document_number": "A1", "net_total": 10, "tax_total": 1.9, "iban": None, "seller_name": "ACME"}
    given_values = {
        "document_number": "A1",
        "net_total": "11",
        "tax_total": None,
        "iban": "DE1",
        "currency": "EUR",
    }
    judged = judge(truth, _extraction(given_values), INVOICE)
    assert judged.fields["document_number"] == Counts(right=1)
    assert judged.fields["net_total"] == Counts(wrong=1, missed=1)
    assert judged.fields["tax_total"] == Counts(missed=1)
    assert judged.fields["iban"] == Counts(wrong=1)
    assert judged.fields["seller_name"] == Counts(missed=1)
    assert "currency" not in judged.fields  # not labelled
    assert not judged.perfect
    assert {e.path for e in judged.errors} == {"net_total", "tax_total", "iban", "seller_name"}


def test_known_bad_labels_are_left_out() -> None:
    judged = judge(
        {"net_total": 10, "iban": None}, _extraction({"net_total": "11"}), INVOICE, frozenset({"net_total"})
    )
    assert judged.perfect
    assert judged.fields == {}


def test_no_extraction_misses_everything() -> None:
    judged = judge({"net_total": 10, "iban": None}, None, INVOICE)
    assert judged.fields == {"net_total": Counts(missed=1)}


def test_typed_accuracy_counts_only_dates_and_numbers_that_are_right() -> None:
    truth = {"net_total": 1000, "issue_date": "2020-04-03", "seller_name": "ACME"}
    values = {"net_total": "1000", "issue_date": None, "seller_name": "ACME"}
    judged = judge(truth, _extraction(values, {"issue_date": "03.04.2020", "net_total": "1.000"}), INVOICE)
    assert judged.perfect
    assert (judged.typed, judged.typed_right) == (2, 1)


def _items(*descriptions: str | None) -> dict[str, Any]:
    return {f"line_items.{i}.description": d for i, d in enumerate(descriptions)}


def _truth(*descriptions: str) -> dict[str, Any]:
    return {"line_items": [{"description": d} for d in descriptions]}


@pytest.mark.parametrize(
    ("truth", "given_rows", "counts"),
    [
        (["a", "b", "c"], ["a", "b", "c"], Counts(3, 0, 0)),
        (["a", "b", "c"], ["b", "c"], Counts(2, 0, 1)),
        (["b", "c"], ["a", "b", "c"], Counts(2, 1, 0)),
        (["a", "b"], ["a", "x", "b"], Counts(2, 1, 0)),
        (["a", "b"], ["b", "a"], Counts(1, 1, 1)),
        ([], ["a"], Counts(0, 1, 0)),
        (["a", "a"], ["a"], Counts(1, 0, 1)),
    ],
)
def test_rows_are_aligned_in_order(truth: list[str], given_rows: list[str], counts: Counts) -> None:
    judged = judge(_truth(*truth), _extraction(_items(*given_rows)), INVOICE)
    assert judged.fields["line_items.description"] == counts


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=7), st.lists(st.sampled_from("abcd"), max_size=7))
def test_counts_add_up_and_no_alignment_finds_more(truth: list[str], rows: list[str]) -> None:
    counts = judge(_truth(*truth), _extraction(_items(*rows)), INVOICE).fields.get(
        "line_items.description", Counts()
    )
    assert counts.right + counts.missed == len(truth)
    assert counts.right + counts.wrong == len(rows)
    assert counts.right == _common(truth, rows)


def _common(a: list[str], b: list[str]) -> int:
    """Length of the longest common subsequence, the plain way."""
    if not a or not b:
        return 0
    if a[0] == b[0]:
        return 1 + _common(a[1:], b[1:])
    return max(_common(a[1:], b), _common(a, b[1:]))


def test_rates() -> None:
    counts = Counts(right=6, wrong=2, missed=4)
    assert (counts.precision, counts.recall) == (0.75, 0.6)
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert (Counts().precision, Counts().recall, Counts().f1) == (0.0, 0.0, 0.0)


def test_a_json_schema_set_is_judged_by_its_own_tree(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(
        json.dumps({"type": "object", "properties": {"n": {"type": "number"}, "t": {"type": "string"}}})
    )
    judged = judge({"n": 5, "t": "05"}, _extraction({"n": "5.00", "t": "5"}), load_schema(path).tree)
    assert judged.fields == {"n": Counts(right=1), "t": Counts(wrong=1, missed=1)}


def test_a_row_of_nulls_aligns_with_no_labelled_row() -> None:
    truth = {"rows": [{"name": f"n{i}"} for i in range(10)]}
    schema = rows_schema({"name": "string"})
    given = {
        "rows.0.name": Guess("n5", "n5"),
        "rows.1.name": Guess(None, None),
        "rows.4.name": Guess(None, None),
    }
    wanted = dict(flatten(truth))
    places = aligned(wanted, given, schema.tree)
    assert places["rows.0.name"] == "rows.5.name"
    assert {places["rows.1.name"], places["rows.4.name"]}.isdisjoint(wanted)


@pytest.mark.parametrize(
    ("truth", "raw", "value", "right"),
    [
        ("1.234", "1.234", "1234", False),  # printed as the label, landed a thousand times too large
        (1234, "1.234", "1234", True),
        ("1,234.50", "1,234.50", "1234.50", True),
        ("1.234,50", "1.234,50", None, True),  # the label is as printed: nothing better is known
    ],
)
def test_what_lands_is_judged_where_the_label_is_typed(truth: Any, raw: str, value: Any, right: bool) -> None:
    schema = from_json_schema({"type": "object", "properties": {"total": {"type": "number"}}}, "t")
    found = verdicts({"total": truth}, [ExtractedField(path="total", raw=raw, value=value)], schema.tree)
    assert found == {"total": right}


def test_each_answered_field_has_its_verdict_nulls_too() -> None:
    truth = {"document_number": "INV-1", "seller_name": None, "net_total": 5, **_truth("a", "b")}
    given = {
        "document_number": "INV-2",
        "seller_name": None,
        "net_total": None,
        "gross_total": "9",
        **_items("x", "a"),
        "line_items.1.quantity": None,
    }
    fields = [ExtractedField(path=path, value=value) for path, value in given.items()]
    assert verdicts(truth, fields, INVOICE) == {
        "document_number": False,
        "seller_name": True,
        "net_total": False,  # missed
        "line_items.0.description": False,  # a row that is none of the truth's
        "line_items.1.description": True,
        "line_items.1.quantity": True,
    }
    assert "document_number" not in verdicts(truth, fields, INVOICE, frozenset({"document_number"}))
