"""Headers of tables: the line whose cells name the columns, and which field each of them is."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from extractors.backends.scripted.column_kinds import CODES, Column, by_content
from extractors.backends.scripted.labels import Goal, Run, runs_of, score
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line
from extractors.backends.scripted.stacked import stacks
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_MIN_NAMED = 0.4
_OPENING = 0.6
"""How well a header names a column of texts with its first word, whatever follows."""
_STACKED = 0.3
"""A header over several lines must name so much more than any line does."""
_FULL = 3
_BY_PLACE = 0.5
_NO_CODE = 0.8
_NET = 1.05
_PILED = 0.25
"""Share of the narrower of two words by which they stand over one another."""
MONEY = frozenset({"price", "amount", "net", "gross"})


def best_header(
    goals: list[Goal], scene: Scene, *, with_content: bool = False
) -> tuple[float, int, list[Column]] | None:
    """The line that names the most columns, with how well it does: two at least, or three by what stands in them."""
    best: tuple[float, int, list[Column]] | None = None
    for line in scene.lines:
        columns = header_columns(goals, line, scene.runs.get(line.index, []))
        least = min(2, len(goals))
        if with_content and may_head(line):
            if not any(column.goal is not None for column in columns):
                least = _FULL
            columns = by_content(columns, goals, line, scene)
        mapped = {column.goal.path: column.named for column in columns if column.goal is not None}
        weight = sum(mapped.values())
        if len(mapped) >= least and (best is None or weight > best[0] + 0.01):
            best = (weight, line.index, columns)
    return best


def may_head(line: Line) -> bool:
    """Whether a line may head columns that it does not name in words we know."""
    figures = any(c.isdigit() for c in line.text)
    return len(line.cells) >= 2 and not figures and not any(token.ends_label for token in line.tokens)


def stacked_header(goals: list[Goal], scene: Scene, weight: float) -> tuple[int, list[Column]] | None:
    """The last line and the columns of a header over several lines that names more than one line does."""
    best: tuple[float, int, list[Column]] | None = None
    for at, line in enumerate(scene.lines):
        if line.index not in scene.runs:
            continue
        for whole in stacks(scene.lines, at):
            columns = header_columns(goals, whole, list(runs_of(whole, scene.vocabulary)))
            mapped = [c for c in columns if c.goal is not None]
            named = sum(c.named for c in mapped)
            if len(mapped) >= _FULL and named > (best[0] + 0.01 if best is not None else weight + _STACKED):
                best = (named, whole.index, columns)
    return best[1:] if best is not None else None


def header_columns(goals: list[Goal], line: Line, named_by: list[Run]) -> list[Column]:
    """The columns that a line names, each goal once; empty when it is no header."""
    runs = _split(named_by, goals)
    if not runs or any(any(c.isdigit() for c in t.text) for t in line.tokens):
        return []
    owner = _owners(goals, runs)
    used = {goal.path for goal, _ in owner.values()}
    _give_total(goals, runs, owner, used)
    columns: list[Column] = []
    for i, run in enumerate(runs):
        before = columns[-1] if columns else None
        left = min(token.word.box.x0 for token in run.tokens)
        right = max(token.word.box.x1 for token in run.tokens)
        if before and before.goal and i not in owner and _same_cell(line, runs[i - 1], run):
            columns[-1] = replace(
                before, x0=min(before.x0, left), x1=max(before.x1, right)
            )  # "Total Price", where the price is another column's
        else:
            columns.append(Column(left, right, *owner.get(i, (None, 0.0))))
    covered = {i for run in runs for i in range(run.start, run.end)}
    others = [i for i in range(len(line.tokens)) if i not in covered and text_key(line.tokens[i].text)]
    for i in others:
        box = line.tokens[i].word.box
        if i and line.tokens[i].text.startswith("(") and line.tokens[i - 1].cell == line.tokens[i].cell:
            at = next((k for k, c in enumerate(columns) if c.x1 == line.tokens[i - 1].word.box.x1), None)
            if at is not None:  # "Weight (kg)"
                columns[at] = replace(columns[at], x1=box.x1)
                continue
        at = next(
            (k for k, c in enumerate(columns) if c.goal and _over((c.x0, c.x1), (box.x0, box.x1))), None
        )
        if at is not None:  # "Requested" over "Qty"
            columns[at] = replace(columns[at], x0=min(columns[at].x0, box.x0), x1=max(columns[at].x1, box.x1))
            continue
        columns.append(Column(box.x0, box.x1, None))
    return sorted(columns, key=lambda c: c.x0)


def _owners(goals: list[Goal], runs: list[Run]) -> dict[int, tuple[Goal, float]]:
    """By position the goal that each run names, with how well; all together as well as can be, each goal once."""
    # The review page imports the rules for what fields mean, and its image has no scipy.
    from scipy.optimize import linear_sum_assignment

    named = np.array([[_column_score(goal, run) for goal in goals] for run in runs])
    named[named < _MIN_NAMED] = 0.0
    # Of two goals that a run names as well, the first of the schema.
    later = np.array([goal.order for goal in goals])
    at, of = linear_sum_assignment(named - 1e-6 * later * (named > 0), maximize=True)
    return {i: (goals[j], float(named[i, j])) for i, j in zip(at, of, strict=True) if named[i, j]}


def _give_total(
    goals: list[Goal], runs: list[Run], owner: dict[int, tuple[Goal, float]], used: set[str]
) -> None:
    """Behind the price of one unit, the last column of money is the row's total, whatever it is called."""
    wanted = next((g for g in goals if g.means("amount") and g.path not in used and g.kind in NUMERIC), None)
    prices = [i for i, (goal, _) in owner.items() if goal.means("price")]
    if wanted is None or not prices or wanted.means("tax", "discount"):
        return
    for i in range(len(runs) - 1, max(prices), -1):
        concepts = runs[i].concepts
        if (
            i not in owner
            and concepts & MONEY
            and not concepts & {"tax", "discount", "percent", "unit", "quantity"}
        ):
            owner[i] = (wanted, _BY_PLACE)
            used.add(wanted.path)
            return


