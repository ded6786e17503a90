"""Characters of a PDF page with their places, by pdfplumber and by pdfium, in the upright page frame."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from pdfminer.layout import LTChar, LTContainer, LTPage

from extractors.reading.chars import Char, is_slanted, quarters_of
from extractors.reading.geometry import Frame2D, turn_box
from schemas.document import Box

_FILLINGS = {pdfium_c.FPDF_ANNOT_WIDGET, pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_STAMP}
"""Annotations that put text on the page."""
_MAX_ANNOTATIONS = 5000


def layout_chars(layout: LTPage, left: float, above: float) -> Iterator[Char]:
    """Characters of pdfminer's layout; the frame begins ``left`` and ``above`` points inside the page.

    Its origin is the corner of the upright *media* box, since pdfplumber's own crop boxes are not turned with the
    page.
    """
    top = float(layout.y1)
    for item in _leaves(layout):
        box = Box(item.x0 - left, top - item.y1 - above, item.x1 - left, top - item.y0 - above)
        a, b = item.matrix[:2]
        yield Char(item.get_text(), box, quarters_of(a, b), is_slanted(a, b))


def pdfium_chars(page: pdfium.PdfPage, frame: Frame2D) -> Iterator[Char]:
    """Characters by pdfium's text page."""
    rotation = page.get_rotation() // 90
    stored = frame.turned(rotation)
    x0, _, _, y1 = ordered(page.get_bbox())
    textpage = page.get_textpage()
    matrix = pdfium_c.FS_MATRIX()
    try:
        for index in range(textpage.count_chars()):
            code = pdfium_c.FPDFText_GetUnicode(textpage, index)
            if not code or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
                continue
            left, bottom, right, top = textpage.get_charbox(index, loose=True)
            known = pdfium_c.FPDFText_GetMatrix(textpage, index, ctypes.byref(matrix))
            a, b = (matrix.a, matrix.b) if known else (1.0, 0.0)
            box = turn_box(Box(left - x0, y1 - top, right - x0, y1 - bottom), stored, rotation)
            yield Char(chr(code), box, (quarters_of(a, b) - rotation) % 4, is_slanted(a, b))
    finally:
        textpage.close()


def has_fillings(page: pdfium.PdfPage) -> bool:
    """Whether form fields, typed notes or stamps put text on the page."""
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if annotation:
            subtype = pdfium_c.FPDFAnnot_GetSubtype(annotation)
            pdfium_c.FPDFPage_CloseAnnot(annotation)
            if subtype in _FILLINGS:
                return True
    return False


def ordered(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The rectangle with its lower left corner first; files have them any way round."""
    x0, x1 = sorted((box[0], box[2]))
    y0, y1 = sorted((box[1], box[3]))
    return x0, y0, x1, y1


def _leaves(container: LTContainer[Any]) -> Iterator[LTChar]:
    """All characters, also those inside form XObjects, however deep (no recursion)."""
    stack: list[Iterator[Any]] = [iter(container)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, LTChar):
                yield item
            elif isinstance(item, LTContainer):
                stack.append(iter(item))
                break
        else:
            stack.pop()


def crop_offset(page: pdfium.PdfPage, media_box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Where the visible page begins inside the media box, both upright, from the top left.

    Args:
        page: as pdfium sees it.
        media_box: as pdfminer sees it; pdfium tells only of a media box that is the page's own, not inherited.
    """
    mx0, my0, mx1, my1 = ordered(media_box)
    vx0, vy0, vx1, vy1 = ordered(page.get_bbox())
    left, right = max(vx0 - mx0, 0.0), max(mx1 - vx1, 0.0)
    below, above = max(vy0 - my0, 0.0), max(my1 - vy1, 0.0)
    corners = {0: (left, above), 90: (below, left), 180: (right, below), 270: (above, right)}
    return corners[page.get_rotation()]
