"""The pool of reading children: a document is read in a process that can be killed without harm."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType

from extractors.options import ReadOptions
from extractors.reading.document_reading import DocumentReading, make_request
from extractors.reading.frames import Frame
from extractors.reading.media import SUPPORTED
from extractors.reading.region import RegionReading
from extractors.reading.slot import Slot, checked, outcome_of
from schemas.document import Box, DocumentRef, PageImage, ReadDocument, Word
from schemas.errors import DocumentError, ParquetryError
from schemas.outcome import FailureReason

_RENDER_SECONDS = 30.0


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
        self._over = threading.Event()
        self._slots = [Slot(2 if workers == 1 else 1, self._over) for _ in range(workers)]
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()
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
            slots = [self._free.get() for _ in self._slots]
            for slot in slots:
                slot.close()
                self._free.put(slot)  # wakes those who wait for one; they are told that it is over

    def abort(self) -> None:
        """Ends all children at once. Documents that are being read end as if their reader had died."""
        self._over.set()
        self.close()

    def warm(self) -> None:
        """Waits until what took the place of children that were killed is ready: call it before a document is taken.

        A child that does not start is told by `read`.
        """
        try:
            slot = self._free.get_nowait()
        except queue.Empty:
            return
        try:
            if slot.used and not self._closed:
                with suppress(ParquetryError):
                    slot.prepare(ocr=self._options.ocr)
        finally:
            self._free.put(slot)

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions | None = None) -> ReadDocument:
        """Reads one document.

        Args:
            ref: identity of the file, see `document_ref`.
            path: a local file with these bytes.
            options: limits for this document; the pool's own if not given.

        Raises:
            DocumentError: whatever is wrong with the document, with a reason from the closed list.
            ReaderStartError: a child does not start, or so slowly that the document had no fair share of its
                time; reading it again is worth while.
        """
        chosen = options or self._options
        _check(ref, chosen)
        with self._slot() as slot:
            slot.prepare(ocr=chosen.ocr)  # before the clock of the document starts
            reading = DocumentReading(slot, ref, path, chosen)
            try:
                return reading.run()
            except DocumentError as error:
                error.timings = reading.timings
                raise

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
            make_request(media_type, options, passwords), first=page_number, last=page_number, ocr=False
        )
        with self._slot() as slot:
            slot.prepare(ocr=False)
            deadline = time.monotonic() + _RENDER_SECONDS
            frame = Frame("render", {"read": asdict(request), "dpi": dpi, "rotation": rotation})
            with outcome_of(slot, "text", str(path), options):
                child = slot.child("text", deadline)
                child.send(frame, deadline, path)
                answer = checked(child.receive(deadline, child.base_memory + (options.max_memory_mb << 20)))
            return PageImage(answer.body, "image/png", answer.data["width"], answer.data["height"])

    def read_region(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        box: Box,
        *,
        passwords: tuple[str, ...] = (),
        rotation: int | None = None,
    ) -> tuple[Word, ...]:
        """Recognises what stands in a part of a page, drawn larger than whole pages are.

        Args:
            path: a local file.
            media_type: as in its `DocumentRef`.
            page_number: 1-based.
            box: the part, in points of the upright page.
            passwords: tried in order.
            rotation: as for `render`.

        Returns:
            Its words in reading order, placed on the page; none where nothing can be read, or OCR is off.

        Raises:
            DocumentError: the page cannot be drawn, or it took too long.
        """
        options = self._options.model_copy(update={"max_seconds": _RENDER_SECONDS, "image_side_px": 0})
        if not options.ocr:
            return ()
        request = replace(make_request(media_type, options, passwords), first=page_number, last=page_number)
        with self._slot() as slot:
            slot.child("ocr")  # before the clock of the region starts
            slot.prepare(ocr=True)
            return RegionReading(slot, path, request, options).run(box, rotation)

    @contextmanager
    def _slot(self) -> Iterator[Slot]:
        slot = self._free.get()
        try:
            if self._closed:
                raise RuntimeError("the reader pool is closed")
            yield slot
            slot.retire()
        finally:
            self._free.put(slot)


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
