"""Small real documents, made when the tests run."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas

from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from schemas.document import Page, PageImage, ReadDocument

LINES = ("Invoice 4711", "Date 2026-03-24", "Total 1,234.50 EUR")


def read(pool: ReaderPool, path: Path, options: ReadOptions | None = None) -> ReadDocument:
    return pool.read(document_ref(path, f"test://{path.name}"), path, options)


def text_of(page: Page) -> str:
    return " ".join(word.text for word in page.words)


def write_pdf(
    path: Path, pages: int = 1, lines: tuple[str, ...] = LINES, size: tuple[int, int] = (400, 300)
) -> Path:
    canvas = Canvas(str(path), pagesize=size)
    for number in range(1, pages + 1):
        for row, line in enumerate((*lines, f"Page {number}")):
            canvas.drawString(60, size[1] - 80 - 20 * row, line)
        canvas.showPage()
    canvas.save()
    return path


def edit_pdf(path: Path, **keys: object) -> Path:
    """Sets keys of the first page's dictionary."""
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for key, value in keys.items():
            pdf.pages[0].obj[f"/{key}"] = value
        pdf.save(path)
    return path


def picture(
    lines: tuple[str, ...] = LINES, size: tuple[int, int] = (600, 320), font_size: float = 34
) -> Image.Image:
    """A scan: dark text on light paper."""
    image = Image.new("RGB", size, (250, 250, 246))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=font_size)
    for row, line in enumerate(lines):
        draw.text((40, 40 + 70 * row), line, fill=(20, 20, 30), font=font)
    return image


def scan_pdf(path: Path, image: Image.Image, dpi: float = 100) -> Path:
    image.save(path, "PDF", resolution=dpi)
    return path


def ink_outside(page: Page, image: PageImage, margin: float = 2.0) -> float:
    """Share of the dark pixels of a rendered page that no word's box covers."""
    grey = Image.open(io.BytesIO(image.data)).convert("L")
    ink = grey.point(lambda v: 255 if v < 128 else 0)
    total = ink.histogram()[255]
    scale = grey.width / page.width
    draw = ImageDraw.Draw(ink)
    for word in page.words:
        box = word.box
        corners = (box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
        draw.rectangle([c * scale for c in corners], fill=0)
    assert total, "nothing was drawn"
    return ink.histogram()[255] / total
