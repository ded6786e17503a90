"""Words that a recogniser read on over a checkbox."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.parted import parted_at_boxes
from schemas.document import Box, Mark, Word


def box_at(x: float) -> Mark:
    return Mark("checkbox", Box(x, 11, x + 10, 21), 0.95, False)


def test_a_word_is_taken_apart_where_boxes_lie_in_it() -> None:
    word = Word("CarriagePrepaidCollect", Box(50, 10, 240, 24), 0.98)
    parts = parted_at_boxes([word], [box_at(110), box_at(170)])
    assert [part.text for part in parts] == ["Carriage", "Prepaid", "Collect"]
    assert all(
        part.box.x1 <= box.box.x0 for part, box in zip(parts, (box_at(110), box_at(170)), strict=False)
    )
    assert {part.confidence for part in parts} == {0.98}


def test_without_capitals_it_is_cut_where_the_box_is() -> None:
    word = Word("smokeryesorno", Box(50, 10, 190, 24), 0.98)
    assert [part.text for part in parted_at_boxes([word], [box_at(110)])] == ["smoker", "yesorno"]


def test_words_beside_a_box_and_words_of_a_text_layer_stay_whole() -> None:
    beside = Word("Prepaid", Box(62, 10, 110, 24), 0.98)
    exact = Word("CarriagePrepaid", Box(50, 10, 200, 24))
    assert parted_at_boxes([beside, exact], [box_at(50), box_at(110)]) == (beside, exact)


@given(st.text(min_size=1, max_size=30), st.lists(st.floats(0, 400), max_size=5))
def test_no_letter_is_lost(text: str, places: list[float]) -> None:
    word = Word(text, Box(50, 10, 300, 24), 0.9)
    assert "".join(part.text for part in parted_at_boxes([word], [box_at(x) for x in places])) == text
