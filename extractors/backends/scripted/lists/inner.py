"""Lists within the rows of a list: the bullets of an entry, what a label in it lists, the authors of a work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from extractors.backends.scripted.lists.blocks import Entry
from extractors.backends.scripted.lists.roles import Role, role_of_words
from extractors.backends.scripted.lists.splitting import marked_items, marker, split, whole_items
from extractors.backends.scripted.lists.values import labelled_stretches
from extractors.backends.scripted.lists.wanted import Wanted, wanted_of
from extractors.backends.scripted.scene import Scene
from extractors.backends.scripted.sheet import Piece
from extractors.backends.scripted.tables import Row
from schemas.tree import ArrayNode, Kind, Leaf, ObjectNode

_SCORE = 0.7


@dataclass(frozen=True)
class Inner:
    """A list in the items of a list: what it asks for, and the field of its own items that has the value, if any."""

    wanted: Wanted
    field: str = ""

    def put(self, row: Row, values: Sequence[Piece], score: float = _SCORE) -> None:
        """Adds values to a row, each under its number."""
        leaf = self._leaf()
        kept = [value for value in values if len(value.raw) <= leaf.max_chars]
        for i, value in enumerate(kept[: self.wanted.node.max_items]):
            row[f"{self.wanted.path}.{i}{self.field and f'.{self.field}'}"] = (value, score)

    def _leaf(self) -> Leaf:
        item = self.wanted.node.item
        found = dict(item.fields)[self.field] if isinstance(item, ObjectNode) else item
        assert isinstance(found, Leaf)
        return found


def inner_lists(wanted: Wanted) -> list[Inner]:
    """The lists of texts in the items of a list; of objects those that have a name."""
    item = wanted.node.item
    found = []
    for name, node in item.fields if isinstance(item, ObjectNode) else ():
        if not isinstance(node, ArrayNode):
            continue
        if isinstance(node.item, Leaf) and node.item.kind is Kind.TEXT and node.item.grounding == "span":
            found.append(Inner(wanted_of(name, node, ())))
        elif isinstance(node.item, ObjectNode):
            names = [
                key for key, leaf in node.item.fields if isinstance(leaf, Leaf) and leaf.kind is Kind.TEXT
            ]
            named = next((key for key in names if role_of_words(key) is Role.TITLE), None)
            if named is not None:
                found.append(Inner(wanted_of(name, node, ()), named))
    return found


def fill_inner(row: Row, entry: Entry, lists: Sequence[Inner], scene: Scene) -> None:
    """Adds what an entry lists: behind a label of its own, else its bullets where these are asked for."""
    for one in lists:
        stretches = [
            found for line in entry.lines for found, _ in labelled_stretches(one.wanted, line, scene)
        ]
        if stretches:
            own = {line.index for line in entry.lines}
            one.put(row, split([part for part in stretches[0] if part[0].index in own]))
        elif role_of_words(one.wanted.path) is Role.DESCRIPTION or "tasks" in one.wanted.topics:
            first = next((i for i, line in enumerate(entry.body) if marker(line)), None)
            if first is not None:
                one.put(row, whole_items(marked_items(entry.body[first:])))


def fill_authors(row: Row, names: Sequence[Piece], lists: Sequence[Inner]) -> None:
    """Adds the authors of a work one by one."""
    for one in lists:
        if "authors" in one.wanted.topics:
            one.put(row, names)
