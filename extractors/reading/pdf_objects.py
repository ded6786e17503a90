"""The objects of a PDF page as pdfium parsed them, forms opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_MAX_DEPTH = 8


def page_objects(page: pdfium.PdfPage, limit: int) -> Iterator[tuple[int, Any]]:
    """Kind (``FPDF_PAGEOBJ_…``) and handle of the first ``limit`` objects, those inside forms too."""
    folders: list[tuple[Any, int]] = [(None, 0)]
    while folders:
        form, depth = folders.pop()
        size = (
            pdfium_c.FPDFPage_CountObjects(page) if form is None else pdfium_c.FPDFFormObj_CountObjects(form)
        )
        for index in range(size):
            if limit <= 0:
                return
            limit -= 1
            item = (
                pdfium_c.FPDFPage_GetObject(page, index)
                if form is None
                else pdfium_c.FPDFFormObj_GetObject(form, index)
            )
            kind = pdfium_c.FPDFPageObj_GetType(item)
            yield kind, item
            if kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < _MAX_DEPTH:
                folders.append((item, depth + 1))
