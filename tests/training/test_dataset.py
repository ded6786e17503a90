"""Labels to answers: what stands on the page is taught, what is another's is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from extractors.training.dataset import examples_of
from extractors.training.stream import document_path
from schemas.errors import UsageError
from schemas.registry import from_json_schema
from tests.tiny import document_of, rows_schema


def count(texts: Any) -> list[int]:
    return [len(text.split()) for text in texts]


ROWS = rows_schema({"sku": "string", "name": "string", "quantity": "number", "price": "number"})
FIELDS = from_json_schema(
    {
        "title": "slip",
        "type": "object",
        "properties": {
            "number": {"type": ["string", "null"], "description": "Invoice number."},
            "kind": {"enum": ["cash", "credit_card", None]},
            "total": {"type": ["number", "null"], "description": "Total to pay."},
        },
    },
    "slip",
)


def answers(schema: Any, truth: dict[str, Any], *pages: list[str], budget: int = 10_000) -> list[Any]:
    return [json.loads(e.answer) for e in examples_of(document_of(*pages), truth, schema, budget, count)]


def test_rows_whose_first_column_is_empty_are_rows() -> None:
    truth = {"rows": [{"sku": None, "name": "Oak chair", "quantity": 2, "price": 4.5}]}
    (found,) = answers(ROWS, truth, ["Oak chair   2   4.50"])
    assert found["rows"] == [{"sku": None, "name": "Oak chair", "quantity": "2", "price": "4.50"}]


def test_numbers_of_a_row_are_those_beside_its_name() -> None:
    """Typed labels fit several printed numbers: 1.0 is the version above, the 1 of this row and of the next."""
    rows = [
        {"name": "Oak chair", "quantity": 1.0, "price": 9.0},
        {"name": "Lamp", "quantity": 1.0, "price": 2.0},
    ]
    (found,) = answers(
        ROWS, {"rows": rows}, ["Form 1.0 of 2", "Oak chair   1   9,00", "Lamp   1   2,00", "Page 2"]
    )
    assert found["rows"] == [
        {"name": "Oak chair", "quantity": "1", "price": "9,00"},
        {"name": "Lamp", "quantity": "1", "price": "2,00"},
    ]


def test_a_number_is_the_one_that_its_label_speaks_of() -> None:
    (found,) = answers(FIELDS, {"total": 7}, ["Items 7", "Version 7.0", "Total to pay 7.00"])
    assert found["total"] == "7.00"


def test_the_number_of_the_next_invoice_is_no_misreading_of_this_one() -> None:
    pages = (["Invoice INV-10023"], ["See also INV-10024 of last year"])
    found = answers(FIELDS, {"number": "INV-10023"}, *pages, budget=17)
    assert [one["number"] for one in found] == ["INV-10023", None]


def test_a_choice_is_known_in_any_spelling() -> None:
    (found,) = answers(FIELDS, {"kind": "Credit Card", "total": None}, ["Paid by credit card"])
    assert found["kind"] == "credit_card"


def test_a_row_that_is_printed_once_is_in_one_window() -> None:
    truth = {"rows": [{"name": "Card payment"}, {"name": "Card payment"}, {"name": "Card payment"}]}
    found = answers(ROWS, truth, ["Card payment", "more"], ["Card payment", "Card payment"], budget=15)
    assert [len(one["rows"]) for one in found] == [1, 2]


@pytest.mark.parametrize("label", [5, "see page 2", {"name": "x"}])
def test_a_label_that_is_no_list_teaches_nothing(label: Any) -> None:
    assert answers(ROWS, {"rows": label}, ["Oak chair 2"]) == []


def test_a_column_that_a_row_has_no_label_for_is_left_out() -> None:
    truth = {"rows": [{"name": "Oak chair", "quantity": 2}, {"name": "Lamp"}]}
    (found,) = answers(ROWS, truth, ["Oak chair   2", "Lamp   3"])
    assert found["rows"] == [{"name": "Oak chair"}, {"name": "Lamp"}]


def test_a_document_is_found_by_its_whole_name(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("inv.pdf", "inv.1.pdf", "a[1].jpg"):
        (tmp_path / "docs" / name).touch()
    assert document_path(tmp_path, "inv").name == "inv.pdf"
    assert document_path(tmp_path, "inv.1").name == "inv.1.pdf"
    assert document_path(tmp_path, "a[1]").name == "a[1].jpg"
    with pytest.raises(UsageError):
        document_path(tmp_path, "in*")
