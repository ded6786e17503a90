"""One document on its way through the children: page by page, past pages that kill a reader, in its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from extractors.options import ReadOptions
from extractors.reading.frames import PAGE, Frame
from extractors.reading.process import ReaderChild
from extractors.reading.request import ReadRequest
from extractors.reading.slot import Slot, checked, outcome_of
from schemas.document import DocumentRef, Page, ReadDocument
from schemas.errors import DocumentError
from schemas.outcome import FailureReason

_MAX_RESTARTS = 3
"""So often may pages of one document kill a text child before the document is given up."""
_OPTIONAL_SHARE = 0.5
"""OCR of pages that have a text layer, only not a trusted one, ends when this share of the time is left."""
_REPRINT = "Open it in a viewer; if it shows, print it to a new PDF and try that one."


def make_request(
    path: Path, media_type: str, options: ReadOptions, passwords: tuple[str, ...]
) -> ReadRequest:
    """What a text child needs to know."""
    return ReadRequest(
        path=str(path.absolute()),
        media_type=media_type,
        first=options.pages.first,
        last=options.pages.last,
        max_pages=options.max_pages,
        max_seconds=options.max_seconds,
        max_memory_mb=options.max_memory_mb,
        max_side_px=options.max_side_px,
        ocr=options.ocr,
        image_side_px=options.image_side_px,
        passwords=passwords,
    )


class _PageKilledError(Exception):
    """A page killed the text child; the document goes on without it."""


class DocumentReading:
    """One document on its way through the children of a slot."""

    def __init__(self, slot: Slot, ref: DocumentRef, path: Path, options: ReadOptions) -> None:
        self._slot, self._ref, self._options = slot, ref, options
        passwords = tuple(secret.get_secret_value() for secret in options.passwords)
        self._request = make_request(path, ref.media_type, options, passwords)
        self._pages: dict[int, Page] = {}
        self._page_count = 0
        self._metadata: dict[str, str] = {}
        self._deadline = 0.0
        self._current: int | None = None
        self._killer: DocumentError | None = None

    def run(self) -> ReadDocument:
        """Reads it.

        Raises:
            DocumentError: with the reason why there is nothing to go on with.
        """
        started = time.monotonic()
        self._deadline = started + self._options.max_seconds
        self._child("text")
        for attempt in range(_MAX_RESTARTS + 1):
            try:
                self._read_pages()
                break
            except _PageKilledError:
                if attempt == _MAX_RESTARTS:
                    raise DocumentError(
                        FailureReason.READER_CRASHED,
                        f"{self._ref.uri}: too many pages stopped the reader",
                        remedy="Print the file to a new PDF and try that one.",
                    ) from None
        pages = tuple(self._pages[number] for number in sorted(self._pages))
        if not any(page.words for page in pages):
            raise self._nothing(pages)
        seconds = time.monotonic() - started
        return ReadDocument(self._ref, pages, self._page_count, round(seconds, 3), self._metadata)

    def _child(self, kind: str) -> ReaderChild:
        """A warm child; the time it takes to start one is not the document's."""
        before = time.monotonic()
        child = self._slot.child(kind)
        self._deadline += time.monotonic() - before
        return child

    def _memory_of(self, child: ReaderChild) -> int:
        return child.base_memory + (self._options.max_memory_mb << 20)

    def _read_pages(self) -> None:
        """All pages that are not read yet.

        Raises:
            _PageKilledError: a page killed the child; call again.
        """
        text = self._child("text")
        left = max(self._deadline - time.monotonic(), 0.1)
        done = min((n for n in range(1, self._page_count + 1) if n not in self._pages), default=None)
        request = replace(self._request, max_seconds=left, first=max(self._request.first, done or 1))
        self._current = None
        with self._text_outcome():
            text.send(Frame("read", {"read": asdict(request)}), self._deadline)
            while True:
                frame = checked(text.receive(self._deadline, self._memory_of(text)))
                match frame.kind:
                    case "opened":
                        self._page_count = frame.data["page_count"]
                        self._metadata = frame.data["metadata"]
                    case "page_start":
                        self._current = frame.data["number"]
                    case "page":
                        self._take(frame)
                        self._current = None
                    case _:
                        return

    def _take(self, frame: Frame) -> None:
        page = PAGE.validate_python(frame.data["page"])
        if "raster" in frame.data:
            page = self._recognise(page, frame)
        elif not page.words and not frame.data["blank"] and not page.warnings and not self._options.ocr:
            page = replace(page, warnings=("The page has no text layer, and OCR is switched off.",))
        self._pages[page.number] = page

    def _recognise(self, page: Page, frame: Frame) -> Page:
        """The page by OCR, or its text layer where that says more."""
        data: dict[str, Any] = {
            **frame.data["raster"],
            "number": page.number,
            "page_width": page.width,
            "page_height": page.height,
            "rotation": page.rotation,
            "image_side_px": self._options.image_side_px,
            "warnings": list(page.warnings),
        }
        wanted = float(frame.data["ocr_share"]) * _letters(page)
        deadline = self._deadline - (_OPTIONAL_SHARE * self._options.max_seconds if wanted else 0)
        if wanted and time.monotonic() > deadline:
            return page
        child = self._child("ocr")
        try:
            with outcome_of(self._slot, "ocr", self._ref.uri, self._options):
                child.send(Frame("ocr", data, frame.body), deadline)
                answer = checked(child.receive(deadline, self._memory_of(child)))
        except DocumentError as error:
            if wanted:
                return page
            if error.reason is FailureReason.TIMEOUT:
                raise
            self._killer = error
            warning = f"The page could not be read: OCR failed ({error.reason.value})."
            return replace(page, source="blank", words=(), warnings=(*page.warnings, warning))
        read = PAGE.validate_python(answer.data["page"])
        if _letters(read) < wanted:
            return replace(page, image=read.image) if read.rotation == page.rotation else page
        return read if read.words else replace(read, source="blank")

    @contextmanager
    def _text_outcome(self) -> Iterator[None]:
        """What happens to the text child, as an error of the document; a page that killed it is passed over.

        Raises:
            DocumentError: the document is at its end.
            _PageKilledError: only a page is; the request was changed so that it does no harm again.
        """
        try:
            with outcome_of(self._slot, "text", self._ref.uri, self._options):
                yield
        except DocumentError as error:
            number, known = self._current, self._request
            crashed = error.reason in (FailureReason.READER_CRASHED, FailureReason.OUT_OF_MEMORY)
            if not crashed or number is None:
                raise
            if number in known.rescue:
                self._request, self._killer = replace(known, skip=(*known.skip, number)), error
            else:
                self._request = replace(known, rescue=(*known.rescue, number))
            raise _PageKilledError from error

    def _nothing(self, pages: tuple[Page, ...]) -> DocumentError:
        """Why there are no words at all."""
        if self._killer:
            return self._killer
        complaints = [warning for page in pages for warning in page.warnings]
        if complaints and all(page.warnings for page in pages):
            return DocumentError(
                FailureReason.BROKEN
                if any("could not be read" in c for c in complaints)
                else FailureReason.NO_TEXT,
                f"{self._ref.uri}: no words on any of {len(pages)} pages. {complaints[0]}",
                remedy=_REPRINT,
            )
        return DocumentError(
            FailureReason.NO_TEXT,
            f"{self._ref.uri}: no words on any of {len(pages)} pages",
            remedy="Look at the file; if it shows text, scan it again with more contrast or resolution."
            if self._options.ocr
            else "Switch OCR on.",
        )


def _letters(page: Page) -> int:
    return sum(char.isalnum() for word in page.words for char in word.text)
