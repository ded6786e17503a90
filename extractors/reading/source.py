"""Opening what the request names, choosing its pages, keeping one bad page from ending the document."""

from __future__ import annotations

from typing import Protocol, Self

from PIL import Image
from pypdfium2 import PdfiumError

from extractors.reading.geometry import UNKNOWN_FRAME
from extractors.reading.image_file import ImageFile
from extractors.reading.media import PDF
from extractors.reading.pdf_file import PdfFile
from extractors.reading.plain_pdf import PlainPdf
from extractors.reading.request import WHOLE_FILE, RawPage, ReadRequest, Report
from schemas.document import Doubt
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason


class Source(Protocol):
    """An open file with pages."""

    page_count: int

    @property
    def metadata(self) -> dict[str, str]: ...
    @property
    def doubts(self) -> list[Doubt]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def read_page(self, number: int, report: Report) -> RawPage: ...
    def render(self, number: int, dpi: float, rotation: int | None) -> Image.Image: ...


def open_source(request: ReadRequest, data: bytes, report: Report) -> Source:
    """Opens a PDF or an image.

    Args:
        request: what is wanted of it.
        data: the bytes of the file.
        report: told before each step.

    Raises:
        DocumentError: broken, encrypted, or more pixels than allowed.
    """
    if request.media_type != PDF:
        report("draw")
        return ImageFile(request, data)
    refusal = "pdfium did not come to an end with it"
    if request.may(WHOLE_FILE, "open"):
        report("open")
        try:
            opened = PdfFile(request, data)
            if opened.page_count:
                return opened
            opened.__exit__()
            refusal = "pdfium finds no pages"
        except PdfiumError as error:
            refusal = str(error)
    report("text")
    return PlainPdf(request, data, refusal)


def page_numbers(request: ReadRequest, page_count: int) -> list[int]:
    """The pages to read, 1-based.

    Raises:
        DocumentError: no pages, none in the range, or more than the limit.
    """
    if page_count < 1:
        raise DocumentError(FailureReason.EMPTY, "the file has no pages", remedy="Check how it was made.")
    last = page_count if request.last is None else min(request.last, page_count)
    numbers = list(range(request.first, last + 1))
    if not numbers:
        raise DocumentError(
            FailureReason.EMPTY,
            f"the file has {page_count} pages and the range begins at page {request.first}",
            remedy="Choose other pages with --pages.",
        )
    if len(numbers) > request.max_pages:
        raise DocumentError(
            FailureReason.TOO_MANY_PAGES,
            f"{len(numbers)} pages are to be read; the limit is {request.max_pages}",
            remedy="Read a part with --pages, or raise the limit `max_pages`.",
        )
    return numbers


def read_page(source: Source, number: int, report: Report) -> RawPage:
    """One page; one that fails as a whole comes back empty, with a warning."""
    try:
        return source.read_page(number, report)
    except MemoryError:
        raise
    except DocumentError as error:
        if error.reason not in (FailureReason.BROKEN, FailureReason.TOO_LARGE):
            raise
        return _lost(number, str(error), error.reason)
    except Exception as error:
        return _lost(number, str(error) or type(error).__name__, FailureReason.BROKEN)


def _lost(number: int, why: str, reason: FailureReason) -> RawPage:
    doubt = Doubt(f"The page could not be read: {why}.", ReviewReason.PAGE_LOST)
    return RawPage(number, UNKNOWN_FRAME, 0, lost=reason, warnings=[doubt])
