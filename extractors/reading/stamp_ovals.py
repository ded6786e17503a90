"""Round frames of stamps that lie over print: the paper that a ring of ink encloses, whatever runs into the ring.

Print and rules that a round stamp is set upon make one shape with its frame. What the frame encloses is still a shape
of its own: its outline bends as an oval does, but for the notches where print reaches into it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from extractors.reading.ink import Grid, Ink
from schemas.document import Box

_SEEN_AT = 1.2
"""Pixels per point that ovals are sought at."""
_INKED = 0.3
"""Of such a pixel so much is ink."""
_RULE = 110.0
"""Straight ink of this length is a rule, and no part of an oval."""
_CROSSED = 7.0
"""Points over which a rule is wide at most."""
_LONG, _SHORT = (40.0, 240.0), (24.0, 150.0)
_SHARE = (0.72, 0.84)
"""Area of an oval in its tightest rectangle."""
_OVAL = (0.955, 1.05)
"""Area of the outline against the ellipse that fits it best."""
_PAPER = (0.4, 0.93)
"""Share of paper inside: less is no stamp but a solid mark, more has nothing in it."""
_LETTERS = 1.2
"""Shapes of the size of letters, those that run together by their width."""
_LETTER = (0.1, 0.75)
"""Letters are so many times as high as the oval's short side."""
_MOST = 3
"""A page with more of them is a drawing, and none of them a stamp."""


def ovals_over_print(ink: Ink) -> list[Box]:
    """The round frames of a page, those that print runs into as well.

    Args:
        ink: of the page.
    """
    share = min(_SEEN_AT / ink.scale, 1.0)
    scale = ink.scale * share
    small = cv2.resize(ink.mask * 255, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    inked = (small >= _INKED * 255).astype(np.uint8)
    drawn = cv2.morphologyEx(_without_rules(inked, scale), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - drawn, connectivity=4)
    width, height = stats[:, 2] / scale, stats[:, 3] / scale
    long, short = np.maximum(width, height), np.minimum(width, height)
    likely = (long >= _LONG[0]) & (long <= _LONG[1]) & (short >= _SHORT[0]) & (short <= _SHORT[1])
    likely &= stats[:, 4] >= 0.3 * stats[:, 2] * stats[:, 3]
    likely[0] = False
    found = []
    for label in map(int, np.flatnonzero(likely)):
        x, y, w, h, _ = (int(value) for value in stats[label])
        paper = (labels[y : y + h, x : x + w] == label).astype(np.uint8)
        if _is_oval(paper) and _has_letters(paper):
            edge = 2.0  # the ring itself
            found.append(
                Box(
                    max(x / scale - edge, 0.0), max(y / scale - edge, 0.0),
                    (x + w) / scale + edge, (y + h) / scale + edge,
                )
            )  # fmt: skip
    return found if len(found) <= _MOST else []


def _without_rules(inked: Grid, scale: float) -> Grid:
    """The ink without lines of tables and lines to sign on, which would cut an oval in two; it stays whole."""
    length, over = max(round(_RULE * scale), 3), max(round(_CROSSED * scale), 3)
    rest: Grid = inked
    for line, wide, gap in (((1, length), (3, 1), (over, 1)), ((length, 1), (1, 3), (1, over))):
        thick = cv2.dilate(inked, np.ones(wide, np.uint8))  # a little askew, a line comes in steps
        rules = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones(line, np.uint8))
        bare = cv2.subtract(rest, rules)
        closed = cv2.morphologyEx(bare, cv2.MORPH_CLOSE, np.ones(gap, np.uint8))
        rest = cv2.bitwise_or(bare, cv2.bitwise_and(closed, rules))
    return rest


def _is_oval(paper: Grid) -> bool:
    """Whether the outline around some paper is an ellipse, but for notches."""
    edged = cv2.copyMakeBorder(paper, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, _ = cv2.findContours(edged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    if len(hull) < 8:
        return False
    area = float(cv2.contourArea(hull))
    _, (a, b), _ = cv2.minAreaRect(hull)
    _, (c, d), _ = cv2.fitEllipse(hull)
    if min(a, b, c, d) < 4:
        return False
    return _SHARE[0] <= area / (a * b) <= _SHARE[1] and _OVAL[0] <= area / (math.pi / 4 * c * d) <= _OVAL[1]


def _has_letters(paper: Grid) -> bool:
    """Whether some shapes of the size of letters stand in an oval, and not too much ink."""
    high, wide = paper.shape
    mask = np.zeros_like(paper)
    cv2.ellipse(
        mask, (wide // 2, high // 2), (max(wide // 2 - 3, 1), max(high // 2 - 3, 1)), 0, 0, 360, 1, -1
    )
    inside = float(paper[mask > 0].mean()) if mask.any() else 1.0
    if not _PAPER[0] <= inside <= _PAPER[1]:
        return False
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask & (1 - paper), connectivity=8)
    side = min(high, wide)
    tall = stats[1:count, 3]
    letters = (tall >= _LETTER[0] * side) & (tall <= _LETTER[1] * side)
    across = np.maximum(stats[1:count, 2] / np.maximum(tall, 1), 1.0)
    return float(across[letters].sum()) >= _LETTERS
