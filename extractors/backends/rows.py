"""Rows of a list on which a model is unsure: those of the rules, where these found some.

A small model goes astray in tables more than anywhere else, and knows it: its score falls. Rules that follow columns
are then right more often. The score stays the model's, so that such rows are doubted like any that it was unsure of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from extractors.backends.base import Answer, LeafAnswer
from extractors.validation.paths import ABSENT, get, put, steps_of
from schemas.tree import ArrayNode, ObjectNode


def lists_of(tree: ObjectNode, path: str = "") -> Iterator[str]:
    """The paths of the outermost lists of objects."""
    for name, child in tree.fields:
        at = f"{path}.{name}" if path else name
        if isinstance(child, ArrayNode) and isinstance(child.item, ObjectNode):
            yield at
        elif isinstance(child, ObjectNode):
            yield from lists_of(child, at)


def rows_by_rules(
    path: str, data: dict[str, Any], leaves: Sequence[LeafAnswer], by_rules: Answer, unsure_below: float
) -> list[LeafAnswer]:
    """The leaves of an answer, those of one list the rules' where the model's mean score on it is too low.

    Args:
        path: of the list.
        data: the answer, changed in place with the leaves.
        leaves: of the answer.
        by_rules: what the rules say of the document.
        unsure_below: mean score (nats) of the list's leaves.
    """
    mine = [leaf for leaf in leaves if leaf.path.startswith(f"{path}.")]
    theirs = [leaf for leaf in by_rules.leaves if leaf.path.startswith(f"{path}.")]
    score = fmean(leaf.log_probability for leaf in mine) if mine else 0.0
    steps = steps_of(path)
    rows = get(by_rules.data, steps)
    if score >= unsure_below or not any(leaf.raw for leaf in theirs) or get(data, steps[:-1]) is ABSENT:
        return list(leaves)
    put(data, steps, rows)
    taken = [replace(leaf, log_probability=score, signals={"weakest": score}) for leaf in theirs]
    first = next(i for i, leaf in enumerate(leaves) if leaf.path.startswith(f"{path}."))
    rest = [leaf for leaf in leaves[first:] if not leaf.path.startswith(f"{path}.")]
    return [*leaves[:first], *taken, *rest]
