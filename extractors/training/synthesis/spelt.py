"""Leaves out of examples what the read words cannot spell: it would teach null for what a person can read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from extractors.training.dataset import Example
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

_ROWS_FOUND = 0.8
"""A list of which fewer rows, or a column of which fewer cells, can be spelt is left out."""


def without_unspelt(examples: Sequence[Example], truth: dict[str, Any]) -> list[Example]:
    """The examples of all windows of a document, without fields at any depth whose truth no window has.

    `dataset.examples_of` does so for plain fields; this looks into objects and lists as well.

    Args:
        examples: of one document under one schema.
        truth: under that schema.

    Returns:
        The examples with schema and answer cut down alike; none when nothing is left.
    """
    if not examples:
        return []
    answers = [json.loads(example.answer) for example in examples]
    tree = _object(examples[0].schema.tree, answers, truth)
    if tree is None:
        return []
    kept = []
    for example, answer in zip(examples, answers, strict=True):
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        schema = dataclasses.replace(example.schema, tree=tree)
        filled = _filled(tree, answer)
        kept.append(dataclasses.replace(example, schema=schema, answer=text, filled=filled))
    return kept


def _filled(tree: ObjectNode, answer: dict[str, Any]) -> int:
    """Fields with text of the window; choices stand in no window more than in another."""
    count = 0
    for name, child in tree.fields:
        if isinstance(child, ObjectNode):
            count += _filled(child, answer[name])
        elif not (isinstance(child, Leaf) and child.grounding == "choice"):
            count += answer[name] not in (None, [])
    return count


def _object(node: ObjectNode, answers: Sequence[dict[str, Any]], truth: Any) -> ObjectNode | None:
    """The node without what cannot be spelt; the answers lose the same keys."""
    known = truth if isinstance(truth, dict) else {}
    fields: list[tuple[str, Node]] = []
    for name, child in node.fields:
        kept = _node(child, [answer[name] for answer in answers], known.get(name))
        if kept is not None:
            fields.append((name, kept))
            continue
        for answer in answers:
            del answer[name]
    return dataclasses.replace(node, fields=tuple(fields)) if fields else None


def _node(node: Node, values: Sequence[Any], truth: Any) -> Node | None:
    match node:
        case ObjectNode():
            return _object(node, values, truth)
        case ArrayNode():
            return _rows(node, values, truth or [])
        case Leaf(grounding="span") if truth is not None and all(value is None for value in values):
            return None
    return node


def _rows(node: ArrayNode, values: Sequence[list[Any]], truth: list[Any]) -> ArrayNode | None:
    found = [row for rows in values for row in rows]
    if len(found) < _ROWS_FOUND * len(truth):
        return None
    if not isinstance(node.item, ObjectNode) or not truth:
        return node
    fields = []
    for name, child in node.item.fields:
        there = sum(row[name] is not None for row in found)
        wanted = sum(isinstance(row, dict) and row.get(name) is not None for row in truth)
        if there >= _ROWS_FOUND * wanted:
            fields.append((name, child))
            continue
        for row in found:
            del row[name]
    return dataclasses.replace(node, item=ObjectNode(tuple(fields))) if fields else None
