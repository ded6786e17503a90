"""Where ink lies on a page: what is darker than the paper around it, however shaded or badly lit the paper is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Grid = NDArray[Any]
"""Rows by columns of whatever OpenCV makes of pixels."""

_SHRINK = 4
_PAPER_POINTS = 18.0
"""Paper is what is lightest within so many points: wider than any stroke, narrower than light falling off."""
_SHARE = 0.24
"""Of the depth of the page's darkest ink: thin grey lines of a blurred scan keep about a third."""
_LEAST = 16
"""Grey levels below paper that are ink at all."""
_DARKEST = 99.0
"""Percentile of depth, among what is deeper than `_LEAST`, that counts as black."""
_BLACK = 130
"""Deeper than this is no blacker: a dark table behind a page says nothing of its ink."""
_RULE_POINTS = 34.0
"""Straight ink of this length is a rule."""
_LEVEL = 0.006
"""A page whose lines fall by less lies straight."""
_CHROMA, _OF_DEPTH = 20, 0.2
"""Ink is coloured from so many levels between its channels on, and from that share of its depth."""
_NOISE = 3.5
"""Ink is deeper than so many standard deviations of the grain of the paper."""


@dataclass(frozen=True)
class Ink:
    """The ink of an upright page.

    Attributes:
        mask: 1 where ink is, rows by columns.
        depth: grey levels below paper.
        scale: pixels per point.
        colored: 1 where ink is neither black nor grey, by the paper's own colour.
        threshold: the least depth of ink.
        slope: by how much the lines of the page fall to the right.
    """

    mask: Pixels
    depth: Pixels
    scale: float
    colored: Pixels
    threshold: float
    slope: float = 0.0

    @cached_property
    def components(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Labels by pixel, and for each label ``x, y, width, height, pixels``; label 0 is paper."""
        _, labels, stats, _ = cv2.connectedComponentsWithStats(self.mask, connectivity=8)
        return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)

    @cached_property
    def rules(self) -> Grid:
        """Long straight lines across the page and down it, as drawn, with a pixel around."""
        length = self.pixels(_RULE_POINTS)
        across = _straight(self.mask, length, self.slope)
        down = _straight(np.ascontiguousarray(self.mask.T), length, -self.slope).T
        return np.asarray(cv2.bitwise_or(across, np.ascontiguousarray(down)))

    def pixels(self, points: float, least: int = 1) -> int:
        """A length in whole pixels."""
        return max(round(points * self.scale), least)


def ink_of(pixels: Pixels, scale: float) -> Ink:
    """Finds the ink.

    Args:
        pixels: of the page, rows by columns by blue, green, red.
        scale: pixels per point.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    size = (max(width // _SHRINK, 1), max(height // _SHRINK, 1))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    reach = max(round(_PAPER_POINTS * scale / _SHRINK), 1) | 1
    paper = cv2.dilate(small, np.ones((reach, reach), np.uint8))
    paper = cv2.blur(paper, (reach, reach))
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    depth = cv2.subtract(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), smooth)
    threshold = _threshold(depth)
    mask = (depth >= threshold).astype(np.uint8)
    colored = mask & colored_of(pixels, depth)
    return Ink(mask, np.asarray(depth, dtype=np.uint8), scale, colored, threshold)


def colored_of(pixels: Pixels, depth: Grid | None = None) -> Pixels:
    """1 where something is neither black nor grey: pens and stamps, on whatever paper a lamp has tinted.

    Args:
        pixels: of the page or a part of it.
        depth: grey levels below paper, where that is known.
    """
    paper = np.percentile(pixels[::4, ::4].reshape(-1, 3), 90, axis=0)
    below = cv2.subtract(np.broadcast_to(paper.astype(np.uint8), pixels.shape).copy(), pixels)
    high = cv2.max(cv2.max(below[..., 0], below[..., 1]), below[..., 2])
    low = cv2.min(cv2.min(below[..., 0], below[..., 1]), below[..., 2])
    chroma = cv2.subtract(high, low)
    deep = high if depth is None else depth
    return ((chroma >= _CHROMA) & (chroma >= _OF_DEPTH * deep.astype(np.float32))).astype(np.uint8)


def _threshold(depth: Grid) -> float:
    """How deep ink is, at least: by the darkest ink of the page, and above the grain of its paper."""
    counts = _counts(depth)
    below = np.cumsum(counts)
    median = int(np.searchsorted(below, 0.5 * below[-1]))
    spread = (
        int(np.searchsorted(below, 0.84 * below[-1])) - median
    )  # most of a page is paper: about one deviation
    return max(_by_darkest(counts), median + _NOISE * min(spread, _LEAST))


def ink_depth(depth: Grid) -> float:
    """How deep ink is, at least, by the darkest ink of the page alone, whatever the grain of its paper."""
    return _by_darkest(_counts(depth))


def _counts(depth: Grid) -> NDArray[np.int64]:
    return np.bincount(depth[::2, ::2].ravel(), minlength=256).astype(np.int64)


def _by_darkest(counts: NDArray[np.int64]) -> float:
    deep = counts.copy()
    deep[:_LEAST] = 0
    if not deep.sum():
        return 255.0
    black = int(np.searchsorted(np.cumsum(deep), _DARKEST / 100 * deep.sum()))
    return max(float(_LEAST), _SHARE * min(black, _BLACK))


def _straight(mask: Grid, length: int, slope: float) -> Grid:
    """What of a mask lies in straight lines so long that fall by so much, as drawn, with a pixel around."""
    kernel, around = np.ones((1, length), np.uint8), np.ones((2, 2), np.uint8)
    if abs(slope) < _LEVEL:  # a little askew, a line comes in steps
        return np.asarray(cv2.morphologyEx(cv2.dilate(mask, around), cv2.MORPH_OPEN, kernel))
    size = (mask.shape[1], mask.shape[0])
    level: Grid = np.array([[1, 0, 0], [-slope, 1, slope * size[0] / 2]], dtype=np.float64)
    turned = cv2.warpAffine(mask, level, size, flags=cv2.INTER_NEAREST)
    opened = cv2.morphologyEx(cv2.dilate(turned, around), cv2.MORPH_OPEN, kernel)
    return np.asarray(cv2.warpAffine(opened, level, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP))
