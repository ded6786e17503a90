"""Characters into words, in every direction."""

from __future__ import annotations

import pytest

from extractors.reading.chars import Char, is_slanted, quarters_of, split_word, words_of
from extractors.reading.geometry import Frame2D, turn_box
from schemas.document import Box

PAGE = Frame2D(300, 200)


def _line(text: str, x: float = 50, y: float = 50, size: float = 10) -> list[Char]:
    return [Char(c, Box(x + 6 * i, y, x + 6 * i + 6, y + size)) for i, c in enumerate(text)]


def test_words_and_boxes() -> None:
    layer = words_of(_line("Total 9.50"), PAGE)
    assert [w.text for w in layer.words] == ["Total", "9.50"]
    assert layer.words[0].box == Box(50, 50, 80, 60)
    assert layer.quarters == 0


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_page_written_sideways_is_turned(quarters: int) -> None:
    """The same line, on a page that was turned so that `quarters` clockwise turns put it upright."""
    back = 4 - quarters
    chars = [Char(c.text, turn_box(c.box, PAGE, back), quarters) for c in _line("Total 9.50")]
    layer = words_of(chars, PAGE.turned(back))
    assert layer.quarters == quarters
    assert [w.text for w in layer.words] == ["Total", "9.50"]
    assert layer.words[0].box == Box(50, 50, 80, 60)


def test_a_note_up_the_margin_stays_one_word_and_does_not_turn_the_page() -> None:
    note = [Char(c.text, turn_box(c.box, Frame2D(200, 300), 3), 1) for c in _line("ref:77", 20, 5)]
    layer = words_of([*_line("Total amount due 9.50"), *note], PAGE)
    assert layer.quarters == 0
    texts = [w.text for w in layer.words]
    assert sorted(texts) == sorted(["Total", "amount", "due", "9.50", "ref:77"])
    margin = next(w.box for w in layer.words if w.text == "ref:77")
    assert margin.y1 - margin.y0 > margin.x1 - margin.x0


def test_false_bold_and_invisible_characters() -> None:
    bold = [Char(c.text, Box(c.box.x0 + 0.4, c.box.y0, c.box.x1 + 0.4, c.box.y1)) for c in _line("Total")]
    outside = _line("hidden", x=-200)
    assert [w.text for w in words_of([*_line("Total"), *bold, *outside], PAGE).words] == ["Total"]


def test_stray_spaces_over_letters_do_not_cut_words() -> None:
    stray = Char(" ", Box(51, 50.7, 53, 60.7))
    between = Char(" ", Box(80, 50, 86, 60))
    chars = [*_line("Total"), stray, between, *_line("due", x=86)]
    assert [w.text for w in words_of(chars, PAGE).words] == ["Total", "due"]


def test_a_watermark_across_the_page_is_one_word() -> None:
    mark = [
        Char(c, Box(20 + 20 * i, 20 + 20 * i, 50 + 20 * i, 50 + 20 * i), 0, True)
        for i, c in enumerate("DRAFT")
    ]
    words = words_of([*mark, *_line("Total 9.50")], PAGE).words
    assert [w.text for w in words] == ["DRAFT", "Total", "9.50"]
    assert words[0].box == Box(20, 20, 130, 130)


def test_two_texts_printed_over_each_other_are_not_shuffled() -> None:
    chars = [*_line("LINE-001"), *_line("Premium", x=77), *_line("below", y=70)]
    assert [w.text for w in words_of(chars, PAGE).words] == ["LINE-001", "Premium", "below"]


def test_letters_out_of_order_in_the_file_are_sorted() -> None:
    chars = _line("Total 9.50")
    assert [w.text for w in words_of([*chars[5:], *chars[:5]], PAGE).words] == ["Total", "9.50"]
    assert [w.text for w in words_of(chars[::-1], PAGE).words] == ["Total", "9.50"]


def test_double_letters_survive() -> None:
    narrow = [Char(c, Box(50 + 2.2 * i, 50, 52.2 + 2.2 * i, 60)) for i, c in enumerate("1111")]
    assert [w.text for w in words_of(narrow, PAGE).words] == ["1111"]


def test_words_without_a_known_character_are_counted_not_kept() -> None:
    unknown = [Char("(cid:9)", c.box) for c in _line("abc")]
    layer = words_of([*unknown, *_line("Total", y=90)], PAGE)
    assert [w.text for w in layer.words] == ["Total"]
    assert layer.unknown == 1


def test_hebrew_comes_in_reading_order() -> None:
    visual = _line("חשבונית"[::-1])
    assert [w.text for w in words_of(visual, PAGE).words] == ["חשבונית"]


def test_not_a_number_places_are_dropped() -> None:
    assert words_of([Char("x", Box(float("nan"), 0, 5, 5))], PAGE).words == ()


def test_split_word_shares_the_box() -> None:
    first, second = split_word("ab cd", Box(0, 0, 50, 10))
    assert (first.text, first.box, second.text, second.box) == (
        "ab",
        Box(0, 0, 20, 10),
        "cd",
        Box(30, 0, 50, 10),
    )


@pytest.mark.parametrize(("a", "b", "quarters"), [(1, 0, 0), (0, 1, 1), (-1, 0, 2), (0, -1, 3), (1, 0.05, 0)])
def test_direction(a: float, b: float, quarters: int) -> None:
    assert quarters_of(a, b) == quarters
    assert not is_slanted(a, b)


def test_slant() -> None:
    assert is_slanted(1, 1) and is_slanted(-1, 0.6)
    assert not is_slanted(1, 0.1)


def test_four_turns_are_none() -> None:
    box = frame_box = Box(10, 20, 40, 30)
    frame = PAGE
    for _ in range(4):
        box, frame = turn_box(box, frame, 1), frame.turned(1)
    assert box == frame_box and frame == PAGE
