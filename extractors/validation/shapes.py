"""Objects that may have one of several shapes: which one the values make, and the fields of the others left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from extractors.validation.paths import Step
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode


def keep_one_shape(
    node: Node, data: Any, steps: tuple[Step, ...] = ()
) -> Iterator[tuple[tuple[Step, ...], bool]]:
    """Takes out of nested data (changed in place) what its shapes do not have.

    Yields:
        Each leaf or field that was taken out, and whether it had a value.
    """
    match node:
        case ObjectNode() if isinstance(data, dict):
            if node.shapes:
                own = dict(shape_of(node, data).fields)
                for name, _ in node.fields:
                    if name in data and name not in own:
                        yield from _left_out(data.pop(name), (*steps, name))
            for name, child in node.fields:
                yield from keep_one_shape(child, data.get(name), (*steps, name))
        case ArrayNode() if isinstance(data, list):
            for number, item in enumerate(data):
                yield from keep_one_shape(node.item, item, (*steps, number))


def shape_of(node: ObjectNode, data: dict[str, Any]) -> ObjectNode:
    """The shape that its choices tell; of several the one that has most of the values, then the one that asks least."""

    def fit(shape: ObjectNode) -> tuple[bool, int, int]:
        agrees = all(_agrees(child, data.get(name)) for name, child in shape.fields)
        return agrees, sum(says(data.get(name)) for name, _ in shape.fields), -len(shape.fields)

    return max(node.shapes, key=fit)  # the first of the best


def says(value: Any) -> bool:
    """Whether there is a value anywhere in nested data."""
    if isinstance(value, dict):
        return any(map(says, value.values()))
    return any(map(says, value)) if isinstance(value, list) else value is not None


def _agrees(node: Node, value: Any) -> bool:
    if not isinstance(node, Leaf) or not node.choices or value is None:
        return True
    return (value if isinstance(value, str) else json.dumps(value)) in node.choices


def _left_out(value: Any, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], bool]]:
    inner: Iterator[tuple[Step, Any]] = iter(())
    if isinstance(value, dict):
        inner = iter(value.items())
    elif isinstance(value, list):
        inner = iter(enumerate(value))
    yield steps, not isinstance(value, dict | list) and value is not None
    for step, child in inner:
        yield from _left_out(child, (*steps, step))
