"""The scripted backend on orders: the number behind the title, whose paper it is, piled heads, net sums only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from schemas.document import Box, ReadDocument, Word
from schemas.registry import LoadedSchema, from_json_schema
from tests.validation.paper import paper

BACKEND = ScriptedBackend()


def order_schema() -> LoadedSchema:
    text, number = {"type": ["string", "null"]}, {"type": ["number", "null"]}
    item = {
        "description": text,
        "quantity": {**number, "description": "Ordered quantity."},
        "unit_price": {**number, "description": "Net price of one unit."},
        "line_total": {**number, "description": "Net total of the line."},
    }
    fields = {
        "document_number": {**text, "description": "Number of the document as printed."},
        "order_reference": {**text, "description": "Purchase order number that the document refers to."},
        "seller_name": {**text, "description": "Legal name of the seller."},
        "buyer_name": {**text, "description": "Name of the buyer."},
        "net_total": {**number, "description": "Total before tax."},
        "gross_total": {**number, "description": "Grand total including tax."},
        "amount_due": {**number, "description": "Amount still to be paid."},
        "line_items": {"type": "array", "items": {"type": "object", "properties": item}},
    }
    return from_json_schema({"title": "order", "type": "object", "properties": fields}, "order")


def titled(text: str, line: int = 0, times: float = 1.5) -> ReadDocument:
    """A page whose line ``line`` is printed so many times as high as the others."""
    document = paper(text)
    (page,) = document.pages
    tops = sorted({word.box.y0 for word in page.words})

    def larger(word: Word) -> Word:
        box = word.box
        height = (box.y1 - box.y0) * (times if box.y0 == tops[line] else 1.0)
        return replace(word, box=Box(box.x0, box.y1 - height, box.x1, box.y1))

    return replace(document, pages=(replace(page, words=tuple(map(larger, page.words))),))


def read(document: ReadDocument) -> dict[str, Any]:
    return dict(BACKEND.answer([document], order_schema())[0].data)


@pytest.mark.parametrize("title", ["PURCHASE ORDER:", "Order response", "Bon de commande"])
def test_the_number_behind_a_title_in_large_print_is_the_documents_own(title: str) -> None:
    found = read(titled(f"{title}     R3659487\n\nDate: 10/01/2020\nPurchase order ID: 1861727\n"))
    assert found["document_number"] == "R3659487"
    assert found["order_reference"] == "1861727"


@pytest.mark.parametrize(
    "text", ["INVOICE  12/03/2021", "INVOICE  $1,250.00", "TAX INVOICE  50%", "Statement for 2020"]
)
def test_what_is_no_number_of_a_document_stands_behind_titles_too(text: str) -> None:
    assert read(titled(f"{text}\n\nDate: 10/01/2020\nTotal: 17.00\nThank you\n"))["document_number"] is None


def test_an_order_refers_to_no_other_order() -> None:
    found = read(titled("PURCHASE ORDER:     1861727\n\nDate: 09/01/2020\n\nBuyer VAT ID: FR94572141885\n"))
    assert (found["document_number"], found["order_reference"]) == ("1861727", None)


def test_a_label_of_an_order_in_the_print_of_the_others_is_no_title() -> None:
    found = read(titled("Order:     1861727\n\nInvoice No.: 4711\nDate: 09/01/2020\n", times=1.0))
    assert (found["document_number"], found["order_reference"]) == ("4711", "1861727")


def test_a_label_goes_before_a_title() -> None:
    found = read(titled("ORDER     1861727\n\nInvoice No.: 4711\nDate: 09/01/2020\n"))
    assert (found["document_number"], found["order_reference"]) == ("4711", "1861727")


def test_a_sum_of_lines_is_no_sum_with_taxes() -> None:
    found = read(paper("Total Amount of lines:       1561.18\nTotal Amount Without VAT:    1561.18\n"))
    assert (found["net_total"], found["gross_total"]) == ("1561.18", None)


def test_days_are_no_sum_and_what_is_open_is_due() -> None:
    found = read(paper("Payment due within 30 days.\n\nGrand Total     144.59\nOpen Amount     134.60\n"))
    assert (found["gross_total"], found["amount_due"]) == ("144.59", "134.60")


def test_a_sum_with_a_label_of_its_own_is_not_that_of_the_empty_field_above() -> None:
    found = read(paper("Amount due:\nNet total: 17.00\n"))
    assert (found["amount_due"], found["net_total"]) == (None, "17.00")


def test_the_name_at_the_head_of_a_purchase_order_is_the_buyers() -> None:
    text = """\
Daly Marsden Ltd
44 Tyler Street
Leeds DE7 1YU

Daly Marsden Ltd · 44 Tyler Street · Leeds DE7 1YU
Macdonald Tools LLC                   Number:   R-77
84 Glover Street                      Date:     03.05.2021
London M92 1ZY

Purchase Order
"""
    found = read(paper(text))
    assert (found["buyer_name"], found["seller_name"]) == ("Daly Marsden Ltd", "Macdonald Tools LLC")
    found = read(paper(text.replace("Purchase Order", "Invoice")))
    assert (found["seller_name"], found["buyer_name"]) == ("Daly Marsden Ltd", "Macdonald Tools LLC")


def test_an_invoice_that_names_an_order_is_the_sellers() -> None:
    found = read(
        paper(
            """\
Acme Tools Ltd
12 High Street
Leeds LS1 4AP

INVOICE
Invoice Number     INV-17
Purchase Order     4500012345

Acme Tools Ltd · 12 High Street · Leeds LS1 4AP
Macdonald Group LLC                   Date:     03.05.2021
84 Glover Street
London M92 1ZY
"""
        )
    )
    assert (found["seller_name"], found["buyer_name"]) == ("Acme Tools Ltd", "Macdonald Group LLC")


PILED = """\
                                          Price        Net Unit     Requested
#    Product ID      Description                                                 Unit    Line Total
                                          base Qty     Price        Qty
"""


def test_words_over_one_another_head_one_column() -> None:
    found = read(
        paper(
            PILED
            + """\
1    4711            Steel bolts          1.00         18.74        4.00         MTK          74.96
2    4712            Copper wire          1.00         89.03        5.00         PCE         445.15
"""
        )
    )
    assert [tuple(row.values()) for row in found["line_items"]] == [
        ("Steel bolts", "4.00", "18.74", "74.96"),
        ("Copper wire", "5.00", "89.03", "445.15"),
    ]


def test_a_rows_figures_may_stand_below_its_number_and_text() -> None:
    found = read(
        paper(
            """\
#    Description          Quantity     Unit price     Line total

1    Steel bolts
                          4.00         18.74          74.96
2    Copper wire
                          5.00         89.03         445.15
"""
        )
    )
    assert [tuple(row.values()) for row in found["line_items"]] == [
        ("Steel bolts", "4.00", "18.74", "74.96"),
        ("Copper wire", "5.00", "89.03", "445.15"),
    ]


def test_a_text_that_wraps_and_begins_with_the_next_number_goes_on() -> None:
    found = read(
        paper(
            """\
Description              Quantity     Unit price     Line total
Steel bolts              4.00         18.74          74.96
2    pieces per box
Copper wire              5.00         89.03         445.15
"""
        )
    )
    assert [row["description"] for row in found["line_items"]] == [
        "Steel bolts 2 pieces per box",
        "Copper wire",
    ]
