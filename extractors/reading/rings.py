"""Rings that a hand drew around words: how choices are marked without boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink
from schemas.document import Box, Mark, Word

_WIDE, _HIGH = (13.0, 170.0), (10.0, 42.0)
_TALLER = (1.05, 3.0)
"""A ring is so many times as high as the words in it."""
_HOLLOW = 0.58
"""Share of ink in the box of a ring, with its words, at most: small rings of thick lines, blurred, are half ink."""
_PAPER = 0.22
"""Share of a ring that is neither ring nor word, at least."""
_OVAL = (0.86, 1.16)
_FILLED = 0.3
"""Share of its width that the words in a ring take."""
_LETTERS = 2
SCORE = 0.85


def find_rings(ink: Ink, words: Sequence[Word]) -> list[tuple[Mark, Box]]:
    """The rings of a page; their boxes are those of the words that are meant. With each where its own ink is."""
    labels, stats = ink.components
    scale = ink.scale
    width, height = stats[:, 2] / scale, stats[:, 3] / scale
    likely = (width >= _WIDE[0]) & (width <= _WIDE[1]) & (height >= _HIGH[0]) & (height <= _HIGH[1])
    likely &= (stats[:, 4] <= _HOLLOW * stats[:, 2] * stats[:, 3]) & (width >= 0.9 * height)
    likely[0] = False
    found = []
    for label in map(int, np.flatnonzero(likely)):
        x, y, w, h, _ = (int(value) for value in stats[label])
        box = Box(x / scale, y / scale, (x + w) / scale, (y + h) / scale)
        inside = [word for word in words if _within(word.box, box)]
        if not inside or not _fits(inside, box):
            continue
        crop = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        if _is_oval(crop):
            around = _around([word.box for word in inside])
            found.append((Mark("ring", around, SCORE), box))
    return found


def _within(word: Box, ring: Box) -> bool:
    middle = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    wide = word.x1 - word.x0 <= 1.02 * (ring.x1 - ring.x0)
    return wide and ring.x0 < middle[0] < ring.x1 and ring.y0 < middle[1] < ring.y1


def _fits(inside: Sequence[Word], ring: Box) -> bool:
    box = _around([word.box for word in inside])
    times = (ring.y1 - ring.y0) / max(box.y1 - box.y0, 0.1)
    letters = sum(char.isalnum() for word in inside for char in word.text)
    return _TALLER[0] <= times <= _TALLER[1] and letters >= _LETTERS and (
        box.x1 - box.x0 >= _FILLED * (ring.x1 - ring.x0)
    )  # fmt: skip


def _is_oval(crop: Grid) -> bool:
    """Whether a component closes around an oval, nearly: a hand may leave a gap."""
    drawn = cv2.copyMakeBorder(crop, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    if len(contour) < 12:
        return False
    area = float(cv2.contourArea(contour))
    if area - float(crop.sum()) < _PAPER * area or _has_corners(crop):
        return False
    _, (a, b), _ = cv2.fitEllipse(contour)
    if min(a, b) < 4:
        return False
    inner = closed[closed.shape[0] // 2, 4:-4]
    across = int(inner[: max(len(inner) // 6, 2)].any()) + int(inner[-max(len(inner) // 6, 2) :].any())
    return _OVAL[0] <= area / (math.pi / 4 * a * b) <= _OVAL[1] and across == 2


def _has_corners(crop: Grid) -> bool:
    """Whether ink is in two corners of a component or more: of a cell's frame, not of a ring."""
    high, wide = max(crop.shape[0] // 12, 2), max(crop.shape[1] // 12, 2)
    corners = crop[:high, :wide], crop[:high, -wide:], crop[-high:, :wide], crop[-high:, -wide:]
    return sum(bool(corner.any()) for corner in corners) > 1


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )
