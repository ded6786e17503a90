"""Headers of tables that are printed over several lines, as one line: ``Preis/`` over ``Einheit``.

Cells of neighbouring lines that stand below one another are one header. Their words keep their places, so that a
column is as wide as the widest of its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractors.backends.scripted.sheet import Line, Token

MOST = 5
"""Lines of a header."""
_NEAR = 0.9
"""They stand at most so many heights apart."""
_SHARED = 0.25
"""Share of the narrower of two cells, by which they stand below one another."""

_Cell = tuple[Line, int, int]


def stacks(lines: Sequence[Line], at: int) -> Iterator[Line]:
    """The lines from ``at`` on taken together, two of them, three, and so on, each time as one line."""
    taken = [lines[at]]
    for line in lines[at + 1 : at + 2 * MOST]:
        last = taken[-1]
        if len(taken) == MOST:
            return
        if line.page != last.page or line.top - last.bottom > _NEAR * min(line.height, last.height):
            return
        if len(line.tokens) == 1 and line.tokens[0].text.isdigit():
            continue  # what is printed up the margin
        taken.append(line)
        yield _as_one(taken)


def _as_one(lines: Sequence[Line]) -> Line:
    columns: list[list[_Cell]] = []
    for line in lines:
        for start, end in line.cells:
            cell = (line, start, end)
            best = max(columns, key=lambda column: _shared(column, cell), default=None)
            if best is not None and _shared(best, cell) > _SHARED:
                best.append(cell)
            else:
                columns.append([cell])
    columns.sort(key=lambda column: min(line.tokens[start].word.box.x0 for line, start, _ in column))
    tokens: list[Token] = [
        replace(token, cell=number)
        for number, column in enumerate(columns)
        for line, start, end in column
        for token in line.tokens[start:end]
    ]
    return Line(lines[-1].page, lines[-1].index, tuple(tokens))


def _shared(column: Sequence[_Cell], cell: _Cell) -> float:
    left = min(line.tokens[start].word.box.x0 for line, start, _ in column)
    right = max(line.tokens[end - 1].word.box.x1 for line, _, end in column)
    line, start, end = cell
    x0, x1 = line.tokens[start].word.box.x0, line.tokens[end - 1].word.box.x1
    return (min(right, x1) - max(left, x0)) / max(min(right - left, x1 - x0), 1e-6)
