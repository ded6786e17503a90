"""A section as entries: told apart by their marks, their periods, the gaps between them, or as lines that are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from extractors.backends.scripted.lists.periods import Period, period_of
from extractors.backends.scripted.lists.splitting import marked_items, marker, parted_by_gaps
from extractors.backends.scripted.sheet import Line

_ABOVE = 2
"""So many lines of an entry may stand above the one with its period."""
_WIDER = 1.4
_MOST_ENTRIES = 400
_PROSE = 9
"""A line of so many words in one cell is running text."""


@dataclass(frozen=True)
class Entry:
    """The lines of one entry; ``marked``: its first line begins with a mark."""

    lines: tuple[Line, ...]
    marked: bool = False

    @cached_property
    def dated(self) -> tuple[Line, Period] | None:
        """The line with the entry's period: a range before a single date."""
        found = [(line, period) for line in self.head if (period := period_of(line)) is not None]
        return next((one for one in found if one[1].is_range), found[0] if found else None)

    @cached_property
    def head(self) -> tuple[Line, ...]:
        """The lines before the first that is marked or running text."""
        first = 1
        for number, line in enumerate(self.lines[: _ABOVE + 1]):
            if period_of(line) is not None:
                first = number + 1
                break
        for number, line in enumerate(self.lines):
            if number >= first and not self.marked and (marker(line) or _is_prose(line)):
                return self.lines[:number]
        return self.lines

    @property
    def body(self) -> tuple[Line, ...]:
        """The lines behind its head."""
        return self.lines[len(self.head) :]


def entries_of(lines: Sequence[Line], dated: bool) -> list[Entry]:
    """The entries of a section, top to bottom.

    Args:
        lines: of the section.
        dated: whether its entries are asked for dates, so that these may tell them apart.
    """
    lines = [line for line in lines if not _is_subheading(line)][: 10 * _MOST_ENTRIES]
    if not lines:
        return []
    marked = marked_items(lines)
    if len(marked) > 1:
        return [Entry(tuple(one), marked=True) for one in marked[:_MOST_ENTRIES]]
    starts = _starts_by_dates(lines) if dated else []
    if starts:
        ends = [*starts[1:], len(lines)]
        return [Entry(tuple(lines[a:b])) for a, b in zip(starts, ends, strict=True)][:_MOST_ENTRIES]
    if dated:
        return []
    if len(lines) > 1 and all(len(line.cells) == len(lines[0].cells) > 1 for line in lines):
        return [Entry((line,)) for line in lines]
    return [Entry(tuple(one)) for one in parted_by_gaps(lines)][:_MOST_ENTRIES]


def references_of(lines: Sequence[Line]) -> list[Entry]:
    """The entries of a list of works: by their marks, by lines that hang below their first one, or by gaps."""
    marked = marked_items(lines)
    if len(marked) > 1:
        return [Entry(tuple(one), marked=True) for one in marked[:_MOST_ENTRIES]]
    left = min(line.tokens[0].word.box.x0 for line in lines)
    starts = [i for i, line in enumerate(lines) if line.tokens[0].word.box.x0 - left < line.height / 2]
    if starts and starts[0] == 0 and 1 < len(starts) < len(lines):
        ends = [*starts[1:], len(lines)]
        return [Entry(tuple(lines[a:b])) for a, b in zip(starts, ends, strict=True)][:_MOST_ENTRIES]
    return [Entry(tuple(one)) for one in parted_by_gaps(lines)][:_MOST_ENTRIES]


def _is_subheading(line: Line) -> bool:
    return len(line.cells) == 1 and line.tokens[-1].text.endswith(":")


def _is_prose(line: Line) -> bool:
    return len(line.cells) == 1 and len(line.tokens) >= _PROSE and period_of(line) is None


def _starts_by_dates(lines: Sequence[Line]) -> list[int]:
    """Where entries begin whose periods stand at one place in each; empty where there is no order in them."""
    anchors = _anchors(lines)
    if not anchors or anchors[0] > _ABOVE:
        return []
    above = anchors[0]
    starts = [0]
    for before, at in pairwise(anchors):
        first = max(at - _ABOVE, before + 1)
        gaps = {i: _gap(lines, i) for i in range(first, at + 1)}
        known = {i: gap for i, gap in gaps.items() if gap is not None}
        wide = max(known, key=lambda i: known[i]) if known else None
        others = [gap for i, gap in known.items() if i != wide]
        if wide is not None and others and known[wide] > _WIDER * max(others) and not marker(lines[wide]):
            starts.append(wide)
        else:
            own = range(max(at - above, before + 1), at + 1)
            starts.append(next(i for i in own if i == at or not marker(lines[i])))
    return starts


def _anchors(lines: Sequence[Line]) -> list[int]:
    """The lines with the periods of entries: ranges, with single dates that stand as these do; else dates alike."""
    found = [
        (i, period)
        for i, line in enumerate(lines)
        if not marker(line) and (period := period_of(line)) is not None
    ]
    if not found:
        return []
    models = [(i, period) for i, period in found if period.is_range]
    if not models:
        often = Counter(_place(lines[i], period) for i, period in found)
        place = max(often, key=lambda one: often[one])
        models = [(i, period) for i, period in found if _place(lines[i], period) == place]
        models = models if place != "within" else models[:1]
    return [
        i
        for i, period in found
        if period.is_range or any(_alike(lines[i], period, lines[k], other) for k, other in models)
    ]


def _alike(line: Line, period: Period, other_line: Line, other: Period) -> bool:
    """Whether two periods stand at the same place of their lines: in brackets, at an end, or one below the other."""
    if _label(line, period) != _label(other_line, other):
        return False
    one, two = _place(line, period), _place(other_line, other)
    edges = abs(period.whole.x0 - other.whole.x0), abs(period.whole.x1 - other.whole.x1)
    return (one == two and one != "within") or min(edges) < line.height / 2


def _place(line: Line, period: Period) -> str:
    before = line.text[: line.text.find(period.whole.raw)].rstrip()
    after = line.text[line.text.find(period.whole.raw) + len(period.whole.raw) :].strip()
    if before.rfind("(") > before.rfind(")") and ")" in after:
        return "brackets"
    return "begin" if not before else "end" if not after else "within"


def _label(line: Line, period: Period) -> str:
    """The label before a period, if it has one: *Graduated:*."""
    before = line.tokens[: period.whole.start]
    return before[-1].text if before and before[-1].ends_label else ""


def _gap(lines: Sequence[Line], at: int) -> float | None:
    if not at or lines[at - 1].page != lines[at].page:
        return None
    return max(lines[at].top - lines[at - 1].bottom, 0.1)
