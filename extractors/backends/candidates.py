"""What else a model's answers could be: what the scripted rules found for the same fields, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from extractors.backends.base import Answer, LeafAnswer, Span


def with_candidates(found: Sequence[LeafAnswer], by_rules: Answer) -> list[LeafAnswer]:
    """The leaves of an answer, each with the rules' candidates for its path: their own choice first.

    Rows are left alone: the rules' third row need not be the model's.
    """
    theirs = {leaf.path: leaf for leaf in by_rules.leaves if leaf.others or leaf.span is not None}
    return [_with(leaf, theirs.get(leaf.path)) for leaf in found]


def _with(leaf: LeafAnswer, theirs: LeafAnswer | None) -> LeafAnswer:
    if theirs is None or any(step.isdigit() for step in leaf.path.split(".")):
        return leaf
    own = list(leaf.others)
    ranked: list[tuple[str, Span]] = list(theirs.others)
    if theirs.raw is not None and theirs.span is not None:
        ranked.insert(0, (theirs.raw, theirs.span))
    known = {leaf.raw, *(raw for raw, _ in own)}
    others = (*own, *((raw, span) for raw, span in ranked if raw not in known))
    return replace(leaf, others=others) if others else leaf
