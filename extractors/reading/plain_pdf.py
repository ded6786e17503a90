"""A PDF that pdfium refuses, wholly or a page of it: pdfplumber alone reads its text layer, undrawn."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NoReturn

import pdfplumber

from extractors.reading.chars import words_of
from extractors.reading.geometry import Frame2D
from extractors.reading.limits import Interrupted, interrupt_after
from extractors.reading.pdf_chars import layout_chars
from extractors.reading.request import RawPage, ReadRequest
from schemas.errors import DocumentError
from schemas.outcome import FailureReason

_OPEN_SHARE = 0.1
_PAGE_SHARE = 0.4
_WARNING = "The page cannot be drawn; only its text layer was read."


class PlainPdf:
    """An open PDF without pictures. Use as a context manager.

    Raises:
        DocumentError: pdfplumber cannot open it either, or not in good time.
    """

    def __init__(self, request: ReadRequest, refusal: str) -> None:
        self._request = request
        self._refusal = refusal
        self.metadata: dict[str, str] = {}
        try:
            with _in_time(_OPEN_SHARE, request), pdfplumber.open(request.path) as pdf:
                self.page_count = len(pdf.pages)
        except (Exception, Interrupted):
            self._give_up()
        if not self.page_count:
            raise DocumentError(
                FailureReason.EMPTY,
                f"no pages can be found in the PDF ({refusal})",
                remedy="Check how it was made.",
            )

    def __enter__(self) -> PlainPdf:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read_page(self, number: int) -> RawPage:
        """The words of the text layer."""
        return plain_page(self._request, number, "")

    def render(self, number: int, dpi: float, rotation: int | None) -> NoReturn:
        """Raises `DocumentError`: there is nothing to draw with."""
        self._give_up()

    def _give_up(self) -> NoReturn:
        raise DocumentError(
            FailureReason.BROKEN,
            f"the PDF cannot be opened: {self._refusal}",
            remedy="Open it in a viewer; if it shows, print it to a new PDF and try that one.",
        )


def _in_time(share: float, request: ReadRequest) -> AbstractContextManager[None]:
    return interrupt_after(share * request.max_seconds, 2 * share * request.max_seconds)


def plain_page(request: ReadRequest, number: int, password: str) -> RawPage:
    """One page by pdfplumber alone, in the frame of its media box.

    Raises:
        ValueError: it cannot be read in good time, or has no such page.
    """
    try:
        with (
            _in_time(_PAGE_SHARE, request),
            pdfplumber.open(request.path, pages=[number], password=password) as pdf,
        ):
            if not pdf.pages:
                raise ValueError("no such page")
            page = pdf.pages[0]
            frame = Frame2D(max(float(page.layout.width), 1.0), max(float(page.layout.height), 1.0))
            layer = words_of(list(layout_chars(page.layout, 0.0, 0.0)), frame)
            rotation = (int(page.rotation) + 90 * layer.quarters) % 360
    except Interrupted:
        raise ValueError("the text layer took too long to read") from None
    return RawPage(number, frame.turned(layer.quarters), rotation, layer.words, warnings=[_WARNING])
