"""Figures that stand below a label: one value, or a list under its head, with or without its sum at the end."""

from __future__ import annotations

from decimal import Decimal

from extractors.backends.scripted.labels import Run
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece
from extractors.backends.scripted.totals import parsed
from schemas.tree import Kind

_CELLS = 3
"""Lists have so many columns at least."""
_ROWS = 60
_CENT = Decimal("0.01")
_ALIGNED, _NEAR = 0.3, 5
"""Of the height of a line: how near two left edges are the same; and lines to look at for columns."""


def under(run: Run, line: Line, cell: tuple[int, int]) -> bool:
    """Whether a cell stands below a label: their extents meet, or it hangs under a heading."""
    left, right = line.tokens[cell[0]].word.box.x0, line.tokens[cell[1] - 1].word.box.x1
    over = run.line.tokens[run.cell_start].word.box.x0
    return (left < run.x1 and right > over) or hangs(run, line, cell)


def hangs(run: Run, line: Line, cell: tuple[int, int]) -> bool:
    """Whether a cell is the first of a block to the right under a heading that has its line to itself."""
    alone = len(run.line.cells) == 1 and run.cell_start <= 1 and run.end == len(run.line.tokens)
    next_one = line.index == run.line.index + 1 and len(line.cells) == 1
    return alone and next_one and line.tokens[cell[0]].word.box.x0 >= run.x1


def has_value_beside(label: Line, line: Line, start: int, scene: Scene) -> bool:
    """Whether a cell under a label is the next label of the same column, with its own value in the next column.

    The label above has none then. That there are such columns another line nearby shows.
    """
    behind = line.cell_end(start)
    if behind == len(line.tokens):
        return False
    left, right = line.tokens[start].word.box.x0, line.tokens[behind].word.box.x0

    def begins(one: Line, x0: float) -> bool:
        return any(abs(one.tokens[at].word.box.x0 - x0) < _ALIGNED * line.height for at, _ in one.cells)

    if not begins(label, left) or begins(label, right):
        return False
    near = scene.lines[max(label.index - _NEAR, 0) : line.index + _NEAR + 1]
    return any(
        one.page == line.page and one is not line and begins(one, left) and begins(one, right) for one in near
    )


def among_pairs(line: Line, scene: Scene) -> bool:
    """Whether a line is a label whose value is missing, in a column of labels that have theirs in the next column."""
    if len(line.cells) > 1:
        return False
    beside = [
        one
        for one in (
            *scene.lines[max(line.index - 1, 0) : line.index],
            *scene.lines[line.index + 1 : line.index + 2],
        )
        if one.page == line.page and len(one.cells) == 2 and _same_left(one, line)
    ]
    if len(beside) < 2:
        return False
    rights = [one.tokens[one.cells[1][0]].word.box.x0 for one in beside]
    return abs(rights[0] - rights[1]) < _ALIGNED * line.height


def _same_left(one: Line, other: Line) -> bool:
    return abs(one.tokens[0].word.box.x0 - other.tokens[0].word.box.x0) < _ALIGNED * other.height


def listed(run: Run, first: Line, scene: Scene) -> tuple[bool, Piece | None]:
    """Whether a label heads a list of figures that begins in the line ``first``, and the sum that ends the list.

    A single figure with the same one below it is no list: that is a sum of one row.
    """
    if len(run.line.cells) < _CELLS:
        return False, None
    figures = list[tuple[Decimal, Piece]]()
    for line in scene.lines[first.index : first.index + _ROWS]:
        if line.page != first.page:
            break
        found = [
            found
            for cell in line.cells
            if under(run, line, cell)
            for one in scene.values_between(line, Kind.DECIMAL, *cell)[-1:]
            if (found := parsed(one.piece, scene)) is not None
        ]
        if not found:
            break
        figures.append(found[0])
        before = [value for value, _ in figures[:-1]]
        if before and figures[-1][0] and abs(sum(before) - figures[-1][0]) < _CENT * len(before):
            return len(before) > 1, figures[-1][1]
    return len(figures) > 1, None
