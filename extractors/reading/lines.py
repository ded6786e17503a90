"""Words into visual lines: what a reader sees as one line, even when a receipt lies a little askew.

Words are taken from left to right; each joins the line whose rightmost word stands at the same height, or
begins a line. The skew of the page is estimated first from neighbouring words and taken out, so that a value
far to the right still meets its label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import floor
from statistics import median, quantiles
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.document import Box, Word

_MAX_SLOPE = 0.12
"""Steepest skew that a few neighbours are believed (about 7 degrees); beyond that they are chance neighbours."""
_MANY, _AGREED, _NEAR = 0.25, 0.03, 0.1
"""So many pairs of neighbours for each word, half of them within so much of slope, are no chance where boxes are as
slanted."""
_STEEPEST = 0.36
"""Steepest skew at all (20 degrees): of pages that were photographed, looked for by how well words fall into lines."""
_SLOPES = np.arange(-_STEEPEST, _STEEPEST + 0.001, 0.01)
_FINER = np.arange(-0.008, 0.009, 0.002)
_BIN = 0.4
"""Heights of print within which words count as one line, while a slope is looked for."""
_CLEARLY = 1.3
"""So many times better must words fall into lines for a steep slope to be believed that no slant of boxes bears out."""
_MIN_WORDS = 20
_THIN = 0.3
"""Share of its box that slanted print is high at least."""
_MIN_PAIRS = 6
"""Fewer neighbouring pairs than this say nothing about the skew of a page."""
_HEIGHT_SHARE = 0.5
"""Two words are level when their centres or feet differ by at most this share of the lower word's height."""
_LEVEL_SHARE = 0.25
_UNDER_SHARE = 0.5
"""What is not nearly level and shares half its width with the word before stands on another line: boxes around
slanted print are taller than it and meet those of the next line."""
_APART = 4.0
"""Heights between two words beside the print of the page that are no longer one line."""
_DRIFT_SHARE = 1.0
"""A line may wander (a crumpled receipt) by at most this share of its own height."""


