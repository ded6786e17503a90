"""Fields that a mark on the page decides: a tick, a signature or a stamp says more than a small model sees.

At 512 pixels a tick is two pixels wide, and a model that was never shown such hints guesses from the words. Where the
rules found a mark that decides a field with a closed list of answers, and are certain of it, their answer is taken,
with the mark as its place and its certainty as its score and in the signals. Elsewhere nothing changes, and a text, a
number or a date is never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from extractors.backends.base import Answer, LeafAnswer
from extractors.backends.scripted import MARK
from extractors.validation.paths import ABSENT, get, put, steps_of
from schemas.tree import Kind, Leaf, ObjectNode, leaves

CLEAR = 0.75
"""A mark of this certainty decides."""


def decided_by_marks(
    tree: ObjectNode, data: dict[str, Any], found: Sequence[LeafAnswer], by_rules: Answer
) -> list[LeafAnswer]:
    """The leaves of an answer, those the rules' that a mark decides.

    Args:
        tree: of the schema.
        data: the answer, changed in place with the leaves.
        found: its leaves.
        by_rules: what the rules say of the document.
    """
    choices = {path: leaf for path, leaf in leaves(tree) if leaf.grounding == "choice"}
    marked = {
        leaf.path: leaf
        for leaf in by_rules.leaves
        if leaf.signals.get(MARK, 0.0) >= CLEAR and _may_say(choices.get(leaf.path), leaf.raw)
    }
    out = []
    for leaf in found:
        theirs = marked.get(leaf.path)
        steps = steps_of(leaf.path)
        if theirs is None or get(data, steps) is ABSENT:
            out.append(leaf)
            continue
        put(data, steps, _json(choices[leaf.path], theirs.raw))
        score = theirs.log_probability
        signals = {**leaf.signals, **theirs.signals, "weakest": score}
        out.append(
            replace(
                leaf,
                raw=theirs.raw,
                log_probability=score,
                log_mass=None,
                span=theirs.span,
                reasons=(),
                signals=signals,
            )
        )
    return out


def _may_say(leaf: Leaf | None, raw: str | None) -> bool:
    """Whether an answer is one of a field's: of one without a closed list none is."""
    if leaf is None:
        return False
    if raw is None:
        return leaf.nullable
    return raw in (("true", "false") if leaf.kind is Kind.BOOLEAN else leaf.choices)


def _json(leaf: Leaf, raw: str | None) -> Any:
    return raw == "true" if raw is not None and leaf.kind is Kind.BOOLEAN else raw
