"""Words that a recogniser read on over a checkbox: ``FreightPrepaidCollect``, where a box stands before each answer.

It passes over a box as over a wide space, and then leaves that out. Where a box lies within a word, the word is taken
apart: at a small letter that a capital follows, if one is near, else where the box is. What is left of it ends where
its ink does, since the room between print and box tells whose label it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from extractors.reading.ink import Pixels
from schemas.document import Box, Mark, Word

_NEAR = 2.6
"""So many letters off may a capital be: letters differ in width."""
_LEAST = 2
"""Letters of a part."""
_BESIDE_POINTS = 30.0
"""Print is looked for so far beside a box."""
_INK = 0.4
"""Of the depth of the darkest ink there, so much is ink."""
_TOUCH = 0.5
"""Points between a box and print whose edge nobody saw."""


def parted_at_boxes(
    words: Sequence[Word], marks: Sequence[Mark], pixels: Pixels | None = None, scale: float = 1.0
) -> tuple[Word, ...]:
    """The words, those that a checkbox lies in as their parts.

    Args:
        words: of a page, as a recogniser read them.
        marks: of the page.
        pixels: of the upright page, for where the print beside a box ends.
        scale: pixels per point.
    """
    boxes = [mark.box for mark in marks if mark.kind == "checkbox"]
    found: list[Word] = []
    for word in words:
        within = [box for box in boxes if word.confidence is not None and _is_within(box, word.box)]
        if within:
            within.sort(key=lambda box: box.x0)
            gaps = [(_TOUCH, _TOUCH) if pixels is None else _gaps(pixels, scale, box) for box in within]
            found += _parts(word, within, gaps)
        else:
            found.append(word)
    return tuple(found)


def _gaps(pixels: Pixels, scale: float, box: Box) -> tuple[float, float]:
    """How much paper is left and right of a box, in points, up to the next print."""
    reach, high = round(_BESIDE_POINTS * scale), box.y1 - box.y0
    rows = slice(max(round((box.y0 + 0.05 * high) * scale), 0), max(round((box.y1 - 0.05 * high) * scale), 1))
    left, right = round(box.x0 * scale), round(box.x1 * scale)
    first = max(left - reach, 0)
    part = pixels[rows, first : right + reach]
    if not part.size:
        return _TOUCH, _TOUCH
    grey = cv2.GaussianBlur(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), (3, 3), 0).astype(np.int16)
    beside = np.hstack([grey[:, : left - first], grey[:, right - first :]])  # a tick is blacker than print
    paper, black = np.percentile(beside if beside.size else grey, (85, 2))
    inked = grey.min(axis=0) < paper - _INK * (paper - black)
    before, behind = inked[: left - first][::-1], inked[right - first :]
    return _paper(before) / scale, _paper(behind) / scale


def _paper(inked: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """Columns from a box on to print, past what the box itself leaves there."""
    own = int(np.argmin(inked)) if len(inked) and not inked.all() else len(inked)
    behind = inked[own:]
    return float(own + np.argmax(behind)) if behind.any() else float(len(inked))


def _is_within(box: Box, word: Box) -> bool:
    middle = (box.y0 + box.y1) / 2
    room = 0.5 * (box.x1 - box.x0)
    return word.y0 <= middle <= word.y1 and word.x0 + room < box.x0 and box.x1 < word.x1 - room


def _parts(word: Word, boxes: Sequence[Box], gaps: Sequence[tuple[float, float]]) -> list[Word]:
    """A word as what stands before, between and behind some boxes, with so much paper on either side of each."""
    text = word.text
    ends = [
        edge
        for box, (left, right) in zip(boxes, gaps, strict=True)
        for edge in (box.x0 - left, box.x1 + right)
    ]
    edges = [word.box.x0, *ends, word.box.x1]
    wide = [max(edges[n + 1] - edges[n], 0.0) for n in range(0, len(edges), 2)]
    if min(wide) <= 0:  # print that nobody saw: too pale
        near = [(_TOUCH, _TOUCH)] * len(boxes)
        return [word] if list(gaps) == near else _parts(word, boxes, near)
    letter = sum(wide) / max(len(text), 1)
    cuts: list[int] = []
    at = 0.0
    for part in wide[:-1]:
        at += part / max(letter, 1e-6)
        cut = _cut(text, at)
        if cut < (cuts[-1] if cuts else 0) + _LEAST or cut > len(text) - _LEAST:
            return [word]
        cuts.append(cut)
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
