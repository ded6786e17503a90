"""A PDF that pdfium refuses, wholly or a page of it: pdfplumber alone reads its text layer, undrawn."""

from __future__ import annotations

import time
from typing import NoReturn

from extractors.reading.chars import words_of
from extractors.reading.geometry import Frame2D
from extractors.reading.pdf_chars import layout_chars
from extractors.reading.plumber import Plumber, PlumberFailedError
from extractors.reading.request import RawPage, ReadRequest, Report
from extractors.reading.textlayer import layer_doubts
from schemas.document import Doubt
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason

_UNSEEN = Doubt(
    "The page cannot be drawn; its text layer was read, and nobody saw the page.",
    ReviewReason.READING_WARNING,
)


class PlainPdf:
    """An open PDF without pictures. Use as a context manager.

    Raises:
        DocumentError: pdfplumber cannot open it either, or not in good time.
    """

    def __init__(self, request: ReadRequest, data: bytes, refusal: str) -> None:
        self._request, self._refusal = request, refusal
        self.metadata: dict[str, str] = {}
        self.doubts: list[Doubt] = []
        self._plumber = _open(request, data)
        if self._plumber is None:
            self._give_up()
        self.page_count = self._plumber.page_count or 0
        if not self.page_count:
            raise DocumentError(
                FailureReason.EMPTY,
                f"no pages can be found in the PDF ({refusal})",
                remedy="Check how it was made.",
            )

    def __enter__(self) -> PlainPdf:
        return self

    def __exit__(self, *_: object) -> None:
        if self._plumber is not None:
            self._plumber.close()

    def read_page(self, number: int, report: Report) -> RawPage:
        """The words of the text layer."""
        assert self._plumber is not None
        return plain_page(self._request, self._plumber, number, report)

    def render(self, number: int, dpi: float, rotation: int | None) -> NoReturn:
        """Raises `DocumentError`: there is nothing to draw with."""
        self._give_up()

    def _give_up(self) -> NoReturn:
        raise DocumentError(
            FailureReason.BROKEN,
            f"the PDF cannot be opened: {self._refusal}",
            remedy="Open it in a viewer; if it shows, print it to a new PDF and try that one.",
        )


def _open(request: ReadRequest, data: bytes) -> Plumber | None:
    ends = time.monotonic() + request.max_seconds
    for password in ("", *request.passwords):
        plumber = Plumber(data, password, ends)
        try:
            plumber.open()
        except PlumberFailedError:
            continue
        return plumber
    return None


def plain_page(request: ReadRequest, plumber: Plumber, number: int, report: Report) -> RawPage:
    """One page by pdfplumber alone, in the frame of its media box.

    Raises:
        ValueError: it cannot be read in good time, or has no such page.
    """
    if not request.may(number, "text"):
        raise ValueError("it stopped both readers")
    report("text")
    try:
        with plumber.layout(number) as layout:
            frame = Frame2D(max(float(layout.page.width), 1.0), max(float(layout.page.height), 1.0))
            layer = words_of(list(layout_chars(layout.page, 0.0, 0.0)), frame)
    except PlumberFailedError as error:
        raise ValueError(str(error)) from None
    rotation = (layout.rotation + 90 * layer.quarters) % 360
    doubts = [_UNSEEN, *layer_doubts(layer)]
    return RawPage(number, frame.turned(layer.quarters), rotation, layer.words, warnings=doubts)
