"""The scripted backend on letters and tables: who writes to whom, by when to pay, headers over several lines."""

from __future__ import annotations

from typing import Any

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import load_schema
from tests.backends.test_scripted_tables import rows
from tests.validation.paper import paper


def read(text: str) -> dict[str, Any]:
    (answer,) = ScriptedBackend().answer([paper(text)], load_schema("invoice"))
    return dict(answer.data)


LETTER = """
Holm & Söhne GmbH · Uferweg 4 · 24103 Kiel
Birte Claasen                         Rechnungsnummer:   R-77
Lindenallee 12                        Rechnungsdatum:    03.05.2021
20095 Hamburg

Rechnung

Bitte überweisen Sie den Betrag bis zum 24.05.2021.
Zahlbar mit 2 % Skonto bis 10.05.2021
"""


def test_the_window_of_a_letter_tells_who_writes_to_whom() -> None:
    found = read(LETTER)
    assert (found["seller_name"], found["buyer_name"]) == ("Holm & Söhne GmbH", "Birte Claasen")


def test_a_sentence_says_by_when_to_pay_and_a_discount_does_not() -> None:
    assert read(LETTER)["due_date"] == "24.05.2021"


def test_a_header_over_several_lines_names_its_columns() -> None:
    found = rows(
        """
          Article                Unit       Quantity    Total
No.       description            price      supplied    net
1         Steel bolts            1.00       100         100.00
2         Copper wire            1.45       50          72.50
"""
    )
    assert found == [("Steel bolts", "100", "1.00", "100.00"), ("Copper wire", "50", "1.45", "72.50")]


def test_the_last_price_of_a_row_is_its_total() -> None:
    found = rows(
        """
Description              Quantity   Unit price   Disc.   Price excl. tax
Steel bolts              100        1.00         10%     90.00
"""
    )
    assert found == [("Steel bolts", "100", "1.00", "90.00")]


def test_notes_with_prices_and_sentences_with_numbers_are_no_rows() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
      Gross price : 1.20
      We owe you 5 kg of these bolts from May.
2     Copper wire            1.45         50         72.50
"""
    )
    assert [row[3] for row in found] == ["100.00", "72.50"]


def test_another_table_behind_one_is_not_of_it() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
2     Copper wire            1.45         50         72.50
Kind  Of allowance           Base price   Rate       Amount
1     Rebate                 172.50       2          3.45
2     Rebate                 172.50       1          1.73
"""
    )
    assert len(found) == 2


def test_a_text_goes_on_over_several_lines() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
      of the second
      kind
2     Copper wire            1.45         50         72.50
"""
    )
    assert [row[0] for row in found] == ["Steel bolts of the second kind", "Copper wire"]


def test_codes_before_names_are_none_of_them() -> None:
    found = rows(
        """
Description                  Unit price   Quantity   Amount
AB-12-C - Steel bolts        1.00         100        100.00
AB-77-D - Copper wire        1.45         50         72.50
"""
    )
    assert [row[0] for row in found] == ["Steel bolts", "Copper wire"]


def test_a_label_of_an_order_makes_no_order_of_an_invoice() -> None:
    found = read("HANDELSRECHNUNG (Nr. 77) vom 12.09.2021\n\nBestellung      : B-2021-9\n")
    assert found.get("document_type", "invoice") == "invoice"
