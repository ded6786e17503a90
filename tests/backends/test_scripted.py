"""The scripted backend: right on clean documents, at home in any, and never inventing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.backends.base import Answer, Backend
from extractors.backends.scripted import ScriptedBackend
from extractors.grammar.cutting import part_of
from extractors.options import ExtractOptions
from extractors.validation.validate import Validated, route, validate
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.registry import LoadedSchema, catalog_names, from_json_schema, load_schema
from tests.tiny import document_of
from tests.validation.paper import paper

BACKEND: Backend = ScriptedBackend()
OPTIONS = ExtractOptions()

INVOICE = """\
ACME Tools GmbH                                   INVOICE
Werkstrasse 12
20097 Hamburg                                     Invoice No.: RE-2024-0117
VAT ID: DE123456789                               Invoice date: 25.03.2024
                                                  Due date: 24.04.2024
Bill to:                                          Order No.: PO-88
Example Bau AG
Hauptstrasse 5
10115 Berlin

Description             Qty       Unit price        Amount
Cordless drill            2           119,00        238,00
Drill bits, steel        10             4,50         45,00
Delivery                  1            17,00         17,00

                                    Net total       300,00
                                    VAT 19 %         57,00
                                    Total           357,00 EUR

IBAN: DE44 5001 0517 5407 3249 31
Payment terms: 30 days net
"""

RECHNUNG = """\
Schrauben Müller KG
Am Hafen 3
28195 Bremen

Rechnungsnummer: 2024-77
Rechnungsdatum: 5. März 2024
Fälligkeitsdatum: 19. März 2024
Kundennummer: 1001

Pos   Bezeichnung          Menge      Einzelpreis       Gesamt
1     Schrauben M4           500           0,02          10,00
2     Winkel                   4           2,50          10,00

                                       Nettobetrag       20,00 €
                                       MwSt. 19 %         3,80 €
                                       Gesamtbetrag      23,80 €
USt-IdNr.: DE987654321
"""

RECEIPT = """\
         SUNNY MART SDN BHD
              (123456-K)
    NO. 3, JALAN TAMAN JASA 2,
         40150 SHAH ALAM.
          TEL: 03-5555 1234

Date: 04/03/2018   12:30:11

TEA 2 X 2.50            5.00
RICE 5KG               21.90

Sub Total              26.90
Rounding                0.00
TOTAL                  26.90
CASH                   50.00
CHANGE                 23.10
"""

AD_BUY = """\
WXYZ-TV                   CONTRACT
                          Contract / Revision      Alt Order #
1 Station Road            2012614 /                26920755
Springfield, IL 62701     Advertiser               Product
                          Friends of Jane Doe      General

                          Flight Dates             Estimate #
                          05/29/20 - 06/14/20      821

                          Gross Amount             $17,435.00
                          Net Amount               $14,819.75
