"""Texts that are named after dates and sums, asked for as what they are.

Many schemas have strings where a date or an amount is meant (``"date": {"type": "string"}``). As a text it could be any
words of the page, a time of day among them; as a date it is one of the page's dates. What is copied is text all the
same, and is held against the schema as its author wrote it.
"""

from __future__ import annotations

from dataclasses import replace

from extractors.backends.scripted.labels import goal_of
from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode

_MONEY = ("amount", "gross", "net", "tax", "price")


def as_meant(schema: LoadedSchema) -> LoadedSchema:
    """The schema as it is asked: texts without pattern or format whose name tells a date or a sum of money as such."""
    tree = _node(schema.tree, "")
    assert isinstance(tree, ObjectNode)
    return replace(schema, tree=tree)


def _node(node: Node, path: str) -> Node:
    match node:
        case Leaf(kind=Kind.TEXT, grounding="span", pattern=None, format=None) if path:
            goal = goal_of(path, node, 0)
            meant = goal.kind is Kind.DATE or (goal.kind is Kind.DECIMAL and goal.means(*_MONEY))
            return replace(node, kind=goal.kind) if meant else node
        case ObjectNode():
            fields = tuple((n, _node(c, f"{path}.{n}" if path else n)) for n, c in node.fields)
            return replace(node, fields=fields)
        case ArrayNode():
            return replace(node, item=_node(node.item, ""))  # rows are named by their own fields
    return node
