"""Signatures: connected strokes by hand that no word explains, large and thin, mostly upon a line or by its label."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink
from schemas.document import Box, Mark, Word

_WIDE, _HIGH = (22.0, 260.0), (9.0, 95.0)
_ASPECT = (0.7, 11.0)
_REACH = (7.0, 3.0)
"""Points across and down over which the pen was lifted within a signature."""
_STROKE = (14.0, 8.0)
"""Points that one connected stroke is wide and high at least: larger than a letter of print."""
_SHARE, _SHARE_ASKED = 0.15, 0.1
"""Of the width, that the largest connected stroke takes; the latter upon a line that asks for a signature."""
_THIN_POINTS = 2.8
_BLOB = 14.0
"""What is so many points thick was not written."""
_FULL = (0.015, 0.36)
"""Share of ink in the box of a signature."""
_RUN_POINTS = 12.0
_STRAIGHT = 0.5
"""So much of the ink at most lies in straight runs along the page: more is a table or a logo."""
_STRAIGHT_ASKED, _ASKED = 0.68, 0.39
"""The same of what stands upon a line that asks for a signature: some end in a long flourish."""
_FOOT, _AT_FOOT = 0.55, 0.8
"""What is straight is a line that was signed upon if so much of it lies in the lower part."""
_READ = 0.75
_TALL = 1.7
"""A recognised word so many times as high as the others may be a signature that was read."""
_ABOVE, _BEYOND, _FOLLOWED = 12.0, 20.0, 0.6
"""A word so near to one that asks for a signature may be a part of it, if ink is in so many columns beside it."""
_LABELS = (
    "signature", "signed", "sign here", "unterschrift", "signe", "firma", "handtekening", "podpis", "secretary",
    "approved by", "authorized", "received by", "notary", "by:",
)  # fmt: skip
_NAMED_AFTER = frozenset({"of", "de", "della", "der"})
"""Behind these a signature is what something else is named after: its date, its place."""
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
    rules = ink.rules
    asking = [
        word
        for before, word in zip((None, *words), words, strict=False)
        if _asks(word) and (before is None or before.text.casefold() not in _NAMED_AFTER)
    ]
    rest = _without_words(ink, words, taken, rules, asking)
    rest[rules > 0] = 0
    across, down = (ink.pixels(reach) for reach in _REACH)
    joined = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((down, across), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found: list[Mark] = []
    edge = ink.pixels(2.0)
    for label in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[label])
        strokes = rest[y : y + h, x : x + w] * (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        if not _fits(w / ink.scale, h / ink.scale):
            if h <= _HIGH[1] * ink.scale or not asking:
                continue
            part = _largest_stroke(strokes, ink)  # of what a fold of the paper has joined
            if part is None:
                continue
            left, top, w, h = part
            strokes = strokes[top : top + h, left : left + w]
            x, y = x + left, y + top
        if min(x, y) <= edge or x + w >= ink.mask.shape[1] - edge or y + h >= ink.mask.shape[0] - edge:
            continue  # what the scanner saw beside the page
        box = Box(x / ink.scale, y / ink.scale, (x + w) / ink.scale, (y + h) / ink.scale)
        blob = np.ones((ink.pixels(_BLOB), ink.pixels(_BLOB)), np.uint8)
        if cv2.erode(ink.mask[y : y + h, x : x + w], blob, borderValue=0).any():
            continue  # a punched hole, a picture
        support = _support(box, rules, ink, asking)
        shape = _shape(strokes, ink, asked=support >= _ASKED)
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


def _largest_stroke(strokes: Grid, ink: Ink) -> tuple[int, int, int, int] | None:
    """Where the largest connected stroke is that may be a signature by its size; ``None``: none may."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    fit = [n for n in range(1, count) if _fits(stats[n, 2] / ink.scale, stats[n, 3] / ink.scale)]
    if not fit:
        return None
    x, y, w, h, _ = (int(value) for value in stats[max(fit, key=lambda n: int(stats[n, 2] * stats[n, 3]))])
    return x, y, w, h


