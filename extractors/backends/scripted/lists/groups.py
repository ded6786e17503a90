"""Tables in the items of a list: a table under each of several heads, such as the movements of each account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from extractors.backends.scripted.fields import find_fields, values_of
from extractors.backends.scripted.labels import Goal, find_runs, goal_of, score
from extractors.backends.scripted.lists.grids import text_rows
from extractors.backends.scripted.lists.labelled import NAMED
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Line, Piece
from extractors.backends.scripted.tables import Row, find_rows
from extractors.validation.text import text_key
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

_FEWEST = 2
"""Fields of a row that make it one of a table; heads that make groups."""


@dataclass(frozen=True)
class Grouped:
    """A list whose items hold a table, or groups of tables.

    Attributes:
        path: of the list of rows, in the item.
        own: the copied fields of the item itself.
        fields: the copied fields of a row.
        inner: groups again, where the rows hold a table of their own.
        most: rows that an item may have.
    """

    path: str
    own: tuple[Goal, ...]
    fields: tuple[Goal, ...]
    inner: Grouped | None
    most: int


def grouped_of(node: ArrayNode) -> Grouped | None:
    """What is to be found of a list with tables in its items; ``None`` of every other list."""
    parts = list(_parts(node.item, ""))
    own = _goals(parts)
    for path, inner in parts:
        if not isinstance(inner, ArrayNode) or not isinstance(inner.item, ObjectNode):
            continue
        deeper, fields = grouped_of(inner), _goals(_parts(inner.item, ""))
        if deeper is not None or len(fields) >= _FEWEST:
            return Grouped(path, own, fields, deeper, inner.max_items)
    return None


def group_rows(wanted: Grouped, scene: Scene, room: int) -> list[Row]:
    """The items of a list with tables in them; none where the page has no such table.

    A field of the item whose label heads several tables parts the page into items; what heads the table on the next
    page again goes on with it. Where no label does, all tables are of one item.
    """
    found: list[Row] = []
    for goal in wanted.own:
        heads = list(_heads(goal, scene))
        groups = _by_heads(wanted, heads, scene) if len(heads) >= _FEWEST else []
        if len(groups) > max(len(found), _FEWEST - 1):
            found = groups
    if not found:
        rows = _rows(wanted, scene)
        if len(rows) >= _FEWEST or (rows and wanted.inner is not None):
            found = [_with_rows(wanted, _told(wanted, _part(scene, 0, _first_line(rows[0]))), rows)]
    return found[:room]


def _parts(node: Node, path: str) -> Iterator[tuple[str, Leaf | ArrayNode]]:
    """The leaves and lists of an object, without what is in the lists."""
    if isinstance(node, ObjectNode):
        for name, child in node.fields:
            yield from _parts(child, f"{path}.{name}" if path else name)
    elif path:
        yield path, node


def _goals(parts: Sequence[tuple[str, Node]] | Iterator[tuple[str, Node]]) -> tuple[Goal, ...]:
    copied = [(path, leaf) for path, leaf in parts if isinstance(leaf, Leaf) and leaf.grounding == "span"]
    return tuple(goal_of(path, leaf, order) for order, (path, leaf) in enumerate(copied))


def _heads(goal: Goal, scene: Scene) -> Iterator[tuple[int, Piece]]:
    """The lines with a label of a field and its value."""
    for index in sorted(scene.runs):
        for run in scene.runs[index]:
            if run.firm and score(goal, run) >= NAMED:
                value = next((found for found, _ in values_of(goal, run, scene) if found.line == index), None)
                if value is not None:
                    yield index, value
                    break


def _by_heads(wanted: Grouped, heads: list[tuple[int, Piece]], scene: Scene) -> list[Row]:
    """The items whose tables stand under the heads; what stands over a head, below the table before it, is its too."""
    items: list[Row] = []
    begin = 0
    ends = [*(index for index, _ in heads[1:]), len(scene.lines)]
    for _, again in groupby(zip(heads, ends, strict=True), lambda pair: text_key(pair[0][1].raw)):
        rows: list[Row] = []
        item: Row = {}
        for (index, _), end in again:
            found = _rows(wanted, _part(scene, index, end))
            if found and not rows:
                item = _told(wanted, _part(scene, min(begin, index), index + 1 + _first_line(found[0])))
            if found:
                begin = index + 1 + _last_line(found[-1])
            rows += found
        if rows:
            items.append(_with_rows(wanted, item, rows))
    return items


def _rows(wanted: Grouped, scene: Scene) -> list[Row]:
    """The rows of an item, all of its lines given."""
    if wanted.inner is not None:
        return group_rows(wanted.inner, scene, wanted.most)
    fields = list(wanted.fields)
    return find_rows(fields, scene, wanted.most) or text_rows(fields, scene, wanted.most)


def _told(wanted: Grouped, scene: Scene) -> Row:
    """The fields of an item itself, by what stands over its rows."""
    chosen, _ = find_fields(list(wanted.own), scene)
    return {path: (match.piece, match.score) for path, match in chosen.items()}


def _with_rows(wanted: Grouped, item: Row, rows: Sequence[Row]) -> Row:
    inner = {
        f"{wanted.path}.{i}.{path}": found
        for i, row in enumerate(rows[: wanted.most])
        for path, found in row.items()
    }
    return {**item, **inner}


def _first_line(row: Row) -> int:
    return min(found.line for found, _ in row.values())


def _last_line(row: Row) -> int:
    return max(found.line for found, _ in row.values())


def _part(scene: Scene, first: int, end: int) -> Scene:
    """Some lines as a document of their own."""
    lines = [Line(line.page, at, line.tokens) for at, line in enumerate(scene.lines[first:end])]
    return Scene(lines, find_runs(lines, scene.vocabulary), scene.style, {}, vocabulary=scene.vocabulary)
