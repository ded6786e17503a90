"""Marks on a page: checkboxes, signatures, stamps, and rings or lines by hand, found in its pixels and among its words.

Plain image processing, no weights: `ink` tells ink from paper, a module for each kind of mark looks at shapes. What a
text layer says of its own boxes (``[x]``, ``☐``, a tick of ZapfDingbats) counts without pixels. A mark that is missed
costs less than one that is not there, so everything here would rather find too little.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import cv2
import numpy as np
from PIL import Image

from extractors.reading.checkboxes import find_checkboxes
from extractors.reading.geometry import Frame2D
from extractors.reading.ink import Pixels, ink_of
from extractors.reading.raster import OCR_SIDE_PX
from extractors.reading.request import Raster
from extractors.reading.rings import find_rings
from extractors.reading.signatures import find_signatures
from extractors.reading.skew import estimate_slope
from extractors.reading.stamps import find_stamps
from extractors.reading.strikes import find_strikes
from schemas.document import Box, Mark, Word

MARKS_DPI = 150
"""Resolution at which pages are drawn for marks, where nobody needs them larger."""
_LEAST_SIDE = 64
_TEXT_SCORE = 0.97
_BARE_TICK_SCORE = 0.8
"""Of a tick without a box: it may be a bullet."""
_FULL, _EMPTY = frozenset("☒☑🗹🗷⮽⊠"), frozenset("☐□❏❐❑❒◻▢🗌")
_TICKS = frozenset("✓✔✗✘✕✖")
_BRACKETED = re.compile(r"\[[xX×✓✔✗✘✕✖√*]?\]|\([xX×✓✔✗✘✕✖√]\)$")
"""``[x]`` and ``[]``, also glued to a label; in round brackets a cross alone: ``()`` follows a name."""
_SAME = 0.3
"""Of the smaller: two marks that share so much are one."""


def find_marks(pixels: Pixels, frame: Frame2D, words: Sequence[Word]) -> tuple[Mark, ...]:
    """The marks of an upright page, from top to bottom.

    Args:
        pixels: rows by columns by blue, green, red.
        frame: size of the page in points.
        words: on it, as they were read.
    """
    written = text_marks(words)
    if min(pixels.shape[:2]) < _LEAST_SIDE:
        return written
    ink = ink_of(pixels, pixels.shape[1] / max(frame.width, 1.0))
    ink = replace(ink, slope=estimate_slope(words))
    marks = _united(list(written), find_checkboxes(ink, words))
    rings = find_rings(ink, words)
    marks += [mark for mark, _ in rings]
    marks += find_strikes(ink, words)
    marks += find_stamps(ink, words, [mark.box for mark in marks])
    marks += find_signatures(ink, words, [mark.box for mark in marks] + [box for _, box in rings])
    return tuple(sorted(marks, key=lambda mark: (mark.box.y0, mark.box.x0)))


def marks_scale(frame: Frame2D) -> float:
    """Pixels per point at which a page is drawn for marks."""
    return min(MARKS_DPI / 72, OCR_SIDE_PX / frame.longer)


def pixels_of(image: Image.Image) -> Pixels:
    """An RGB picture as `find_marks` takes it."""
    return np.asarray(cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def raster_pixels(raster: Raster, quarters: int = 0) -> Pixels:
    """A raster as `find_marks` takes it, turned clockwise."""
    pixels = np.frombuffer(raster.data, dtype=np.uint8).reshape(raster.height, raster.width, 3)
    return np.ascontiguousarray(np.rot90(pixels, k=-quarters))


def text_marks(words: Sequence[Word]) -> tuple[Mark, ...]:
    """The boxes and ticks that are words: ``[x]``, ``[ ]``, ``☒``, ``☐``, ``✔``.

    Of text layers only: a recogniser has no such letters, or means others by them.
    """
    found: list[Mark] = []
    passed = False
    for word, after in zip_longest(words, words[1:]):
        if passed or word.confidence is not None:
            passed = False
            continue
        text = word.text
        head = text[:1]
        if head in _FULL or head in _EMPTY:
            found.append(Mark("checkbox", _first(word, 1), _TEXT_SCORE, head in _FULL))
        elif text in _TICKS:
            found.append(Mark("checkbox", word.box, _BARE_TICK_SCORE, True))
        elif (bracketed := _BRACKETED.match(text)) is not None:
            found.append(Mark("checkbox", _first(word, bracketed.end()), _TEXT_SCORE, bracketed.end() > 2))
        elif after is not None and text == "[" and after.text[:1] == "]" and _beside(word, after):
            end = _first(after, 1)
            box = Box(word.box.x0, min(word.box.y0, end.y0), end.x1, max(word.box.y1, end.y1))
            found.append(Mark("checkbox", box, _TEXT_SCORE, False))
            passed = True
    return tuple(found)


def _beside(word: Word, after: Word) -> bool:
    height = word.box.y1 - word.box.y0
    level = abs(word.box.y0 - after.box.y0) < 0.5 * height
    return level and -0.1 * height <= after.box.x0 - word.box.x1 <= 1.6 * height


def _first(word: Word, letters: int) -> Box:
    """Where the first letters of a word are, shared out evenly."""
    share = letters / max(len(word.text), 1)
    box = word.box
    return Box(box.x0, box.y0, box.x0 + share * (box.x1 - box.x0), box.y1)


def _united(written: list[Mark], drawn: Sequence[Mark]) -> list[Mark]:
    """One mark where a word and pixels have the same box: the word's place; ticked if either says so for certain."""
    marks = list(written)
    for mark in drawn:
        same = next((n for n, one in enumerate(written) if _shared(one.box, mark.box) >= _SAME), None)
        if same is None:
            marks.append(mark)
        elif (mark.ticked and not marks[same].ticked) or marks[same].score < _TEXT_SCORE:
            ticked = bool(mark.ticked or marks[same].ticked)
            marks[same] = Mark("checkbox", mark.box, max(mark.score, marks[same].score), ticked)
    return marks


def _shared(one: Box, other: Box) -> float:
    """Of the smaller box, how much the other covers."""
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    if width <= 0 or height <= 0:
        return 0.0
    least = min((box.x1 - box.x0) * (box.y1 - box.y0) for box in (one, other))
    return width * height / max(least, 1e-6)
