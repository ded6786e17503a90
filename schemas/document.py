"""What was read of a document: pages, words and boxes.

All coordinates are PDF points (1/72 inch), origin at the top left of the *upright* page (after rotation
was put right), x to the right, y down. A word is text without white space inside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, TypeAdapter

from schemas.outcome import ReviewReason

WordSource = Literal["text_layer", "ocr"]
PageSource = Literal["text_layer", "ocr", "blank"]
MarkKind = Literal["checkbox", "signature", "stamp", "ring", "strike"]

_BYTES_AS_BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on an upright page, in points: ``x0 <= x1``, ``y0 <= y1``."""

    x0: float
    y0: float
    x1: float
    y1: float

    def as_list(self) -> list[float]:
        """``[x0, y0, x1, y1]``, rounded to a hundredth of a point."""
        return [round(v, 2) for v in (self.x0, self.y0, self.x1, self.y1)]


@dataclass(frozen=True, slots=True)
class Word:
    """One word as printed.

    ``confidence`` is the recogniser's (0..1), ``None`` for text layers. ``turned`` is by how many clockwise quarters
    its print is turned against the page: 0 runs across, 1 down, 3 up.
    """

    text: str
    box: Box
    confidence: float | None = None
    turned: int = 0


@dataclass(frozen=True, slots=True)
class PageImage:
    """A rendered page: encoded bytes (PNG or JPEG) and its size in pixels."""

    __pydantic_config__: ClassVar[ConfigDict] = _BYTES_AS_BASE64

    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something odd about a page or a document, as a plain sentence; ``reason`` is why a person should look."""

    text: str
    reason: ReviewReason = ReviewReason.READING_WARNING


@dataclass(frozen=True, slots=True)
class Mark:
    """What people leave on a page besides words.

    Attributes:
        kind: ``checkbox`` (also a radio button), ``signature``, ``stamp``; a ``ring`` around words, or a ``strike``
            through them, by hand.
        box: where it is; of a ring or a strike the words that are meant.
        score: how certain it is, 0..1; of a checkbox, that it is one and is ticked or not.
        ticked: of a checkbox.
        text: what a stamp says, where it was read.
    """

    kind: MarkKind
    box: Box
    score: float
    ticked: bool | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One upright page.

    ``rotation`` is what was turned clockwise, in degrees, to put the stored page upright (0, 90, 180, 270).
    ``words`` stand in reading order: line by line, left to right.
    ``warnings`` tell what was odd (garbled text layer, hidden words).
    ``marks`` are ticks, signatures and stamps; only where ``marks_sought`` does it say something that there is none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _BYTES_AS_BASE64

    number: int
    width: float
    height: float
    source: PageSource
    words: tuple[Word, ...]
    rotation: int = 0
    image: PageImage | None = None
    warnings: tuple[Doubt, ...] = ()
    marks: tuple[Mark, ...] = ()
    marks_sought: bool = False


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """Which bytes these are. ``uri`` is free of credentials; ``sha256`` is the identity."""

    uri: str
    sha256: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document after reading. ``page_count`` counts all pages of the file, read or not (``--pages``).

    ``warnings`` tell what was odd about the file as a whole; its pages have their own.
    ``timings``: seconds of text recognition (``ocr``), and of processor time (``read_cpu``, ``ocr_cpu``).
    ``pages`` is a tuple, or for long documents a sequence that fetches each page anew: go through it once where once
    is enough, and keep no more of it than is needed.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _BYTES_AS_BASE64

    ref: DocumentRef
    pages: Annotated[Sequence[Page], AfterValidator(tuple)]
    page_count: int
    seconds: float = 0.0
    metadata: dict[str, str] = field(default_factory=dict)
    warnings: tuple[Doubt, ...] = ()
    timings: dict[str, float] = field(default_factory=dict, compare=False)

    def page(self, number: int) -> Page | None:
        """The page of that number, if it was read; without looking at others."""
        at = bisect_left(range(len(self.pages)), number, key=lambda index: self.pages[index].number)
        found = self.pages[at] if at < len(self.pages) else None
        return found if found is not None and found.number == number else None

    @property
    def words(self) -> list[tuple[Page, Word]]:
        """Every word with its page, in reading order, all at once: not for long documents."""
        return [(page, word) for page in self.pages for word in page.words]


READ_DOCUMENT = TypeAdapter(ReadDocument)
"""Serialises a `ReadDocument` as JSON; what a reading child sends to its parent (never pickle)."""
