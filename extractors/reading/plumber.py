"""pdfplumber over one file: kept open from page to page, begun anew now and then, given up when it hangs."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import pdfplumber
from pdfminer.layout import LTPage
from pdfminer.pdftypes import PDFStream, resolve1
from pdfplumber.pdf import PDF

from extractors.reading.limits import Interrupted, interrupt_after
from schemas.errors import foreign

_PAGES_PER_OPENING = 25
"""pdfminer keeps every object and font that it has seen; beginning anew keeps memory flat on long files."""
_OPEN_SHARE = 0.2
_PAGE_SHARE = 0.4
_MAX_SECONDS = 20.0
"""CPU time for opening the file and for one page, as shares of the time that is left; never more than this."""

_PATIENCE = 1.35
"""On a busy machine a step may last so many times longer on the clock; the parent waits a little longer still."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Layout:
    """A page: its characters, the rotation that it asks for in degrees, and its media box in points."""

    page: LTPage
    rotation: int
    media_box: tuple[float, float, float, float]


class PlumberFailedError(Exception):
    """pdfplumber cannot read it, or not in good time; the message says which."""


class Plumber:
    """A PDF in pdfplumber.

    Args:
        data: the bytes of the file.
        password: the one that opens it.
        ends: when the document's time is up (monotonic seconds).
    """

    def __init__(self, data: bytes, password: str, ends: float) -> None:
        self._data, self._password, self._ends = data, password, ends
        self._open: PDF | None = None
        self._read = 0
        self._refusal: str | None = None
        self._page_count: int | None = None

    @property
    def page_count(self) -> int | None:
        """Pages that pdfplumber finds; ``None`` as long as it has not opened the file."""
        return self._page_count

    @property
    def is_portfolio(self) -> bool:
        """Whether the file is a folder of other files, with a cover page."""
        with suppress(Exception):
            return self._open is not None and "Collection" in resolve1(self._open.doc.catalog)
        return False

    def open(self) -> None:
        """Opens the file, or begins anew.

        Raises:
            PlumberFailedError: it cannot be opened; it is not tried again.
        """
        if self._refusal is not None:
            raise PlumberFailedError(self._refusal)
        if self._open is not None and self._read < _PAGES_PER_OPENING:
            return
        self.close()

        def opened() -> PDF:
            pdf = pdfplumber.open(io.BytesIO(self._data), password=self._password)
            self._page_count = len(pdf.pages)
            return pdf

        try:
            self._open = self._in_time(_OPEN_SHARE, opened)
        except PlumberFailedError as error:
            self._refusal = str(error)
            raise
        self._read = 0

    @contextmanager
    def layout(self, number: int) -> Iterator[Layout]:
        """The characters of a page (1-based) as pdfminer lays them out.

        Raises:
            PlumberFailedError: there is no such page, it cannot be read, or not in good time.
        """
        self.open()
        assert self._open is not None
        pages = self._open.pages
        if number > len(pages):
            raise PlumberFailedError("no such page")
        page = pages[number - 1]
        try:
            laid_out = self._in_time(_PAGE_SHARE, lambda: page.layout)
            x0, y0, x1, y1 = (
                float(value) for value in page.page_obj.mediabox
            )  # pdfplumber's own is turned over
            yield Layout(laid_out, int(page.rotation or 0), (x0, y0, x1, y1))
        finally:
            self._read += 1
            if self._open is not None:
                with suppress(Exception):
                    page.close()

    def unpacks_beyond(self, number: int, limit: int) -> bool:
        """Whether the drawing instructions of a page unpack to more than ``limit`` bytes, as far as is cheap to tell.

        Only deflated streams are tried: nothing else that pages are made with packs a thousand to one.

        Raises:
            PlumberFailedError: the file or the page cannot be opened.
        """
        self.open()
        assert self._open is not None
        pages, locked = self._open.pages, self._open.doc.encryption is not None
        if locked or number > len(pages):
            return False
        page = pages[number - 1].page_obj

        def size() -> int:
            total = 0
            for stream in page.contents:
                found = resolve1(stream)
                if isinstance(found, PDFStream) and found.rawdata:
                    total += _unpacked(found, limit - total)
                if total > limit:
                    break
            return total

        return self._in_time(_PAGE_SHARE, size) > limit

    def close(self) -> None:
        """Closes the file; `open` begins anew."""
        if self._open is not None:
            with suppress(Exception):
                self._open.close()
        self._open = None

    def _in_time(self, share: float, step: Callable[[], Result]) -> Result:
        left = max(self._ends - time.monotonic(), 0.1)
        try:
            with interrupt_after(min(_MAX_SECONDS, share * left), _PATIENCE * share * left):
                return step()
        except Interrupted:
            self.close()  # whatever was interrupted may be half done
            raise PlumberFailedError("it took too long") from None
        except MemoryError:
            self.close()
            raise
        except (Exception, RecursionError) as error:
            raise PlumberFailedError(
                f"{type(error).__name__} {foreign(str(error)[:200])}".rstrip()
            ) from error


def _unpacked(stream: PDFStream, limit: int) -> int:
    """Bytes of a stream when its deflate filters are undone, at most little more than ``limit``."""
    data = bytes(stream.rawdata or b"")
    for name, _ in stream.get_filters():
        if getattr(name, "name", "") not in ("FlateDecode", "Fl"):
            break
        try:
            data = zlib.decompressobj().decompress(data, limit + 1)
        except zlib.error:
            break
    return len(data)
