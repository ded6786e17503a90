"""Pictures of figures, reckoned here and drawn by ``templates/_charts.html`` as SVG. All sizes are in its own units."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel.dates import format_date

from flows.ledger.desk import BurnDay
from flows.ledger.records import DocumentState
from flows.review.wording import LOCALE


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle with what it means; ``href`` leads to what is behind it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place; ``anchor`` as SVG has it."""

    x: float
    y: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """A rule across the picture."""

    y: float
    x0: float
    x1: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture: its size, its parts, and the same as a table (``head``, ``rows``).

    ``hrefs``: where the cells of a row lead, but for its first. Pieces of the picture lead there as well, for those
    who point; whoever uses the keyboard has the table.
    """

    width: float
    height: float
    title: str
    description: str
    bars: tuple[Bar, ...] = ()
    path: str = ""
    area: str = ""
    dots: tuple[Mark, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    hrefs: tuple[tuple[str, ...], ...] = ()
    legend: tuple[tuple[str, str], ...] = ()


def day_words(day: dt.date) -> str:
    """A day in as few letters as will do: ``3 Mar``."""
    return str(format_date(day, "d MMM", locale=LOCALE))


def steps(most: float) -> list[float]:
    """Round numbers from nothing to at least the most, for the rules of a scale: at most five, whole ones."""
    if most <= 0:
        return [0, 1]
    rough = most / 4
    size = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1
    step = max(next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= rough), 1)
    step = math.ceil(step) if step < 10 else step
    return [step * number for number in range(math.ceil(most / step) + 1)]


def number_words(value: float) -> str:
    """A number of a scale: ``1,200``, ``12k``."""
    return f"{value / 1000:,.0f}k" if value >= 10_000 else f"{value:,.0f}"


BURN_WIDTH, BURN_HEIGHT = 348.0, 132.0
_BURN_TOP, _BURN_LINE, _BURN_MIDDLE, _BURN_FLOW = 14.0, 62.0, 98.0, 18.0
_BURN_LEFT = 36.0


def burn_down(days: Sequence[BurnDay]) -> Chart:
    """The size of the queue as a line, and below it what came (up) and what was decided (down), day by day."""
    most = max((day.size for day in days), default=0)
    scale = steps(most)
    flow = max((max(day.came, day.went) for day in days), default=0) or 1
    each = (BURN_WIDTH - _BURN_LEFT) / max(len(days), 1)

    def level(size: float) -> float:
        return _BURN_LINE - (_BURN_LINE - _BURN_TOP) * size / scale[-1]

    points, bars = [], []
    for place, day in enumerate(days):
        middle = _BURN_LEFT + each * (place + 0.5)
        points.append((middle, level(day.size)))
        up, down = _BURN_FLOW * day.came / flow, _BURN_FLOW * day.went / flow
        words = f"{day_words(day.day)}: {day.came:,} came, {day.went:,} decided, {day.size:,} waiting"
        bars.append(
            Bar(middle - each * 0.32, _BURN_MIDDLE - up - 0.5, each * 0.64, max(up, 0.5), "came", words)
        )
        bars.append(Bar(middle - each * 0.32, _BURN_MIDDLE + 0.5, each * 0.64, max(down, 0.5), "went", words))
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""
    area = (
        f"{path} L{points[-1][0]:.1f} {_BURN_LINE:.1f} L{points[0][0]:.1f} {_BURN_LINE:.1f} Z"
        if points
        else ""
    )
    came, went = sum(day.came for day in days), sum(day.went for day in days)
    ends = [days[0], days[-1]] if len(days) > 1 else list(days)
    marks = [
        Mark(_BURN_LEFT - 6, level(size) + 3.5, number_words(size), "end") for size in (scale[0], scale[-1])
    ]
    marks += [
        Mark(point[0], BURN_HEIGHT - 3, "today" if place else day_words(day.day))
        for place, (day, point) in enumerate(zip(ends, (points[0], points[-1]), strict=False))
    ]
    return Chart(
        BURN_WIDTH,
        BURN_HEIGHT,
        f"The queue over {len(days)} days",
        f"Came: {came:,}. Decided: {went:,}. Waiting now: {days[-1].size if days else 0:,}.",
        bars=tuple(bars),
        path=path,
        area=area,
        lines=(Line(level(0), _BURN_LEFT, BURN_WIDTH), Line(level(scale[-1]), _BURN_LEFT, BURN_WIDTH)),
        marks=tuple(marks),
        head=("Day", "Came", "Decided", "Waiting at its end"),
        rows=tuple((day_words(d.day), f"{d.came:,}", f"{d.went:,}", f"{d.size:,}") for d in days),
        legend=(("size", "Waiting"), ("came", "Came"), ("went", "Decided")),
    )


@dataclass(frozen=True, slots=True)
class Week:
    """A week of documents by outcome; ``first`` and ``last`` are days."""

    first: dt.date
    last: dt.date
    counts: Mapping[DocumentState, int]
    straight: int = 0

    @property
    def words(self) -> str:
        """``2 to 8 Mar``."""
        if self.first == self.last:
            return day_words(self.first)
        first = f"{self.first.day}" if self.first.month == self.last.month else day_words(self.first)
        return f"{first} to {day_words(self.last)}"


WIDTH, HEIGHT = 640.0, 220.0
_TOP, _LEFT, _BOTTOM = 10.0, 44.0, 26.0


def _frame(scale: Sequence[float], words: Sequence[str]) -> tuple[list[Line], list[Mark]]:
    lines, marks = [], []
    for value, text in zip(scale, words, strict=True):
        y = _level(value, scale[-1])
        lines.append(Line(y, _LEFT, WIDTH))
        marks.append(Mark(_LEFT - 8, y + 4, text, "end"))
    return lines, marks


def _level(value: float, most: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / most


def stacked(
    weeks: Sequence[Week], order: Mapping[DocumentState, str], href: Mapping[tuple[int, DocumentState], str]
) -> Chart:
    """Documents by outcome, a column for each week; every piece leads to its documents."""
    most = max((sum(week.counts.values()) for week in weeks), default=0)
    scale = steps(most)
    lines, marks = _frame(scale, [number_words(value) for value in scale])
    each = (WIDTH - _LEFT) / max(len(weeks), 1)
    bars = []
    for place, week in enumerate(weeks):
        base = 0.0
        x = _LEFT + each * (place + 0.18)
        for state, words in order.items():
            count = week.counts.get(state, 0)
            if not count:
                continue
            top, bottom = _level(base + count, scale[-1]), _level(base, scale[-1])
            title = f"{week.words}: {count:,} {words}"
            # A hair of ground between two pieces, so that they are told apart without their colours.
            bars.append(
                Bar(
                    x,
                    top,
                    each * 0.64,
                    max(bottom - top - 1, 0.75),
                    f"state-{state}",
                    title,
                    href[place, state],
                )
            )
            base += count
        if place % 2 == (len(weeks) - 1) % 2:
            marks.append(Mark(x + each * 0.32, HEIGHT - 8, day_words(week.first)))
    total = sum(sum(week.counts.values()) for week in weeks)
    return Chart(
        WIDTH,
        HEIGHT,
        "Documents by outcome",
        f"{total:,} documents in {len(weeks)} weeks, by when they were first seen and how they stand now.",
        bars=tuple(bars),
        lines=tuple(lines),
        marks=tuple(marks),
        head=("Week", *(words.capitalize() for words in order.values())),
        rows=tuple((week.words, *(f"{week.counts.get(state, 0):,}" for state in order)) for week in weeks),
        hrefs=tuple(
            tuple(href[place, state] if week.counts.get(state) else "" for state in order)
            for place, week in enumerate(weeks)
        ),
        legend=tuple((f"state-{state}", words.capitalize()) for state, words in order.items()),
    )


def share_line(weeks: Sequence[Week], shares: Sequence[float | None], title: str, description: str) -> Chart:
    """A share by week, from none to all; weeks with hardly a document are left out of the line."""
    lines, marks = _frame([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    each = (WIDTH - _LEFT) / max(len(weeks), 1)
    points, rows = [], []
    for place, (week, share) in enumerate(zip(weeks, shares, strict=True)):
        x = _LEFT + each * (place + 0.5)
        if share is not None:
            points.append((x, _level(share, 1), f"{week.words}: {share:.0%}"))
        rows.append((week.words, "none" if share is None else f"{share:.1%}"))
        if place % 2 == (len(weeks) - 1) % 2:
            marks.append(Mark(x, HEIGHT - 8, day_words(week.first)))
    return Chart(
        WIDTH,
        HEIGHT,
        title,
        description,
        path="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points) if len(points) > 1 else "",
        dots=tuple(Mark(x, y, text) for x, y, text in points),
        lines=tuple(lines),
        marks=tuple(marks),
        head=("Week", "Share"),
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class Whisker:
    """A measured share with its interval and what it is to stay under, on a scale of its own (0 to 100 wide)."""

    value: float
    low: float
    high: float
    budget: float | None
    most: str


def whisker(value: float, low: float, high: float, budget: float | None, most: float) -> Whisker:
    """Places on a scale that ends at ``most``."""

    def at(share: float) -> float:
        return round(min(100 * share / most, 100), 2)

    return Whisker(at(value), at(low), at(high), None if budget is None else at(budget), f"{most:.3g}")
