"""A part of a word, with a box of its own: the ``9.00`` of ``RM9.00``."""

from __future__ import annotations

import unicodedata

from schemas.document import Box, Word

_NARROW = frozenset(".,:;'’`!|()[]{}iIjlt/\\-")
_WIDE = frozenset("mwMWÆŒ@%—")
_UPRIGHT = 1.5
"""A word of several letters that is so much taller than wide is written up or down the page."""


def part_of(word: Word, start: int, end: int) -> Word:
    """Characters ``start`` to ``end`` of a word.

    Words carry no places of their characters, so the box is shared out: narrow signs take half of what a letter takes,
    wide ones half as much again, marks on a letter nothing. In digits it is right to a fraction of a point. Text that
    runs up, down or from right to left keeps the box of the whole word.
    """
    text, box = word.text, word.box
    if start <= 0 and end >= len(text):
        return word
    widths = [_width(char) for char in text]
    whole = sum(widths)
    turned = box.y1 - box.y0 > _UPRIGHT * max(box.x1 - box.x0, 1e-6) and len(text) > 2
    if turned or not whole or any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return Word(text[start:end], box, word.confidence)
    step = (box.x1 - box.x0) / whole
    x0 = box.x0 + step * sum(widths[:start])
    x1 = box.x0 + step * sum(widths[:end])
    return Word(text[start:end], Box(x0, box.y0, min(x1, box.x1), box.y1), word.confidence)


def _width(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.8
    return 0.5 if char in _NARROW else 1.5 if char in _WIDE else 1.0
