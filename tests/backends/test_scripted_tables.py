"""The scripted backend on tables: notes below rows, texts that wrap, headers printed close together."""

from __future__ import annotations

from typing import Any

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import load_schema
from tests.validation.paper import paper

FIELDS = ("description", "quantity", "unit_price", "line_total")


def rows(text: str) -> list[tuple[Any, ...]]:
    (answer,) = ScriptedBackend().answer([paper(text)], load_schema("invoice"))
    return [tuple(row[name] for name in FIELDS) for row in answer.data["line_items"]]


TWO = [("Steel bolts", "100", "1.00", "100.00"), ("Copper wire", "50", "1.45", "72.50")]


def test_rows_go_on_behind_indented_notes_that_name_sums() -> None:
    assert (
        rows(
            """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
          Net price: 1.00
          Discount: 0.03
          Discount: 0.02
          Gross price: 1.05
2     Copper wire            1.45         50         72.50
          Net price: 1.45

Total amount                                         172.50
"""
        )
        == TWO
    )


def test_a_row_one_of_whose_texts_sounds_like_a_sum_is_a_row() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
2     Discount booklet       1.45         50         72.50
Total amount                                         172.50
"""
    )
    assert [row[3] for row in found] == ["100.00", "72.50"]


def test_sums_below_a_table_are_no_rows() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
2     Copper wire            1.45         50         72.50
          Subtotal                                   172.50
          Special discount                           -2.50
          Freight                                    5.80

IBAN: DE44 5001 0517 5407 3249 31
"""
    )
    assert found[:2] == TWO
    assert all(row[0] != "Special discount" for row in found)
    assert len(found) <= 3  # freight is a row to the rules: it names no sum


def test_notes_with_a_colon_are_no_rows_whatever_numbers_they_hold() -> None:
    assert (
        rows(
            """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
      Classification:        27111708     1.4404
2     Copper wire            1.45         50         72.50
      Billing period:        1            31
"""
        )
        == TWO
    )


def test_a_text_that_wraps_is_taken_whole_and_what_follows_a_label_is_not() -> None:
    found = rows(
        """
Pos   Description            Unit price   Quantity   Amount
1     Steel bolts            1.00         100        100.00
      galvanised
2     Copper wire            1.45         50         72.50
      Colour: red
"""
    )
    assert [row[0] for row in found] == ["Steel bolts galvanised", "Copper wire"]


def test_two_words_with_a_slash_head_one_column() -> None:
    assert (
        rows(
            """
Pos   Description / Price    Net price    Quantity   Amount
1     Steel bolts            1.00         100        100.00
2     Copper wire            1.45         50         72.50
"""
        )
        == TWO
    )


def test_a_rows_own_number_is_no_part_of_its_text() -> None:
    assert (
        rows(
            """
No. Description              Unit price   Quantity   Amount
1 Steel bolts                1.00         100        100.00
2 Copper wire                1.45         50         72.50
"""
        )
        == TWO
    )


def test_a_text_that_only_begins_with_some_number_keeps_it() -> None:
    found = rows(
        """
Description                  Unit price   Quantity   Amount
4 Steel bolts                1.00         100        100.00
2 Copper wires               1.45         50         72.50
"""
    )
    assert [row[0] for row in found] == ["4 Steel bolts", "2 Copper wires"]


def test_the_header_that_every_page_repeats_is_read_from_the_first() -> None:
    header = "Pos   Description            Unit price   Quantity   Amount"
    found = rows(
        f"""
{header}
1     Steel bolts            1.00         100        100.00
{header}
2     Copper wire            1.45         50         72.50
"""
    )
    assert found == TWO
