"""The scripted backend on what is to be paid, what kind of document it is, and who it is for."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import read_sheet
from extractors.validation.values import DocumentStyle
from schemas.registry import from_json_schema
from tests.validation.paper import paper

SCHEMA = from_json_schema(
    {
        "title": "bill",
        "type": "object",
        "properties": {
            "document_type": {"enum": ["invoice", "credit_note", "order"]},
            "buyer_name": {"type": ["string", "null"]},
            "gross_total": {"type": ["number", "null"], "description": "Grand total including tax."},
            "amount_due": {"type": ["number", "null"], "description": "Amount still to be paid."},
        },
        "required": ["document_type", "buyer_name", "gross_total", "amount_due"],
    },
    "bill",
)


def read(text: str) -> dict[str, Any]:
    (answer,) = ScriptedBackend().answer([paper(text)], SCHEMA)
    return dict(answer.data)


def test_what_is_due_is_the_total_where_nothing_else_says_it() -> None:
    data = read("Invoice 77\n\nNet total        100.00\nTax 19 %          19.00\nGross total      119.00\n")
    assert (data["gross_total"], data["amount_due"]) == ("119.00", "119.00")


@pytest.mark.parametrize(
    "line", ["Deposit           50.00", "Anzahlung         50.00", "Paid              50.00"]
)
def test_what_was_paid_before_leaves_it_open(line: str) -> None:
    data = read(f"Invoice 77\n\nNet total        100.00\nGross total      119.00\n\n\n\n\n{line}\n")
    assert data["amount_due"] != data["gross_total"] == "119.00"


def test_nothing_is_due_on_an_order() -> None:
    data = read("PURCHASE ORDER\n\nNo. 77\n\nNet total        100.00\nGross total      119.00\n")
    assert (data["gross_total"], data["amount_due"]) == ("119.00", None)


def test_a_label_of_its_own_is_believed() -> None:
    data = read("Invoice 77\n\nGross total      119.00\n\nAmount due        69.00\n")
    assert (data["gross_total"], data["amount_due"]) == ("119.00", "69.00")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("INVOICE\n\nPurchase order: PO445\n", "invoice"),
        ("Handelsrechnung Nr. 471102 vom 13.11.2019\n\nBestellung : PO445\n", "invoice"),
        ("PURCHASE ORDER\n\nNo. 445\n", "order"),
        ("CREDIT NOTE\n\nfor invoice 445\n", "credit_note"),
    ],
)
def test_what_is_referred_to_is_not_what_it_is(text: str, kind: str) -> None:
    assert read(text)["document_type"] == kind


def test_a_code_is_no_name() -> None:
    assert read("Invoice 77\n\nBuyer:\nCUST-00456\n")["buyer_name"] is None
    assert read("Invoice 77\n\nBuyer:\nGreen Hill 24 Ltd\n")["buyer_name"] == "Green Hill 24 Ltd"


def tax_rows(text: str) -> dict[str, str]:
    lines = read_sheet(paper(text))
    found = Scene(lines, {}, DocumentStyle(), {}).tax_rows
    return {lines[index].text: whole.raw for index, whole in found.items()}


TAX_SUMMARY = """Sales receipt

Paid incl GST     78.30

GST Summary       Amount        Tax
SR 6 %            73.87         4.43
{label}           73.87         4.43
"""


@pytest.mark.parametrize("label", ["Total", "Grand total"])
def test_what_a_table_of_taxes_parts_a_sum_into_is_not_that_sum(label: str) -> None:
    assert read(TAX_SUMMARY.format(label=label))["gross_total"] == "78.30"


@pytest.mark.parametrize(
    ("paid", "found"),
    [("78.30", {"SR 6 % 73.87 4.43": "78.30", "Total 73.87 4.43": "78.30"}), ("80.00", {})],
)
def test_a_table_of_taxes_parts_a_sum_that_is_printed(paid: str, found: dict[str, str]) -> None:
    assert tax_rows(TAX_SUMMARY.format(label="Total").replace("78.30", paid)) == found


def test_a_price_and_a_discount_are_no_net_and_tax() -> None:
    assert tax_rows("Quotation\n\nChair     40.00     2.00\nTotal     42.00\n") == {}
