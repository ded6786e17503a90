"""How the lines of a page run: level, askew, or fanned out, as a photograph from one side shows them.

Neighbouring words tell a scanner's skew. The boxes of recognised words are upright, though, and so tall around slanted
print that neighbours tell nothing any more; their centres are right. So for recognised pages whose neighbours do not
agree, the lines are looked for into which the centres fall best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor
from statistics import median, quantiles
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.document import Box, Word

_MAX_SLOPE = 0.12
"""Steepest skew that a few neighbours are believed (about 7 degrees); beyond that they are chance neighbours."""
_MIN_PAIRS = 6
"""Fewer neighbouring pairs than this say nothing about the skew of a page."""
_MANY, _AGREED, _NEAR = 0.25, 0.03, 0.1
"""So many pairs of neighbours for each word, half of them within so much of slope, are no chance where boxes are as
slanted."""
_STEEPEST = 0.36
"""Of photographs: 20 degrees."""
_SLOPES = np.arange(-_STEEPEST, _STEEPEST + 0.001, 0.02)
_FANS = np.linspace(-1, 1, 13)
_FINER_SLOPES, _FINER_FANS = np.arange(-0.02, 0.0201, 0.005), np.linspace(-1 / 6, 1 / 6, 9)
_FANNED, _MOST_FANNED = 0.6, 0.8
"""What slopes may differ by from the top of a page to its foot; and the share of its size by which lines may spread
from one side to the other."""
_LEAST_SPREAD = 0.2
"""Of two fanned lines, beside all words, of their distance in the middle: before they meet."""
_BIN = 0.4
"""Heights of print within which words count as one line."""
_CLEARLY = 1.15
"""So many times better must words fall into lines than by the neighbours' slope."""
_MIN_WORDS = 20
_MOST_WORDS = 1500
"""Of a page are looked at, evenly."""
_THIN = 0.3
"""Share of its box that slanted print is high at least."""

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Skew:
    """Lines that rise by ``slope + fan * level`` per unit to the right, ``level`` being their height below the middle.

    Attributes:
        slope: of a line through the middle.
        fan: by how much more a line slopes for each unit that it is lower; 0: all run alike.
        x: of the middle (0 where neighbours told the slope).
        y: of the middle (the same).
    """

    slope: float = 0.0
    fan: float = 0.0
    x: float = 0.0
    y: float = 0.0

    def level(self, x: Any, y: Any) -> Any:
        """Where the line through a point crosses the vertical through the middle, from there."""
        spread = np.maximum(1 + self.fan * (x - self.x), _LEAST_SPREAD)  # far beside all words lines may meet
        return (y - self.y - self.slope * (x - self.x)) / spread

    @property
    def is_steep(self) -> bool:
        """Whether more than a scanner's skew: columns and what stands below what are not where they look."""
        return abs(self.slope) > _MAX_SLOPE or self.fan != 0

    def levelled(self, box: Box) -> Box:
        """Where the print of an upright box would stand, had the page been turned straight around its middle."""
        x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        level = float(self.level(x, y))
        slope = self.slope + self.fan * level
        top, bottom = self.extent(box)
        wide = box.x1 - box.x0
        half = max(wide - abs(slope) * (bottom - top), _THIN * wide) / 2
        x += slope * level
        return Box(x - half, self.y + top, x + half, self.y + bottom)

    def extent(self, box: Box) -> tuple[float, float]:
        """Top and bottom of the print in a box, from the middle, had the lines run level; no box is made taller."""
        level = float(self.level((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
        high = print_height(box, self.slope + self.fan * level)
        return level - high / 2, level + high / 2


def print_height(box: Box, slope: float) -> float:
    """Height of the print in an upright box; a little slant leaves the box as good as it is."""
    high = box.y1 - box.y0
    return float(_print_height(box.x1 - box.x0, high, slope)) if abs(slope) > _MAX_SLOPE else high


def slope_between(left: Box, right: Box) -> float:
    """Slope of a line on which two boxes stand beside one another; 0 where they do not."""
    run = (right.x0 + right.x1 - left.x0 - left.x1) / 2
    slope = (right.y0 + right.y1 - left.y0 - left.y1) / 2 / run if run else 0.0
    return slope if abs(slope) <= _STEEPEST else 0.0


def estimate_slope(words: Sequence[Word]) -> float:
    """Skew of a page as rise per unit to the right, in its middle (0 when it cannot be told)."""
    return estimate_skew(words).slope


def estimate_skew(words: Sequence[Word]) -> Skew:
    """How the lines of a page run. Exact print gives exactly 0, and so does a page without words."""
    if not words:
        return Skew()
    slopes = _neighbours(words)
    slope = median(slopes) if len(slopes) >= _MIN_PAIRS else 0.0
    if len(slopes) >= max(_MIN_PAIRS, _MANY * len(words)):
        low, _, high = quantiles(slopes, n=4)
        if high - low <= _AGREED and abs(abs(slope) - _slant(words)) <= _NEAR:
            return Skew(slope)
    return _looked_for(words, Skew(slope if abs(slope) <= _MAX_SLOPE else 0.0))


def _neighbours(words: Sequence[Word]) -> list[float]:
    """Slopes between words that seem to stand beside one another."""
    cell = max(median(w.box.y1 - w.box.y0 for w in words), 1.0)
    open_words: dict[int, Word] = {}
    slopes: list[float] = []
    for word in sorted(words, key=lambda w: w.box.x0):
        centre = (word.box.y0 + word.box.y1) / 2
        height = max(word.box.y1 - word.box.y0, 0.1)
        key = floor(centre / cell)
        for near in (key, key - 1, key + 1):
            left = open_words.get(near)
            if left is None:
                continue
            gap = word.box.x0 - left.box.x1
            rise = centre - (left.box.y0 + left.box.y1) / 2
            alike = 0.6 < (left.box.y1 - left.box.y0) / height < 1.67
            if -0.5 * height <= gap <= 2.5 * height and alike and abs(rise) <= 0.5 * height:
                run = (word.box.x0 + word.box.x1 - left.box.x0 - left.box.x1) / 2
                if run > height:
                    slopes.append(rise / run)
                    break
        open_words[key] = word
    return slopes


def _slant(words: Sequence[Word]) -> float:
    """How much taller boxes are the wider they are: nothing around upright print, the slope around slanted print."""
    wide, high = np.array([(w.box.x1 - w.box.x0, w.box.y1 - w.box.y0) for w in words]).T
    spread = float(wide.var())
    return float(np.mean((wide - wide.mean()) * (high - high.mean()))) / spread if spread > 0 else 0.0


def _looked_for(words: Sequence[Word], known: Skew) -> Skew:
    """The skew of a photographed page, or what is known of it where that explains its words nearly as well."""
    seen = [word.box for word in words if word.confidence is not None]
    if len(seen) < max(_MIN_WORDS, len(words) // 2):
        return known
    boxes = np.array([(b.x0, b.y0, b.x1, b.y1) for b in seen[:: ceil(len(seen) / _MOST_WORDS)]])
    (left, top), (right, bottom) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    middle = float(left + right) / 2, float(top + bottom) / 2
    most = float(min(_FANNED / max(bottom - top, 1.0), _MOST_FANNED / max(right - left, 1.0)))
    best = _best(boxes, [Skew(float(a), float(f) * most, *middle) for a, f in product(_SLOPES, _FANS)])
    finer = product(best.slope + _FINER_SLOPES, best.fan + _FINER_FANS * most)
    best = _best(boxes, [Skew(float(a), float(f), *middle) for a, f in finer])
    return best if _sharpness(boxes, best) > _CLEARLY * _sharpness(boxes, known) else known


def _best(boxes: Boxes, skews: Sequence[Skew]) -> Skew:
    return max(skews, key=lambda skew: _sharpness(boxes, skew))


def _sharpness(boxes: Boxes, skew: Skew) -> float:
    """How well words fall into lines: how many, in the mean, stand at the height of one."""
    x0, y0, x1, y1 = boxes.T
    level = skew.level((x0 + x1) / 2, (y0 + y1) / 2)
    heights = _print_height(x1 - x0, y1 - y0, np.abs(skew.slope + skew.fan * level))
    lines = level / (_BIN * max(float(np.median(heights)), 1.0))
    lines -= lines.min()
    counts = [np.bincount((lines + shift).astype(np.intp)) for shift in (0.0, 0.5)]
    return float(sum((count.astype(float) ** 2).sum() for count in counts)) / len(boxes)


def _print_height(width: Any, height: Any, slope: Any) -> Any:
    """Height of slanted print in upright boxes of this width and height."""
    return np.maximum(height - abs(slope) * width, _THIN * height)
