"""Which of several places of a value is the one that was meant: what is printed beside and above it says so.

A date or an amount stands on a form many times. The words of the field's name and description are looked for left of
each place and above it; the rules of the scripted backend, where they found the same text, have looked harder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from extractors.backends.base import Span
from extractors.grammar.spans import Place, SpanIndex
from extractors.validation.text import text_key
from schemas.document import Box, Word
from schemas.tree import Leaf

NAME_WEIGHT, DESCRIPTION_WEIGHT, RULES_WEIGHT = 1.0, 0.25, 0.7
ABOVE_SHARE = 0.7
"""A label above counts less than one on the same line."""
LEFT_WORDS = 6
ABOVE_HEIGHTS = 2.2
_ROUNDED = 1e-6
MIN_STEM = 4
_SPLIT = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# fmt: off
_STOP = frozenset([
    "the", "and", "for", "with", "from", "that", "this", "are", "was", "its", "has", "not", "any", "all",
    "one", "document", "printed", "page", "number", "name", "date", "amount", "value", "text", "total",
])
# fmt: on
"""Words that say little in a description; in a field's own name each counts."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for places: ``rules`` has, by concrete path, where the scripted rules found a value."""

    index: SpanIndex
    rules: Mapping[str, Span]

    def score(self, path: str, leaf: Leaf, place: Place) -> float:
        """How well the words left of a place and above it name the field, and whether the rules found it there."""
        wanted = _wanted(path, leaf)
        total = RULES_WEIGHT if self._of_rules(path, place) else 0.0
        seen: set[str] = set()
        for share, word in self._near(place):
            for key in _keys(word.text):
                for stem, weight in wanted.items():
                    if stem not in seen and _alike(stem, key):
                        seen.add(stem)
                        total += share * weight
        return total

    def _of_rules(self, path: str, place: Place) -> bool:
        span = self.rules.get(path)
        if span is None:
            return False
        return any(
            page == their_page and _holds(word.box, theirs.box)
            for page, word in self.index.words(place)
            for their_page, theirs in span.words
        )

    def _near(self, place: Place) -> Iterator[tuple[float, Word]]:
        (page, first), *_ = self.index.words(place)
        box = first.box
        words = next(s.words for s in self.index.pages if s.page == page)
        left = [w for w in words if w.box.x1 <= box.x0 + 1 and _same_line(w.box, box)]
        left.sort(key=lambda w: box.x0 - w.box.x1)
        yield from ((1.0, w) for w in left[:LEFT_WORDS])
        # A word that holds label and value, such as Date:01/02/2026.
        yield 1.0, first
        room = ABOVE_HEIGHTS * max(box.y1 - box.y0, 1.0)
        for word in words:
            if 0 <= box.y0 - word.box.y1 + 1 <= room and word.box.x0 < box.x1 and word.box.x1 > box.x0:
                yield ABOVE_SHARE, word


def _wanted(path: str, leaf: Leaf) -> dict[str, float]:
    described = {k: DESCRIPTION_WEIGHT for k in _keys(leaf.description) if k not in _STOP and len(k) > 2}
    return described | dict.fromkeys(_keys(path.rpartition(".")[2]), NAME_WEIGHT)


def _keys(text: str) -> list[str]:
    return [text_key(part) for part in _SPLIT.findall(_CAMEL.sub(" ", text).replace("_", " "))]


def _alike(stem: str, key: str) -> bool:
    if stem == key:
        return True
    short, long = sorted((stem, key), key=len)
    return len(short) >= MIN_STEM and (long.startswith(short) or long.endswith(short))


def _holds(whole: Box, part: Box) -> bool:
    """Whether a box is that of a word or of a part of it."""
    level = whole.y0 == part.y0 and whole.y1 == part.y1
    return level and whole.x0 <= part.x0 + _ROUNDED and part.x1 <= whole.x1 + _ROUNDED


def _same_line(one: Box, other: Box) -> bool:
    shared = min(one.y1, other.y1) - max(one.y0, other.y0)
    return shared >= 0.5 * min(one.y1 - one.y0, other.y1 - other.y0)
