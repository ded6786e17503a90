"""Whether the words of a page say that an outline is a letter, or print beside it that it is a box."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from extractors.reading.outlines import TICKED, WELL_DRAWN, Candidate, is_like
from schemas.document import Box, Word

_WORN_POINTS = 7.5
"""Boxes with worn corners are at least so wide."""
_READ = 0.8
"""Confidence of a recogniser from which its letters are letters."""
_SIGNS = frozenset("@©®℗&%#€£¤")
_LETTERS_INSIDE = 2.0
"""So many letters of a recognised word in one outline are letters."""
_PASSED = 12
"""A word of more letters may be several that were read on over a box."""
_LABEL_POINTS = 26.0
"""A label begins within so many points of its box."""


def may_be(one: Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether an outline is far enough from letters for how well it is drawn."""
    if one.in_word:  # a text layer says itself what is a letter
        exact = any(word.confidence is None for word in _around(one, scale, words))
        return (one.clear or exact) and not one.worn
    return not one.worn or (one.side >= _WORN_POINTS * scale and labelled(points(one, scale), words))


def is_no_print(one: Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether a box stands beside print, and in none, or in words that were read on over it."""
    if in_word(one, scale, words):
        return one.clear and _is_between(one, scale, words)
    return labelled(points(one, scale), words)


def is_letter(one: Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether words say that letters are there.

    A text layer is certain of its own print. A recogniser takes a box for a letter of the word beside it, so that it is
    believed where the letters go on at both sides, where there are several in the box, of numbers, and of circles.
    """
    x0, x1 = one.x0 / scale, one.x1 / scale
    x, y = (x0 + x1) / 2, (one.y0 + one.y1) / 2 / scale
    for word in words:
        box = word.box
        if not (box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1):
            continue
        letters = sum(char.isalnum() for char in word.text)
        if word.confidence is None:
            wide = box.x1 - box.x0 > 0.75 * (x1 - x0)
            if letters > 1 or (wide and (letters or word.text in _SIGNS)):
                return True
        elif letters > 1 and word.confidence >= _READ:
            beyond = min(x0 - box.x0, box.x1 - x1)
            within = min(x1, box.x1) - max(x0, box.x0)
            inside = within * len(word.text) / max(box.x1 - box.x0, 1e-6)
            if (
                not one.apart
                or one.round
                or beyond > 0.3 * (x1 - x0)
                or (one.full >= TICKED and inside >= _LETTERS_INSIDE)
            ):
                return True
        if sum(char.isdigit() for char in word.text) > 1:
            return True
    return False


def is_passed_over(one: Candidate, found: Sequence[Candidate], scale: float, words: Sequence[Word]) -> bool:
    """Whether a recogniser only read on over a box: paper is around it, and it is drawn well or one of several."""
    if not (one.clear if one.round else one.apart) or not _is_between(one, scale, words):
        return False
    row = [
        other
        for other in found
        if other is not one and other.apart and abs(other.y0 - one.y0) < one.side and is_like(one, [other])
    ]
    return (one.drawn >= WELL_DRAWN and not one.round) or bool(row)


def _is_between(one: Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether every word around it was read by a recogniser, and may be several."""
    return all(
        word.confidence is not None and _goes_past(word, one, scale) for word in _around(one, scale, words)
    )


def _around(one: Candidate, scale: float, words: Sequence[Word]) -> list[Word]:
    x, y = (one.x0 + one.x1) / 2 / scale, (one.y0 + one.y1) / 2 / scale
    return [w for w in words if w.box.x0 <= x <= w.box.x1 and w.box.y0 <= y <= w.box.y1]


def _goes_past(word: Word, one: Candidate, scale: float) -> bool:
    """Whether a word, several by its capitals or length, goes on at both sides of a box by more than that."""
    before, behind = one.x0 / scale - word.box.x0, word.box.x1 - one.x1 / scale
    return (
        min(before, behind) > one.side / scale
        and (one.far or _is_several(word.text))
        and _is_worded(word.text)
    )


def _is_several(text: str) -> bool:
    return sum(map(str.isalpha, text)) > _PASSED or any(
        a.islower() and b.isupper() for a, b in pairwise(text)
    )


def _is_worded(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= 0.8 * len(text)


def in_word(one: Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether its middle lies in a word of two letters or more."""
    return any(
        sum(char.isalnum() for char in word.text) > 1 or word.confidence is None
        for word in _around(one, scale, words)
    )


def points(one: Candidate, scale: float) -> Box:
    return Box(one.x0 / scale, one.y0 / scale, one.x1 / scale, one.y1 / scale)


def labelled(box: Box, words: Sequence[Word]) -> bool:
    """Whether print stands beside the box."""
    middle = (box.y0 + box.y1) / 2
    for word in words:
        if word.box.y0 <= middle <= word.box.y1 and (
            (word.box.x0 < box.x0 and box.x1 < word.box.x1)  # was read on over it
            or -2 <= word.box.x0 - box.x1 <= _LABEL_POINTS
            or -2 <= box.x0 - word.box.x1 <= _LABEL_POINTS
        ):
            return True
    return False
