"""Sheets as scans: boxes lie where the print went, files hold no text, the same state makes the same scan."""

import io
import random
from functools import cache

import numpy as np
import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors.reading.geometry import Frame2D
from extractors.training.synthesis.contract import Sheet
from extractors.training.synthesis.scan import scanned_file, scanned_words
from extractors.training.synthesis.sheet_reading import read_sheet
from extractors.training.synthesis.sheets import make_sheet
from extractors.training.synthesis.wear import wear_out
from schemas.document import Box

FRAME = Frame2D(300.0, 400.0)


@cache
def sheet(seed: int = 4) -> Sheet:
    return make_sheet(seed, "receipt", "en_SG")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1), st.integers(2, 20), st.integers(2, 26))
def test_a_box_goes_where_its_print_goes(seed: int, wear: float, column: int, row: int) -> None:
    page = np.full((400, 300), 250, dtype=np.uint8)
    box = Box(column * 12.0, row * 13.0, column * 12.0 + 8, row * 13.0 + 8)
    page[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 0
    worn = wear_out(page, random.Random(seed), wear)
    assert worn.pixels.shape == page.shape
    place = worn.place(box, FRAME)
    assert 0 <= place.x0 <= place.x1 <= FRAME.width
    assert 0 <= place.y0 <= place.y1 <= FRAME.height
    middle = worn.pixels[round((place.y0 + place.y1) / 2) - 2 :, round((place.x0 + place.x1) / 2) - 2 :][
        :5, :5
    ]
    beside = worn.pixels[max(round(place.y0) - 8, 0) :, max(round(place.x0) - 8, 0) :][:4, :4]
    assert middle.mean() < 0.7 * max(beside.mean(), worn.pixels.mean())


def test_the_fast_scan_has_misread_words_on_the_page() -> None:
    clean = read_sheet(sheet(), 256).pages[0]
    scan = scanned_words(sheet(), random.Random(2), 256).pages[0]
    again = scanned_words(sheet(), random.Random(2), 256).pages[0]
    assert scan == again
    assert scan.source == "ocr"
    assert scan.image is not None
    assert max(scan.image.width, scan.image.height) == 256
    texts = {word.text for word in clean.words}
    assert 0.6 * len(clean.words) < sum(word.text in texts for word in scan.words) <= len(scan.words)
    for word in scan.words:
        assert word.text
        assert word.confidence is not None
        assert 0 <= word.box.x0 <= word.box.x1 <= scan.width
        assert 0 <= word.box.y0 <= word.box.y1 <= scan.height


@pytest.mark.parametrize("seed", [1, 5])
def test_the_file_is_pictures_only(seed: int) -> None:
    data, suffix = scanned_file(sheet(), random.Random(seed))
    assert (data, suffix) == scanned_file(
        sheet(), random.Random(seed)
    ) or suffix == ".pdf"  # PDFs bear their date
    if suffix == ".jpg":
        with Image.open(io.BytesIO(data)) as image:
            assert image.mode == "L"
            assert min(image.size) > 100
        return
    document = pdfium.PdfDocument(data)
    assert len(document) == sheet().pages
    page = document[0]
    assert page.get_textpage().get_text_bounded() == ""
    page.close()
    document.close()
