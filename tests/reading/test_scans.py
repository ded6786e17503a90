"""Pages that only OCR can read: scans, photographs, turned ones, garbled text layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
import pytest
from PIL import ExifTags, Image
from reportlab.pdfgen.canvas import Canvas

from extractors.options import ReadOptions
from extractors.reading import ReaderPool
from extractors.reading.geometry import Frame2D
from extractors.reading.image_file import DEFAULT_DPI
from extractors.reading.ocr import Recogniser, without_echoes
from extractors.reading.raster import to_raster
from schemas.document import Box, Word
from schemas.errors import DocumentError
from schemas.outcome import FailureReason
from tests.reading.making import LINES, edit_pdf, ink_outside, picture, read, scan_pdf, text_of, write_pdf

TEXT = " ".join(LINES)
TURNED_LINES = ("Hardware and paint", "Amount 0.00", "Total 96.50", "Thank you, come again")


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_scan_that_lies_turned_is_put_upright(pool: ReaderPool, tmp_path: Path, turn: int) -> None:
    image = picture().rotate(turn, expand=True)  # counter-clockwise: turning clockwise puts it right
    path = scan_pdf(tmp_path / "scan.pdf", image)
    page = read(pool, path).pages[0]
    assert (page.source, page.rotation, text_of(page)) == ("ocr", turn, TEXT)
    assert page.width > page.height
    assert all(w.confidence is not None and 0.5 < w.confidence <= 1 for w in page.words)
    assert page.image is not None and page.image.width > page.image.height
    drawn = pool.render(path, "application/pdf", 1, dpi=100, rotation=page.rotation)
    assert drawn.width > drawn.height
    assert ink_outside(page, drawn) < 0.03


def test_a_scan_under_rotate_is_upright_already(pool: ReaderPool, tmp_path: Path) -> None:
    path = edit_pdf(scan_pdf(tmp_path / "scan.pdf", picture().rotate(90, expand=True)), Rotate=90)
    page = read(pool, path).pages[0]
    assert (page.rotation, text_of(page)) == (90, TEXT)
    assert ink_outside(page, pool.render(path, "application/pdf", 1)) < 0.03


def test_jpeg_with_exif_orientation(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    image = picture().rotate(90, expand=True)
    exif = image.getexif()
    exif[ExifTags.Base.Orientation] = 6
    image.save(path, exif=exif, quality=90)
    page = read(pool, path).pages[0]
    assert (page.rotation, text_of(page)) == (90, TEXT)
    assert (page.width, page.height) == pytest.approx((600 * 72 / DEFAULT_DPI, 320 * 72 / DEFAULT_DPI))
    assert ink_outside(page, pool.render(path, "image/jpeg", 1, dpi=200, rotation=page.rotation)) < 0.03


def test_tiff_with_two_pages_and_its_own_dpi(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "fax.tif"
    first = picture(("Page one", "Total 10.00")).convert("1")
    second = picture(("Page two", "Total 20.00")).convert("1")
    first.save(path, save_all=True, append_images=[second], dpi=(160, 160), compression="group4")
    document = read(pool, path)
    assert [text_of(p) for p in document.pages] == ["Page one Total 10.00", "Page two Total 20.00"]
    assert document.pages[0].width == pytest.approx(600 * 72 / 160)


def test_png_with_transparent_paper(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    image = Image.new("RGBA", (600, 320), (0, 0, 0, 0))
    ink = picture().convert("L").point(lambda v: 255 if v < 128 else 0)
    image.paste((0, 0, 0, 255), mask=ink)
    image.save(path)
    assert text_of(read(pool, path).pages[0]) == TEXT


def test_a_text_layer_without_usable_encoding_gives_way_to_ocr(pool: ReaderPool, tmp_path: Path) -> None:
    path = write_pdf(
        tmp_path / "cid.pdf", lines=("Invoice 4711 of the year", "Total 1,234.50 EUR to be paid")
    )
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for font in pdf.pages[0].Resources.Font.values():
            names = [pikepdf.Name(f"/g{code}") for code in range(256)]
            font.Encoding = pdf.make_indirect(
                pikepdf.Dictionary(Type=pikepdf.Name.Encoding, Differences=pikepdf.Array([0, *names]))
            )
            private = "".join(f"<{code:02x}> <{0xE000 + code:04x}>\n" for code in range(32, 127))
            font.ToUnicode = pdf.make_stream(
                b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
                b"1 begincodespacerange <00> <ff> endcodespacerange\n95 beginbfchar\n"
                + private.encode()
                + b"endbfchar endcmap end end"
            )
            del font.Encoding  # pdfium draws the glyphs by their standard names
        pdf.save(path)
    page = read(pool, path).pages[0]
    assert page.source == "ocr"
    assert "4711" in text_of(page) and "1,234.50" in text_of(page)
    assert any("unreadable" in warning.text for warning in page.warnings)
    without = ReadOptions(ocr=False)
    with pytest.raises(DocumentError) as caught:
        read(pool, path, without)
    assert caught.value.reason is FailureReason.NO_TEXT


def test_a_stamp_on_a_scan_does_not_pass_for_its_text(pool: ReaderPool, tmp_path: Path) -> None:
    image = tmp_path / "scan.png"
    picture().save(image)
    path = tmp_path / "stamped.pdf"
    canvas = Canvas(str(path), pagesize=(460, 230))
    canvas.drawImage(str(image), 0, 0, 460, 230)
    canvas.setFont("Helvetica", 9)
    canvas.drawString(280, 210, "Received 2026-03-30")
    canvas.save()
    page = read(pool, path).pages[0]
    assert page.source == "ocr"
    assert "Received" in text_of(page) and "1,234.50" in text_of(page)


def test_print_over_a_picture_keeps_its_text_layer(pool: ReaderPool, tmp_path: Path) -> None:
    paper = tmp_path / "paper.png"
    Image.new("RGB", (60, 30), (235, 240, 250)).save(paper)
    path = tmp_path / "letterhead.pdf"
    canvas = Canvas(str(path), pagesize=(460, 230))
    canvas.drawImage(str(paper), 0, 0, 460, 230)
    canvas.drawString(60, 120, "Total 1,234.50 EUR")
    canvas.save()
    page = read(pool, path).pages[0]
    assert (page.source, text_of(page)) == ("text_layer", "Total 1,234.50 EUR")
    assert page.image is not None


def test_an_old_scanners_misread_numbers_are_read_again(pool: ReaderPool, tmp_path: Path) -> None:
    printed = (
        "Flight 06/02/20 to 06/08/20 and 05/04/20",
        "for the account of the advertiser above",
        "all thirty second spots as ordered here",
        "and invoiced by the station every month",
    )
    image = tmp_path / "scan.png"
    picture(printed, font_size=24).save(image)
    path = tmp_path / "misread.pdf"
    canvas = Canvas(str(path), pagesize=(460, 230))
    canvas.drawImage(str(image), 0, 0, 460, 230)
    hidden = canvas.beginText(30, 180)
    hidden.setTextRenderMode(3)
    for line in ("Flight 06t02t20 to 06t08t20 and 05lo4l20", *printed[1:]):
        hidden.textLine(line)
    canvas.drawText(hidden)
    canvas.save()
    page = read(pool, path).pages[0]
    assert page.source == "ocr"
    assert {"06/02/20", "06/08/20", "05/04/20"} <= {word.text for word in page.words}
    without = ReadOptions(ocr=False)
    assert "06t02t20" in text_of(read(pool, path, without).pages[0])


def test_pictures_that_are_refused(pool: ReaderPool, tmp_path: Path) -> None:
    wide, cut = tmp_path / "wide.png", tmp_path / "cut.jpg"
    Image.new("1", (30_000, 10)).save(wide)
    picture().save(cut)
    cut.write_bytes(cut.read_bytes()[:700])
    with pytest.raises(DocumentError) as caught:
        read(pool, wide)
    assert caught.value.reason is FailureReason.TOO_LARGE
    with pytest.raises(DocumentError) as caught:
        read(pool, cut)
    assert caught.value.reason is FailureReason.BROKEN


def test_a_line_that_the_classifier_turns_on_an_upright_page_is_read_as_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recogniser, pixels = Recogniser(1), to_raster(picture(TURNED_LINES))
    frame = Frame2D(pixels.width, pixels.height)
    engine = recogniser._engine
    told = engine.cls_and_rotate

    def errs(crops: list[Any]) -> Any:
        kept, classes = told(crops)
        classes.img_list[1] = np.ascontiguousarray(np.rot90(classes.img_list[1], 2))
        classes.cls_res[1] = ("180", 0.99)
        return kept, classes

    plain = recogniser.read(pixels, frame)
    monkeypatch.setattr(engine, "cls_and_rotate", errs)
    erring = recogniser.read(pixels, frame)
    assert [word.text for word in erring.words] == " ".join(TURNED_LINES).split()
    assert [word.box for word in erring.words] == [word.box for word in plain.words]


def test_a_line_that_stands_on_its_head_is_turned() -> None:
    image = picture(TURNED_LINES)
    band = (0, 108, 400, 152)
    image.paste(image.crop(band).rotate(180), band[:2])
    pixels = to_raster(image)
    words = Recogniser(1).read(pixels, Frame2D(pixels.width, pixels.height)).words
    assert {"Amount", "0.00", "Total", "96.50"} <= {word.text for word in words}


def test_letters_read_twice_at_the_border_of_two_boxes() -> None:
    long, echo = Word("cromulent", Box(600, 60, 832, 130), 0.9), Word("t", Box(813, 66, 832, 122), 0.9)
    honest = Word("t", Box(840, 66, 850, 122), 0.9)
    assert without_echoes([long, echo, honest]) == [long, honest]
