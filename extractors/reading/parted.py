"""Words that a recogniser read on over a checkbox: ``FreightPrepaidCollect``, where a box stands before each answer.

It passes over a box as over a wide space, and then leaves that out. Where a box lies within a word, the word is taken
apart: at a small letter that a capital follows, if one is near, else where the box is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.document import Box, Mark, Word

_NEAR = 2.6
"""So many letters off may a capital be: letters differ in width."""
_LEAST = 2
"""Letters of a part."""


def parted_at_boxes(words: Sequence[Word], marks: Sequence[Mark]) -> tuple[Word, ...]:
    """The words, those that a checkbox lies in as their parts.

    Args:
        words: of a page, as a recogniser read them.
        marks: of the page.
    """
    boxes = [mark.box for mark in marks if mark.kind == "checkbox"]
    found: list[Word] = []
    for word in words:
        within = [box for box in boxes if word.confidence is not None and _is_within(box, word.box)]
        found += _parts(word, sorted(within, key=lambda box: box.x0)) if within else [word]
    return tuple(found)


def _is_within(box: Box, word: Box) -> bool:
    middle = (box.y0 + box.y1) / 2
    room = 0.5 * (box.x1 - box.x0)
    return word.y0 <= middle <= word.y1 and word.x0 + room < box.x0 and box.x1 < word.x1 - room


def _parts(word: Word, boxes: Sequence[Box]) -> list[Word]:
    """A word as what stands before, between and behind some boxes."""
    text = word.text
    free = word.box.x1 - word.box.x0 - sum(box.x1 - box.x0 for box in boxes)
    letter = free / max(len(text), 1)
    cuts: list[int] = []
    passed = word.box.x0
    at = 0.0
    for box in boxes:
        at += max(box.x0 - passed, 0.0) / max(letter, 1e-6)
        passed = box.x1
        cut = _cut(text, at)
        if cut < (cuts[-1] if cuts else 0) + _LEAST or cut > len(text) - _LEAST:
            return [word]
        cuts.append(cut)
    edges = [word.box.x0, *(edge for box in boxes for edge in (box.x0 - 0.5, box.x1 + 0.5)), word.box.x1]
    starts = [0, *cuts, len(text)]
    return [
        replace(
            word,
            text=text[starts[n] : starts[n + 1]],
            box=Box(edges[2 * n], word.box.y0, edges[2 * n + 1], word.box.y1),
        )
        for n in range(len(starts) - 1)
    ]


def _cut(text: str, at: float) -> int:
    """Before which letter a word is cut that has a box so many letters from its begin."""
    capitals = [n for n in range(1, len(text)) if text[n].isupper() and text[n - 1].islower()]
    near = [n for n in capitals if abs(n - at) <= _NEAR]
    return min(near, key=lambda n: abs(n - at)) if near else round(at)
