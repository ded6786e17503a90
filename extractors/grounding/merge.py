"""One answer of several windows: for each field the value with the most support, lists one after the other."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractors.backends.base import LeafAnswer, Span, WindowAnswer
from extractors.validation.text import text_key
from schemas.document import Box
from schemas.outcome import ReviewReason
from schemas.tree import NUMERIC, ArrayNode, Leaf, Node, ObjectNode

_NO_NUMBER = re.compile(r"[^\d.,()\-−–]")
RIVAL_SHARE = 0.5
"""Another value with at least this share of the winner's support makes the windows disagree."""


def merge(windows: Sequence[WindowAnswer], tree: ObjectNode) -> WindowAnswer:
    """Merges the answers of a document's windows, in order. One window is its own merge."""
    if len(windows) == 1:
        return windows[0]
    by_path = [{leaf.path: leaf for leaf in w.leaves} for w in windows]
    chosen: list[LeafAnswer] = []
    data: dict[str, Any] = {}
    for name, child in tree.fields:
        data[name] = _node(child, name, name, by_path, [w.data.get(name) for w in windows], chosen)
    return WindowAnswer(data, tuple(chosen), any(w.truncated for w in windows))


def _node(
    node: Node,
    path: str,
    new_path: str,
    by_path: list[dict[str, LeafAnswer]],
    values: list[Any],
    chosen: list[LeafAnswer],
) -> Any:
    match node:
        case Leaf():
            found = [leaves[path] for leaves in by_path if path in leaves]
            if not found:
                return None
            best = _vote(found, node)
            chosen.append(replace(best, path=new_path, signals={**best.signals, **_votes(found, best, node)}))
            return _json(best, node)
        case ObjectNode():
            parts = [v if isinstance(v, dict) else {} for v in values]
            return {
                name: _node(
                    child,
                    f"{path}.{name}",
                    f"{new_path}.{name}",
                    by_path,
                    [p.get(name) for p in parts],
                    chosen,
                )
                for name, child in node.fields
            }
        case ArrayNode():
            return list(_items(node, path, new_path, by_path, values, chosen))


def _items(
    node: ArrayNode,
    path: str,
    new_path: str,
    by_path: list[dict[str, LeafAnswer]],
    values: list[Any],
    chosen: list[LeafAnswer],
) -> Iterator[Any]:
    kept: list[tuple[dict[str, LeafAnswer], str, Any]] = []
    before: list[_Places] = []  # of the window before: windows share lines with their neighbours only
    places: list[_Places] = []
    for leaves, items in zip(by_path, values, strict=True):
        here: list[_Places] = []
        for i, item in enumerate(items or []):
            at = f"{path}.{i}"
            mine = _places(leaves, at, len(kept))
            known = next((other for other in before if _same(mine, other)), None)
            if known is None and _is_choice(node.item) and any(item == old for _, _, old in kept):
                continue  # a choice has no place of its own: every window tells it of the whole document
            if known is None:
                kept.append((leaves, at, item))
                here.append(mine)
                places.append(mine)
                continue
            here.append(_Places(known.item, mine.words))
            if len(mine.words) > len(places[known.item].words):
                kept[known.item] = (leaves, at, item)
                places[known.item] = mine
        before = here
    for count, (leaves, at, item) in enumerate(kept):
        yield _node(node.item, at, f"{new_path}.{count}", [leaves], [item], chosen)


def _is_choice(node: Node) -> bool:
    return isinstance(node, Leaf) and node.grounding == "choice"


@dataclass(frozen=True, slots=True)
class _Places:
    """Where an item's values stand, by path inside the item; ``item`` is its number among those kept."""

    item: int
    words: dict[str, frozenset[tuple[int, Box]]]


def _places(leaves: dict[str, LeafAnswer], at: str, number: int) -> _Places:
    found = {
        path[len(at) :]: frozenset((page, word.box) for page, word in leaf.span.words)
        for path, leaf in leaves.items()
        if leaf.span is not None and (path == at or path.startswith(f"{at}."))
    }
    return _Places(number, found)


def _same(one: _Places, other: _Places) -> bool:
    """Whether two windows took the same item from the lines that both show.

    Told by place: no text tells two equal rows from one row seen twice. One may have seen more of the row than the
    other; what both saw must lie at the same words.
    """
    shared = one.words.keys() & other.words.keys()
    return bool(shared) and all(one.words[path] & other.words[path] for path in shared)


def _vote(found: list[LeafAnswer], node: Leaf) -> LeafAnswer:
    """The value with the largest sum of probabilities; a window that says null has not seen the value."""
    support: dict[str, float] = defaultdict(float)
    seen: dict[tuple[str, Span], float] = {}
    first: dict[str, LeafAnswer] = {}
    for leaf in found:
        if leaf.raw is None:
            continue
        key = value_key(leaf.raw, node)
        share = math.exp(leaf.log_probability)
        if leaf.span is not None:  # lines that two windows show speak once
            known = seen.get((key, leaf.span), 0.0)
            seen[key, leaf.span] = max(known, share)
            share = max(share - known, 0.0)
        support[key] += share
        if key not in first or leaf.log_probability > first[key].log_probability:
            first[key] = leaf
    if not support:
        return min(found, key=lambda leaf: leaf.log_probability)
    ranked = sorted(support, key=lambda k: -support[k])
    best = first[ranked[0]]
    if len(ranked) > 1 and support[ranked[1]] >= RIVAL_SHARE * support[ranked[0]]:
        return replace(best, reasons=(*best.reasons, ReviewReason.WINDOWS_DISAGREE.value))
    return best


def _votes(found: list[LeafAnswer], best: LeafAnswer, node: Leaf) -> dict[str, float]:
    """How many windows gave this value, another one, none."""
    nulls = sum(leaf.raw is None for leaf in found)
    mine = value_key(best.raw, node) if best.raw is not None else None
    same = sum(leaf.raw is not None and value_key(leaf.raw, node) == mine for leaf in found)
    return {
        "windows_same": float(same),
        "windows_other": float(len(found) - nulls - same),
        "windows_null": float(nulls),
    }


def value_key(raw: str, node: Leaf) -> str:
    """By what two printed values are the same: letters and digits; of numbers also sign and point."""
    if node.kind in NUMERIC:
        return _NO_NUMBER.sub("", raw) or raw
    return text_key(raw) or raw


def _json(leaf: LeafAnswer, node: Leaf) -> Any:
    if leaf.raw is None:
        return None
    return leaf.raw == "true" if node.kind.value == "boolean" else leaf.raw
