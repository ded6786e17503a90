"""Pixels: how large to render, whether a page is blank, images encoded for the model and for people."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from extractors.reading.geometry import Frame2D
from extractors.reading.request import Raster
from schemas.document import PageImage

OCR_DPI = 200
"""Resolution at which pages are rendered for OCR."""
OCR_SIDE_PX = 2000
"""The recogniser scales anything larger down to this, so more pixels would only cost time."""
_BLANK_CONTRAST = 12
"""A page whose grey levels differ by less than this (of 255) has nothing on it."""
_JPEG_QUALITY = 85
_TURNS = {1: Image.Transpose.ROTATE_270, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_90}


def ocr_scale(frame: Frame2D) -> float:
    """Pixels per point at which a page is rendered for OCR."""
    return min(OCR_DPI / 72, OCR_SIDE_PX / frame.longer)


def turn_image(image: Image.Image, quarters: int) -> Image.Image:
    """The image turned clockwise."""
    turn = _TURNS.get(quarters % 4)
    return image if turn is None else image.transpose(turn)


def is_blank(image: Image.Image) -> bool:
    """Whether nothing stands on the page (all of one shade)."""
    low, high = image.convert("L").getextrema()
    return float(high) - float(low) < _BLANK_CONTRAST  # type: ignore[arg-type]


def to_raster(image: Image.Image) -> Raster:
    """Pixels for the OCR child."""
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return Raster(rgb.width, rgb.height, rgb.tobytes("raw", "BGR"))


def from_raster(raster: Raster) -> Image.Image:
    """The image of a raster."""
    return Image.frombytes("RGB", (raster.width, raster.height), raster.data, "raw", "BGR")


def cut_out(page: Image.Image, dpi: float, box: Sequence[float], margin: float) -> Image.Image:
    """The part of a rendered page inside ``box``, on white paper that is ``margin`` wider on each side.

    Args:
        page: rendered at ``dpi``.
        dpi: pixels per 72 points.
        box: ``x0, y0, x1, y1`` in points of the page.
        margin: in points: a line that touches the edge of a picture is not found in it.
    """
    scale, edge = dpi / 72, round(margin * dpi / 72)
    left, top, right, bottom = (round(value * scale) for value in box)
    part = page.crop(
        (left, top, min(max(right, left + 1), page.width), min(max(bottom, top + 1), page.height))
    )
    paper = Image.new("RGB", (part.width + 2 * edge, part.height + 2 * edge), "white")
    paper.paste(part, (edge, edge))
    return paper


def encode_model_image(image: Image.Image, side: int) -> PageImage | None:
    """The page as the model sees it: grey JPEG whose longer side is ``side`` pixels; ``None`` when 0."""
    if side <= 0:
        return None
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    grey = image.convert("L")
    if size != grey.size:
        grey = grey.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    grey.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return PageImage(buffer.getvalue(), "image/jpeg", grey.width, grey.height)


def encode_png(image: Image.Image) -> PageImage:
    """The page for people."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return PageImage(buffer.getvalue(), "image/png", image.width, image.height)
