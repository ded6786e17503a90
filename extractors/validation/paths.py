"""Values in nested data by dotted path (``line_items.0.quantity``), and leaves of a tree by the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

Step = str | int
ABSENT: Any = object()
"""What `get` returns where there is nothing, not even null."""

_INDEX = re.compile(r"\.\d+(?=\.|$)")


def join(steps: tuple[Step, ...] | list[Step]) -> str:
    """``("line_items", 0, "quantity")`` as ``line_items.0.quantity``."""
    return ".".join(str(step) for step in steps)


def pattern_of(path: str) -> str:
    """The path without list positions: ``items.0.price`` and ``items[].price`` become ``items.price``."""
    return _INDEX.sub("", path).replace("[]", "")


def get(data: Any, steps: tuple[Step, ...]) -> Any:
    """The value at ``steps``, or `ABSENT`."""
    for step in steps:
        if isinstance(data, dict) and str(step) in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
            data = data[step]
        else:
            return ABSENT
    return data


def put(data: Any, steps: tuple[Step, ...], value: Any) -> None:
    """Sets the value at ``steps``; its parent must exist."""
    parent = get(data, steps[:-1])
    parent[str(steps[-1]) if isinstance(parent, dict) else steps[-1]] = value


def steps_of(path: str) -> tuple[Step, ...]:
    """``line_items.0.quantity`` as ``("line_items", 0, "quantity")``."""
    return tuple(int(step) if step.isascii() and step.isdigit() else step for step in path.split("."))


def leaf_at(tree: Node, path: str) -> Leaf | None:
    """The leaf that a concrete path means, ``None`` when the schema has none there."""
    node = tree
    for step in path.split("."):
        match node:
            case ObjectNode():
                child = dict(node.fields).get(step)
                if child is None:
                    return None
                node = child
            case ArrayNode() if step.isdigit():
                node = node.item
            case _:
                return None
    return node if isinstance(node, Leaf) else None


def concrete_leaves(node: Node, data: Any, steps: tuple[Step, ...] = ()) -> Iterator[tuple[str, Leaf]]:
    """The leaves that ``data`` has room for, with concrete paths, in schema order.

    A null object or list has none below it; a missing key counts as null.
    """
    match node:
        case Leaf():
            yield join(steps), node
        case ObjectNode() if isinstance(data, dict):
            for name, child in node.fields:
                yield from concrete_leaves(child, data.get(name), (*steps, name))
        case ArrayNode() if isinstance(data, list):
            for i, item in enumerate(data):
                yield from concrete_leaves(node.item, item, (*steps, i))
