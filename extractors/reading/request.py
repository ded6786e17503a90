"""What the parent asks a text child for, and what a page looks like before it is decided on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from extractors.reading.geometry import Frame2D
from schemas.document import Box, Doubt, Mark, PageImage, Word
from schemas.outcome import FailureReason

Step = Literal["open", "text", "draw"]
"""What a child is at: ``open`` is pdfium's parser, ``text`` pdfplumber, ``draw`` making pixels."""
Report = Callable[[Step], None]
"""Told before each step, so that the parent knows what killed a child, or holds it up."""

WHOLE_FILE = 0
"""Stands for the number of a page where a step is about the file as a whole."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One document to read; travels as JSON, and the bytes of the document after it.

    ``first`` and ``last`` are 1-based. ``avoid`` holds steps, by page, that killed or held up a child before:
    they are not taken again, and what is left of the page is read without them.
    """

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
    avoid: tuple[tuple[int, Step], ...] = ()

    def may(self, number: int, step: Step) -> bool:
        """Whether a step may be taken on a page."""
        return (number, step) not in self.avoid


@dataclass(frozen=True, slots=True)
class Raster:
    """Pixels of an upright page: rows of blue, green, red bytes without padding."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Sample:
    """A line of a text layer that OCR should find in the picture, too. The box is in points."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Strips:
    """Stamps turned upright, one below the other, for OCR to read.

    Attributes:
        raster: their pixels.
        boxes: of lines in it, in pixels.
        marks: by box, which mark of the page it is of.
    """

    raster: Raster
    boxes: tuple[tuple[float, float, float, float], ...]
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page as a source gives it.

    ``raster`` is there when OCR should look at the page; ``words`` then hold what its text layer says.
    With ``samples`` OCR reads these lines only, and the page as a whole if they are not what the layer says.
    Without, OCR takes the layer's place if it finds at least ``ocr_share`` as many letters; 0: whatever it finds.
    ``drawn``: the page was looked at as a picture. ``lost``: nothing could be had from it, and why.
    ``strips`` are stamps that OCR should read. ``marks`` are ``None`` where nobody looked for them: where OCR looks at
    the page as a whole, it finds them.
    """

    number: int
    frame: Frame2D
    rotation: int
    words: tuple[Word, ...] = ()
    raster: Raster | None = None
    image: PageImage | None = None
    blank: bool = False
    drawn: bool = False
    lost: FailureReason | None = None
    ocr_share: float = 0.0
    samples: tuple[Sample, ...] = ()
    warnings: list[Doubt] = field(default_factory=list)
    marks: tuple[Mark, ...] | None = None
    strips: Strips | None = None
