"""Tables: columns wide enough for their words, heads on every page."""

import io
import random
from typing import get_args

import pdfplumber
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.training.synthesis.facts import Table
from extractors.training.synthesis.paint import Painter, choose_style
from extractors.training.synthesis.tables import RULES, Rules, column_widths, draw_table

CELL = st.text(alphabet="abcdefgh ", max_size=40)


def painter(height: float = 842) -> Painter:
    return Painter(choose_style(random.Random(1), 595, height, slip=False, latin_1=True), "Test")


@settings(max_examples=20)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6), st.floats(60, 500))
def test_columns_fill_the_width_and_hold_their_longest_words(
    rows: list[tuple[str, ...]], width: float
) -> None:
    table = Table(("One", "Two", "Three"), tuple(rows), ("left", "right", "left"), (1, 3, 1))
    here = painter()
    widths, size = column_widths(here, table, 10, width)
    assert sum(widths) == pytest.approx(width)
    if size == 10:  # there was room
        for column, wide in enumerate(widths):
            for row in rows:
                assert all(here.measure(word, size) < wide for word in row[column].split())


@pytest.mark.parametrize("rules", RULES)
def test_rows_break_over_pages_under_repeated_heads(rules: Rules) -> None:
    here = painter(300)
    rows = [(f"row{number}", "a long description that has to wrap in its cell") for number in range(9)]
    rows_with_notes = tuple(cells for row in rows for cells in (row, (f"note-{row[0]}",)))
    draw_table(here, Table(("Alpha", "Beta"), rows_with_notes, ("left", "left"), (1, 1)), rules)
    with pdfplumber.open(io.BytesIO(here.pdf())) as document:
        pages = [page.extract_text().split() for page in document.pages]
    assert len(pages) == here.pages > 1
    for page in pages:
        assert page[:2] == ["Alpha", "Beta"]
        placed = [word for word in page if word.startswith("row")]
        assert [word for word in page if word.startswith("note-")] == [f"note-{word}" for word in placed]
    assert sum(word.startswith("row") for page in pages for word in page) == 9


def test_rules_are_those_of_the_type() -> None:
    assert set(RULES) == set(get_args(Rules))
