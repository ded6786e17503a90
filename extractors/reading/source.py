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
from extractors.reading.request import RawPage, ReadRequest
from schemas.errors import DocumentError
from schemas.outcome import FailureReason


class Source(Protocol):
    """An open file with pages."""

    page_count: int

    @property
    def metadata(self) -> dict[str, str]: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def read_page(self, number: int) -> RawPage: ...
    def render(self, number: int, dpi: float, rotation: int | None) -> Image.Image: ...


def open_source(request: ReadRequest) -> Source:
    """Opens a PDF or an image.

    Raises:
        DocumentError: broken, encrypted, or more pixels than allowed.
    """
    if request.media_type != PDF:
        return ImageFile(request)
    try:
        return PdfFile(request)
    except PdfiumError as error:
        return PlainPdf(request, str(error))


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


def read_page(source: Source, number: int) -> RawPage:
    """One page; one that fails as a whole comes back empty, with a warning."""
    try:
        return source.read_page(number)
    except MemoryError:
        raise
    except DocumentError as error:
        if error.reason is not FailureReason.BROKEN:
            raise
        return RawPage(number, UNKNOWN_FRAME, 0, warnings=[f"The page could not be read: {error}."])
    except Exception as error:
        return RawPage(
            number, UNKNOWN_FRAME, 0, warnings=[f"The page could not be read ({type(error).__name__})."]
        )
