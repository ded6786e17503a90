"""The pool of reading children: a document is read in a process that can be killed without harm."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from extractors.options import ReadOptions
from extractors.reading.frames import PAGE, Frame, ProtocolError
from extractors.reading.media import SUPPORTED
from extractors.reading.process import ChildDiedError, ChildMemoryError, ChildTimeoutError, ReaderChild
from extractors.reading.request import ReadRequest
from schemas.document import DocumentRef, Page, PageImage, ReadDocument
from schemas.errors import DocumentError, ParquetryError
from schemas.outcome import FailureReason

_MAX_DOCUMENTS = 200
"""A child is replaced after this many documents: libraries leak."""
_MEMORY_MARK = 768 << 20
"""A child that keeps this much more than it began with is replaced."""
_MAX_RESTARTS = 3
"""So often may pages of one document kill a text child before the document is given up."""
_OPTIONAL_SHARE = 0.5
"""OCR of pages that have a text layer, only not a trusted one, ends when this share of the time is left."""
_RENDER_SECONDS = 30.0


class _Slot:
    """One worker's children: a text child, and an OCR child once a page needs it."""

    def __init__(self, ocr_threads: int) -> None:
        self._threads = ocr_threads
        self._children: dict[str, ReaderChild] = {}

    def child(self, kind: str) -> ReaderChild:
        """The warm child of this kind, started if there is none, or if it died while it had nothing to do."""
        if kind in self._children and not self._children[kind].alive:
            self.drop(kind)
        if kind not in self._children:
            try:
                self._children[kind] = ReaderChild(kind, self._threads if kind == "ocr" else 1)
            except (ChildDiedError, ChildTimeoutError, ProtocolError, OSError) as error:
                raise ParquetryError(
                    f"a reading process ({kind}) does not start: {error}",
                    remedy="Run `parquetry doctor`; a library that reading needs may be missing.",
                ) from error
        return self._children[kind]

    def drop(self, kind: str) -> None:
        """Kills the child of this kind."""
        if child := self._children.pop(kind, None):
            child.kill()

    def retire(self) -> None:
        """Replaces children that are old or fat; they start again when they are needed."""
        for kind, child in list(self._children.items()):
            child.documents += 1
            if child.documents >= _MAX_DOCUMENTS or child.memory > child.base_memory + _MEMORY_MARK:
                self.drop(kind)

    def close(self) -> None:
        """Kills all."""
        for kind in list(self._children):
            self.drop(kind)


class ReaderPool:
    """Reads documents in warm child processes. Thread-safe; a context manager.

    Args:
        options: limits and switches, unless a call brings its own.
        workers: how many documents may be read at the same time; each has its own children.
    """

    def __init__(self, options: ReadOptions, workers: int = 1) -> None:
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self._options = options
        self._slots = [_Slot(2 if workers == 1 else 1) for _ in range(workers)]
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._closing = threading.Lock()
        self._closed = False

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all children, after the documents that are being read now."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            for _ in self._slots:
                self._free.get().close()

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions | None = None) -> ReadDocument:
        """Reads one document.

        Args:
            ref: identity of the file, see `document_ref`.
            path: a local file with these bytes.
            options: limits for this document; the pool's own if not given.

        Raises:
            DocumentError: whatever is wrong with the document, with a reason from the closed list.
            ParquetryError: reading itself does not work (a child does not start).
        """
        chosen = options or self._options
        _check(ref, chosen)
        with self._slot() as slot:
            return _Reading(slot, ref, path, chosen).run()

    def render(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        *,
        dpi: float = 120,
        passwords: tuple[str, ...] = (),
        rotation: int | None = None,
    ) -> PageImage:
        """Draws one upright page as PNG, for people.

        Args:
            path: a local file.
            media_type: as in its `DocumentRef`.
            page_number: 1-based.
            dpi: pixels per 72 points; a word's box times ``dpi / 72`` is its place in the image.
            passwords: tried in order.
            rotation: `Page.rotation` of the page that was read; needed for scans that lay turned, since only
                OCR can tell. ``None`` takes what the file itself says.

        Raises:
            DocumentError: the page cannot be drawn.
        """
        options = self._options.model_copy(update={"max_seconds": _RENDER_SECONDS, "image_side_px": 0})
        request = replace(
            _request(path, media_type, options, passwords), first=page_number, last=page_number, ocr=False
        )
        deadline = time.monotonic() + _RENDER_SECONDS
        with self._slot() as slot:
            frame = Frame("render", {"read": asdict(request), "dpi": dpi, "rotation": rotation})
            with _outcome_of(slot, "text", str(path), options):
                child = slot.child("text")
                child.send(frame, deadline)
                answer = _checked(child.receive(deadline, child.base_memory + (options.max_memory_mb << 20)))
            return PageImage(answer.body, "image/png", answer.data["width"], answer.data["height"])

    @contextmanager
    def _slot(self) -> Iterator[_Slot]:
        if self._closed:
            raise RuntimeError("the reader pool is closed")
        slot = self._free.get()
        try:
            yield slot
        finally:
            slot.retire()
            self._free.put(slot)


