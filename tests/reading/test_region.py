"""A part of a page that is read again by OCR: its words stand where they stand on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractors.options import ReadOptions
from extractors.reading import ReaderPool
from extractors.reading.geometry import Frame2D, turn_box
from schemas.document import Box
from schemas.errors import DocumentError
from tests.reading.making import edit_pdf, picture, read, scan_pdf
from tests.review.support import invoice_case


@pytest.mark.parametrize("turn", [0, 90])
def test_a_region_of_a_scan_is_read_and_placed(pool: ReaderPool, tmp_path: Path, turn: int) -> None:
    path = scan_pdf(tmp_path / "scan.pdf", picture().rotate(turn, expand=True))
    page = read(pool, path).pages[0]
    wanted = page.words[:2]  # of one line
    around = Box(
        min(w.box.x0 for w in wanted) - 3,
        min(w.box.y0 for w in wanted) - 3,
        max(w.box.x1 for w in wanted) + 3,
        max(w.box.y1 for w in wanted) + 3,
    )
    found = pool.read_region(path, "application/pdf", 1, around, rotation=page.rotation)
    assert [word.text for word in found] == [word.text for word in wanted]
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine.box.as_list() == pytest.approx(theirs.box.as_list(), abs=8)


def test_a_single_figure_is_read_and_white_paper_is_not(pool: ReaderPool, tmp_path: Path) -> None:
    case = invoice_case()
    path = tmp_path / "i.pdf"
    path.write_bytes(case.content)
    [box] = next(f for f in case.fields if f.path == "line_items.2.quantity").boxes
    [word] = pool.read_region(path, "application/pdf", 1, Box(*box))
    assert word.text == "9"
    assert pool.read_region(path, "application/pdf", 1, Box(100, 700, 160, 730)) == ()

    turned = edit_pdf(path, Rotate=90)
    frame = Frame2D(595, 842)
    [word] = pool.read_region(turned, "application/pdf", 1, turn_box(Box(*box), frame, 1), rotation=90)
    assert word.box.y0 == pytest.approx(box[0], abs=6), "lines that lie on their side stay where they lie"


def test_a_region_of_a_page_that_is_not_there_is_an_error(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "i.pdf"
    path.write_bytes(invoice_case().content)
    with pytest.raises(DocumentError):
        pool.read_region(path, "application/pdf", 9, Box(1, 1, 50, 50))
    read(pool, path)  # the pool goes on


def test_without_ocr_nothing_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "i.pdf"
    path.write_bytes(invoice_case().content)
    with ReaderPool(ReadOptions(ocr=False)) as quiet:
        assert quiet.read_region(path, "application/pdf", 1, Box(1, 1, 500, 500)) == ()
