"""A likely answer as a draft: where the written answer agrees with it, the rest of it is proposed and verified.

The guess comes from rules that cost no model call. It proposes across fields, so that a document on which model and
rules agree is read in a handful of passes. Like every draft it changes the number of passes, never the answer.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extractors.grammar.spans import SpanIndex
from schemas.tree import ArrayNode, Kind, Leaf, Node, ObjectNode, leaves

_KEY = re.compile(r'[{,\[]("(?:[^"\\]|\\.)*"):')
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|[^"{}\[\],]+')
"""A string, number or name; no object or list."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place where a key or an item begins: its offset, the quoted key if whole, which one of that key."""

    start: int
    key: str | None
    nth: int


class Guess:
    """A guessed answer, compact JSON in the order of the schema.

    Args:
        text: the answer.
        others: by key, what else its value could be, the likeliest first; of keys that occur once.
    """

    def __init__(self, text: str, others: Mapping[str, Sequence[str]] | None = None) -> None:
        self.text = text
        self.slots = list(_slots(text))
        self._others = {
            json.dumps(key, ensure_ascii=False): [json.dumps(value, ensure_ascii=False) for value in values]
            for key, values in (others or {}).items()
        }

    def continuation(self, written: str) -> str:
        """How the guess goes on after what is written; empty where the two disagree since the last key.

        Args:
            written: the answer so far: compact JSON with the same keys, cut anywhere.
        """
        return self.text[end:] if (end := self._agreed(written)) else ""

    def without_value(self, written: str) -> str:
        """How it goes on when the value that begins is null: ``null``, and what the guess says after its value.

        Args:
            written: the answer so far, up to the colon of a key.
        """
        value = _VALUE.match(self.text, end) if (end := self._agreed(written)) else None
        return "null" + self.text[value.end() :] if value else ""

    def other(self, written: str) -> str:
        """How the likeliest other value that begins as the open one does goes on, and what the guess says after it.

        Args:
            written: the answer so far, cut in a string.
        """
        slots = list(_slots(written))
        if not slots or (key := slots[-1].key) is None or slots[-1].nth or key not in self._others:
            return ""
        begun = written[slots[-1].start + 1 + len(key) + 1 :]
        value = next((v for v in self._others[key] if begun and v.startswith(begun)), None)
        if value is None:
            return ""
        after = next(
            (slot.start + 1 + len(key) + 1 for slot in self.slots if slot.key == key), len(self.text)
        )
        said = _VALUE.match(self.text, after)
        return value[len(begun) :] + (self.text[said.end() :] if said else "")

    def _agreed(self, written: str) -> int:
        """Up to where the guess is what is written since the last key; 0 where it is not."""
        slots = list(_slots(written))
        if not slots:
            return 0
        seen = Counter(slot.key for slot in slots[:-1])
        current = written[slots[-1].start :]
        for slot in self.slots:
            if (
                slot.key is not None
                and slot.nth == seen[slot.key]
                and self.text.startswith(current, slot.start)
            ):
                return slot.start + len(current)
        return 0


def _slots(text: str) -> Iterator[_Slot]:
    seen: Counter[str | None] = Counter()
    inside = skip = False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif inside:
            skip = char == "\\"
            inside = char != '"'
        elif char == '"':
            inside = True
        elif char in "{[,":
            found = _KEY.match(text, at)
            key = found[1] if found else None
            yield _Slot(at, key, seen[key])
            seen[key] += 1


def guess_of(
    tree: ObjectNode,
    data: dict[str, Any],
    index: SpanIndex,
    others: Mapping[str, Sequence[str]] | None = None,
) -> Guess:
    """The answer of the rules to a document, as far as one window can hold it.

    Args:
        tree: the schema.
        data: the raw answer, nested like the schema.
        index: of the window; what does not stand there is null.
        others: by path, what else a leaf could be, the likeliest first.
    """
    answer = _window(tree, data, index)
    kinds = {path: leaf.kind for path, leaf in leaves(tree)}
    names = Counter(path.rpartition(".")[2] for path in kinds)
    near = {
        name: [offered for value in values if (offered := _offered(value, kinds[path], index)) is not None]
        for path, values in (others or {}).items()
        if path in kinds and names[name := path.rpartition(".")[2]] == 1
    }
    return Guess(json.dumps(answer, ensure_ascii=False, separators=(",", ":")), near)


def _window(node: Node, value: Any, index: SpanIndex) -> Any:
    match node:
        case Leaf(kind=Kind.BOOLEAN):
            return value == "true" if isinstance(value, str) else value
        case Leaf(grounding="span"):
            return _offered(value, node.kind, index) if isinstance(value, str) else None
        case Leaf():
            return value
        case ObjectNode():
            parts = value if isinstance(value, dict) else {}
            return {name: _window(child, parts.get(name), index) for name, child in node.fields}
        case ArrayNode():
            items = [(_window(node.item, item, index), item) for item in value or []]
            return [found for found, whole in items if _stands(node.item, found, whole)]


def _offered(value: str, kind: Kind, index: SpanIndex) -> str | None:
    """A value of the rules as the window offers it: of ``RM9.00`` for a number its ``9.00``; or not at all.

    Rules that are asked for a text give what is printed, a currency grown to a number and a label to a date with it.
    """
    if index.places(value, kind):
        return value
    whole = (
        text
        for text in index.candidates(kind) or ()
        if text in value and re.search(rf"(?<![\d.,/-]){re.escape(text)}(?![.,/-]?\d)", value)
    )
    return max(whole, key=len, default=None)


def _stands(node: Node, found: Any, whole: Any) -> bool:
    """Whether an item is of this window: most of its texts stand here (a lone number stands anywhere)."""
    if not isinstance(node, ObjectNode):
        return found is not None
    copied = [
        name
        for name, child in node.fields
        if isinstance(child, Leaf) and child.grounding == "span" and (whole or {}).get(name) is not None
    ]
    return bool(copied) and 2 * sum(found[name] is not None for name in copied) > len(copied)
