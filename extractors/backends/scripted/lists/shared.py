"""One table for several lists, such as earnings and deductions: told apart by the headings between its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from extractors.backends.scripted.lists.labelled import NAMED
from extractors.backends.scripted.lists.wanted import Wanted
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line
from extractors.backends.scripted.tables import Row

_ABOVE = 6
"""So many lines over the first row may the heading of the first part stand."""


def apart(found: Mapping[str, list[Row]], wanted: Mapping[str, Wanted], scene: Scene) -> dict[str, list[Row]]:
    """The rows of each list, those that several lists found given to the one whose heading they stand under.

    A heading that names a list gives it what follows. Where none does, the parts of the table between headings are the
    lists' in their order, if there are as many; else all of it is the first list's.

    Args:
        found: rows by the path of their list, lists in the order of the schema.
        wanted: what each list asks for.
        scene: the document.
    """
    rest = {path: list(rows) for path, rows in found.items()}
    done: set[str] = set()
    for path, rows in found.items():
        same = [other for other in found if other not in done and _at(found[other]) == _at(rows)]
        if path in done or not rows or len(same) < 2:
            continue
        done.update(same)
        owners = _owners([_line(row) for row in rows], [wanted[other] for other in same], scene)
        for number, other in enumerate(same):
            rest[other] = [row for row, owner in zip(found[other], owners, strict=True) if owner == number]
    return rest


def _at(rows: Sequence[Row]) -> list[frozenset[tuple[int, int]]]:
    """Where the values of each row stand."""
    return [frozenset((piece.line, piece.start) for piece, _ in row.values()) for row in rows]


def _line(row: Row) -> int:
    return min(piece.line for piece, _ in row.values())


def _owners(lines: Sequence[int], lists: Sequence[Wanted], scene: Scene) -> list[int]:
    """Of each row the position of its list."""
    named: list[int | None] = []
    parts: list[int] = []
    part, owner = 0, None
    begin = max(lines[0] - _ABOVE, 0)
    for at in lines:
        for line in scene.lines[begin:at]:
            best = max(range(len(lists)), key=lambda i: lists[i].named(_head(line)))
            if lists[best].named(_head(line)) >= NAMED:
                owner = best
            if named and _is_heading(line):
                part += 1
        begin = at + 1
        named.append(owner)
        parts.append(part)
    if any(one is not None for one in named):
        first = next((i for i in range(len(lists)) if i not in named), 0)
        return [first if one is None else one for one in named]
    return parts if part + 1 == len(lists) else [0] * len(lines)


def _head(line: Line) -> str:
    """The first cell of a line."""
    return " ".join(token.text for token in line.tokens[: line.cell_end(0)])


def _is_heading(line: Line) -> bool:
    return len(line.cells) == 1 and not any(c.isdigit() for c in line.text)
