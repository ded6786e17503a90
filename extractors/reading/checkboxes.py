"""Checkboxes and radio buttons in the picture of a page, and whether they are ticked.

A box is a closed outline of printed size with four straight sides and four corners, or a circle. Its component of ink
is filled, and what is thinner than a box (a tick that goes over the edge) is taken off; what remains must be a square
whose sides are ink. Letters fail on their corners, table cells on their size: their lines hang together with the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extractors.reading.alike import Outline, is_level, spoiled
from extractors.reading.box_print import (
    in_word,
    is_letter,
    is_no_print,
    is_passed_over,
    labelled,
    may_be,
    points,
)
from extractors.reading.ink import Ink
from extractors.reading.outlines import (
    ROUND_POINTS,
    TICKED,
    VERY_ALIKE,
    WELL_DRAWN,
    Candidate,
    candidates,
    fullness,
    is_like,
    stands_apart,
)
from extractors.reading.pale import pale_inks
from schemas.document import Mark, Word

_CLEAR = 0.03
"""So far from that share the verdict is certain."""
LEAST_SCORE = 0.5


def find_checkboxes(ink: Ink, words: Sequence[Word]) -> list[Mark]:
    """The boxes of a page, in no order.

    Args:
        ink: of the page.
        words: on it, with boxes in points.
    """
    found = [replace(one, in_word=in_word(one, ink.scale, words)) for one in candidates(ink, ink.mask)]
    found = [one for one in found if may_be(one, ink.scale, words)]
    found = [
        one
        for one in found
        if not (one.in_word and is_letter(one, ink.scale, words))
        or is_passed_over(one, found, ink.scale, words)
    ]
    marked = _spoiled(ink, words, found, [one for one in found if _has_company(one, found)])
    found = [one for one in found if not any(_same_place(one, other) for other in marked)] + marked
    found = [one for one in found if _has_company(one, found)]
    found += _pale(ink, words, found)
    plain = [one for one in found if one.full < TICKED]
    marks = [_mark(one, ink.scale, words, is_like(one, plain)) for one in found]
    return [mark for mark in marks if mark.score >= LEAST_SCORE]


def _spoiled(
    ink: Ink, words: Sequence[Word], found: Sequence[Candidate], kept: Sequence[Candidate]
) -> list[Candidate]:
    """Ticked boxes whose outline shows beside empty ones of their row or column only, where none is kept."""
    empty = [_outline_of(one) for one in found if one.full < TICKED]
    marked: list[Candidate] = []
    for place, covered, label in spoiled(ink, empty):
        one = Candidate(
            place.x, place.y, place.x + place.side, place.y + place.side,
            0.95 * covered, 1.0, place.round, False, pale=True,
        )  # fmt: skip
        lone, apart, clear, far = stands_apart(one, 0, 0, label, ink.components[0])
        full = fullness(one, ink.mask, ink.mask)
        one = replace(one, full=1.0 if full is None else full, apart=apart, clear=clear, far=far)
        if (
            lone
            and one.full >= 2 * TICKED
            and not any(_same_place(one, other) for other in (*kept, *marked))
            and is_no_print(one, ink.scale, words)
        ):
            marked.append(one)
    return marked


def _pale(ink: Ink, words: Sequence[Word], found: Sequence[Candidate]) -> list[Candidate]:
    """The boxes of pale lines, beside others of their form and size, where none was found before.

    Of scans: what a program drew, and whose letters it gave, is not pale.
    """
    if any(word.confidence is None for word in words):
        return []
    pale = [
        replace(one, pale=True)
        for fainter in pale_inks(ink)
        for one in candidates(fainter, ink.mask)
        if not any(_same_place(one, other) for other in found) and is_no_print(one, ink.scale, words)
    ]
    taken: list[Candidate] = []
    for one in sorted(pale, key=lambda one: (one.solid, -one.drawn)):
        others = [other for other in (*found, *pale) if not _same_place(one, other)]
        if _has_company(one, others) and not any(_same_place(one, other) for other in taken):
            taken.append(one)
    return taken


def _same_place(one: Candidate, other: Candidate) -> bool:
    """Whether the middle of one lies in the other."""
    x, y = (one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2
    return other.x0 <= x <= other.x1 and other.y0 <= y <= other.y1


def _has_company(one: Candidate, all_of_them: Sequence[Candidate]) -> bool:
    """Whether what may be a letter or a bullet stands beside others of its form and size that are plain outlines.

    An empty square is a box by itself, so is one that is drawn very well. Circles, full squares and worn ones are not.
    """
    hollow = one.full < TICKED
    if one.pale:
        alike = [other for other in all_of_them if other is not one and is_like(one, [other])]
        level = [other for other in alike if is_level(_outline_of(one), _outline_of(other))]
        empty = [other for other in alike if other.full < TICKED]
        if hollow:
            return bool(level) or len(empty) > 1
        if one.solid:  # by its size alone it is a box
            return any(other in level and is_like(one, [other], VERY_ALIKE) for other in empty)
        return bool(level and empty)
    if not one.round and not one.solid and (hollow or (one.drawn >= WELL_DRAWN and not one.in_word)):
        return True
    alike = [other for other in all_of_them if other is not one and is_like(one, [other])]
    if hollow:
        return bool(alike)
    return any(
        other.full < TICKED or (not one.solid and not other.solid and other.drawn >= WELL_DRAWN)
        for other in alike
    )


def _outline_of(one: Candidate) -> Outline:
    return Outline(one.x0, one.y0, one.side, one.round)


def _mark(one: Candidate, scale: float, words: Sequence[Word], in_company: bool) -> Mark:
    box = points(one, scale)
    sure = min(abs(one.full - TICKED) / _CLEAR, 1.0)
    score = one.drawn * (0.6 + 0.4 * sure)
    if not labelled(box, words):
        score *= 0.75
    if not in_company:
        score *= 0.88
    if one.round and box.x1 - box.x0 < ROUND_POINTS:
        score = 0.0
    return Mark("checkbox", box, round(min(score, 0.99), 3), one.full >= TICKED)
