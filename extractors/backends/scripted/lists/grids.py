"""Lists of objects by heads or labels: tables of words, and the same labels again for each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from extractors.backends.scripted.column_kinds import Column, by_content
from extractors.backends.scripted.headers import header_columns, may_head
from extractors.backends.scripted.labels import Goal
from extractors.backends.scripted.lists.labelled import NAMED, labelled_fields
from extractors.backends.scripted.lists.roles import Role, role_of
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece
from extractors.backends.scripted.tables import Row, codes_apart, line_row
from extractors.validation.text import text_key
from schemas.tree import Kind

_GAP = 2.5
_FEWEST, _MANY = 2, 3
_DATES = (Role.START, Role.END, Role.PERIOD, Role.DATE)
_ENDS = frozenset({"amount", "net", "gross", "tax"})
_TOLD = 0.8


def text_rows(goals: Sequence[Goal], scene: Scene, room: int) -> list[Row]:
    """The rows of a table whose columns hold words, under a line that names two of them or more."""
    best: tuple[float, Line, list[Column]] | None = None
    for line in scene.lines:
        if len(line.cells) < _FEWEST:
            continue
        columns = header_columns(list(goals), line, scene.runs.get(line.index, []))
        told = [(column.goal, column.named) for column in columns if column.goal is not None]
        named = [how_well for _, how_well in told if how_well >= NAMED]
        texts = any(goal.kind is Kind.TEXT and role_of(goal) not in _DATES for goal, _ in told)
        if texts and len(named) >= _FEWEST and (best is None or sum(named) > best[0] + 0.01):
            best = (sum(named), line, columns)
    if best is None:
        best = _by_content(goals, scene)
    rows = codes_apart(goals, _below(best[1], best[2], scene, room)) if best is not None else []
    return rows if len(rows) >= _FEWEST or (rows and len(rows[0]) == len(goals) >= _MANY) else []


def _by_content(goals: Sequence[Goal], scene: Scene) -> tuple[float, Line, list[Column]] | None:
    """The first line of heads that nobody knows over columns of which three are told by what stands in them."""
    for line in scene.lines:
        if may_head(line):
            columns = by_content(
                header_columns(list(goals), line, scene.runs.get(line.index, [])), goals, line, scene
            )
            told = [column.named for column in columns if column.goal is not None]
            if len(told) >= _MANY:
                return sum(told), line, columns
    return None


def _below(head: Line, columns: list[Column], scene: Scene, room: int) -> list[Row]:
    rows: list[Row] = []
    last = head
    beside = False
    for line in scene.lines[head.index + 1 :]:
        if text_key(line.text) == text_key(head.text):
            last = line
            continue
        if line.page == last.page and line.top - last.bottom > _GAP * line.height:
            break
        if (
            rows
            and not beside
            and line.page == last.page
            and len(line.cells) < _FEWEST
            and not _has_label(line)
        ):
            beside, last = True, line  # a second line of the row above, with what no head names
            continue
        if len(line.cells) < _FEWEST or line.tokens[0].concepts & _ENDS or _has_label(line):
            if line.page != last.page or rows:
                break
            continue
        row = line_row(_within(line, head), columns, scene)
        if len(row) < (len(rows[0]) if beside else _FEWEST) or len(rows) == room:
            break
        rows.append(row)
        last, beside = line, False
    return rows


def _within(line: Line, head: Line) -> Line:
    """A line without the cells that begin right of all heads: flags and notes, which no head names."""
    edge = head.tokens[-1].word.box.x1
    end = next((start for start, _ in line.cells if line.tokens[start].word.box.x0 > edge), len(line.tokens))
    return Line(line.page, line.index, line.tokens[:end]) if end else line


def _has_label(line: Line) -> bool:
    return any(token.ends_label or token.text == ":" for token in line.tokens[: line.cell_end(0)])


def labelled_rows(goals: Sequence[Goal], scene: Scene, room: int) -> list[Row]:
    """Items that each print the same labels: ``Make: ...``, ``Model: ...``, and again for the next."""
    hits = _hits(goals, scene)
    often = Counter(path for path, _, _ in hits)
    several = {path for path, count in often.items() if count >= _FEWEST}
    if len(several) < _FEWEST:
        return []
    leader = next(path for path, _, _ in hits if path in several)
    rows: list[Row] = []
    for path, found, named in hits:
        if path == leader:
            rows.append({})
        if rows and path not in rows[-1]:
            rows[-1][path] = (found, _TOLD * named)
    distinct = {tuple(sorted((path, found.raw) for path, (found, _) in row.items())) for row in rows}
    if len(distinct) < len(rows) or min(map(len, rows)) < _FEWEST:
        return []  # the head of each page, or one label for many things
    return rows[:room]


def _hits(goals: Sequence[Goal], scene: Scene) -> list[tuple[str, Piece, float]]:
    """The values behind labels with a colon, each for the field that the label names best, in reading order."""
    return [
        (goal.path, found, named)
        for index in sorted(scene.runs)
        for goal, found, named in labelled_fields(goals, index, scene, (index, index + 1))
    ]