def _same_cell(line: Line, before: Run, run: Run) -> bool:
    return run.start == before.end and line.tokens[before.start].cell == line.tokens[run.start].cell


def _split(runs: list[Run], goals: list[Goal]) -> list[Run]:
    """Headers printed close together (``Qty Price Total``) are one run; cut it where words are columns."""
    found: list[Run] = []
    for run in runs:
        if run.end - run.start < 2 or any(token.text == "/" for token in run.tokens):
            found.append(run)  # "Description / Price" is one column
            continue
        whole = max((_column_score(goal, run) for goal in goals), default=0.0)
        parts = [
            Run(
                run.line,
                i,
                i + 1,
                (run.line.tokens[i].concepts,),
                frozenset({text_key(run.line.tokens[i].text)}),
            )
            for i in range(run.start, run.end)
            if text_key(run.line.tokens[i].text)
        ]
        scores = [max((_column_score(goal, part) for goal in goals), default=0.0) for part in parts]
        wanted = [max(goals, key=lambda g: _column_score(g, part)).path for part in parts]
        distinct = len({w for w, s in zip(wanted, scores, strict=True) if s >= _MIN_NAMED})
        apart = distinct >= 2 and sum(scores) > 1.2 * whole
        hidden = whole < _MIN_NAMED and max(scores, default=0.0) >= _OPENING  # "No Item Description"
        # Words over one another head one column, also where each of them would head another: "Price" over "base Qty".
        found += parts if (apart or hidden) and (distinct < 2 or not _is_pile(run)) else [run]
    return found


def _is_pile(run: Run) -> bool:
    """Whether words of a header stand over one another, and so over one column: ``Price`` over ``base Qty``."""
    extents = [(token.word.box.x0, token.word.box.x1) for token in run.tokens]
    return any(_over(one, two) for one, two in combinations(extents, 2))


def _over(one: tuple[float, float], two: tuple[float, float]) -> bool:
    """Whether two extents have so much in common that what they are of stands over one another."""
    narrower = min(one[1] - one[0], two[1] - two[0])
    return min(one[1], two[1]) - max(one[0], two[0]) > _PILED * narrower


def _column_score(goal: Goal, run: Run) -> float:
    """As `score`; the name of the list (``line_items``) is not expected in a column header."""
    named = score(goal, run)
    no_code = goal.kind is Kind.TEXT and not goal.means(*CODES) and not goal.hints & CODES
    if no_code and run.concepts & CODES:
        return _NO_CODE * named  # "Item code": no description, where a code is asked for too
    if 0 < named < _OPENING and goal.kind is Kind.TEXT and goal.means(*run.per_word[0]):
        named = _OPENING
    # "Price" alone is the unit price, "Amount" alone the total of the line.
    if goal.means("unit") and "price" in run.concepts and "amount" not in run.concepts:
        named = max(named, 0.6 if "price" in run.per_word[0] or "unit" in run.concepts else 0.5)
        if {"net", "unit"} <= run.concepts and "net" in goal.hints:
            named = _NET  # beside the price before discounts
    return named


def is_again(line: Line, header: Line) -> bool:
    """Whether a line is a header again, or that of another part of its table: one head differs."""
    if text_key(line.text) == text_key(header.text):
        return True
    if len(line.cells) != len(header.cells) or len(line.cells) < 2 or any(c.isdigit() for c in line.text):
        return False
    other = sum(one != two for one, two in zip(_heads(line), _heads(header), strict=True))
    return other <= 1


def _heads(line: Line) -> list[str]:
    return [text_key("".join(token.text for token in line.tokens[a:b])) for a, b in line.cells]
