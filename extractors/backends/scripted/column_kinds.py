"""Columns by what stands in them, where their heads say nothing: dates, numbers, the longest texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.roles import Role, role_of
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line
from schemas.tree import NUMERIC, Kind

BY_CONTENT = 0.5
"""How well such a column is named."""
_ROWS = 12
_FEWEST_ROWS = 2
_MOSTLY = 0.6
_SEVERAL = 1.5
"""So many cells a row under one of the header are several columns."""
_GAP = 2.5
_DIGITS = 4
"""So many make a number without letters a code."""
_CENTS = re.compile(r"[.,]\d{2}$")
_NOT_MAIN = (
    "unit",
    "currency",
    "reference",
    "terms",
    "date",
    "quantity",
    "percent",
    "address",
    "phone",
    "mail",
)
_DAY = re.compile(r"(\d{1,2})[./-](\d{1,2})\.?")
_MONTHS, _DAYS = 12, 31
_FEWEST_DAYS = 3
_RANGE = re.compile(r"\d\s*[-–—]\s*\d")
_RANGES = frozenset({"range", "ranges", "interval", "limits"})
_RESULTS = frozenset({"result", "value", "reading", "measurement", "score"})
CODES = frozenset({"number", "id", "reference"})
"""Concepts of what is a code."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its header's extent; ``goal`` is ``None`` for one that the schema does not ask for."""

    x0: float
    x1: float
    goal: Goal | None
    named: float = 0.0


class Holds(StrEnum):
    """What a column holds."""

    DATES = "dates"
    NUMBERS = "numbers"
    TEXTS = "texts"


@dataclass(slots=True)
class _Seen:
    """What the rows have in a column: which of them have which kind, letters in all, and the numbers."""

    rows: dict[Holds, set[int]] = field(default_factory=dict)
    letters: int = 0
    numbers: list[str] = field(default_factory=list)
    words: dict[int, list[str]] = field(default_factory=dict)

    def add(self, kind: Holds, row: int) -> None:
        self.rows.setdefault(kind, set()).add(row)

    def share(self, kind: Holds, rows: int) -> float:
        return len(self.rows.get(kind, ())) / rows

    def coded(self, rows: int) -> float:
        """The share of the rows that have a code there: one word with digits, each time another."""
        said = {" ".join(words) for words in self.words.values()}
        return sum(is_coded(text) and not _CENTS.search(text) and _is_long(text) for text in said) / rows

    def ranges(self, rows: int) -> bool:
        """Whether most rows have a range there: ``0.40 - 4.00``."""
        said = [" ".join(words) for words in self.words.values()]
        return sum(bool(_RANGE.search(text)) for text in said) >= _MOSTLY * rows

    @property
    def counts(self) -> bool:
        """Whether it numbers the rows."""
        told = [number.rstrip(".") for number in self.numbers]
        return bool(told) and told == [str(n) for n in range(1, len(told) + 1)]


def by_content(columns: Sequence[Column], goals: Sequence[Goal], head: Line, scene: Scene) -> list[Column]:
    """The columns of a header, those that it does not name for the fields that are left by what stands in them.

    Args:
        columns: of the header, some with a goal.
        goals: all fields of a row.
        head: the header.
        scene: the document.
    """
    named = {column.goal.path for column in columns if column.goal is not None}
    left = [goal for goal in goals if goal.path not in named and goal.leaf.grounding == "span"]
    if not left or len(head.cells) < _FEWEST_ROWS:
        return list(columns)
    rows = list(_body(head, scene, len(head.cells)))
    if len(rows) < _FEWEST_ROWS:
        return list(columns)
    whole = _by_cell(columns, head, rows)
    seen = _seen(whole, rows, scene)
    free = [i for i, column in enumerate(whole) if column.goal is None]
    given: dict[int, Goal] = {place: goal for goal, place in _codes(left, free, seen, len(rows))}
    ranges = [i for i in free if seen[i].ranges(len(rows))]
    wanted = next((g for g in left if any(unit.word in _RANGES for unit in g.units)), None)
    if wanted is not None and len(ranges) == 1:
        given[ranges[0]] = wanted
    free = [i for i in free if i not in given and i not in ranges]
    for goal, place in (*_dates(left, free, seen, len(rows)), *_numbers(left, free, seen, len(rows))):
        given.setdefault(place, goal)
    for goal, place in _texts(left, [i for i in free if i not in given], seen, len(rows)):
        given.setdefault(place, goal)
    if not given:
        return list(columns)
    return [
        replace(column, goal=given[i], named=BY_CONTENT) if i in given else column
        for i, column in enumerate(whole)
    ]


