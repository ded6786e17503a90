"""Line items: a header row whose cells name the columns, and the rows under it."""

from __future__ import annotations

from dataclasses import dataclass

from extractors.backends.scripted.labels import Goal, Run, score
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece, join, piece
from extractors.validation.text import text_key
from schemas.tree import NUMERIC, Kind

_MIN_NAMED = 0.4
_MAX_GAP = 5.0
"""A table ends where this many line heights are empty."""
_AFTER = 3
"""So many lines after one that names a sum may the next row stand, if the table goes on."""
_END = frozenset(
    {"amount", "net", "gross", "tax", "payment", "discount", "rounding", "terms", "bank", "iban"}
)

Row = dict[str, tuple[Piece, float]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its header's extent; ``goal`` is ``None`` for one that the schema does not ask for."""

    x0: float
    x1: float
    goal: Goal | None
    named: float = 0.0


def find_rows(goals: list[Goal], scene: Scene, max_items: int) -> list[Row]:
    """The rows of the best table for these goals: per row, leaf path to value and score."""
    if not goals:  # a list of single values is no table
        return []
    best: tuple[float, int, list[Column]] | None = None
    for line in scene.lines:
        columns = _header(goals, line, scene)
        mapped = [c for c in columns if c.goal is not None]
        weight = sum(c.named for c in mapped)
        if len(mapped) >= min(2, len(goals)) and (best is None or weight > best[0] + 0.01):
            best = (weight, line.index, columns)
    if best is None:
        return []
    return _rows(scene, best[1], best[2], max_items)


def _header(goals: list[Goal], line: Line, scene: Scene) -> list[Column]:
    """The columns that a line names, best pairs first, each goal once; empty when it is no header."""
    runs = _split(scene.runs.get(line.index, []), goals)
    if not runs or any(any(c.isdigit() for c in t.text) for t in line.tokens):
        return []
    pairs = sorted(
        ((_column_score(goal, run), -goal.order, i, goal) for i, run in enumerate(runs) for goal in goals),
        key=lambda p: (-p[0], -p[1], p[2]),
    )
    owner: dict[int, tuple[Goal, float]] = {}
    used: set[str] = set()
    for named, _, i, goal in pairs:
        if named >= _MIN_NAMED and i not in owner and goal.path not in used:
            owner[i] = (goal, named)
            used.add(goal.path)
    columns = [Column(run.x0, run.x1, *owner.get(i, (None, 0.0))) for i, run in enumerate(runs)]
    covered = {i for run in runs for i in range(run.start, run.end)}
    others = [i for i in range(len(line.tokens)) if i not in covered and text_key(line.tokens[i].text)]
    columns += [Column(line.tokens[i].word.box.x0, line.tokens[i].word.box.x1, None) for i in others]
    return sorted(columns, key=lambda c: c.x0)


def _split(runs: list[Run], goals: list[Goal]) -> list[Run]:
    """Headers printed close together (``Qty Price Total``) are one run; cut it where words are columns."""
    found: list[Run] = []
    for run in runs:
        if run.end - run.start < 2:
            found.append(run)
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
        found += parts if distinct >= 2 and sum(scores) > 1.2 * whole else [run]
    return found


def _column_score(goal: Goal, run: Run) -> float:
    """As `score`; the name of the list (``line_items``) is not expected in a column header."""
    named = score(goal, run)
    # "Price" alone is the unit price, "Amount" alone the total of the line.
    if goal.means("unit") and "price" in run.concepts and "amount" not in run.concepts:
        named = max(named, 0.6)
    return named


def _rows(scene: Scene, header: int, columns: list[Column], max_items: int) -> list[Row]:
    rows: list[Row] = []
    previous = scene.lines[header]
    for line in scene.lines[header + 1 :]:
        if len(rows) >= max_items:
            break
        if line.page == previous.page and line.top - previous.bottom > _MAX_GAP * line.height:
            break
        if rows and _ends(line):
            if not _goes_on_after(line, rows[0], columns, scene):
                break
            continue
        row = _row(line, columns, scene)
        numbers = sum(goal_path_is_number(path, columns) for path in row)
        if rows and numbers and _goes_on(row, rows[-1], line, previous):
            rows[-1].update({path: found for path, found in row.items() if path not in rows[-1]})
        elif numbers and (len(row) >= 2 or len([c for c in columns if c.goal]) == 1):
            rows.append(row)
            previous = line
        elif line.page == previous.page:
            previous = line
        elif rows and not _is_header_again(line, scene.lines[header]):
            continue
    return rows


def _goes_on(row: Row, last: Row, line: Line, previous: Line) -> bool:
    """Whether a line holds only figures that the row above it lacks: one row, printed a little askew."""
    near = line.page == previous.page and line.top - previous.bottom < 0.5 * line.height
    return near and len(row) == 1 and not set(row) & set(last)


def _ends(line: Line) -> bool:
    """A line that begins with a word of sums ends the table."""
    return bool(line.tokens[0].concepts & _END) or any(
        line.tokens[start].concepts & {"amount", "net", "gross", "tax"}
        and line.tokens[start].text[0].isalpha()
        for start, _ in line.cells
    )


def _goes_on_after(line: Line, first: Row, columns: list[Column], scene: Scene) -> bool:
    """Whether one of the next lines is as full a row as the first: what names a sum stood between rows."""
    after = [one for one in scene.lines[line.index + 1 : line.index + 1 + _AFTER] if one.page == line.page]
    return len(first) > 1 and any(
        not _ends(one) and len(_row(one, columns, scene)) >= len(first) for one in after
    )


def _is_header_again(line: Line, header: Line) -> bool:
    return text_key(line.text) == text_key(header.text)


def goal_path_is_number(path: str, columns: list[Column]) -> bool:
    """Whether the column of ``path`` holds numbers."""
    return any(c.goal is not None and c.goal.path == path and c.goal.kind in NUMERIC for c in columns)


def _row(line: Line, columns: list[Column], scene: Scene) -> Row:
    """The values of a line, each in the column that its place and kind suggest."""
    row: Row = {}
    texts: dict[int, list[tuple[int, int]]] = {}
    taken: set[int] = set()
    for index, column in enumerate(columns):
        goal = column.goal
        if goal is None or goal.kind is Kind.TEXT:
            continue
        for candidate in scene.values(line, goal.kind):
            found = candidate.piece
            if found.start not in taken and _nearest(columns, found.x0, found.x1) == index:
                row.setdefault(goal.path, (found, 0.95 * min(1.0, 0.4 + column.named)))
                taken.update(range(found.start, found.end))
                break
    at: int | None = None
    for i, token in enumerate(line.tokens):
        if i in taken:
            at = None
            continue
        if at is None or line.tokens[i - 1].cell != token.cell:  # the words of a cell stay together
            at = _nearest(columns, token.word.box.x0, token.word.box.x1)
        texts.setdefault(at, []).append((i, i + 1))
    for index, parts in texts.items():
        goal = columns[index].goal
        if goal is None or goal.kind is not Kind.TEXT:
            continue
        start, end = parts[0][0], parts[-1][1]
        found = piece(line, start, end) if end - start == len(parts) else join([(line, *p) for p in parts])
        if text_key(found.raw) and len(found.raw) <= goal.leaf.max_chars:
            row[goal.path] = (found, 0.9 * min(1.0, 0.4 + columns[index].named))
    return row


def _nearest(columns: list[Column], x0: float, x1: float) -> int:
    """The column whose header overlaps most, else the one with the smallest gap."""

    def distance(index: int) -> tuple[float, float]:
        column = columns[index]
        overlap = min(x1, column.x1) - max(x0, column.x0)
        return (-min(overlap, 0.0), -overlap)

    return min(range(len(columns)), key=distance)
