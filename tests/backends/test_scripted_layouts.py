"""The scripted backend on layouts that it got wrong once: totals, ranges, party blocks, tables, forms, odd lines."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.base import Backend
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.scripted.sheet import read_sheet
from extractors.options import ExtractOptions
from extractors.validation.validate import validate
from schemas.registry import LoadedSchema, catalog_names, from_json_schema, load_schema
from tests.tiny import document_of
from tests.validation.paper import paper

BACKEND: Backend = ScriptedBackend()
OPTIONS = ExtractOptions()


def read(text: str, schema: LoadedSchema) -> dict[str, Any]:
    (answer,) = BACKEND.answer([paper(text)], schema)
    return dict(answer.data)


def test_the_total_behind_a_rounding_is_final_and_a_table_of_taxes_has_none() -> None:
    found = read(
        """\
BAR WANG RICE

Date: 09/06/2018

Total Amount:                  RM7.72
Rounding:                     -RM0.02
Total:                         RM7.70

GST Summary       Amount(RM)   Tax(RM)
SR                      7.28      0.44
Total                   7.28      0.44
""",
        load_schema("receipt"),
    )
    assert found["total"] == "RM7.70"


def test_two_dates_with_a_dash_between_them_are_beginning_and_end() -> None:
    found = read(
        """\
CONTRACT                      Print Date  04/10/20

Contract Dates      Estimate #
09/22/20 - 09/28/20     8117
""",
        load_schema("ad_buy"),
    )
    assert (found["flight_from"], found["flight_to"]) == ("09/22/20", "09/28/20")


def test_the_block_under_a_party_names_it_although_its_name_speaks_like_a_label() -> None:
    found = read(
        """\
Stylesheet-Version: 2.0 vom 18.10.2018

Handelsrechnung (380) Nr. 471102 vom 05.03.2018

Verkäufer:
Globale Nummer: 4000001123452 (GLN)
Lieferant GmbH
Lieferantenstraße 20

Käufer/Leistungsempfänger
Nummer:      GE2020211
Name:        Kunden AG Mitte
""",
        load_schema("invoice"),
    )
    assert found["issue_date"] == "05.03.2018"
    assert found["seller_name"] == "Lieferant GmbH"
    assert found["buyer_name"] == "Kunden AG Mitte"
    assert found["document_type"] == "invoice"


def test_what_names_a_sum_between_rows_does_not_end_the_table() -> None:
    found = read(
        """\
Invoice No.: 7

Description             Qty       Unit price        Net amount
Cordless drill            2           119,00        238,00
Gross price: 141,61
Drill bits                4             4,50         18,00

                                    Net total       256,00
""",
        load_schema("invoice"),
    )
    assert [item["line_total"] for item in found["line_items"]] == ["238,00", "18,00"]


def test_the_items_of_a_form_are_numbered_and_their_values_stand_below() -> None:
    schema = from_json_schema(
        {
            "title": "filing",
            "type": "object",
            "properties": {
                "registrant_name": {"type": ["string", "null"], "description": "Name of the registrant."},
                "registration_number": {"type": ["string", "null"], "description": "Registration number."},
            },
        },
        "filing",
    )
    found = read(
        """\
Amendment to Registration Statement

1. Name of Registrant                     2. Registration No.
HARBOUR TRADE PARTNERS, INC.              2415

3. This amendment is filed for a purpose.
""",
        schema,
    )
    assert found == {"registrant_name": "HARBOUR TRADE PARTNERS, INC.", "registration_number": "2415"}


@pytest.mark.parametrize(
    "line",
    ["Address: Tel 03-1234", "Address: info@shop.de", "Address: Date 3", "Total 12.50²", "① ② ③ 1/2/³"],
)
def test_odd_lines_end_in_an_answer(line: str) -> None:
    for name in catalog_names():
        (answer,) = BACKEND.answer([document_of(["Shop Ltd", line])], load_schema(name))
        validate(answer, load_schema(name), document_of(["Shop Ltd", line]), OPTIONS)


def test_a_description_wider_than_its_header_is_whole() -> None:
    found = read(
        """\
Invoice No.: 7

Description                                              Qty      Unit price        Amount
Consulting services for the new warehouse in town          2          119,00        238,00

                                                           Net total                238,00
""",
        load_schema("invoice"),
    )
    assert found["line_items"][0]["description"] == "Consulting services for the new warehouse in town"


def test_what_follows_an_iban_is_not_of_it() -> None:
    found = read("Invoice No.: 7\n\nIBAN: DE89370400440532013000 BIC COBADEFF\n", IBAN_SCHEMA)
    assert found["iban"] == "DE89370400440532013000"


IBAN_SCHEMA = from_json_schema(
    {"type": "object", "properties": {"iban": {"type": ["string", "null"], "description": "IBAN."}}}, "iban"
)


def test_a_line_without_end_is_cut() -> None:
    lines = read_sheet(document_of([" ".join(["Invoice No of the"] * 500)]))
    assert max(len(line.tokens) for line in lines) <= 400
    assert sum(len(line.tokens) for line in lines) == 2000
