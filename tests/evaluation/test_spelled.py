"""Boxes that bear their value, and boxes that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.evaluation.spelled import is_spelled
from schemas.document import ReadDocument
from tests.validation.paper import CHAR, HEIGHT, LINE, paper

PAGE = "Mill Bakery Ltd      Total\nHigh Street          $12.50"
"""Words stand on a raster: column times `CHAR`, row times `LINE`."""


def _box(row: int, first: int, last: int) -> list[float]:
    return [CHAR * first, LINE * row, CHAR * last - 1, LINE * row + HEIGHT]


@pytest.mark.parametrize(
    ("raw", "boxes", "spelled"),
    [
        ("MILL BAKERY", [_box(0, 0, 11)], True),
        ("Mill Bakery Ltd", [_box(0, 0, 11)], False),
        ("12.50", [_box(1, 21, 27)], True),
        ("12.50", [_box(0, 21, 26)], False),
        ("Mill Bakery Ltd High Street", [_box(0, 0, 15), _box(1, 0, 11)], True),
        ("Mill", [[400, 400, 500, 500]], False),
        ("Mill", [], False),
        ("12.50", [_box(1, 22, 27)], True),
        ("12", [_box(1, 22, 24)], True),  # the beginning of a word, its middle outside
        ("Mill Ba", [_box(0, 0, 7)], True),
        ("Mill Bakery", [_box(0, 0, 7)], False),  # as much of a word as is in the box, and no more
        ("Bakery", [_box(0, 0, 6)], False),
        ("$", [_box(1, 21, 22)], True),
        ("€", [_box(1, 21, 22)], True),  # a sign alone: any word may stand there
        ("-", [_box(0, 0, 4)], True),  # no letters: any word may stand there
        ("-", [[400, 400, 500, 500]], False),
    ],
)
def test_the_words_in_the_boxes_must_spell_the_value(
    raw: str, boxes: list[list[float]], spelled: bool
) -> None:
    assert is_spelled(raw, paper(PAGE), 1, boxes) is spelled


def test_a_value_that_goes_on_overleaf_begins_in_its_boxes() -> None:
    document = paper("Mill Bakery", "Ltd")
    assert is_spelled("Mill Bakery Ltd", document, 1, [_box(0, 0, 11)])
    assert not is_spelled("Bakery Ltd", document, 1, [_box(0, 0, 11)])
    assert not is_spelled("Ltd", document, 2, [_box(0, 10, 20)])
    assert not is_spelled("Mill", document, 3, [_box(0, 0, 4)])


WORDS = st.lists(st.text("abcxyz019", min_size=1, max_size=6), min_size=1, max_size=6)


@given(WORDS, st.data())
def test_every_run_of_words_is_spelled_by_its_own_boxes(words: list[str], data: st.DataObject) -> None:
    document: ReadDocument = paper(" ".join(words))
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    boxes = [word.box.as_list() for word in document.pages[0].words[start:end]]
    assert is_spelled(" ".join(words[start:end]), document, 1, boxes)
