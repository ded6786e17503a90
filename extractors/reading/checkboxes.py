"""Checkboxes and radio buttons in the picture of a page, and whether they are ticked.

A box is a closed outline of printed size with four straight sides and four corners, or a circle. Its component of ink
is filled, and what is thinner than a box (a tick that goes over the edge) is taken off; what remains must be a square
whose sides are ink. Letters fail on their corners, table cells on their size: their lines hang together with the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np

from extractors.reading.alike import Outline, is_level, spoiled
from extractors.reading.ink import Grid, Ink
from extractors.reading.pale import pale_inks
from schemas.document import Box, Mark, Word

SIDE_POINTS = (5.8, 21.0)
"""Printed boxes are 6 to 20 points wide."""
_REACH = 2.6
"""A component is looked at up to so many sides: a tick may go far over the edge."""
_TICK_POINTS = (3.0, 4.8)
"""What is thinner than this is a stroke and no box."""
_ASPECT = 1.3
_SQUARE = 0.88
"""Share of its tightest rectangle that a filled square covers."""
_ROUND = (0.93, 1.11)
"""The same for circles, against an ellipse."""
_COVERED = 0.8
"""Share of each side that must be ink."""
_CORNER = 0.24
_CORNERED = 0.8
"""Of each corner, a quarter of the side wide, so much is covered once the outline is filled."""
_WELL_COVERED, _LESS_CORNERED = 0.9, 0.72
"""Where the sides are whole, a corner may be worn: of a disc half is covered."""
_WORN_POINTS = 7.5
"""Boxes with worn corners are at least so wide."""
_WALL = 0.12
"""Of the side: what lies so near the edge is outline at any rate, and no tick."""
_THICK = 0.24
"""Of the side: the thickest outline."""
_TICKED = 0.055
"""Share of ink within the walls from which a box is ticked."""
_CLEAR = 0.03
"""So far from that share the verdict is certain."""
_SOLID = 0.9
"""A square so full is a bullet, unless boxes of its size stand on the page."""
_ROUND_POINTS = 6.6
"""Circles smaller than this are letters or bullets."""
_ROUND_COVERED = 0.92
_ALONE = 0.3
"""Of its side: so much paper is left and right of a circle, and at one end of a square, or it is a letter of a word."""
_FAR = 0.45
"""Of its side: no two letters of a word stand so far apart."""
_APART = 0.12
"""Of its side: so much paper is at both ends of a square."""
_GOES_ON = 0.4
"""Of its height: where its own ink goes on beside it in so many rows, that is a letter."""
_OVER = 2.3
"""A tick makes a component so many sides wide and high at most."""
_STRAIGHT = 0.75
"""Of the least side: a square has two columns and two rows of so much ink, a box apart."""
_ALIKE, _VERY_ALIKE = 1.2, 1.12
"""Boxes of one form differ at most by this factor in size; the second for what is all ink."""
_WELL_DRAWN = 0.965
"""How well a ticked square is drawn that counts by itself."""
_READ = 0.8
"""Confidence of a recogniser from which its letters are letters."""
_SIGNS = frozenset("@©®℗&%#€£¤")
_LETTERS_INSIDE = 2.0
"""So many letters of a recognised word in one outline are letters."""
_PASSED = 12
"""A word of more letters may be several that were read on over a box."""
_LABEL_POINTS = 26.0
"""A label begins within so many points of its box."""
LEAST_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An outline that may be a box: centre and side in pixels, how well it is drawn, how full it is (all 0..1)."""

    x0: float
    y0: float
    x1: float
    y1: float
    drawn: float
    full: float
    round: bool
    solid: bool
    in_word: bool = False
    apart: bool = False
    clear: bool = False
    far: bool = False
    pale: bool = False
    worn: bool = False

    @property
    def side(self) -> float:
        return ((self.x1 - self.x0) + (self.y1 - self.y0)) / 2


def find_checkboxes(ink: Ink, words: Sequence[Word]) -> list[Mark]:
    """The boxes of a page, in no order.

    Args:
        ink: of the page.
        words: on it, with boxes in points.
    """
    found = [replace(one, in_word=_in_word(one, ink.scale, words)) for one in _candidates(ink, ink.mask)]
    found = [one for one in found if _may_be(one, ink.scale, words)]
    found = [
        one
        for one in found
        if not (one.in_word and _is_letter(one, ink.scale, words))
        or _is_passed_over(one, found, ink.scale, words)
    ]
    found += _spoiled(ink, words, found)
    found = [one for one in found if _has_company(one, found)]
    found += _pale(ink, words, found)
    plain = [one for one in found if one.full < _TICKED]
    marks = [_mark(one, ink.scale, words, _is_like(one, plain)) for one in found]
    return [mark for mark in marks if mark.score >= LEAST_SCORE]