@dataclass(slots=True)
class _Placed:
    """A word with its vertical extent after the skew was taken out."""

    word: Word
    top: float
    bottom: float

    @property
    def centre(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def height(self) -> float:
        return max(self.bottom - self.top, 0.1)


@dataclass(slots=True)
class _Line:
    members: list[_Placed] = field(default_factory=list)
    centre_sum: float = 0.0

    @property
    def last(self) -> _Placed:
        return self.members[-1]

    @property
    def centre(self) -> float:
        return self.centre_sum / len(self.members)

    def add(self, placed: _Placed) -> None:
        self.members.append(placed)
        self.centre_sum += placed.centre


def group_lines(words: Sequence[Word]) -> list[list[Word]]:
    """Groups the words of one page into visual lines.

    Args:
        words: words of one upright page, in any order.

    Returns:
        Lines from top to bottom, each with its words from left to right. Every word is in exactly one line. Print that
        runs down or up the page has lines of its own, in its own order.
    """
    across = [word for word in words if not word.turned % 2]
    lines = [(line.centre, [item.word for item in line.members]) for line in _grouped(across)]
    for turned in (1, 3) if len(across) < len(words) else ():
        for run in _along([word for word in words if word.turned == turned], turned == 1):
            lines.append((sum(word.box.y0 + word.box.y1 for word in run) / (2 * len(run)), run))
    lines.sort(key=lambda line: (line[0], line[1][0].box.x0))
    return [line for _, line in lines]


def _along(words: Sequence[Word], down: bool) -> Iterator[list[Word]]:
    """Lines of print that runs down or up the page, as somebody sees them who tilts the head; wide gaps end them."""
    tilted = [replace(word, box=_tilted(word.box, down)) for word in words]
    place = {id(word): at for at, word in enumerate(tilted)}
    for line in _grouped(tilted):
        begin = 0
        for at in range(1, len(line.members) + 1):
            gap = 0.0 if at == len(line.members) else _gap(line.members[at - 1], line.members[at])
            if at == len(line.members) or gap > _APART:
                yield [words[place[id(item.word)]] for item in line.members[begin:at]]
                begin = at


def _tilted(box: Box, down: bool) -> Box:
    return Box(box.y0, -box.x1, box.y1, -box.x0) if down else Box(-box.y1, box.x0, -box.y0, box.x1)


def _gap(left: _Placed, right: _Placed) -> float:
    """Between two words, in heights."""
    return (right.word.box.x0 - left.word.box.x1) / max(left.height, right.height)


def _grouped(words: Sequence[Word]) -> list[_Line]:
    """Lines of words that run from left to right."""
    if not words:
        return []
    slope = estimate_slope(words)
    placed = [_place(word, slope) for word in words]
    placed.sort(key=lambda p: (p.word.box.x0, p.top))
    cell = max(median(p.height for p in placed), 1.0)
    lines: list[_Line] = []
    reach: defaultdict[int, set[int]] = defaultdict(set)
    for item in placed:
        index = _best_line(item, lines, reach, cell)
        if index is None:
            index = len(lines)
            lines.append(_Line())
        else:
            for key in _cells(lines[index].last, cell):
                reach[key].discard(index)
        lines[index].add(item)
        for key in _cells(item, cell):
            reach[key].add(index)
    return lines


def reading_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words line by line, left to right."""
    return tuple(word for line in group_lines(words) for word in line)


def estimate_slope(words: Sequence[Word]) -> float:
    """Skew of a page as rise per unit to the right (0 when it cannot be told).

    The median over pairs of close neighbours on one line; exact print gives exactly 0.
    """
    by_height = sorted(words, key=lambda w: w.box.x0)
    cell = max(median(w.box.y1 - w.box.y0 for w in words), 1.0)
    open_words: dict[int, Word] = {}
    slopes: list[float] = []
    for word in by_height:
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
    if len(slopes) < _MIN_PAIRS:
        return _steep(words, 0.0)
    slope = median(slopes)
    low, _, high = quantiles(slopes, n=4)
    agreed = len(slopes) >= _MANY * len(words) and high - low <= _AGREED
    if agreed and abs(abs(slope) - _slant(words)) <= _NEAR:
        return slope
    return _steep(words, slope if abs(slope) <= _MAX_SLOPE else 0.0)


def _slant(words: Sequence[Word]) -> float:
    """How much taller boxes are the wider they are: nothing around upright print, the slope around slanted print."""
    boxes = [word.box for word in words]
    wide, high = np.array([(box.x1 - box.x0, box.y1 - box.y0) for box in boxes]).T
    spread = float(wide.var())
    return float(np.mean((wide - wide.mean()) * (high - high.mean()))) / spread if spread > 0 else 0.0


def _steep(words: Sequence[Word], slope: float) -> float:
    """The slope of a page that was photographed askew, or ``slope`` where that explains its words nearly as well.

    The boxes of recognised words are upright, and so tall around slanted print that neighbours tell nothing; their
    centres are right.
    """
    seen = [word.box for word in words if word.confidence is not None]
    if len(seen) < max(_MIN_WORDS, len(words) // 2):
        return slope
    boxes = np.array([(box.x0, box.y0, box.x1, box.y1) for box in seen])
    best = max(_SLOPES, key=lambda one: _sharpness(boxes, one))
    best = max(best + _FINER, key=lambda one: _sharpness(boxes, one))
    slant = _slant(words)
    borne_out = abs(abs(best) - slant) <= _NEAR < abs(abs(slope) - slant)
    wanted = (1.0 if borne_out else _CLEARLY) * _sharpness(boxes, slope)
    return float(best) if abs(best) > _MAX_SLOPE and _sharpness(boxes, best) > wanted else slope


def _sharpness(boxes: NDArray[np.float64], slope: float) -> float:
    """How well words fall into lines of a slope: how many words, in the mean, stand at the height of one."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    print_height = max(float(np.median(_print_height(width, height, slope))), 1.0)
    level = (boxes[:, 1] + boxes[:, 3] - slope * (boxes[:, 0] + boxes[:, 2])) / (2 * _BIN * print_height)
    level -= level.min()
    counts = [np.bincount((level + shift).astype(np.intp)) for shift in (0.0, 0.5)]
    return float(sum((count.astype(float) ** 2).sum() for count in counts)) / len(boxes)


def _place(word: Word, slope: float) -> _Placed:
    shift = slope * (word.box.x0 + word.box.x1) / 2
    top, bottom = word.box.y0, word.box.y1
    if abs(slope) > _MAX_SLOPE:
        half = float(_print_height(word.box.x1 - word.box.x0, bottom - top, slope)) / 2
        top, bottom = (top + bottom) / 2 - half, (top + bottom) / 2 + half
    return _Placed(word, top - shift, bottom - shift)


def _print_height(width: Any, height: Any, slope: float) -> Any:
    """Height of slanted print in upright boxes of this width and height."""
    return np.maximum(height - abs(slope) * width, _THIN * height)


_MAX_CELLS = 200
"""Of a word: one as tall as that is a drawing."""


def _cells(item: _Placed, cell: float) -> range:
    first = floor(item.top / cell)
    return range(first, min(floor(item.bottom / cell), first + _MAX_CELLS) + 1)


def _best_line(
    item: _Placed, lines: list[_Line], reach: defaultdict[int, set[int]], cell: float
) -> int | None:
    candidates: set[int] = set().union(*(reach[key] for key in _cells(item, cell)))
    best: int | None = None
    best_distance = float("inf")
    for index in sorted(candidates):
        line = lines[index]
        distance = _distance(item, line)
        if distance is not None and distance < best_distance:
            best, best_distance = index, distance
    return best


def _distance(item: _Placed, line: _Line) -> float | None:
    """How far from level with the line, in heights; ``None`` when it stands on another line."""
    last = line.last
    low = min(item.height, last.height)
    apart = min(abs(item.centre - last.centre), abs(item.bottom - last.bottom))
    overlap = min(item.bottom, last.bottom) - max(item.top, last.top)
    if apart > _HEIGHT_SHARE * low or overlap < _HEIGHT_SHARE * low:
        return None
    if abs(item.centre - line.centre) > _DRIFT_SHARE * max(item.height, last.height):
        return None
    if apart > _LEVEL_SHARE * low and _is_below(item.word, last.word):
        return None
    return apart / low


def _is_below(word: Word, last: Word) -> bool:
    """Whether a recognised word stands under or over another one rather than behind it."""
    if word.confidence is None or last.confidence is None:
        return False  # boxes of a text layer are exact
    narrow = min(word.box.x1 - word.box.x0, last.box.x1 - last.box.x0)
    shared = min(word.box.x1, last.box.x1) - max(word.box.x0, last.box.x0)
    return shared > _UNDER_SHARE * narrow
