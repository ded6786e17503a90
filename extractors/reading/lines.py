"""Words into visual lines: what a reader sees as one line, even when a receipt lies a little askew.

Words are taken from left to right; each joins the line whose rightmost word stands at the same height, or
begins a line. The skew of the page is estimated first and taken out (`skew`), so that a value far to the right still
meets its label.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import floor
from statistics import median

from extractors.reading.geometry import Frame2D, turn_word
from extractors.reading.skew import Skew, estimate_skew
from schemas.document import Word

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
        for run in _along([word for word in words if word.turned == turned]):
            lines.append((sum(word.box.y0 + word.box.y1 for word in run) / (2 * len(run)), run))
    lines.sort(key=lambda line: (line[0], line[1][0].box.x0))
    return [line for _, line in lines]


def _along(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Lines of print that all runs down, or all up, as somebody sees them who tilts the head; wide gaps end them."""
    tilted = [turn_word(word, Frame2D(0.0, 0.0), -word.turned % 4) for word in words]
    seen = {id(one): word for one, word in zip(tilted, words, strict=True)}
    for line in _grouped(tilted):
        run: list[Word] = []
        for left, item in zip([None, *line.members], line.members, strict=False):
            if left is not None and _gap(left, item) > _APART:
                yield run
                run = []
            run.append(seen[id(item.word)])
        yield run


def _gap(left: _Placed, right: _Placed) -> float:
    """Between two words, in heights."""
    return (right.word.box.x0 - left.word.box.x1) / max(left.height, right.height)


def _grouped(words: Sequence[Word]) -> list[_Line]:
    """Lines of words that run from left to right."""
    if not words:
        return []
    skew = estimate_skew(words)
    placed = [_place(word, skew) for word in words]
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


def _place(word: Word, skew: Skew) -> _Placed:
    return _Placed(word, *skew.extent(word.box))


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