def _by_cell(columns: Sequence[Column], head: Line, rows: Sequence[Line]) -> list[Column]:
    """The columns, those of one cell that no field has as one, unless the rows have several cells under it."""
    found: list[Column] = []
    for start, end in head.cells:
        x0, x1 = head.tokens[start].word.box.x0, head.tokens[end - 1].word.box.x1
        inside = [column for column in columns if x0 <= (column.x0 + column.x1) / 2 <= x1]
        under = sum(x0 <= row.tokens[a].word.box.x0 <= x1 for row in rows for a, _ in row.cells)
        if any(column.goal is not None for column in inside):
            found += inside
        elif end - start > 1 and under > _SEVERAL * len(rows):
            boxes = [token.word.box for token in head.tokens[start:end]]
            found += [Column(box.x0, box.x1, None) for box in boxes]
        else:
            found.append(Column(x0, x1, None))
    return found


def _body(head: Line, scene: Scene, columns: int) -> Iterator[Line]:
    """Lines under a header that may be rows: close to each other, with about as many cells as it has columns."""
    last = head
    for line in scene.lines[head.index + 1 : head.index + 1 + 3 * _ROWS]:
        if line.page != head.page or line.top - last.bottom > _GAP * line.height:
            return
        last = line
        if len(line.cells) >= max(2, columns - 2) and any(c.isdigit() for c in line.text):
            yield line


def _seen(columns: Sequence[Column], rows: Sequence[Line], scene: Scene) -> list[_Seen]:
    found = [_Seen() for _ in columns]
    for number, line in enumerate(rows):
        taken: set[int] = set()
        for kind, holds in ((Kind.DATE, Holds.DATES), (Kind.DECIMAL, Holds.NUMBERS)):
            for candidate in scene.values(line, kind):
                one = candidate.piece
                if taken.isdisjoint(range(one.start, one.end)):
                    taken.update(range(one.start, one.end))
                    at = found[nearest(columns, one.x0, one.x1)]
                    at.add(holds, number)
                    if holds is Holds.NUMBERS:
                        at.numbers.append(one.raw)
        for i, token in enumerate(line.tokens):
            letters = sum(map(str.isalpha, token.text))
            at = found[nearest(columns, token.word.box.x0, token.word.box.x1)]
            at.words.setdefault(number, []).append(token.text)
            if i not in taken and letters > 1:
                at.add(Holds.TEXTS, number)
                at.letters += letters
    for column in found:
        days = {number for number, words in column.words.items() if is_day(" ".join(words))}
        if len(days) == len(column.words) >= _FEWEST_DAYS and not column.rows.get(Holds.DATES):
            column.rows = {Holds.DATES: days}
    return found


def is_day(text: str) -> bool:
    """Whether a text is a day without its year: ``28/01``, ``23.04.``; so is many an amount."""
    found = _DAY.fullmatch(text)
    if found is None:
        return False
    low, high = sorted((int(found[1]), int(found[2])))
    return 0 < low <= _MONTHS and high <= _DAYS


def _codes(
    left: Sequence[Goal], free: Sequence[int], seen: Sequence[_Seen], rows: int
) -> Iterator[tuple[Goal, int]]:
    """A code that is asked for is in the one column of codes."""
    goals = [goal for goal in left if goal.kind is Kind.TEXT and asks_for_code(goal)]
    dated = [i for i in free if seen[i].rows.get(Holds.DATES)]
    places = [i for i in free if i not in dated and not seen[i].counts and seen[i].coded(rows) >= _MOSTLY]
    if len(goals) == len(places) == 1:
        yield goals[0], places[0]


