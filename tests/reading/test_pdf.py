"""PDFs with a text layer: words where the print is, whatever is done to the page."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pytest
from PIL import Image
from pydantic import SecretStr
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from extractors.options import PageRange, ReadOptions
from extractors.reading import ReaderPool
from extractors.reading.lines import group_lines
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason
from tests.reading.making import edit_pdf, ink_outside, read, text_of, write_pdf

NO_OCR = ReadOptions(ocr=False, max_seconds=250)


def _locked(path: Path, owner: str = "owner", user: str = "user") -> Path:
    write_pdf(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner=owner, user=user, R=6))
    return path


def _reason(pool: ReaderPool, path: Path, options: ReadOptions = NO_OCR) -> FailureReason:
    with pytest.raises(DocumentError) as caught:
        read(pool, path, options)
    assert path.name in str(caught.value), "an error names its document"
    assert caught.value.remedy
    return caught.value.reason


def test_words_lines_and_image(pool: ReaderPool, tmp_path: Path) -> None:
    document = read(pool, write_pdf(tmp_path / "a.pdf", pages=2))
    assert (document.page_count, [p.number for p in document.pages]) == (2, [1, 2])
    page = document.pages[0]
    assert (page.source, page.width, page.height, page.rotation, page.warnings) == (
        "text_layer",
        400,
        300,
        0,
        (),
    )
    lines = [" ".join(w.text for w in line) for line in group_lines(page.words)]
    assert lines == ["Invoice 4711", "Date 2026-03-24", "Total 1,234.50 EUR", "Page 1"]
    assert all(w.confidence is None for w in page.words)
    assert page.image is not None and max(page.image.width, page.image.height) == 512
    picture = Image.open(io.BytesIO(page.image.data))
    assert picture.size == (page.image.width, page.image.height) and picture.mode == "L"
    assert document.seconds > 0


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, [30, 20, 380, 290]])
@pytest.mark.parametrize("media", [None, [-50, -40, 400, 300]])
def test_boxes_lie_on_the_print(
    pool: ReaderPool, tmp_path: Path, rotate: int, crop: list[int] | None, media: list[int] | None
) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    if media:
        edit_pdf(path, MediaBox=pikepdf.Array(media))
    if crop:
        edit_pdf(path, CropBox=pikepdf.Array(crop))
    edit_pdf(path, Rotate=rotate)
    page = read(pool, path, NO_OCR).pages[0]
    assert sorted(text_of(page).split()) == sorted(
        ["Invoice", "4711", "Date", "2026-03-24", "Total", "1,234.50", "EUR", "Page", "1"]
    )
    drawn = pool.render(path, "application/pdf", 1, dpi=72, rotation=page.rotation)
    assert (drawn.width, drawn.height) == (round(page.width), round(page.height))
    assert ink_outside(page, drawn) < 0.01
    assert page.rotation == 0, "text is upright again, whatever /Rotate says about the stored page"


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_text_written_sideways(pool: ReaderPool, tmp_path: Path, turn: int) -> None:
    path = tmp_path / "a.pdf"
    canvas = Canvas(str(path), pagesize=(400, 300))
    canvas.translate(200, 150)
    canvas.rotate(turn)
    for row, line in enumerate(("Invoice 4711", "Total 99.00")):
        canvas.drawString(-60, -20 * row, line)
    canvas.save()
    page = read(pool, path, NO_OCR).pages[0]
    assert page.rotation == turn
    assert text_of(page) == "Invoice 4711 Total 99.00"
    assert (page.width, page.height) == ((300, 400) if turn % 180 else (400, 300))
    assert ink_outside(page, pool.render(path, "application/pdf", 1, dpi=100, rotation=page.rotation)) < 0.01
    assert page.image is not None and (page.image.width > page.image.height) == (page.width > page.height)


def test_cropped_away_text_is_not_read(pool: ReaderPool, tmp_path: Path) -> None:
    path = edit_pdf(write_pdf(tmp_path / "a.pdf"), CropBox=pikepdf.Array([0, 0, 400, 190]))
    assert text_of(read(pool, path, NO_OCR).pages[0]) == "Total 1,234.50 EUR Page 1"


def test_form_fields_are_read_once(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "form.pdf"
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(72, 700, "Amount")
    canvas.acroForm.textfield(
        name="amount", value="815.20", x=160, y=690, width=120, height=20, forceBorder=True
    )
    canvas.save()
    page = read(pool, path, NO_OCR).pages[0]
    assert text_of(page) == "Amount 815.20"


def test_passwords(pool: ReaderPool, tmp_path: Path) -> None:
    path = _locked(tmp_path / "locked.pdf")
    assert _reason(pool, path) is FailureReason.ENCRYPTED
    wrong = NO_OCR.model_copy(update={"passwords": (SecretStr("no"),)})
    assert _reason(pool, path, wrong) is FailureReason.ENCRYPTED
    right = NO_OCR.model_copy(update={"passwords": (SecretStr("no"), SecretStr("user"))})
    document = read(pool, path, right)
    assert text_of(document.pages[0]).startswith("Invoice 4711")
    assert document.pages[0].warnings == (), "pdfplumber took the password too"
    assert pool.render(path, "application/pdf", 1, passwords=("user",)).width > 0


def test_a_password_never_shows(pool: ReaderPool, tmp_path: Path) -> None:
    secret = NO_OCR.model_copy(update={"passwords": (SecretStr("hunter2"),)})
    with pytest.raises(DocumentError) as caught:
        read(pool, _locked(tmp_path / "locked.pdf"), secret)
    assert "hunter2" not in f"{caught.value} {caught.value.remedy} {caught.value.__cause__}"


def test_only_an_owner_password_is_no_obstacle(pool: ReaderPool, tmp_path: Path) -> None:
    assert read(pool, _locked(tmp_path / "owner.pdf", user=""), NO_OCR).pages[0].words


def test_files_that_are_no_documents(pool: ReaderPool, tmp_path: Path) -> None:
    empty, text, cut = tmp_path / "empty.pdf", tmp_path / "text.pdf", tmp_path / "cut.pdf"
    empty.write_bytes(b"")
    text.write_bytes(b"just text")
    cut.write_bytes(write_pdf(tmp_path / "whole.pdf").read_bytes()[:200])
    assert _reason(pool, empty) is FailureReason.EMPTY
    assert _reason(pool, text) is FailureReason.UNSUPPORTED_TYPE
    assert _reason(pool, cut) in (FailureReason.BROKEN, FailureReason.EMPTY)
    small = NO_OCR.model_copy(update={"max_bytes": 100})
    assert _reason(pool, tmp_path / "whole.pdf", small) is FailureReason.TOO_LARGE


def test_a_lost_end_is_repaired(pool: ReaderPool, tmp_path: Path) -> None:
    whole = write_pdf(tmp_path / "whole.pdf").read_bytes()
    path = tmp_path / "lost.pdf"
    path.write_bytes(whole[: whole.rindex(b"xref")])
    assert "4711" in text_of(read(pool, path, NO_OCR).pages[0])


def test_page_limits_and_ranges(pool: ReaderPool, tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "six.pdf", pages=6)
    three = NO_OCR.model_copy(update={"max_pages": 3})
    assert _reason(pool, path, three) is FailureReason.TOO_MANY_PAGES
    some = three.model_copy(update={"pages": PageRange(first=4, last=6)})
    document = read(pool, path, some)
    assert document.page_count == 6
    assert [(p.number, text_of(p)[-6:]) for p in document.pages] == [
        (4, "Page 4"),
        (5, "Page 5"),
        (6, "Page 6"),
    ]
    beyond = three.model_copy(update={"pages": PageRange(first=7)})
    assert _reason(pool, path, beyond) is FailureReason.EMPTY


def test_blank_pages(pool: ReaderPool, tmp_path: Path) -> None:
    path = tmp_path / "blank.pdf"
    canvas = Canvas(str(path), pagesize=(400, 300))
    canvas.showPage()
    canvas.save()
    assert _reason(pool, path) is FailureReason.NO_TEXT, "nobody was to look at its picture"
    document = read(pool, path)
    assert [p.source for p in document.pages] == ["blank"]
    assert [doubt.reason for doubt in document.warnings] == [ReviewReason.NO_WORDS]
    canvas = Canvas(str(path), pagesize=(400, 300))
    canvas.showPage()
    canvas.drawString(50, 50, "second")
    canvas.save()
    assert [p.source for p in read(pool, path).pages] == ["blank", "text_layer"]


def test_no_page_images_when_none_are_wanted(pool: ReaderPool, tmp_path: Path) -> None:
    options = ReadOptions.model_construct(**{**dict(NO_OCR), "image_side_px": 0})
    assert read(pool, write_pdf(tmp_path / "a.pdf"), options).pages[0].image is None
