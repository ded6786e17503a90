"""A schema too wide for one prompt as several that are answered one after the other, under the same guard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from extractors.prompting.prompt import schema_text
from extractors.prompting.window import CountTokens
from schemas.registry import LoadedSchema
from schemas.tree import Node, ObjectNode

SCHEMA_TOKENS = 1500
"""Most tokens that the description of a schema may take in a prompt."""


def split_schema(
    schema: LoadedSchema, count_tokens: CountTokens, budget: int = SCHEMA_TOKENS
) -> list[LoadedSchema]:
    """The schema as parts of at most ``budget`` tokens each; itself when it is no wider.

    Objects are cut between their fields, in order; lists stay whole, because rows of two answers could not be put
    together. A single field or list that is wider than the budget is a part of its own.
    """

    def cost(node: ObjectNode) -> int:
        return sum(count_tokens([schema_text(dataclasses.replace(schema, tree=node))]))

    if cost(schema.tree) <= budget:
        return [schema]
    groups: list[list[tuple[str, Node]]] = [[]]
    room = budget
    for name, child in _units(schema.tree, budget, cost):
        tokens = cost(ObjectNode(((name, child),)))
        if groups[-1] and (tokens > room or any(name == other for other, _ in groups[-1])):
            groups.append([])
            room = budget
        groups[-1].append((name, child))
        room -= tokens
    return [dataclasses.replace(schema, tree=ObjectNode(tuple(group))) for group in groups]


def _units(tree: ObjectNode, budget: int, cost: Any) -> Iterator[tuple[str, Node]]:
    """The fields of an object; one that is too wide and an object itself comes in pieces."""
    for name, child in tree.fields:
        whole = ObjectNode(((name, child),))
        if not isinstance(child, ObjectNode) or cost(whole) <= budget:
            yield name, child
            continue
        piece: list[tuple[str, Node]] = []
        for unit in _units(child, budget, cost):
            grown = [*piece, unit]
            taken = unit[0] in {n for n, _ in piece}
            if piece and (taken or cost(ObjectNode(((name, ObjectNode(tuple(grown))),))) > budget):
                yield name, dataclasses.replace(child, fields=tuple(piece))
                grown = [unit]
            piece = grown
        yield name, dataclasses.replace(child, fields=tuple(piece))


def joined(tree: ObjectNode, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The answers of the parts as one answer to ``tree``.

    An object that is null in one part and filled in another is there; what its other part did not say is null.
    """
    whole: dict[str, Any] = {}
    for name, child in tree.fields:
        said = [part[name] for part in parts if part.get(name) is not None]
        if isinstance(child, ObjectNode):
            whole[name] = joined(child, said) if said else None
        else:
            whole[name] = said[0] if said else None
    return whole
