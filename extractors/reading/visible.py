"""Which words of a text layer can be seen: the page is drawn with its text and without, and the pictures compared.

Where the two differ, text was painted. Where they do not, there is none to see, whatever hides it: invisible or
transparent letters, letters in the colour of the paper, under an image, clipped away, in a layer switched off.
Such a word may still be printed: the text layer of a scan lies, invisible, over its picture. Then there is ink under
it, and OCR can be asked whether it is the same word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageChops

from extractors.reading.geometry import Frame2D
from extractors.reading.lines import group_lines
from extractors.reading.pdf_objects import page_objects
from extractors.reading.raster import turn_image
from extractors.reading.request import Sample
from schemas.document import Box, Word

_SIDE_PX = (500, 1600)
"""Longer side of the pictures: one pixel per point, within these bounds."""
_DIFFERENT = 8
"""Grey levels by which a pixel must change to count as painted by text."""
_PAINTED_SHARE = 0.012
"""A word is painted when so much of its box is: a thin ``l`` fills a tenth, a neighbour's tail much less."""
_INK_CONTRAST = 40
"""Grey levels between paper and ink in the picture under a word."""
_TRIMMED = 0.15
"""Share of a word's height that is left out at top and bottom, where its neighbours' letters reach in."""
_READABLE = 1.5
"""Points of height of a word: capitals of 0.37 mm, the least that a normal eye resolves at 25 cm (5 arc minutes)."""
_READABLE_PART = 400
"""Of the longer side of a page, in case its unit is not the point: a page of 29.7 units may have print of 0.1."""
_UPRIGHT_LETTERS = 4
"""A word of so many letters that is twice as high as wide runs up the page: its height is its length."""
_MAX_OBJECTS = 200_000
_SAMPLES = 8
_SAMPLE_LETTERS = 4
_SAMPLE_GAP = 1.5
"""A gap in a line wider than this share of its height ends a sample."""
_COVERS = 0.5
"""Two words stand in the same place when the smaller is covered by the other to this share."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Words by what can be seen of them: painted as text, over ink of the picture, over nothing."""

    painted: tuple[Word, ...]
    over_ink: tuple[Word, ...]
    nowhere: tuple[Word, ...]


def look_at(page: pdfium.PdfPage, words: Sequence[Word], frame: Frame2D, quarters: int) -> Seen:
    """Sorts the words of a page. The page is of no use for drawing afterwards: its text is switched off.

    Args:
        page: with the text still in it.
        words: on the upright page.
        frame: size of the page before it was turned by ``quarters``.
        quarters: clockwise quarter turns of the upright page.

    Raises:
        PdfiumError, OSError, ValueError: the page cannot be drawn.
    """
    low, high = _SIDE_PX
    scale = min(max(frame.longer, low), high) / frame.longer
    full = _grey(page, scale, quarters)
    texts = _switch_off_text(page)
    bare = _grey(page, scale, quarters) if texts else full
    painted = ImageChops.difference(full, bare).point([0] * _DIFFERENT + [255] * (256 - _DIFFERENT))
    kept: list[Word] = []
    over_ink: list[Word] = []
    nowhere: list[Word] = []
    for word in words:
        if is_too_small(word, frame):
            nowhere.append(word)
            continue
        box = _pixels(word.box, scale, full.size)
        crop = painted.crop(box)
        if crop.histogram()[255] >= _PAINTED_SHARE * crop.width * crop.height:
            kept.append(word)
            continue
        low_grey, high_grey = full.crop(box).getextrema()
        inked = float(high_grey) - float(low_grey) >= _INK_CONTRAST  # type: ignore[arg-type]
        (over_ink if inked else nowhere).append(word)
    return Seen(tuple(kept), tuple(over_ink), tuple(nowhere))


def is_too_small(word: Word, frame: Frame2D) -> bool:
    """Whether print is so small that nobody can read it, though it leaves ink: a fleck on the page."""
    wide, high = word.box.x1 - word.box.x0, word.box.y1 - word.box.y0
    size = wide if len(word.text) >= _UPRIGHT_LETTERS and high > 2 * wide else high
    return size < min(_READABLE, frame.longer / _READABLE_PART)


def samples_of(words: Sequence[Word], others: Sequence[Word]) -> tuple[Sample, ...]:
    """A few lines of unseen words for OCR to look at: those that lie over other words first, then spread evenly.

    Args:
        words: unseen words over ink.
        others: words of the same page that are painted; a line over one of them cannot be what the picture shows.
    """
    runs = [run for line in group_lines(words) for run in _runs(line) if _letters(run) >= _SAMPLE_LETTERS]
    if not runs and words:
        runs = [list(line) for line in group_lines(words)]
    boxes = [_around(run) for run in runs]
    suspect = [
        index
        for index, box in enumerate(boxes)
        if any(_covers(box, other) for n, other in enumerate(boxes) if n != index)
        or any(_covers(box, other.box) for other in others)
    ]
    chosen = suspect[: _SAMPLES // 2]
    rest = [index for index in range(len(runs)) if index not in chosen]
    wanted = _SAMPLES - len(chosen)
    step = max(len(rest) / wanted, 1.0)
    chosen += [rest[int(n * step)] for n in range(min(wanted, len(rest)))]
    return tuple(
        Sample(" ".join(word.text for word in runs[index]), boxes[index]) for index in sorted(chosen)
    )


def _grey(page: pdfium.PdfPage, scale: float, quarters: int) -> Image.Image:
    bitmap = page.render(scale=scale, may_draw_forms=True, grayscale=True)
    try:
        return turn_image(bitmap.to_pil().convert("L"), quarters)
    finally:
        bitmap.close()


def _switch_off_text(page: pdfium.PdfPage) -> int:
    """Takes all text objects out of what is drawn; gives their number."""
    count = 0
    for kind, item in page_objects(page, _MAX_OBJECTS):
        if kind == pdfium_c.FPDF_PAGEOBJ_TEXT:
            pdfium_c.FPDFPageObj_SetIsActive(item, False)
            count += 1
    return count


def _pixels(box: Box, scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box in pixels, a little lower than it is, at least one pixel, inside the picture."""
    trim = _TRIMMED * (box.y1 - box.y0) if box.y1 - box.y0 > 4 else 0.0
    width, height = size
    x0 = min(max(int(box.x0 * scale), 0), width - 1)
    y0 = min(max(int((box.y0 + trim) * scale), 0), height - 1)
    x1 = min(max(round(box.x1 * scale), x0 + 1), width)
    y1 = min(max(round((box.y1 - trim) * scale), y0 + 1), height)
    return x0, y0, x1, y1


def _runs(line: Sequence[Word]) -> list[list[Word]]:
    """A line cut at its wide gaps."""
    runs = [[line[0]]]
    for left, right in pairwise(line):
        if right.box.x0 - left.box.x1 > _SAMPLE_GAP * max(left.box.y1 - left.box.y0, 1.0):
            runs.append([])
        runs[-1].append(right)
    return runs


def _around(words: Sequence[Word]) -> Box:
    boxes = [word.box for word in words]
    return Box(
        min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes)
    )


def _covers(a: Box, b: Box) -> bool:
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    smaller = min((a.x1 - a.x0) * (a.y1 - a.y0), (b.x1 - b.x0) * (b.y1 - b.y0))
    return width > 0 and height > 0 and width * height > _COVERS * smaller


def _letters(words: Sequence[Word]) -> int:
    return sum(char.isalnum() for word in words for char in word.text)
