"""Boxes of bad scans: pale, grainy, blurred, spoiled by their own ticks, read on over; and what must not become one."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from extractors.reading.geometry import Frame2D
from extractors.reading.marks import find_marks
from extractors.reading.parted import parted_at_boxes
from schemas.document import Box, Mark, Word

SCALE = 150 / 72
FRAME = Frame2D(420.0, 300.0)
Picture = NDArray[np.uint8]
Point = tuple[int, int]


def paper() -> Picture:
    return np.full((round(FRAME.height * SCALE), round(FRAME.width * SCALE), 3), 235, np.uint8)


def at(x: float, y: float) -> Point:
    return round(x * SCALE), round(y * SCALE)


def write(page: Picture, text: str, x: float, y: float, color: int = 40, thick: int = 1) -> Word:
    """Print, and its box as a recogniser gives it: higher than the letters."""
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.55, thick)
    cv2.putText(page, text, at(x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (color,) * 3, thick, cv2.LINE_AA)
    return Word(text, Box(x, y - height / SCALE - 4, x + width / SCALE, y + 4), 0.95)


def scanned(page: Picture, seed: int, grain: float, blur: float = 0.7, quality: int = 60) -> Picture:
    """A page with grain, blurred and packed as JPEG."""
    noise = np.random.default_rng(seed).normal(0, grain, page.shape[:2])[..., None]
    soft = cv2.GaussianBlur(page, (0, 0), blur).astype(np.float32) + noise
    _, packed = cv2.imencode(
        ".jpg", np.clip(soft, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)


def boxes(page: Picture, words: list[Word]) -> list[Mark]:
    marks = [mark for mark in find_marks(page, FRAME, words) if mark.kind == "checkbox"]
    return sorted(marks, key=lambda mark: mark.box.x0)


def form(tick: str, *, form: str = "box", pale: int = 175, color: int = 40) -> tuple[Picture, list[Word]]:
    """Three boxes in a row, the middle one ticked, among enough print."""
    page, words = paper(), []
    for row in range(6):
        words.append(write(page, "Terms of payment and delivery", 30, 40 + 24 * row))
    for number, label in enumerate(("none", "partly", "all of it")):
        x, y = 40 + 110 * number, 220
        if form == "box":
            cv2.rectangle(page, at(x, y), at(x + 9.5, y + 9.5), (pale,) * 3, 1)
        else:
            cv2.circle(page, at(x + 4.75, y + 4.75), round(4.75 * SCALE), (pale,) * 3, 1, cv2.LINE_AA)
        words.append(write(page, label, x + 17, y + 8.5))
        if number == 1:
            _tick(page, tick, x, y, color)
    return page, words


def _tick(page: Picture, tick: str, x: float, y: float, color: int) -> None:
    lines: dict[str, list[tuple[float, float, float, float]]] = {
        "cross": [(1, 1, 8.5, 8.5), (1, 8.5, 8.5, 1)],
        "hook": [(1.5, 5, 4, 8), (4, 8, 11.5, -2.5)],
        "bar": [(0.5, 8.5, 9, 1)],
    }
    for x0, y0, x1, y1 in lines.get(tick, []):
        cv2.line(page, at(x + x0, y + y0), at(x + x1, y + y1), (color,) * 3, 2, cv2.LINE_AA)
    if tick == "dot":
        cv2.circle(page, at(x + 4.75, y + 4.75), round(2.6 * SCALE), (color,) * 3, -1, cv2.LINE_AA)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tick", ["cross", "hook", "bar", "dot"])
def test_pale_boxes_in_grain_are_found_and_told_apart(tick: str, seed: int) -> None:
    page, words = form(tick)
    found = boxes(scanned(page, seed, grain=7.0), words)
    assert [mark.ticked for mark in found] == [False, True, False]
    assert all(abs(mark.box.x0 - 40 - 110 * n) < 3 for n, mark in enumerate(found))


@pytest.mark.parametrize("seed", range(3))
def test_a_circle_under_a_hook_is_found_beside_empty_ones(seed: int) -> None:
    page, words = form("hook", form="circle", pale=110)
    found = boxes(scanned(page, seed, grain=3.0), words)
    assert [mark.ticked for mark in found] == [False, True, False]


@pytest.mark.parametrize("seed", range(4))
def test_bold_blurred_letters_are_no_boxes(seed: int) -> None:
    page, words = paper(), []
    for row, text in enumerate(("DOUBLE BOOKED 0080 QDO", "BOX 88 DEPOT OOPS 6 8 9", "oboe DOOR 0 D O Q 80")):
        x = 25.0
        for word in text.split():
            words.append(write(page, word, x, 60 + 40 * row, 60, 3))
            x = words[-1].box.x1 + 9
    assert boxes(scanned(page, seed, grain=6.0, blur=1.2), words) == []


def test_grain_alone_is_no_box() -> None:
    page = paper()
    words = [write(page, "one line of print", 60, 60)]
    assert boxes(scanned(page, 5, grain=16.0), words) == []


def test_words_that_were_read_on_over_boxes_end_where_their_ink_does() -> None:
    page = paper()
    words = [write(page, "Terms of payment and delivery", 30, 40 + 24 * row) for row in range(4)]
    first = write(page, "partly", 84, 200)
    second = write(page, "All", 138, 200)
    for x in (66.0, 120.0):
        cv2.rectangle(page, at(x, 191.5), at(x + 9, 200.5), (70, 70, 70), 1)
    glued = Word("partlyAll", Box(first.box.x0, first.box.y0, second.box.x1, second.box.y1), 0.95)
    pixels = scanned(page, 1, grain=3.0)
    marks = boxes(pixels, [*words, glued])
    assert len(marks) == 2
    parts = parted_at_boxes([glued], marks, pixels, SCALE)
    assert [word.text for word in parts] == ["partly", "All"]
    assert abs(parts[0].box.x1 - first.box.x1) < 3 and abs(parts[1].box.x0 - second.box.x0) < 3


@pytest.mark.parametrize("word", ["No", "Standard"])
def test_a_thick_ring_around_a_short_word_is_found(word: str) -> None:
    page = paper()
    said = write(page, word, 100, 100)
    wide = (said.box.x1 - said.box.x0) / 2
    middle = (said.box.x0 + said.box.x1) / 2, 96.0
    turns = np.linspace(0, 2 * math.pi, 60)
    points = [at(middle[0] + (wide + 6) * math.cos(t), middle[1] + 9 * math.sin(t)) for t in turns]
    cv2.polylines(page, [np.array(points, np.int32)], True, (60, 60, 60), 3, cv2.LINE_AA)
    marks = find_marks(scanned(page, 2, grain=3.0, blur=1.0), FRAME, [said])
    assert [mark.kind for mark in marks] == ["ring"]


def test_a_cell_with_a_word_in_it_is_no_ring() -> None:
    page = paper()
    said = write(page, "Estimate", 100, 100)
    cv2.rectangle(page, at(94, 86), at(said.box.x1 + 6, 106), (60, 60, 60), 3)
    assert [mark.kind for mark in find_marks(scanned(page, 2, 3.0), FRAME, [said])] == []
