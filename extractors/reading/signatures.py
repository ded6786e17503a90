"""Signatures: connected strokes by hand that no word explains, large and thin, mostly upon a line or by its label."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink, rules_of
from schemas.document import Box, Mark, Word

_WIDE, _HIGH = (22.0, 260.0), (9.0, 95.0)
_ASPECT = (0.7, 11.0)
_REACH = (7.0, 3.0)
"""Points across and down over which the pen was lifted within a signature."""
_STROKE = (14.0, 8.0)
"""Points that one connected stroke is wide and high at least: larger than a letter of print."""
_SHARE = 0.15
"""Of the width, that the largest connected stroke takes."""
_THIN_POINTS = 2.8
_FULL = (0.015, 0.36)
"""Share of ink in the box of a signature."""
_RUN_POINTS = 12.0
_STRAIGHT = 0.5
"""So much of the ink at most lies in straight runs along the page: more is a table or a logo."""
_STRAIGHT_ASKED, _ASKED = 0.68, 0.39
"""The same of what stands upon a line that asks for a signature: some end in a long flourish."""
_READ = 0.75
_TALL = 1.7
"""A recognised word so many times as high as the others may be a signature that was read."""
_LABELS = (
    "signature", "signed", "sign here", "unterschrift", "signe", "firma", "handtekening", "podpis", "secretary",
    "approved by", "authorized", "received by", "notary", "by:",
)  # fmt: skip
_NEAR_POINTS = 42.0
_MANY = 2
LEAST_SCORE = 0.55


def find_signatures(ink: Ink, words: Sequence[Word], taken: Sequence[Box]) -> list[Mark]:
    """The signatures of a page.

    Args:
        ink: of the page.
        words: on it.
        taken: boxes in points whose ink belongs to other marks.
    """
    rules = rules_of(ink)
    rest = _without_words(ink, words, taken)
    rest[rules > 0] = 0
    across, down = (ink.pixels(reach) for reach in _REACH)
    joined = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((down, across), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found: list[Mark] = []
    edge = ink.pixels(2.0)
    for label in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[label])
        if not _fits(w / ink.scale, h / ink.scale):
            continue
        if min(x, y) <= edge or x + w >= ink.mask.shape[1] - edge or y + h >= ink.mask.shape[0] - edge:
            continue  # what the scanner saw beside the page
        strokes = rest[y : y + h, x : x + w] * (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        box = Box(x / ink.scale, y / ink.scale, (x + w) / ink.scale, (y + h) / ink.scale)
        support = _support(box, rules, ink, words)
        shape = _shape(strokes, ink, _STRAIGHT_ASKED if support >= _ASKED else _STRAIGHT)
        if shape is None:
            continue
        score = shape + support
        if score >= LEAST_SCORE:
            found.append(Mark("signature", box, round(min(score, 0.97), 3)))
    found = _merged(found)
    if len(found) > _MANY:  # a page filled in by hand: what is not asked for as a signature is an answer
        found = [mark for mark in found if mark.score > 0.8]
    return found


def _fits(width: float, height: float) -> bool:
    return (
        _WIDE[0] <= width <= _WIDE[1]
        and _HIGH[0] <= height <= _HIGH[1]
        and _ASPECT[0] <= width / height <= _ASPECT[1]
    )


def _without_words(ink: Ink, words: Sequence[Word], taken: Sequence[Box]) -> Grid:
    """The ink that no word explains. A recogniser reads signatures too, as large words of which it is not sure."""
    rest: Grid = ink.mask.copy()
    usual = median([word.box.y1 - word.box.y0 for word in words]) if words else 0.0
    boxes = [
        word.box
        for word in words
        if word.confidence is None
        or (word.confidence >= _READ and word.box.y1 - word.box.y0 <= _TALL * usual)
    ]
    for box in (*boxes, *taken):
        x0, y0, x1, y1 = (value * ink.scale for value in (box.x0, box.y0, box.x1, box.y1))
        rest[max(int(y0) - 1, 0) : int(y1) + 2, max(int(x0) - 1, 0) : int(x1) + 2] = 0
    return rest


def _shape(strokes: Grid, ink: Ink, straightest: float) -> float | None:
    """How much some strokes look like handwriting, 0.3 to 0.6; ``None``: not at all."""
    height, width = strokes.shape
    area = int(strokes.sum())
    if not _FULL[0] <= area / (height * width) <= _FULL[1]:
        return None
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    if count < 2:
        return None
    largest = int(np.argmax(stats[1:, 2] * stats[1:, 3])) + 1
    w, h = int(stats[largest, 2]), int(stats[largest, 3])
    if w < _STROKE[0] * ink.scale or h < _STROKE[1] * ink.scale or w < _SHARE * width:
        return None
    contours, _ = cv2.findContours(strokes, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    around = sum(cv2.arcLength(contour, True) for contour in contours)
    thickness = 2 * area / max(around, 1.0)
    if thickness > _THIN_POINTS * ink.scale:
        return None
    run = ink.pixels(_RUN_POINTS)
    straight = cv2.bitwise_or(
        cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((1, run), np.uint8)),
        cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8)),
    )
    if float(straight.sum()) > straightest * area:
        return None
    length = around / 2
    winding = length / max(w + h, 1)  # a line that goes to and fro
    return 0.3 + 0.15 * min(max(winding - 0.8, 0.0), 1.0) + 0.15 * min(w / (60 * ink.scale), 1.0)


def _support(box: Box, rules: Grid, ink: Ink, words: Sequence[Word]) -> float:
    """What around a signature speaks for it: a line below or through its foot, words that ask for it."""
    found = 0.0
    x0, x1 = int(box.x0 * ink.scale), int(box.x1 * ink.scale)
    top = int((box.y0 + 0.35 * (box.y1 - box.y0)) * ink.scale)
    bottom = int((box.y1 + 12) * ink.scale)
    band = rules[max(top, 0) : bottom, max(x0, 0) : x1]
    if band.size and float(band.max(axis=0).mean()) >= 0.55:
        found += 0.15
    if any(_asks(word) and _gap(word.box, box) <= _NEAR_POINTS for word in words):
        found += 0.25
    return found


def _asks(word: Word) -> bool:
    text = word.text.casefold().strip("():. ,_")
    return any(label in text for label in _LABELS if " " not in label) or text == "by"


def _gap(one: Box, other: Box) -> float:
    across = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    down = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return across + down


def _merged(found: list[Mark]) -> list[Mark]:
    """Parts of one signature as one."""
    out: list[Mark] = []
    for mark in sorted(found, key=lambda one: -one.score):
        near = next((n for n, one in enumerate(out) if _gap(one.box, mark.box) <= 10.0), None)
        if near is None:
            out.append(mark)
            continue
        a, b = out[near].box, mark.box
        box = Box(min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1))
        out[near] = Mark("signature", box, out[near].score)
    return out
