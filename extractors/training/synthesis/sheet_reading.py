"""The words and picture of a sheet as the project's reader gives them, in this process: a sheet is no hostile file."""

from __future__ import annotations

import hashlib

from extractors.options import ReadOptions
from extractors.reading.document_reading import make_request
from extractors.reading.media import PDF
from extractors.reading.request import RawPage
from extractors.reading.source import open_source
from extractors.training.synthesis.contract import Sheet
from schemas.document import DocumentRef, Page, PageSource, ReadDocument


def read_sheet(sheet: Sheet, image_side_px: int = 512) -> ReadDocument:
    """A sheet as a digital document: its text layer, and a picture of each page.

    Args:
        sheet: to be read.
        image_side_px: longer side of the pictures; 0: none.
    """
    request = make_request(PDF, ReadOptions(ocr=False, image_side_px=image_side_px), ())
    with open_source(request, sheet.pdf, _unheard) as source:
        pages = tuple(_page(source.read_page(number, _unheard)) for number in range(1, source.page_count + 1))
    return ReadDocument(sheet_ref(sheet), pages, len(pages))


def sheet_ref(sheet: Sheet) -> DocumentRef:
    """Names a sheet by what it was made from."""
    name = f"synthetic://{sheet.kind}/{sheet.locale}/{sheet.layout}/{sheet.seed}.pdf"
    return DocumentRef(name, hashlib.sha256(sheet.pdf).hexdigest(), len(sheet.pdf), PDF)


def _page(raw: RawPage) -> Page:
    source: PageSource = "text_layer" if raw.words else "blank"
    frame = raw.frame
    return Page(raw.number, frame.width, frame.height, source, raw.words, raw.rotation, raw.image)


def _unheard(step: object) -> None:
    """Nobody waits for the reader here."""
