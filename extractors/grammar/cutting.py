"""A part of a word, with a box of its own: the ``9.00`` of ``RM9.00``."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from schemas.document import Box, Word

_NARROW = frozenset(".,:;'’`!|()[]{}iIjlt/\\-")
_WIDE = frozenset("mwMWÆŒ@%—")
_UPRIGHT = 1.5
"""A word of several letters that is so much taller than wide is written up or down the page."""


def part_of(word: Word, start: int, end: int) -> Word:
    """Characters ``start`` to ``end`` of a word.

    Words carry no places of their characters, so the box is shared out: narrow signs take half of what a letter takes,
    wide ones half as much again, marks on a letter nothing. In digits it is right to a fraction of a point. Text that
    runs from right to left, or that is as tall as if it ran up or down without saying so, keeps the box of the whole
    word.
    """
    text, box = word.text, word.box
    if start <= 0 and end >= len(text):
        return word
    widths = [_width(char) for char in text]
    whole = sum(widths)
    along = word.turned % 2 == 1
    tall = box.y1 - box.y0 > _UPRIGHT * max(box.x1 - box.x0, 1e-6) and len(text) > 2
    if tall != along or not whole or any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return replace(word, text=text[start:end])
    begin, end_at = sum(widths[:start]) / whole, sum(widths[:end]) / whole
    if word.turned >= 2:
        begin, end_at = 1 - end_at, 1 - begin
    low, high = (box.y0, box.y1) if along else (box.x0, box.x1)
    first, last = low + (high - low) * begin, min(low + (high - low) * end_at, high)
    part = Box(box.x0, first, box.x1, last) if along else Box(first, box.y0, last, box.y1)
    return replace(word, text=text[start:end], box=part)


def _width(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.8
    return 0.5 if char in _NARROW else 1.5 if char in _WIDE else 1.0
