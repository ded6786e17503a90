"""A picture of many documents side by side, to look them over."""

from __future__ import annotations

from collections.abc import Sequence

import pypdfium2
from PIL import Image, ImageDraw

from extractors.training.synthesis.contract import Sheet

_WIDTH, _HEIGHT, _GAP, _LABEL = 400, 540, 10, 14


def contact_sheet(sheets: Sequence[Sheet], columns: int = 6) -> Image.Image:
    """First pages in rows, each above its kind, locale, layout and seed.

    Args:
        sheets: one or more.
        columns: pages in a row.
    """
    columns = min(columns, len(sheets))
    rows = (len(sheets) + columns - 1) // columns
    step = (_WIDTH + _GAP, _HEIGHT + _LABEL + _GAP)
    picture = Image.new("RGB", (columns * step[0] + _GAP, rows * step[1] + _GAP), "#777777")
    draw = ImageDraw.Draw(picture)
    for at, sheet in enumerate(sheets):
        left, top = _GAP + at % columns * step[0], _GAP + at // columns * step[1]
        picture.paste(first_page(sheet.pdf, _WIDTH, _HEIGHT), (left, top))
        name = f"{sheet.kind} {sheet.locale} {sheet.layout} {sheet.seed} ({sheet.pages} p.)"
        draw.text((left, top + _HEIGHT + 1), name, fill="white")
    return picture


def first_page(pdf: bytes, width: int, height: int) -> Image.Image:
    """The first page in a picture that it fits, in pixels."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        page = document[0]
        scale = min(width / page.get_width(), height / page.get_height())
        picture: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
        return picture.crop((0, 0, min(width, picture.width), min(height, picture.height)))
    finally:
        document.close()
