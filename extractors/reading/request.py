"""What the parent asks a text child for, and what a page looks like before it is decided on."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractors.reading.geometry import Frame2D
from schemas.document import PageImage, Word


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One document to read; travels as JSON.

    ``first`` and ``last`` are 1-based. ``skip`` holds pages that killed a reader before: they are not touched
    again. ``rescue`` holds pages on which pdfplumber did: pdfium alone reads them.
    """

    path: str
    media_type: str
    first: int
    last: int | None
    max_pages: int
    max_seconds: float
    max_memory_mb: int
    max_side_px: int
    ocr: bool
    image_side_px: int
    passwords: tuple[str, ...] = ()
    skip: tuple[int, ...] = ()
    rescue: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels of an upright page: rows of blue, green, red bytes without padding."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page as a source gives it.

    ``raster`` is there when the page should go through OCR; ``words`` then hold what its text layer says.
    OCR takes their place if it finds at least ``ocr_share`` as many letters; 0: whatever it finds.
    """

    number: int
    frame: Frame2D
    rotation: int
    words: tuple[Word, ...] = ()
    raster: Raster | None = None
    image: PageImage | None = None
    blank: bool = False
    ocr_share: float = 0.0
    warnings: list[str] = field(default_factory=list)
