"""What can be told about a page, cheaply, before any of it is decoded or drawn."""

from __future__ import annotations

import ctypes

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from extractors.reading.pdf_objects import page_objects

_MAX_RATIO = 14_400.0
"""The longest side that PDF knows over a single point. Pages are drawn small, so only nonsense is refused."""
_MAX_OBJECTS = 20_000
"""Images are looked for among so many objects of a page."""


def why_undrawable(page: pdfium.PdfPage, max_side_px: int) -> str | None:
    """Why the page must not be drawn: its shape, or an image that would be unpacked to an enormous size.

    Args:
        page: parsed, not drawn.
        max_side_px: the longest side that an image on it may have.
    """
    across, down = page.get_size()
    if max(across, down) > _MAX_RATIO * min(across, down):
        return f"it measures {across:g} x {down:g} points"
    width, height = ctypes.c_uint(), ctypes.c_uint()
    for kind, item in page_objects(page, _MAX_OBJECTS):
        if kind != pdfium_c.FPDF_PAGEOBJ_IMAGE:
            continue
        known = pdfium_c.FPDFImageObj_GetImagePixelSize(item, ctypes.byref(width), ctypes.byref(height))
        if known and max(width.value, height.value) > max_side_px:
            return (
                f"an image on it has {width.value} x {height.value} pixels; the limit is {max_side_px} a side"
            )
    return None