def _without_words(
    ink: Ink, words: Sequence[Word], taken: Sequence[Box], rules: Grid, asking: Sequence[Word]
) -> Grid:
    """The ink that no word explains. A recogniser reads signatures too, as large words of which it is not sure.

    Or of which it is, but they go on beyond the word.
    """
    rest: Grid = ink.mask.copy()
    usual = median([word.box.y1 - word.box.y0 for word in words]) if words else 0.0
    boxes = [
        word.box
        for word in words
        if word.confidence is None
        or (
            word.confidence >= _READ
            and word.box.y1 - word.box.y0 <= _TALL * usual
            and not (
                any(one is not word and _gap(one.box, word.box) <= _ABOVE for one in asking)
                and _goes_on(ink, rules, word, words)
            )
        )
    ]
    for box in (*boxes, *taken):
        x0, y0, x1, y1 = (value * ink.scale for value in (box.x0, box.y0, box.x1, box.y1))
        rest[max(int(y0) - 1, 0) : int(y1) + 2, max(int(x0) - 1, 0) : int(x1) + 2] = 0
    return rest


def _goes_on(ink: Ink, rules: Grid, word: Word, words: Sequence[Word]) -> bool:
    """Whether ink that no other word explains follows a word or goes before it: print ends with its letters."""
    box, reach = word.box, _BEYOND
    top, bottom = max(round(box.y0 * ink.scale), 0), round(box.y1 * ink.scale)
    for x0, x1 in ((box.x0 - reach, box.x0 - 1), (box.x1 + 1, box.x1 + reach)):
        if any(
            one is not word
            and one.box.x0 < x1 and one.box.x1 > x0 and one.box.y0 < box.y1 and one.box.y1 > box.y0
            for one in words
        ):  # fmt: skip
            continue
        crop = np.s_[top:bottom, max(round(x0 * ink.scale), 0) : max(round(x1 * ink.scale), 0)]
        beside = (ink.mask[crop] > 0) & (rules[crop] == 0)
        if beside.size and float(beside.any(axis=0).mean()) >= _FOLLOWED:
            return True
    return False


def _straight_of(strokes: Grid, ink: Ink) -> Grid:
    """What of some strokes runs straight along the page or down it."""
    run = ink.pixels(_RUN_POINTS)
    across = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((1, run), np.uint8))
    return cv2.bitwise_or(across, cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((run, 1), np.uint8)))


def _shape(strokes: Grid, ink: Ink, *, asked: bool, again: bool = False) -> float | None:
    """How much some strokes look like handwriting, 0.3 to 0.6; ``None``: not at all.

    Args:
        strokes: crop of the page.
        ink: of the page.
        asked: whether they stand upon a line that asks for a signature.
        again: whether what is straight of them was taken off.
    """
    height, width = strokes.shape
    area = int(strokes.sum())
    if not _FULL[0] <= area / (height * width) <= _FULL[1]:
        return None
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes, connectivity=8)
    if count < 2:
        return None
    largest = int(np.argmax(stats[1:, 2] * stats[1:, 3])) + 1
    w, h = int(stats[largest, 2]), int(stats[largest, 3])
    if (
        w < _STROKE[0] * ink.scale
        or h < _STROKE[1] * ink.scale
        or w < (_SHARE_ASKED if asked else _SHARE) * width
    ):
        return None
    contours, _ = cv2.findContours(strokes, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    around = sum(cv2.arcLength(contour, True) for contour in contours)
    thickness = 2 * area / max(around, 1.0)
    if thickness > _THIN_POINTS * ink.scale:
        return None
    straight = _straight_of(strokes, ink)
    if float(straight.sum()) > (_STRAIGHT_ASKED if asked else _STRAIGHT) * area:
        rows = np.nonzero(straight)[0]
        if not asked or again or float((rows >= _FOOT * height).mean()) < _AT_FOOT:
            return None
        rest = strokes & (1 - cv2.dilate(straight, np.ones((3, 1), np.uint8)))
        return _shape(np.asarray(rest), ink, asked=True, again=True)  # the line it stands upon is still there
    length = around / 2
    winding = length / max(w + h, 1)  # a line that goes to and fro
    return 0.3 + 0.15 * min(max(winding - 0.8, 0.0), 1.0) + 0.15 * min(w / (60 * ink.scale), 1.0)


def _support(box: Box, rules: Grid, ink: Ink, asking: Sequence[Word]) -> float:
    """What around a signature speaks for it: a line below or through its foot, words that ask for it."""
    found = 0.0
    x0, x1 = int(box.x0 * ink.scale), int(box.x1 * ink.scale)
    top = int((box.y0 + 0.35 * (box.y1 - box.y0)) * ink.scale)
    bottom = int((box.y1 + 12) * ink.scale)
    band = rules[max(top, 0) : bottom, max(x0, 0) : x1]
    if band.size and float(band.max(axis=0).mean()) >= 0.55:
        found += 0.15
    if any(_gap(word.box, box) <= _NEAR_POINTS for word in asking):
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