def _may_be(one: _Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether an outline is far enough from letters for how well it is drawn."""
    if one.in_word:
        return one.clear and not one.worn
    return not one.worn or (one.side >= _WORN_POINTS * scale and _labelled(_points(one, scale), words))


def _spoiled(ink: Ink, words: Sequence[Word], found: Sequence[_Candidate]) -> list[_Candidate]:
    """Ticked boxes whose outline shows beside empty ones of their row or column only."""
    empty = [_outline_of(one) for one in found if one.full < _TICKED]
    marked = []
    for place, covered, label in spoiled(ink, empty):
        one = _Candidate(
            place.x, place.y, place.x + place.side, place.y + place.side,
            0.95 * covered, 1.0, place.round, False, pale=True,
        )  # fmt: skip
        lone, apart, clear, far = _stands_apart(one, 0, 0, label, ink.components[0])
        full = _fullness(one, ink.mask, ink.mask)
        one = replace(one, full=1.0 if full is None else full, apart=apart, clear=clear, far=far)
        if (
            lone
            and one.full >= 2 * _TICKED
            and not any(_same_place(one, other) for other in (*found, *marked))
            and _is_no_print(one, ink.scale, words)
        ):
            marked.append(one)
    return marked


def _is_no_print(one: _Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether a box stands beside print, and in none, or in words that were read on over it."""
    if _in_word(one, scale, words):
        return one.clear and _is_between(one, scale, words)
    return _labelled(_points(one, scale), words)


def _pale(ink: Ink, words: Sequence[Word], found: Sequence[_Candidate]) -> list[_Candidate]:
    """The boxes of pale lines, beside others of their form and size, where none was found before.

    Of scans: what a program drew, and whose letters it gave, is not pale.
    """
    if any(word.confidence is None for word in words):
        return []
    pale = [
        replace(one, pale=True)
        for fainter in pale_inks(ink)
        for one in _candidates(fainter, ink.mask)
        if not any(_same_place(one, other) for other in found) and _is_no_print(one, ink.scale, words)
    ]
    taken: list[_Candidate] = []
    for one in sorted(pale, key=lambda one: (one.solid, -one.drawn)):
        others = [other for other in (*found, *pale) if not _same_place(one, other)]
        if _has_company(one, others) and not any(_same_place(one, other) for other in taken):
            taken.append(one)
    return taken


def _candidates(ink: Ink, content: Grid) -> Iterator[_Candidate]:
    labels, stats = ink.components
    low, high = (side * ink.scale for side in SIDE_POINTS)
    width, height, area = stats[:, 2], stats[:, 3], stats[:, 4]
    likely = (np.minimum(width, height) >= 0.9 * low) & (np.maximum(width, height) <= _REACH * high)
    likely &= area >= 2.2 * low  # an outline
    likely[0] = False
    for label in map(int, np.flatnonzero(likely)):
        x, y, w, h, _ = (int(value) for value in stats[label])
        crop = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        square = _has_walls(crop, low)
        circle = min(w, h) >= _ROUND_POINTS * ink.scale and _is_alone(ink.mask, x, y, w, h)
        one = _outline(crop, ink, low, high, circle) if square or circle else None
        if one is None or max(w, h) > _OVER * one.side:
            continue
        lone, apart, clear, far = _stands_apart(one, x, y, label, labels)
        if lone:
            full = _fullness(one, ink.mask[y : y + h, x : x + w], content[y : y + h, x : x + w])
            yield replace(
                one,
                x0=one.x0 + x,
                y0=one.y0 + y,
                x1=one.x1 + x,
                y1=one.y1 + y,
                full=1.0 if full is None else full,
                solid=one.solid or full is None,
                apart=apart,
                clear=clear,
                far=far,
            )


def _has_walls(crop: Grid, low: float) -> bool:
    """Whether a component has straight strokes as a square has: a quick look that few letters pass."""
    for axis in (0, 1):
        strokes = crop.sum(axis=axis, dtype=np.int32)
        strokes[1:] = np.maximum(strokes[1:], strokes[1:] * 0.6 + strokes[:-1] * 0.6)  # a little askew
        straight = np.flatnonzero(strokes >= _STRAIGHT * low)
        if not len(straight) or straight[-1] - straight[0] < 0.8 * low:
            return False
    return True


def _is_alone(mask: Grid, x: int, y: int, width: int, height: int) -> bool:
    """Whether paper is left and right of a component."""
    gap = max(round(_ALONE * min(width, height)), 2)
    rows = slice(y + height // 5, y + height - height // 5)
    left, right = mask[rows, max(x - gap, 0) : x], mask[rows, x + width : x + width + gap]
    return not left.any() and not right.any()


def _stands_apart(one: _Candidate, x: int, y: int, label: int, labels: Grid) -> tuple[bool, bool, bool, bool]:
    """Whether nothing but its own component stands close to a box, as letters do in a word; and nothing near it.

    And nothing near it at its corners either: an ``A`` leaves room beside the ``D`` of ``DATA``, but at its foot.
    """
    side = one.side
    left, right = round(x + one.x0), round(x + one.x1)

    def free(share: float, within: float = 0.2) -> tuple[bool, bool]:
        gap = max(round(share * side), 1)
        top, bottom = round(y + one.y0 + within * side), round(y + one.y1 - within * side)
        ends = labels[top:bottom, max(left - gap, 0) : left], labels[top:bottom, right : right + gap]
        before, after = (not ((end != 0) & (end != label)).any() for end in ends)
        return before, after

    def ends() -> bool:
        """Whether its own ink ends with it: letters that hang together go on at its level, a tick above or below."""
        gap = max(round(_ALONE * side), 1)
        rows = slice(round(y + one.y0 + 0.1 * side), round(y + one.y1 - 0.1 * side))
        sides = labels[rows, max(left - gap, 0) : max(left - 1, 0)], labels[rows, right + 1 : right + gap]
        return all((part == label).any(axis=1).mean() <= _GOES_ON for part in sides if part.size)

    near = free(_ALONE)
    clear = all(free(_ALONE, 0.0)) and ends()
    return all(free(_APART)) and any(near), all(near), clear, clear and all(free(_FAR, 0.0))


def _outline(crop: Grid, ink: Ink, low: float, high: float, circle: bool) -> _Candidate | None:
    """The box in one component of ink, in its coordinates; wide strokes go beyond few boxes, and are tried last."""
    for stroke in _TICK_POINTS:
        found = _outline_below(crop, ink.pixels(stroke, 3), low, high, circle)
        if found is not None:
            return found
    return None


def _outline_below(crop: Grid, kernel: int, low: float, high: float, circle: bool) -> _Candidate | None:
    pad = 2
    drawn = cv2.copyMakeBorder(crop, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    filled = _filled(np.asarray(closed, dtype=np.uint8))
    body = cv2.morphologyEx(filled, cv2.MORPH_OPEN, np.ones((kernel, kernel), np.uint8))
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=cv2.contourArea)
    centre, (width, height), angle = cv2.minAreaRect(contour)
    width, height = width + 1, height + 1  # between centres of pixels
    area = float(cv2.contourArea(contour)) + float(len(contour)) / 2 + 1
    if (
        min(width, height) < low
        or max(width, height) > high
        or max(width, height) > _ASPECT * min(width, height)
    ):
        return None
    share = area / (width * height)
    if 10 < angle % 90 < 80 or share < _SQUARE:
        return _circle(drawn, contour, pad) if circle else None
    corners = cv2.boxPoints((centre, (width - 1, height - 1), angle))
    inset = cv2.boxPoints(
        (centre, (width - 3, height - 3), angle)
    )  # the outermost pixels are steps of what is askew
    sides = [_side(drawn, inset[i], inset[(i + 1) % 4]) for i in range(4)]
    cornered = _corner_share(filled, corners)
    if min(sides) < _COVERED or cornered < (_CORNERED if min(sides) < _WELL_COVERED else _LESS_CORNERED):
        return None
    (x0, y0), (x1, y1) = corners.min(axis=0) - pad, corners.max(axis=0) + 1 - pad
    solid = _is_solid(drawn, x0 + pad, y0 + pad, x1 + pad, y1 + pad)
    quality = (min(sides) + min(share, 1.0) + cornered) / 3
    return _Candidate(
        float(x0), float(y0), float(x1), float(y1), quality, 0.0, False, solid, worn=cornered < _CORNERED
    )


def _filled(drawn: Grid) -> Grid:
    """The component with its holes; the border is paper."""
    outside = drawn.copy()
    cv2.floodFill(outside, None, (0, 0), 2)
    filled: Grid = (outside != 2).astype(np.uint8)
    return filled


def _side(drawn: Grid, start: Grid, end: Grid) -> float:
    """Share of the way between two corners that lies on ink, or has it a pixel to its left or right."""
    count = max(int(math.dist(start.tolist(), end.tolist())), 2)
    steps = np.linspace(0.0, 1.0, count)[:, None]
    points = np.rint(start + (end - start) * steps).astype(int)
    across = (0, 1) if abs(end[0] - start[0]) > abs(end[1] - start[1]) else (1, 0)
    inked = np.zeros(count, dtype=bool)
    for shift in (-1, 0, 1):
        rows = np.clip(points[:, 1] + shift * across[1], 0, drawn.shape[0] - 1)
        columns = np.clip(points[:, 0] + shift * across[0], 0, drawn.shape[1] - 1)
        inked |= drawn[rows, columns] > 0
    return float(inked.mean())


def _corner_share(filled: Grid, corners: Grid) -> float:
    """How much of its emptiest corner a filled outline covers: of a disc half, of a square nearly all."""
    u, v = (corners[1] - corners[0]), (corners[3] - corners[0])
    near = np.linspace(0.06, _CORNER, 5)
    shares = []
    for along in (near, 1 - near):
        for across in (near, 1 - near):
            a, b = np.meshgrid(along, across)
            points = corners[0] + a.reshape(-1, 1) * u + b.reshape(-1, 1) * v
            at = np.rint(points).astype(int)
            rows = np.clip(at[:, 1], 0, filled.shape[0] - 1)
            columns = np.clip(at[:, 0], 0, filled.shape[1] - 1)
            shares.append(float(filled[rows, columns].mean()))
    return min(shares)


def _is_round(area: float, width: float, height: float) -> bool:
    low, high = _ROUND
    return low <= area / (math.pi / 4 * width * height) <= high and max(width, height) <= 1.13 * min(
        width, height
    )


def _circle(drawn: Grid, contour: Grid, pad: int) -> _Candidate | None:
    """The circle in one component of ink."""
    x, y, width, height = cv2.boundingRect(contour)
    area = float(cv2.contourArea(contour)) + float(len(contour)) / 2 + 1
    if not _is_round(area, width, height):
        return None
    near = cv2.dilate(drawn, np.ones((3, 3), np.uint8))
    turns = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    columns = np.rint(x + (width - 1) / 2 + ((width - 1) / 2 - 1) * np.cos(turns)).astype(int)
    rows = np.rint(y + (height - 1) / 2 + ((height - 1) / 2 - 1) * np.sin(turns)).astype(int)
    covered = float(near[rows, columns].mean())
    if covered < _ROUND_COVERED:
        return None
    x0, y0 = float(x - pad), float(y - pad)
    inset = 0.15 * width
    solid = _is_solid(drawn, x + inset, y + inset, x + width - inset, y + height - inset)
    return _Candidate(x0, y0, x0 + width, y0 + height, 0.9 * covered, 0.0, True, solid)


def _is_solid(drawn: Grid, x0: float, y0: float, x1: float, y1: float) -> bool:
    inner = drawn[max(round(y0), 0) : max(round(y1), 0), max(round(x0), 0) : max(round(x1), 0)]
    return bool(inner.size) and float(inner.mean()) > _SOLID


def _same_place(one: _Candidate, other: _Candidate) -> bool:
    """Whether the middle of one lies in the other."""
    x, y = (one.x0 + one.x1) / 2, (one.y0 + one.y1) / 2
    return other.x0 <= x <= other.x1 and other.y0 <= y <= other.y1


def _fullness(one: _Candidate, mask: Grid, content: Grid) -> float | None:
    """Share of ink within the walls, of whatever component; ``None``: no walls can be told from what is in them."""
    rows = slice(max(round(one.y0), 0), max(round(one.y1), 0))
    columns = slice(max(round(one.x0), 0), max(round(one.x1), 0))
    box = mask[rows, columns]
    if one.solid or min(box.shape) < 7:
        return 1.0
    thick = _wall(box)
    if thick > max(_THICK * one.side, 3):
        return None
    wall = max(thick + 2, math.floor(_WALL * one.side))
    if one.round:
        wall += math.ceil(0.5 * (1 - 1 / math.sqrt(2)) * one.side) - 1
    inner = content[rows, columns][wall:-wall, wall:-wall]
    return float(inner.mean()) if inner.size else 1.0


def _wall(box: Grid) -> int:
    """How far the outline reaches in, in pixels, a little askew as it may be: a tick reaches farther, at few places."""
    sides = []
    for turned in (box, box[::-1], box.T, box.T[::-1]):
        quarter = turned.shape[1] // 4
        middle = turned[: len(turned) // 2, quarter:-quarter] > 0
        past = np.logical_or.accumulate(middle, axis=0) & ~middle
        sides.append(float(np.median(np.where(past.any(axis=0), past.argmax(axis=0), len(middle)))))
    return round(sorted(sides)[1])


def _is_letter(one: _Candidate, scale: float, words: Sequence[Word]) -> bool:
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
                or (one.full >= _TICKED and inside >= _LETTERS_INSIDE)
            ):
                return True
        if sum(char.isdigit() for char in word.text) > 1:
            return True
    return False


def _is_passed_over(
    one: _Candidate, found: Sequence[_Candidate], scale: float, words: Sequence[Word]
) -> bool:
    """Whether a recogniser only read on over a box: paper is around it, and it is drawn well or one of several."""
    if not (one.clear if one.round else one.apart) or not _is_between(one, scale, words):
        return False
    row = [
        other
        for other in found
        if other is not one and other.apart and abs(other.y0 - one.y0) < one.side and _is_like(one, [other])
    ]
    return (one.drawn >= _WELL_DRAWN and not one.round) or bool(row)


def _is_between(one: _Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether every word around it was read by a recogniser, and may be several."""
    x, y = (one.x0 + one.x1) / 2 / scale, (one.y0 + one.y1) / 2 / scale
    around = [w for w in words if w.box.x0 <= x <= w.box.x1 and w.box.y0 <= y <= w.box.y1]
    return all(word.confidence is not None and _goes_past(word, one, scale) for word in around)


def _goes_past(word: Word, one: _Candidate, scale: float) -> bool:
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


def _in_word(one: _Candidate, scale: float, words: Sequence[Word]) -> bool:
    """Whether its middle lies in a word of two letters or more."""
    x, y = (one.x0 + one.x1) / 2 / scale, (one.y0 + one.y1) / 2 / scale
    return any(
        word.box.x0 <= x <= word.box.x1
        and word.box.y0 <= y <= word.box.y1
        and (sum(char.isalnum() for char in word.text) > 1 or word.confidence is None)
        for word in words
    )


def _has_company(one: _Candidate, all_of_them: Sequence[_Candidate]) -> bool:
    """Whether what may be a letter or a bullet stands beside others of its form and size that are plain outlines.

    An empty square is a box by itself, so is one that is drawn very well. Circles, full squares and worn ones are not.
    """
    hollow = one.full < _TICKED
    if one.pale:
        alike = [other for other in all_of_them if other is not one and _is_like(one, [other])]
        level = [other for other in alike if is_level(_outline_of(one), _outline_of(other))]
        empty = [other for other in alike if other.full < _TICKED]
        if hollow:
            return bool(level) or len(empty) > 1
        if one.solid:  # by its size alone it is a box
            return any(other in level and _is_like(one, [other], _VERY_ALIKE) for other in empty)
        return bool(level and empty)
    if not one.round and not one.solid and (hollow or (one.drawn >= _WELL_DRAWN and not one.in_word)):
        return True
    alike = [other for other in all_of_them if other is not one and _is_like(one, [other])]
    if hollow:
        return bool(alike)
    return any(
        other.full < _TICKED or (not one.solid and not other.solid and other.drawn >= _WELL_DRAWN)
        for other in alike
    )


def _is_like(one: _Candidate, others: Sequence[_Candidate], factor: float = _ALIKE) -> bool:
    """Whether it is of the form and size of another."""
    return any(
        other.round == one.round and max(other.side, one.side) <= factor * min(other.side, one.side)
        for other in others
    )


def _outline_of(one: _Candidate) -> Outline:
    return Outline(one.x0, one.y0, one.side, one.round)


def _points(one: _Candidate, scale: float) -> Box:
    return Box(one.x0 / scale, one.y0 / scale, one.x1 / scale, one.y1 / scale)


def _mark(one: _Candidate, scale: float, words: Sequence[Word], in_company: bool) -> Mark:
    box = _points(one, scale)
    sure = min(abs(one.full - _TICKED) / _CLEAR, 1.0)
    score = one.drawn * (0.6 + 0.4 * sure)
    if not _labelled(box, words):
        score *= 0.75
    if not in_company:
        score *= 0.88
    if one.round and box.x1 - box.x0 < _ROUND_POINTS:
        score = 0.0
    return Mark("checkbox", box, round(min(score, 0.99), 3), one.full >= _TICKED)


def _labelled(box: Box, words: Sequence[Word]) -> bool:
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
