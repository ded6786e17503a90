"""Outlines in the ink of a page that may be checkboxes: closed squares with four corners, and circles.

A component of ink is filled, and what is thinner than a box (a tick that goes over the edge) is taken off; what remains
must be a square whose sides are ink, or a circle. What words and other boxes say of it is for others to ask.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink

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
_WALL = 0.12
"""Of the side: what lies so near the edge is outline at any rate, and no tick."""
_THICK = 0.24
"""Of the side: the thickest outline."""
_SOLID = 0.9
"""A square so full is a bullet, unless boxes of its size stand on the page."""
ROUND_POINTS = 6.6
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
TICKED = 0.055
"""Share of ink within the walls from which a box is ticked."""
ALIKE, VERY_ALIKE = 1.2, 1.12
"""Boxes of one form differ at most by this factor in size; the second for what is all ink."""
WELL_DRAWN = 0.965
"""How well a ticked square is drawn that counts by itself."""


@dataclass(frozen=True, slots=True)
class Candidate:
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


def candidates(ink: Ink, content: Grid) -> Iterator[Candidate]:
    """The outlines of a page that may be boxes, in pixels, as far as the ink alone tells.

    Args:
        ink: in which outlines are looked for.
        content: the ink that counts as a tick within them: that of `ink` itself, or of a stricter look.
    """
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
        circle = min(w, h) >= ROUND_POINTS * ink.scale and _is_alone(ink.mask, x, y, w, h)
        one = _outline(crop, ink, low, high, circle) if square or circle else None
        if one is None or max(w, h) > _OVER * one.side:
            continue
        lone, apart, clear, far = stands_apart(one, x, y, label, labels)
        if lone:
            full = fullness(one, ink.mask[y : y + h, x : x + w], content[y : y + h, x : x + w])
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


def stands_apart(one: Candidate, x: int, y: int, label: int, labels: Grid) -> tuple[bool, bool, bool, bool]:
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


def _outline(crop: Grid, ink: Ink, low: float, high: float, circle: bool) -> Candidate | None:
    """The box in one component of ink, in its coordinates; wide strokes go beyond few boxes, and are tried last."""
    worn: Candidate | None = None
    for stroke in _TICK_POINTS:
        found = _outline_below(crop, ink.pixels(stroke, 3), low, high, circle)
        if found is not None and not found.worn:
            return found
        worn = worn or found
    return worn


def _outline_below(crop: Grid, kernel: int, low: float, high: float, circle: bool) -> Candidate | None:
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
    return Candidate(
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


def _circle(drawn: Grid, contour: Grid, pad: int) -> Candidate | None:
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
    return Candidate(x0, y0, x0 + width, y0 + height, 0.9 * covered, 0.0, True, solid)


def _is_solid(drawn: Grid, x0: float, y0: float, x1: float, y1: float) -> bool:
    inner = drawn[max(round(y0), 0) : max(round(y1), 0), max(round(x0), 0) : max(round(x1), 0)]
    return bool(inner.size) and float(inner.mean()) > _SOLID


def fullness(one: Candidate, mask: Grid, content: Grid) -> float | None:
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


def is_like(one: Candidate, others: Sequence[Candidate], factor: float = ALIKE) -> bool:
    """Whether it is of the form and size of another."""
    return any(
        other.round == one.round and max(other.side, one.side) <= factor * min(other.side, one.side)
        for other in others
    )
