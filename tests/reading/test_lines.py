"""Visual lines: columns meet, skew is followed, nothing is lost."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from extractors.reading.lines import group_lines, reading_order
from extractors.reading.skew import Skew, estimate_skew, estimate_slope
from schemas.document import Box, Word
from tests.photographs import Corners, Place, box_seen, from_one_side, turned


def _word(text: str, x: float, y: float, width: float = 30, height: float = 10) -> Word:
    return Word(text, Box(x, y, x + width, y + height))


def _texts(words: list[Word]) -> list[list[str]]:
    return [[word.text for word in line] for line in group_lines(words)]


def _skewed(words: list[Word], degrees: float) -> list[Word]:
    slope = math.tan(math.radians(degrees))
    return [
        Word(w.text, Box(w.box.x0, w.box.y0 + slope * w.box.x0, w.box.x1, w.box.y1 + slope * w.box.x0))
        for w in words
    ]


def _receipt() -> list[Word]:
    words = []
    for row in range(20):
        y = 100 + row * 14
        words += [_word(f"{column}{row}", x, y) for column, x in zip("abcd", (20, 54, 350, 384), strict=True)]
    return words


def test_no_words_no_lines() -> None:
    assert group_lines([]) == []


def test_lines_are_sorted_whatever_the_input_order() -> None:
    words = _receipt()
    random.Random(7).shuffle(words)
    assert _texts(words) == [[f"a{r}", f"b{r}", f"c{r}", f"d{r}"] for r in range(20)]


def test_a_skewed_receipt_keeps_label_and_far_amount_together() -> None:
    for degrees in (-4, -1.5, 1.5, 4):
        words = _skewed(_receipt(), degrees)
        assert abs(estimate_slope(words) - math.tan(math.radians(degrees))) < 0.005
        assert _texts(words) == [[f"a{r}", f"b{r}", f"c{r}", f"d{r}"] for r in range(20)], degrees


def test_straight_print_has_no_slope() -> None:
    assert estimate_slope(_receipt()) == 0.0


def test_large_total_on_the_baseline_of_its_label() -> None:
    words = [_word("Total", 10, 110, height=10), _word("9.50", 200, 100, height=20), _word("Thanks", 10, 126)]
    assert _texts(words) == [["Total", "9.50"], ["Thanks"]]


def test_a_tall_logo_does_not_glue_the_lines_beside_it() -> None:
    words = [_word("X", 0, 100, height=44)] + [_word(f"l{i}", 50, 100 + 14 * i) for i in range(3)]
    lines = _texts(words)
    assert all(sum(t.startswith("l") for t in line) <= 1 for line in lines)


def test_close_lines_stay_apart() -> None:
    words = [_word("one", 10, 100, height=10), _word("two", 60, 106.5, height=10)]
    assert _texts(words) == [["one"], ["two"]]


def test_every_word_is_in_exactly_one_line() -> None:
    rng = random.Random(3)
    words = [
        _word(str(i), rng.uniform(0, 600), rng.uniform(0, 800), rng.uniform(1, 90), rng.uniform(0, 40))
        for i in range(400)
    ]
    ordered = reading_order(words)
    assert sorted(w.text for w in ordered) == sorted(w.text for w in words)


def test_tall_boxes_around_slanted_print_do_not_mix_two_lines() -> None:
    boxes = [
        _word("ENTERPRISE", 27, 74, 69, 14),
        _word("(SETIA", 103, 78, 40, 13),
        _word("ALAM)", 40, 82, 35, 12),
        _word("SDN", 82, 83, 19, 12),
        _word("BHD", 108, 84, 21, 12),
    ]
    words = [replace(word, confidence=0.98) for word in boxes]
    assert _texts(words) == [["ENTERPRISE", "(SETIA"], ["ALAM)", "SDN", "BHD"]]


def test_print_over_print_is_one_line() -> None:
    assert _texts([_word("PAID", 10, 100, 40), _word("Total", 12, 101, 30), _word("9.50", 200, 100)]) == [
        ["PAID", "Total", "9.50"]
    ]


@pytest.mark.parametrize("degrees", [-18, -14, -9, 9, 12, 17])
def test_a_page_photographed_askew_keeps_its_lines(degrees: float) -> None:
    words = _photographed(turned(degrees))
    assert estimate_slope(words) == pytest.approx(math.tan(math.radians(degrees)), abs=0.02)
    assert _texts(words) == [[f"{row}{column}" for column in "abcd"] for row in range(20)]


def test_a_text_layer_is_never_taken_for_a_photograph() -> None:
    words = [replace(word, confidence=None) for word in _photographed(turned(14))]
    assert abs(estimate_slope(words)) <= 0.12


def test_words_strewn_over_a_page_have_no_slope() -> None:
    rng = random.Random(5)
    words = [
        replace(_word(str(i), rng.uniform(0, 560), rng.uniform(0, 780)), confidence=0.9) for i in range(150)
    ]
    assert not estimate_skew(words).is_steep
    assert estimate_skew([]) == Skew()


@pytest.mark.parametrize(
    "corners", [((60, 20), (560, 70), (590, 640), (20, 700)), ((20, 60), (590, 20), (540, 700), (70, 640))]
)
def test_a_page_photographed_from_one_side_keeps_its_lines(corners: Corners) -> None:
    paper = ((0, 280), (400, 280), (400, 620), (0, 620))
    words = _photographed(from_one_side(paper, corners))
    skew = estimate_skew(words)
    assert skew.fan != 0
    assert _texts(words) == [[f"{row}{column}" for column in "abcd"] for row in range(20)]


def _photographed(place: Place) -> list[Word]:
    """A page of 20 lines as a camera saw it."""
    columns = {"a": (20, 40), "b": (66, 25), "c": (97, 33), "d": (320, 45)}
    return [
        Word(f"{row}{column}", box_seen(Box(x, 300 + 15 * row, x + width, 310 + 15 * row), place), 0.95)
        for row in range(20)
        for column, (x, width) in columns.items()
    ]
