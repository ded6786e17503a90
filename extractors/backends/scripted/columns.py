"""Figures that stand below a label: one value, or a list under its head, with or without its sum at the end."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice

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

    The label above has none then. That there are such columns another line nearby shows, whose label is a known one and
    whose value has no label in its own cell.
    """
    behind = line.cell_end(start)
    figures = any(c.isdigit() for token in line.tokens[start:behind] for c in token.text)
    if figures or behind == len(line.tokens) or _opens_label(line, behind, scene):
        return False
    left, right = line.tokens[start].word.box.x0, line.tokens[behind].word.box.x0
    off = _ALIGNED * line.height
    if not scene.begins_at(label, left, off) or scene.begins_at(label, right, off):
        return False
    near = scene.lines[max(label.index - _NEAR, 0) : line.index + _NEAR + 1]
    return any(
        one.page == line.page
        and one is not line
        and len(one.cells) == 2
        and scene.begins_at(one, left, off)
        and scene.begins_at(one, right, off)
        and _is_label(one, scene)
        and not _opens_label(one, one.cells[1][0], scene)
        for one in near
    )


def _is_label(line: Line, scene: Scene) -> bool:
    """Whether the first cell of a line ends with a label."""
    end = line.cell_end(0)
    return any(run.end == end for run in scene.labels_from(line, 0) if run.start < end)


def _opens_label(line: Line, start: int, scene: Scene) -> bool:
    """Whether the cell that begins at a token begins with a label."""
    return any(run.start == start for run in islice(scene.labels_from(line, start), 1))


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
