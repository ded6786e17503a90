"""Marks on made-up pages: what is drawn is found, what looks like it is not."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from extractors.reading.geometry import Frame2D
from extractors.reading.marks import find_marks, text_marks
from extractors.reading.stamp_text import strips_of, with_texts
from schemas.document import READ_DOCUMENT, Box, DocumentRef, Mark, Page, ReadDocument, Word

SCALE = 150 / 72
FRAME = Frame2D(420.0, 300.0)
Picture = NDArray[np.uint8]


def paper() -> Picture:
    return np.full((round(FRAME.height * SCALE), round(FRAME.width * SCALE), 3), 255, np.uint8)


def at(*points: float) -> list[int]:
    return [round(point * SCALE) for point in points]


def draw_box(page: Picture, x: float, y: float, side: float = 9.0, tick: str = "", color: int = 60) -> None:
    x0, y0, x1, y1 = at(x, y, x + side, y + side)
    cv2.rectangle(page, (x0, y0), (x1, y1), (color,) * 3, 1)
    ink = (120, 20, 20)
    if tick == "cross":
        cv2.line(page, (x0 + 3, y0 + 3), (x1 - 3, y1 - 3), ink, 2, cv2.LINE_AA)
        cv2.line(page, (x0 + 3, y1 - 3), (x1 - 3, y0 + 3), ink, 2, cv2.LINE_AA)
    elif tick == "hook":
        cv2.line(page, (x0 + 2, y0 + 8), (x0 + 7, y1 - 3), ink, 2, cv2.LINE_AA)
        cv2.line(page, (x0 + 7, y1 - 3), (x1 + 5, y0 - 6), ink, 2, cv2.LINE_AA)
    elif tick == "filled":
        cv2.rectangle(page, (x0 + 4, y0 + 4), (x1 - 4, y1 - 4), ink, -1)
    elif tick == "dot":
        cv2.circle(page, ((x0 + x1) // 2, (y0 + y1) // 2), round(0.27 * (x1 - x0)), ink, -1, cv2.LINE_AA)
    elif tick == "scribble":
        points = [(x0 - 4 + 5 * n, y0 - 4 if n % 2 else y1 + 4) for n in range(6)]
        for one, two in pairwise(points):
            cv2.line(page, one, two, ink, 2, cv2.LINE_AA)


def write(page: Picture, text: str, x: float, y: float, size: float = 0.55) -> Word:
    px, py = at(x, y)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    cv2.putText(page, text, (px, py), cv2.FONT_HERSHEY_SIMPLEX, size, (0, 0, 0), 1, cv2.LINE_AA)
    return Word(text, Box(x, (py - height) / SCALE, x + width / SCALE, py / SCALE))


def boxes(page: Picture, words: list[Word]) -> list[Mark]:
    return [mark for mark in find_marks(page, FRAME, words) if mark.kind == "checkbox"]


_TICKS = [(tick, side) for tick in ("cross", "hook", "filled", "dot") for side in (7.5, 9.0, 14.0)]


@pytest.mark.parametrize(("tick", "side"), [*_TICKS, ("scribble", 10.0), ("scribble", 14.0)])
def test_a_tick_of_any_style_is_told_from_an_empty_box(tick: str, side: float) -> None:
    page = paper()
    draw_box(page, 40, 60, side)
    draw_box(page, 40, 100, side, tick)
    words = [write(page, "first", 62, 68), write(page, "second", 62, 108)]
    found = boxes(page, words)
    assert [mark.ticked for mark in found] == [False, True]
    assert all(mark.score > 0.75 for mark in found)
    for mark, top in zip(found, (60, 100), strict=True):
        assert abs(mark.box.x0 - 40) < 2.5 and abs(mark.box.y0 - top) < 2.5
        assert abs(mark.box.x1 - 40 - side) < 4


@pytest.mark.parametrize("tick", ["", "cross"])
@pytest.mark.parametrize("angle", [-2.5, 1.5, 3.0])
def test_a_box_is_found_askew_and_blurred_on_grey_paper(tick: str, angle: float) -> None:
    page = paper()
    draw_box(page, 200, 140, 10, tick, color=20)
    draw_box(page, 200, 165, 10, color=20)
    turn = cv2.getRotationMatrix2D((page.shape[1] / 2, page.shape[0] / 2), angle, 1)
    turned = cv2.warpAffine(page, turn, page.shape[1::-1], borderValue=(255, 255, 255))
    worn = (cv2.GaussianBlur(turned, (0, 0), 1.0) * 0.7 + 30).astype(np.uint8)
    assert [mark.ticked for mark in boxes(worn, [])] == [tick == "cross", False]


def test_circles_are_radio_buttons_where_there_are_several() -> None:
    page = paper()
    for x in (60, 160):
        cv2.circle(page, tuple(at(x, 80)), at(5)[0], (40, 40, 40), 1, cv2.LINE_AA)
    cv2.circle(page, tuple(at(160, 80)), at(2.4)[0], (40, 40, 40), -1, cv2.LINE_AA)
    words = [write(page, "yes", 72, 83), write(page, "no", 172, 83)]
    assert [mark.ticked for mark in boxes(page, words)] == [False, True]


def test_letters_tables_and_bullets_are_no_boxes() -> None:
    page = paper()
    words = []
    for row, text in enumerate(("DOUBLE BOOKED 0080 Q", "o D O 0 B 8 H N M", "Doorbell 100.00 EUR 88")):
        for column, word in enumerate(text.split()):
            words.append(write(page, word, 20 + 60 * column, 40 + 24 * row, 0.8))
    for line in range(5):  # a table whose cells have the size of boxes
        cv2.line(page, tuple(at(40, 150 + 12 * line)), tuple(at(140, 150 + 12 * line)), (0, 0, 0), 1)
        cv2.line(page, tuple(at(40 + 12 * line, 150)), tuple(at(40 + 12 * line, 198)), (0, 0, 0), 1)
    cv2.rectangle(page, tuple(at(200, 160)), tuple(at(208, 168)), (0, 0, 0), -1)  # a bullet
    cv2.rectangle(page, tuple(at(230, 150)), tuple(at(330, 166)), (0, 0, 0), 1)  # a field
    assert boxes(page, words) == []
    seen = [Word(word.text, word.box, 0.95) for word in words]
    assert boxes(page, seen) == []


def test_a_box_around_printed_letters_is_none() -> None:
    page = paper()
    draw_box(page, 60, 60, 13)
    word = Word("12", Box(61.5, 63, 71.5, 71))
    write(page, "12", 61.5, 71, 0.4)
    assert boxes(page, [word]) == []


def test_boxes_of_a_text_layer_count_without_pixels() -> None:
    said = "[x] yes [ ] no ☒ a ☐ b ✔ c [X]glued (x) f(x) [1] [] [note]"
    words, x = [], 0.0
    for text in said.split():
        words.append(Word(text, Box(x, 10, x + 6 * len(text), 20)))
        x += 6 * len(text) + 4
    found = [mark.ticked for mark in text_marks(words)]
    assert found == [True, False, True, False, True, True, True, False]
    assert text_marks([Word(word.text, word.box, 0.99) for word in words]) == ()


def test_a_word_and_a_drawing_of_one_box_are_one_mark() -> None:
    page = paper()
    draw_box(page, 40, 60, 9, "cross")
    draw_box(page, 40, 90, 9)
    found = boxes(
        page, [Word("☐", Box(40, 60, 49, 69)), write(page, "label", 62, 68), write(page, "other", 62, 98)]
    )
    assert [mark.ticked for mark in found] == [True, False]


def sign(page: Picture, x: float, y: float) -> None:
    """A curve of 80 by 22 points that winds as a hand does."""
    steps = np.linspace(0, 1, 160)
    xs = x + 80 * steps + 6 * np.sin(steps * 37)
    ys = y - 9 - 9 * np.sin(steps * 29) * (1.1 - steps) - 3 * np.sin(steps * 71)
    points = np.rint(np.stack([xs, ys], 1) * SCALE).astype(np.int32)
    cv2.polylines(page, [points], False, (110, 30, 20), 2, cv2.LINE_AA)


def test_a_signature_above_its_line_is_found_and_an_empty_line_is_not() -> None:
    for signed in (False, True):
        page = paper()
        cv2.line(page, tuple(at(60, 150)), tuple(at(220, 150)), (0, 0, 0), 1)
        words = [write(page, "Signature", 60, 164), write(page, "Some text that is printed here", 60, 60)]
        if signed:
            sign(page, 80, 150)
        marks = find_marks(page, FRAME, words)
        assert [mark.kind for mark in marks] == ["signature"] * signed
        if signed:
            box = marks[0].box
            assert marks[0].score > 0.75
            assert box.x0 < 90 and box.x1 > 140 and 115 < box.y0 < box.y1 < 158


def stamp(page: Picture, text: str, angle: float, *, frame: str) -> None:
    layer = np.full_like(page, 255)
    x0, y0, x1, y1 = at(150, 120, 270, 160)
    if frame == "box":
        cv2.rectangle(layer, (x0, y0), (x1, y1), (40, 40, 170), 3)
    elif frame == "round":
        centre = ((x0 + x1) // 2, (y0 + y1) // 2)
        cv2.ellipse(layer, centre, ((x1 - x0) // 2, (y1 - y0) // 2), 0, 0, 360, (40, 40, 170), 3, cv2.LINE_AA)
    cv2.putText(layer, text, (x0 + 45, y1 - 28), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (40, 40, 170), 3, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D(((x0 + x1) / 2, (y0 + y1) / 2), angle, 1)
    turned = cv2.warpAffine(layer, turn, page.shape[1::-1], borderValue=(255, 255, 255))
    np.minimum(page, turned, out=page)


@pytest.mark.parametrize(
    ("frame", "angle"), [("box", 8.0), ("box", -15.0), ("round", 0.0), ("round", 12.0), ("", 10.0)]
)
def test_a_stamp_is_found(frame: str, angle: float) -> None:
    page = paper()
    words = [write(page, "Invoice of the month", 40, 40), write(page, "Sum 300.00", 40, 70)]
    stamp(page, "PAID", angle, frame=frame)
    marks = [mark for mark in find_marks(page, FRAME, words) if mark.kind != "checkbox"]
    assert [mark.kind for mark in marks] == ["stamp"]
    assert marks[0].box.x0 < 180 and marks[0].box.x1 > 205


def test_a_frame_along_the_page_is_a_field_and_no_stamp() -> None:
    page = paper()
    stamp(page, "PAID", 0.0, frame="box")
    assert not [mark for mark in find_marks(page, FRAME, []) if mark.kind == "stamp"]


def test_words_that_run_up_a_page_are_a_stamp() -> None:
    upright = [Word("word", Box(20 + 40 * n, 20, 50 + 40 * n, 30), 0.95) for n in range(8)]
    turned = [Word("RECEIVED", Box(300, 100, 310, 160), 0.9), Word("1991", Box(312, 100, 322, 130), 0.9)]
    (mark,) = [one for one in find_marks(paper(), FRAME, [*upright, *turned]) if one.kind == "stamp"]
    assert mark.text == "RECEIVED 1991" and mark.box == Box(300, 100, 322, 160)
    assert not [one for one in find_marks(paper(), FRAME, upright) if one.kind == "stamp"]


@settings(max_examples=25, deadline=None)
@given(
    st.floats(20, 360),
    st.floats(20, 250),
    st.floats(6.5, 18),
    st.sampled_from(["", "cross", "filled"]),
    st.integers(0, 90),
)
def test_wherever_a_box_is_it_is_found_once_within_the_page(
    x: float, y: float, side: float, tick: str, color: int
) -> None:
    page = paper()
    draw_box(page, x, y, side, tick, color)
    draw_box(page, x + side + 12, y, side, "", color)
    found = boxes(page, [])
    assert sorted(bool(mark.ticked) for mark in found) == [False, tick != ""]
    for mark in found:
        assert 0 <= mark.score <= 1 and not math.isnan(mark.score)
        assert (
            0 <= mark.box.x0 < mark.box.x1 <= FRAME.width and 0 <= mark.box.y0 < mark.box.y1 <= FRAME.height
        )


def test_marks_travel_as_json_and_old_readings_have_none() -> None:
    marks = (Mark("checkbox", Box(1, 2, 3, 4), 0.9, True), Mark("stamp", Box(5, 6, 7, 8), 0.8, text="PAID"))
    page = Page(1, 100, 100, "ocr", (), marks=marks, marks_sought=True)
    document = ReadDocument(DocumentRef("a.pdf", "0" * 64, 1, "application/pdf"), (page,), 1)
    packed = READ_DOCUMENT.dump_python(document, mode="json")
    assert READ_DOCUMENT.validate_python(packed) == document
    del packed["pages"][0]["marks"], packed["pages"][0]["marks_sought"]
    old = READ_DOCUMENT.validate_python(packed)
    assert old.pages[0].marks == () and not old.pages[0].marks_sought


def test_a_ring_around_a_choice_is_found() -> None:
    page = paper()
    words = [
        write(page, "basic", 60, 100),
        write(page, "standard", 120, 100),
        write(page, "premium", 200, 100),
    ]
    box = words[1].box
    centre = at((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    axes = (at((box.x1 - box.x0) / 2 + 6)[0], at(9)[0])
    cv2.ellipse(page, tuple(centre), axes, 2, 0, 360, (120, 30, 20), 2, cv2.LINE_AA)
    (ring,) = [mark for mark in find_marks(page, FRAME, words) if mark.kind == "ring"]
    assert ring.box == box


@pytest.mark.parametrize("angle", [-15.0, 0.0, 12.0])
def test_a_stamp_is_cut_out_upright(angle: float) -> None:
    page = paper()
    stamp(page, "PAID", angle, frame="box")
    mark = Mark("stamp", Box(145, 100, 275, 180), 0.9)
    strips = strips_of(page, SCALE, [mark])
    assert strips is not None and set(strips.marks) == {0} and len(strips.boxes) == 2
    assert strips.raster.width > 2 * strips.raster.height  # 120 by 40 points, lying along the page
    assert strips_of(page, SCALE, [replace(mark, text="PAID")]) is None


def test_each_line_of_a_stamp_is_read_by_itself() -> None:
    page = paper()
    for text, y in (("RECEIVED", 122), ("21.06.2020", 142)):
        cv2.putText(page, text, tuple(at(110, y)), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.rectangle(page, tuple(at(100, 100)), tuple(at(190, 152)), (0, 0, 0), 3)
    strips = strips_of(page, SCALE, [Mark("stamp", Box(100, 100, 190, 152), 0.9)])
    assert strips is not None and len(strips.boxes) == 4
    upper, lower = strips.boxes[2:]
    assert upper[3] <= lower[1] + 2 and 15 < upper[3] - upper[1] < 40


def test_what_was_read_in_a_stamp_is_its_text() -> None:
    marks = [Mark("checkbox", Box(0, 0, 9, 9), 0.9, False), Mark("stamp", Box(1, 1, 9, 9), 0.9)]
    assert with_texts(marks, [1, 1], ["|PAID", "PAID"])[1].text == "|PAID PAID"
    assert with_texts(marks, [1, 1], ["l", ""])[1].text == ""
    assert with_texts(marks, [0], ["PAID"])[0] == marks[0]


def strike(
    page: Picture,
    word: Word,
    *,
    beyond: float = 2.0,
    at_share: float = 0.52,
    tilt: float = 0.0,
    thick: int = 2,
) -> None:
    y = word.box.y0 + at_share * (word.box.y1 - word.box.y0)
    start, end = at(word.box.x0 - beyond, y - tilt), at(word.box.x1 + beyond, y + tilt)
    cv2.line(page, tuple(start), tuple(end), (110, 30, 20), thick, cv2.LINE_AA)


@pytest.mark.parametrize("confidence", [None, 0.9])
@pytest.mark.parametrize("tilt", [0.0, 1.2])
def test_a_word_with_a_line_through_it_is_struck(confidence: float | None, tilt: float) -> None:
    page = paper()
    words = [write(page, text, x, 100) for text, x in (("basic", 60), ("standard", 120), ("premium", 200))]
    words = [Word(word.text, word.box, confidence) for word in words]
    strike(page, words[1], tilt=tilt)
    (mark,) = [mark for mark in find_marks(page, FRAME, words) if mark.kind == "strike"]
    assert mark.box == words[1].box


def test_underlines_rules_and_plain_words_are_not_struck() -> None:
    page = paper()
    words = [write(page, text, x, 100) for text, x in (("basic", 60), ("standard", 120), ("premium", 200))]
    strike(page, words[0], at_share=1.15)
    strike(page, words[2], beyond=60)  # a rule of a table
    assert not [mark for mark in find_marks(page, FRAME, words) if mark.kind == "strike"]


def test_two_lines_that_part_strike_a_choice_that_stands_apart() -> None:
    page = paper()
    words = [write(page, text, x, 100, 0.8) for text, x in (("Yes", 60), ("Half", 120))]
    words = [Word(word.text, word.box, 0.9) for word in words]
    strike(page, words[1], at_share=0.45)
    strike(page, words[1], at_share=0.6, tilt=2.2, thick=1)
    (mark,) = [mark for mark in find_marks(page, FRAME, words) if mark.kind == "strike"]
    assert mark.box == words[1].box


def test_a_signature_that_was_read_as_a_short_word_is_found_where_one_is_asked_for() -> None:
    page = paper()
    cv2.line(page, tuple(at(60, 150)), tuple(at(220, 150)), (0, 0, 0), 1)
    asks = write(page, "Signature", 60, 164)
    sign(page, 80, 150)
    read = Word("2e", Box(78, 132, 110, 150), 0.95)
    others = [write(page, "Some text", 60, y, 0.9) for y in (40, 60)]
    words = [Word(word.text, word.box, 0.99) for word in (*others, asks)]
    assert [mark.kind for mark in find_marks(page, FRAME, [*words, read])] == ["signature"]


def test_a_coloured_stamp_is_found_across_black_print() -> None:
    page = paper()
    words = [write(page, "terms of delivery and payment of this", 120, y) for y in (124, 136, 148, 160)]
    stamp(page, "PAID", 9.0, frame="box")
    (mark,) = [mark for mark in find_marks(page, FRAME, words) if mark.kind == "stamp"]
    assert mark.box.x0 < 160 and mark.box.x1 > 262 and mark.score > 0.75


def test_a_grey_frame_is_put_together_from_its_lines_where_print_crosses_it() -> None:
    page = paper()
    words = [write(page, "terms of delivery and payment of this", 120, y) for y in (124, 160)]
    stamp(page, "PAID", 12.0, frame="box")
    grey = cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    seen = [Word(word.text, word.box, 0.9) for word in words]
    assert [mark.kind for mark in find_marks(grey, FRAME, seen) if mark.kind != "checkbox"] == ["stamp"]


def test_a_grey_oval_is_a_stamp_where_print_and_a_line_cross_it() -> None:
    page = paper()
    cv2.line(page, tuple(at(40, 140)), tuple(at(380, 140)), (60, 60, 60), 1)
    words = [write(page, "Signature", 110, 153), write(page, "terms of payment", 40, 118)]
    stamp(page, "PAID", 0.0, frame="round")
    grey = cv2.cvtColor(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    seen = [Word(word.text, word.box, 0.9) for word in words]
    found = [mark for mark in find_marks(grey, FRAME, seen) if mark.kind != "checkbox"]
    assert [mark.kind for mark in found] == ["stamp"]
    assert found[0].box.x0 < 156 and found[0].box.x1 > 264


def test_a_ring_of_colour_is_no_stamp() -> None:
    page = paper()
    words = [write(page, "basic", 60, 100), write(page, "standard", 120, 100)]
    box = words[1].box
    centre = at((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    axes = (at((box.x1 - box.x0) / 2 + 6)[0], at(9)[0])
    cv2.ellipse(page, tuple(centre), axes, 2, 0, 360, (160, 30, 20), 2, cv2.LINE_AA)
    assert [mark.kind for mark in find_marks(page, FRAME, words)] == ["ring"]


@pytest.mark.parametrize(("asked", "found"), [("Signature", ["signature"]), ("Address", [])])
def test_a_long_flourish_is_a_signature_where_one_is_asked_for(asked: str, found: list[str]) -> None:
    page = paper()
    cv2.line(page, tuple(at(60, 150)), tuple(at(220, 150)), (0, 0, 0), 1)
    words = [write(page, asked, 60, 164)]
    steps = np.linspace(0, 1, 90)
    xs, ys = 80 + 24 * steps + 4 * np.sin(steps * 30), 138 - 8 * np.sin(steps * 11)
    points = np.rint(np.stack([xs, ys], 1) * SCALE).astype(np.int32)
    cv2.polylines(page, [points], False, (110, 30, 20), 2, cv2.LINE_AA)
    tail = np.array(
        [
            at(x, y)
            for x, y in (
                (98, 139),
                (124, 139),
                (127, 135),
                (153, 135),
                (156, 139),
                (182, 139),
                (185, 135),
                (211, 135),
            )
        ]
    )
    cv2.polylines(page, [tail], False, (110, 30, 20), 2, cv2.LINE_AA)
    assert [mark.kind for mark in find_marks(page, FRAME, words)] == found


def test_squares_that_a_recogniser_read_on_over_are_boxes() -> None:
    page = paper()
    draw_box(page, 120, 60, 10)
    draw_box(page, 190, 60, 10, "filled")
    for text, x in (("Freight", 60), ("Prepaid", 136), ("Collect", 206)):
        write(page, text, x, 69, 0.45)
    one = Word("FreightPrepaidCollect", Box(60, 58, 250, 72), 0.99)
    assert [mark.ticked for mark in boxes(page, [one])] == [False, True]
