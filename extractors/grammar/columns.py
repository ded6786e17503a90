"""Texts that go on below: a name wrapped inside a table cell, an address in one of two columns side by side.

Reading order goes line by line across the page, so such a text is not one run of words there. A *column run* is a
chain of cells, each straight below the one before; its words are offered to the grammar as one more text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from extractors.prompting.window import PrintedLine
from schemas.document import Word

MAX_GAP = 1.2
"""White space between a line and its continuation, in heights of the upper line."""
MIN_OVERLAP = 0.5
"""Shared width of two cells, as a share of the narrower one, from which one stands below the other."""


@dataclass(frozen=True, slots=True)
class _Cell:
    place: int
    line: int
    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float


def column_runs(lines: Sequence[PrintedLine]) -> list[list[tuple[Word, ...]]]:
    """The chains of cells of one page that reading order does not have as neighbours already.

    Args:
        lines: the page's lines in reading order.

    Returns:
        Per chain its cells, top to bottom; every cell is in one chain at most.
    """
    cells = _cells(lines)
    by_line: list[list[_Cell]] = [[] for _ in lines]
    for cell in cells:
        by_line[cell.line].append(cell)
    below = {c.place: _next(c, by_line[c.line + 1 :], down=True) for c in cells}
    above = {c.place: _next(c, by_line[: c.line][::-1], down=False) for c in cells}
    follows = {
        place: under
        for place, under in below.items()
        if under is not None and (over := above[under.place]) is not None and over.place == place
    }
    continued = {cell.place for cell in follows.values()}
    runs = []
    for cell in cells:
        if cell.place in continued or cell.place not in follows:
            continue
        chain = [cell]
        while (after := follows.get(chain[-1].place)) is not None:
            chain.append(after)
        if chain[-1].place - chain[0].place != len(chain) - 1:  # else the page's own order has it
            runs.append([c.words for c in chain])
    return runs


def _cells(lines: Sequence[PrintedLine]) -> list[_Cell]:
    cells: list[_Cell] = []
    for number, line in enumerate(lines):
        for words in line.cells:
            boxes = [w.box for w in words]
            cells.append(
                _Cell(
                    len(cells),
                    number,
                    words,
                    min(b.x0 for b in boxes),
                    min(b.y0 for b in boxes),
                    max(b.x1 for b in boxes),
                    max(b.y1 for b in boxes),
                )
            )
    return cells


def _next(cell: _Cell, lines: Sequence[Sequence[_Cell]], *, down: bool) -> _Cell | None:
    """The one cell next below (or above); ``None`` when there is none, or several stand side by side."""
    room = MAX_GAP * max(cell.y1 - cell.y0, 1.0)
    for line in lines:
        if not line:
            continue
        gap = min(c.y0 for c in line) - cell.y1 if down else cell.y0 - max(c.y1 for c in line)
        if gap > room:
            return None
        touching = [c for c in line if min(c.x1, cell.x1) > max(c.x0, cell.x0)]
        if touching:
            return touching[0] if len(touching) == 1 and _stacked(cell, touching[0]) else None
    return None


def _stacked(one: _Cell, other: _Cell) -> bool:
    shared = min(one.x1, other.x1) - max(one.x0, other.x0)
    return shared >= MIN_OVERLAP * max(min(one.x1 - one.x0, other.x1 - other.x0), 1e-6)
