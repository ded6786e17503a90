"""A sheet as a scan or photograph: as a file that a person could have sent, or at once as the reader would read it.

`scanned_words` is the fast way: wear moves the boxes, a fitted model of the recogniser's errors misreads the words, and
the model's picture of the page is worn. `scanned_file` is the true way: an image, or a PDF of images without any text,
that has to be recognised.
"""

from __future__ import annotations

import io
import random
from dataclasses import replace

import numpy as np
import pypdfium2 as pdfium
from PIL import Image

from extractors.reading.geometry import Frame2D
from extractors.reading.lines import reading_order
from extractors.reading.raster import encode_model_image
from extractors.training.synthesis.contract import Sheet
from extractors.training.synthesis.misreading import Misreader, load_misreadings
from extractors.training.synthesis.sheet_reading import read_sheet
from extractors.training.synthesis.wear import Grey, wear_out
from schemas.document import Page, ReadDocument, Word

_DPI = 150
_TURNED = 0.08
"""Share of scanned files whose pages lie on their side or head."""
_DRAWN_SIDE = 1024
"""Longer side at which pages are worn for the model's picture, which is half of it."""


def scanned_words(sheet: Sheet, chance: random.Random, image_side_px: int = 512) -> ReadDocument:
    """A sheet as the reader would give a scan of it, without recognising anything.

    Args:
        sheet: to be scanned.
        chance: what is drawn; the same state makes the same scan.
        image_side_px: longer side of the pictures; 0: none.
    """
    wear = chance.random()  # a share of documents: the fitted severities are quantiles over them
    document = read_sheet(sheet, 2 * image_side_px or _DRAWN_SIDE)
    reader = Misreader(load_misreadings(), chance, wear)
    pages = tuple(_scanned(page, chance, wear, reader, image_side_px) for page in document.pages)
    return replace(document, pages=pages)


def _scanned(page: Page, chance: random.Random, wear: float, reader: Misreader, side: int) -> Page:
    if page.image is None:
        return page
    frame = Frame2D(page.width, page.height)
    with Image.open(io.BytesIO(page.image.data)) as drawn:
        worn = wear_out(np.asarray(drawn.convert("L")), chance, wear)
    words = reader.page(page.words, frame)
    placed = reading_order([Word(one.text, worn.place(one.box, frame), one.confidence) for one in words])
    image = encode_model_image(Image.fromarray(worn.pixels), side)
    return replace(page, words=placed, source="ocr" if placed else "blank", image=image)


def scanned_file(sheet: Sheet, chance: random.Random) -> tuple[bytes, str]:
    """A sheet as a file to be recognised, and its suffix: ``.jpg`` or, of several pages, ``.pdf``."""
    wear = chance.random()  # a share of documents: the fitted severities are quantiles over them
    quarters = chance.choice((1, 2, 3)) if chance.random() < _TURNED else 0
    pages = []
    document = pdfium.PdfDocument(sheet.pdf)
    try:
        for number in range(len(document)):
            page = document[number]
            drawn = np.asarray(page.render(scale=_DPI / 72).to_pil().convert("L"))
            page.close()
            pages.append(_image(wear_out(drawn, chance, wear).pixels, quarters))
    finally:
        document.close()
    buffer = io.BytesIO()
    quality = round(90 - 40 * wear)
    if len(pages) == 1 and chance.random() < 0.6:
        pages[0].save(buffer, "JPEG", quality=quality, dpi=(_DPI, _DPI))
        return buffer.getvalue(), ".jpg"
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:], resolution=_DPI, quality=quality)
    return buffer.getvalue(), ".pdf"


def _image(pixels: Grey, quarters: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(np.rot90(pixels, quarters)))