"""


def _answer(document: ReadDocument, schema: LoadedSchema) -> Answer:
    return BACKEND.answer([document], schema)[0]


def _extract(text: str, name: str) -> Validated:
    schema, document = load_schema(name), paper(text)
    return validate(_answer(document, schema), schema, document, OPTIONS)


def test_a_clean_invoice_is_read_right_and_accepted() -> None:
    validated = _extract(INVOICE, "invoice")
    assert validated.data == {
        "document_type": "invoice",
        "document_number": "RE-2024-0117",
        "issue_date": "2024-03-25",
        "due_date": "2024-04-24",
        "seller_name": "ACME Tools GmbH",
        "seller_address": "Werkstrasse 12 20097 Hamburg",
        "seller_vat_id": "DE123456789",
        "buyer_name": "Example Bau AG",
        "buyer_address": "Hauptstrasse 5 10115 Berlin",
        "buyer_vat_id": None,
        "order_reference": "PO-88",
        "currency": "EUR",
        "iban": "DE44 5001 0517 5407 3249 31",
        "payment_terms": "30 days net",
        "net_total": "300.00",
        "tax_rate": "19",
        "tax_total": "57.00",
        "gross_total": "357.00",
        "amount_due": "357.00",  # nothing was paid before
        "line_items": [
            _item("Cordless drill", "2", "119.00", "238.00"),
            _item("Drill bits, steel", "10", "4.50", "45.00"),
            _item("Delivery", "1", "17.00", "17.00"),
        ],
    }
    assert route(validated, OPTIONS), validated.messages


def _item(description: str, quantity: str, price: str, total: str) -> dict[str, str]:
    return {"description": description, "quantity": quantity, "unit_price": price, "line_total": total}


def test_a_german_invoice_is_read_by_its_compounds() -> None:
    data = _extract(RECHNUNG, "invoice").data
    wanted = {
        "document_number": "2024-77",
        "issue_date": "2024-03-05",
        "due_date": "2024-03-19",
        "seller_name": "Schrauben Müller KG",
        "seller_vat_id": "DE987654321",
        "currency": "EUR",
        "net_total": "20.00",
        "tax_total": "3.80",
        "gross_total": "23.80",
    }
    assert {name: data[name] for name in wanted} == wanted
    assert data["line_items"] == [
        _item("Schrauben M4", "500", "0.02", "10.00"),
        _item("Winkel", "4", "2.50", "10.00"),
    ]


def test_a_receipt_is_read_by_its_layout() -> None:
    validated = _extract(RECEIPT, "receipt")
    assert validated.data == {
        "company": "SUNNY MART SDN BHD",
        "date": "2018-03-04",
        "address": "NO. 3, JALAN TAMAN JASA 2, 40150 SHAH ALAM.",
        "total": "26.90",
    }


def test_values_below_their_labels_and_ranges_are_read() -> None:
    assert _extract(AD_BUY, "ad_buy").data == {
        "advertiser": "Friends of Jane Doe",
        "contract_num": "2012614",
        "flight_from": "2020-05-29",
        "flight_to": "2020-06-14",
        "gross_amount": "17435.00",
    }


def test_texts_named_after_dates_and_sums_are_read_as_such() -> None:
    texts = ["date", "total", "address", "company"]
    receipt = from_json_schema(
        name="till",
        data={"title": "till", "type": "object", "properties": {name: {"type": "string"} for name in texts}},
    )
    found = _answer(paper(RECEIPT), receipt)
    assert found.data["date"] == "04/03/2018"
    assert found.data["total"] == "26.90"
    order = from_json_schema(
        name="order",
        data={
            "title": "order",
            "type": "object",
            "properties": {
                "flight_from": {"type": "string", "description": "First date of the flight."},
                "flight_to": {"type": "string", "description": "Last date of the flight."},
                "contract_num": {"type": "string", "description": "Contract number, with no date."},
                "gross_amount": {"type": "string"},
            },
        },
    )
    assert _answer(paper(AD_BUY), order).data == {
        "flight_from": "05/29/20",
        "flight_to": "06/14/20",
        "contract_num": "2012614",
        "gross_amount": "$17,435.00",
    }


def test_what_else_a_field_could_be_is_told_with_its_place() -> None:
    found = _answer(paper(AD_BUY), load_schema("ad_buy"))
    others = {leaf.path: leaf.others for leaf in found.leaves}
    assert "06/14/20" in [text for text, _ in others["flight_from"]]
    chosen = {leaf.path: leaf.raw for leaf in found.leaves}
    for path, candidates in others.items():
        texts = [text for text, _ in candidates]
        assert chosen[path] not in texts
        assert len(set(texts)) == len(texts)
        assert all(span.words for _, span in candidates)
    assert found.others["flight_from"] == [text for text, _ in others["flight_from"]]


def test_a_document_of_another_type_gives_no_rows_and_is_told() -> None:
    validated = _extract("Dear all,\nthe meeting of the choir is at eight.\nYours, Jo", "invoice")
    assert validated.data["line_items"] == []
    assert "wrong_document_type" in validated.reasons


SCHEMA: dict[str, Any] = {
    "title": "lab",
    "type": "object",
    "required": ["sample", "urgent", "kind"],
    "properties": {
        "sample": {
            "type": "object",
            "properties": {
                "specimen": {"type": ["string", "null"], "description": "Specimen."},
                "taken": {"type": ["string", "null"], "format": "date", "description": "Day of sampling."},
            },
        },
        "urgent": {"type": "boolean", "description": "Urgent."},
        "kind": {"enum": ["blood", "urine"], "description": "Kind of sample."},
        "ward": {"type": ["string", "null"], "pattern": "^W[0-9]{2}$"},
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "analyte": {"type": ["string", "null"]},
                    "result": {"type": ["number", "null"]},
                    "notes": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}


@pytest.fixture
def lab(tmp_path: Path) -> LoadedSchema:
    path = tmp_path / "lab.json"
    path.write_text(json.dumps(SCHEMA))
    return load_schema(path)


def test_a_schema_it_has_never_seen_is_read_by_its_own_words(lab: LoadedSchema) -> None:
    text = "Urine report\nSpecimen: serum A\nTaken: 3 May 2021\nUrgent: yes\nW17\n\nAnalyte      Result\n"
    document = paper(text + "Glucose      5.1\nSodium       140\n")
    validated = validate(_answer(document, lab), lab, document, OPTIONS)
    assert validated.data == {
        "sample": {"specimen": "serum A", "taken": "2021-05-03"},
        "urgent": True,
        "kind": "urine",
        "ward": "W17",
        "results": [
            {"analyte": "Glucose", "result": 5.1, "notes": []},
            {"analyte": "Sodium", "result": 140, "notes": []},
        ],
    }


@pytest.mark.parametrize("name", catalog_names())
def test_no_words_no_values(name: str) -> None:
    schema = load_schema(name)
    for document in (paper(""), paper(), paper("", "")):
        answer = _answer(document, schema)
        grounded = [leaf for leaf in answer.leaves if leaf.span is not None]
        assert grounded == []
        validated = validate(answer, schema, document, OPTIONS)
        assert not route(validated, OPTIONS)


def test_it_answers_the_same_again_and_in_order() -> None:
    schema = load_schema("receipt")
    documents = [paper(RECEIPT), paper(INVOICE), paper("")]
    first, second = BACKEND.answer(documents, schema), BACKEND.answer(documents, schema)
    assert [(a.data, a.leaves) for a in first] == [(a.data, a.leaves) for a in second]
    assert [a.data["company"] for a in first] == ["SUNNY MART SDN BHD", "ACME Tools GmbH", None]


def _check_grounded(answer: Answer, document: ReadDocument, schema: LoadedSchema) -> None:
    words = {(page.number, word) for page, word in document.words}
    for leaf in answer.leaves:
        assert leaf.log_probability < 0
        if leaf.span is not None:
            assert leaf.raw
            assert all(placed in words or _is_part(placed, words) for placed in leaf.span.words)
    told = validate(answer, schema, document, OPTIONS)
    assert "not_on_page" not in told.reasons


def _is_part(placed: tuple[int, Word], words: set[tuple[int, Word]]) -> bool:
    """Whether it is characters side by side of a word, with their part of its box."""
    page, part = placed
    return any(
        part == part_of(word, at.start(), at.end())
        for number, word in words
        if number == page
        for at in re.finditer(re.escape(part.text), word.text)
    )


_WORDS = st.sampled_from(
    [*INVOICE.split(), *RECHNUNG.split(), "€", "(", "#", ":", "١٢", "\u0000", "25/12", "Total:9"]
)


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(
        st.tuples(_WORDS, st.floats(0, 600), st.floats(0, 800), st.floats(0, 80), st.floats(0, 30)),
        max_size=60,
    ),
    name=st.sampled_from(catalog_names()),
)
def test_whatever_lies_on_the_page_every_value_is_a_run_of_its_words(
    words: list[tuple[str, float, float, float, float]], name: str
) -> None:
    placed = tuple(Word(text, Box(x, y, x + w, y + h)) for text, x, y, w, h in words)
    page = Page(1, 600, 800, "ocr", placed)
    document = ReadDocument(DocumentRef("a.pdf", "0", 1, "application/pdf"), (page,), 1)
    schema = load_schema(name)
    _check_grounded(_answer(document, schema), document, schema)


def test_fifty_pages_take_seconds_not_minutes() -> None:
    schema = load_schema("invoice")
    document = paper(*[INVOICE + RECHNUNG] * 50)
    _answer(paper(INVOICE), schema)  # loads the names of months once
    started = process_time()
    answer = _answer(document, schema)
    assert (
        process_time() - started < 10
    )  # half a second of processor time; the bound catches a quadratic slip
    assert len(answer.data["line_items"]) >= 3
    _check_grounded(answer, document, schema)


def test_a_list_of_single_values_stands_below_its_heading_and_not_below_another() -> None:
    schema = from_json_schema(
        {"type": "object", "properties": {"codes": {"type": "array", "items": {"type": "string"}}}}, "codes"
    )
    (answer,) = ScriptedBackend().answer([document_of(["Codes", "A 1", "B 2"])], schema)
    assert answer.data == {"codes": ["A 1", "B 2"]}
    (answer,) = ScriptedBackend().answer([document_of(["Places", "A 1", "B 2"])], schema)
    assert answer.data == {"codes": []}