def _dates(
    left: Sequence[Goal], free: Sequence[int], seen: Sequence[_Seen], rows: int
) -> Iterator[tuple[Goal, int]]:
    """Dates in their order: the first column has the first date that is asked for."""
    goals = [goal for goal in left if goal.kind is Kind.DATE]
    places = [i for i in free if seen[i].share(Holds.DATES, rows) >= _MOSTLY]
    if len(goals) <= len(places):
        yield from zip(goals, places, strict=False)


def _numbers(
    left: Sequence[Goal], free: Sequence[int], seen: Sequence[_Seen], rows: int
) -> Iterator[tuple[Goal, int]]:
    """A number that is left for the column that is left; an amount for two of which each row fills one."""
    goals = [goal for goal in left if goal.kind in NUMERIC]
    places = [
        i
        for i in free
        if seen[i].rows.get(Holds.NUMBERS) and not seen[i].rows.get(Holds.DATES) and not seen[i].counts
    ]
    amount = next((goal for goal in goals if goal.means("amount")), None)
    for one, other in pairwise(places):
        either = seen[one].rows[Holds.NUMBERS], seen[other].rows[Holds.NUMBERS]
        if (
            amount is not None
            and either[0].isdisjoint(either[1])
            and len(either[0] | either[1]) >= _MOSTLY * rows
        ):
            yield amount, one
            yield amount, other
            goals.remove(amount)
            places = [place for place in places if place not in (one, other)]
            break
    full = [place for place in places if seen[place].share(Holds.NUMBERS, rows) >= _MOSTLY]
    goals = goals or [goal for goal in left if goal.kind is Kind.TEXT and _asks_for_result(goal)]
    if len(goals) == len(full) == 1:
        yield goals[0], full[0]


def _texts(
    left: Sequence[Goal], free: Sequence[int], seen: Sequence[_Seen], rows: int
) -> Iterator[tuple[Goal, int]]:
    """What names or describes a row is its longest text; another text that is left has the column that is left."""
    goals = [goal for goal in left if goal.kind is Kind.TEXT and not asks_for_code(goal)]
    places = [i for i in free if seen[i].share(Holds.TEXTS, rows) >= _MOSTLY]
    named = [g for g in goals if g.means("description", "name") or role_of(g) is Role.TITLE]
    telling = [g for g in goals if not g.means(*_NOT_MAIN) and not _asks_for_result(g)]
    main = next(iter(named or telling), None)
    if main is not None and places:
        longest = max(places, key=lambda place: seen[place].letters)
        yield main, longest
        goals.remove(main)
        places.remove(longest)
    if len(goals) == len(places) == 1:
        yield goals[0], places[0]


def _asks_for_result(goal: Goal) -> bool:
    """Whether a text is mostly a number: what was measured."""
    return any(unit.word in _RESULTS for unit in goal.units)


def nearest(columns: Sequence[Column], x0: float, x1: float) -> int:
    """The column whose header overlaps most, else the one with the smallest gap."""

    def distance(index: int) -> tuple[float, float]:
        column = columns[index]
        overlap = min(x1, column.x1) - max(x0, column.x0)
        return (-min(overlap, 0.0), -overlap)

    return min(range(len(columns)), key=distance)


def _is_long(text: str) -> bool:
    return any(map(str.isalpha, text)) or sum(map(str.isdigit, text)) >= _DIGITS


def asks_for_code(goal: Goal) -> bool:
    """Whether a field wants a number or code, by its name or description."""
    codes = CODES - {"reference"}  # a range of reference is none
    return goal.means(*codes) or bool(goal.hints & codes)


def is_coded(text: str) -> bool:
    """Whether a text is one word with digits in it."""
    return " " not in text and any(map(str.isdigit, text))