class _PageKilledError(Exception):
    """A page killed the text child; the document goes on without it."""


class _Reading:
    """One document on its way through the children of a slot."""

    def __init__(self, slot: _Slot, ref: DocumentRef, path: Path, options: ReadOptions) -> None:
        self._slot, self._ref, self._options = slot, ref, options
        passwords = tuple(secret.get_secret_value() for secret in options.passwords)
        self._request = _request(path, ref.media_type, options, passwords)
        self._pages: dict[int, Page] = {}
        self._page_count = 0
        self._metadata: dict[str, str] = {}
        self._deadline = 0.0
        self._current: int | None = None
        self._killer: DocumentError | None = None

    def run(self) -> ReadDocument:
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
        with self._outcome("text"):
            text.send(Frame("read", {"read": asdict(request)}), self._deadline)
            while True:
                frame = _checked(text.receive(self._deadline, self._memory_of(text)))
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
        if time.monotonic() > deadline:
            return page
        child = self._child("ocr")
        try:
            with self._outcome("ocr"):
                child.send(Frame("ocr", data, frame.body), deadline)
                answer = _checked(child.receive(deadline, self._memory_of(child)))
        except DocumentError:
            if wanted:
                return page
            raise
        read = PAGE.validate_python(answer.data["page"])
        if _letters(read) < wanted:
            return replace(page, image=read.image) if read.rotation == page.rotation else page
        return read if read.words else replace(read, source="blank")

    @contextmanager
    def _outcome(self, kind: str) -> Iterator[None]:
        """What happens to a child, as an error of the document; a page that killed it may be passed over."""
        try:
            with _outcome_of(self._slot, kind, self._ref.uri, self._options):
                yield
        except DocumentError as error:
            number = self._current
            crashed = error.reason in (FailureReason.READER_CRASHED, FailureReason.OUT_OF_MEMORY)
            if kind != "text" or not crashed or number is None:
                raise
            known = self._request
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
                remedy="Open it in a viewer; if it shows, print it to a new PDF and try that one.",
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


def _check(ref: DocumentRef, options: ReadOptions) -> None:
    """What can be told without opening the file."""
    if ref.size == 0:
        raise DocumentError(FailureReason.EMPTY, f"{ref.uri}: the file is empty", remedy="Fetch it again.")
    if ref.size > options.max_bytes:
        raise DocumentError(
            FailureReason.TOO_LARGE,
            f"{ref.uri}: the file has {ref.size:,} bytes; the limit is {options.max_bytes:,}",
            remedy="Split it, or raise the limit `max_bytes`.",
        )
    if ref.media_type not in SUPPORTED:
        raise DocumentError(
            FailureReason.UNSUPPORTED_TYPE,
            f"{ref.uri}: the bytes are not a PDF, JPEG, PNG or TIFF",
            remedy="Convert it to PDF, or leave it out of the source.",
        )


def _request(path: Path, media_type: str, options: ReadOptions, passwords: tuple[str, ...]) -> ReadRequest:
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


def _checked(frame: Frame) -> Frame:
    if frame.kind == "error":
        data = frame.data
        raise DocumentError(FailureReason(data["reason"]), data["message"], remedy=data["remedy"])
    return frame


@contextmanager
def _outcome_of(slot: _Slot, kind: str, uri: str, options: ReadOptions) -> Iterator[None]:
    """Turns what happens to a child into a `DocumentError`, and replaces the child after it."""
    try:
        yield
    except ChildTimeoutError:
        slot.drop(kind)
        raise DocumentError(
            FailureReason.TIMEOUT,
            f"{uri}: reading took longer than {options.max_seconds:g} s",
            remedy="Read a part with --pages, or raise the limit `max_seconds`.",
        ) from None
    except ChildMemoryError:
        slot.drop(kind)
        raise DocumentError(
            FailureReason.OUT_OF_MEMORY,
            f"{uri}: reading needed more than {options.max_memory_mb} MB",
            remedy="Read a part with --pages, or raise the limit `max_memory_mb`.",
        ) from None
    except (ChildDiedError, ProtocolError) as error:
        slot.drop(kind)
        raise DocumentError(
            FailureReason.READER_CRASHED,
            f"{uri}: {error}",
            remedy="Print the file to a new PDF and try that one.",
        ) from error
    except DocumentError as error:
        slot.drop(kind)
        message = str(error)
        if not message.startswith(uri):
            error = DocumentError(error.reason, f"{uri}: {message}", remedy=error.remedy)
        raise error from None
    except BaseException:
        slot.drop(kind)
        raise
