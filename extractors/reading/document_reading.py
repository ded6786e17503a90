"""One document on its way through the children: page by page, past what kills or holds up a reader, in its time."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import TypeAdapter

from extractors.options import ReadOptions
from extractors.reading.frames import PAGE, Frame
from extractors.reading.pages import PageStore
from extractors.reading.process import ChildDiedError, ReaderChild
from extractors.reading.recognising import Recognising
from extractors.reading.request import WHOLE_FILE, ReadRequest, Step
from extractors.reading.slot import Slot, checked, outcome_of
from schemas.document import DocumentRef, Doubt, Page, ReadDocument
from schemas.errors import DocumentError
from schemas.outcome import FailureReason, ReviewReason

log = logging.getLogger(__name__)

_MAX_RESTARTS = 6
"""So often may one document kill a text child, or be stopped in a step, before it is given up."""
_STEP_SHARE = 0.6
"""A step may take this share of the time that is left, so that another way into the page can still be tried."""
_LAST_SHARE = 0.05
"""With less than this share of its time left, a document is not taken up again."""
_TELL_PAGES, _TELL_SECONDS = 100, 15.0
"""After so many pages, or so much time, a long document says how far it is."""
_REPRINT = "Open it in a viewer; if it shows, print it to a new PDF and try that one."
_DOUBTS: TypeAdapter[tuple[Doubt, ...]] = TypeAdapter(tuple[Doubt, ...])
_CURABLE = (FailureReason.READER_CRASHED, FailureReason.OUT_OF_MEMORY, FailureReason.TIMEOUT)
"""Without the step in which this happened, the rest of the document may be read."""


def make_request(media_type: str, options: ReadOptions, passwords: tuple[str, ...]) -> ReadRequest:
    """What a text child needs to know."""
    return ReadRequest(
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


class _StepFailedError(Exception):
    """A step killed the text child, or took too long; the document goes on without it."""


def _came_from_outside(error: DocumentError) -> bool:
    """Whether the child was killed as only others kill: a system short of memory, an administrator.

    It need not have been this document, or this step; once, the same is tried again.
    """
    died = error.__cause__
    return isinstance(died, ChildDiedError) and died.signal == signal.SIGKILL


class DocumentReading:
    """One document on its way through the children of a slot."""

    def __init__(self, slot: Slot, ref: DocumentRef, path: Path, options: ReadOptions) -> None:
        self._slot, self._ref, self._path, self._options = slot, ref, path, options
        passwords = tuple(secret.get_secret_value() for secret in options.passwords)
        self._request = make_request(ref.media_type, options, passwords)
        self._recognising = Recognising(slot, ref.uri, options)
        self._pages = PageStore()
        self._any_words = False
        self._page_count = 0
        self._metadata: dict[str, str] = {}
        self._warnings: tuple[Doubt, ...] = ()
        self._deadline = self._step_deadline = 0.0
        self._step: tuple[int, Step] | None = None
        self._looked_at = False
        self._lost: str | None = None
        self._killer: DocumentError | None = None
        self._excused = False
        self._told = time.monotonic()
        self._cpu_before = {kind: slot.cpu_seconds(kind) for kind in ("text", "ocr")}

    @property
    def timings(self) -> dict[str, float]:
        """Seconds spent so far: of text recognition by the clock, and of the children's processor time."""
        used = {kind: self._slot.cpu_seconds(kind) - before for kind, before in self._cpu_before.items()}
        return {
            "ocr": round(self._recognising.seconds, 3),
            "read_cpu": round(max(used["text"], 0.0), 3),
            "ocr_cpu": round(max(used["ocr"], 0.0), 3),
        }

    def run(self) -> ReadDocument:
        """Reads it.

        Raises:
            DocumentError: with the reason why there is nothing to go on with.
            OSError: the file cannot be read.
        """
        started = time.monotonic()
        self._deadline = started + self._options.max_seconds
        for attempt in range(_MAX_RESTARTS + 1):
            try:
                self._read_pages()
                break
            except _StepFailedError as failed:
                if attempt == _MAX_RESTARTS:
                    raise DocumentError(
                        FailureReason.READER_CRASHED,
                        f"{self._ref.uri}: too many pages stopped the reader",
                        remedy="Print the file to a new PDF and try that one.",
                    ) from failed
        pages = self._pages.in_order()
        if not self._any_words:
            self._nothing(pages)
        seconds = round(time.monotonic() - started, 3)
        return ReadDocument(
            self._ref, pages, self._page_count, seconds, self._metadata, self._warnings, self.timings
        )

    def _read_pages(self) -> None:
        """All pages that are not read yet.

        Raises:
            _StepFailedError: a step killed the child; call again.
        """
        self._begin(None)
        with self._text_outcome():
            text = self._slot.child("text", self._deadline)
            self._talk(text)

    def _talk(self, text: ReaderChild) -> None:
        left = max(self._deadline - time.monotonic(), 0.1)
        done = min((n for n in range(1, self._page_count + 1) if n not in self._pages), default=None)
        request = replace(self._request, max_seconds=left, first=max(self._request.first, done or 1))
        max_memory = text.base_memory + (self._options.max_memory_mb << 20)
        text.send(Frame("read", {"read": asdict(request)}), self._deadline, self._path)
        while True:
            frame = checked(text.receive(self._step_deadline, max_memory))
            match frame.kind:
                case "opened":
                    self._page_count = frame.data["page_count"]
                    self._metadata = frame.data["metadata"]
                    self._begin(None)
                case "step":
                    self._begin((frame.data["number"], frame.data["step"]))
                case "page":
                    self._take(frame)
                    self._begin(None)
                case _:
                    self._warnings = _DOUBTS.validate_python(frame.data["warnings"])
                    return

    def _begin(self, step: tuple[int, Step] | None) -> None:
        """Notes what the child is at, and until when it may be."""
        self._step = step
        now = time.monotonic()
        share = _STEP_SHARE if step else 1.0
        self._step_deadline = now + share * max(self._deadline - now, 0.0)

    def _take(self, frame: Frame) -> None:
        page = PAGE.validate_python(frame.data["page"])
        self._looked_at = self._looked_at or frame.data["drawn"]
        self._lost = self._lost or frame.data["lost"]
        if "raster" in frame.data:
            page = self._recognising.page(page, frame, self._deadline)
        elif "strips" in frame.data:
            page = self._recognising.stamps(page, frame, self._deadline)
        elif not page.words and not frame.data["blank"] and not page.warnings and not self._options.ocr:
            doubt = Doubt("The page has no text layer, and OCR is switched off.", ReviewReason.NO_WORDS)
            page = replace(page, warnings=(doubt,))
        self._any_words = self._any_words or bool(page.words)
        self._pages.add(page)
        self._tell(page.number)

    def _tell(self, number: int) -> None:
        """How far a long document is, now and then."""
        now = time.monotonic()
        if len(self._pages) % _TELL_PAGES and now - self._told < _TELL_SECONDS:
            return
        self._told = now
        if len(self._pages) < self._page_count:
            log.info("%s: page %d of %d is read", self._ref.uri, number, self._page_count)

    @contextmanager
    def _text_outcome(self) -> Iterator[None]:
        """What happens to the text child, as an error of the document; a step that killed it is passed over.

        Raises:
            DocumentError: the document is at its end.
            _StepFailedError: only a step is; the request was changed so that it is not taken again.
        """
        try:
            with outcome_of(self._slot, "text", self._ref.uri, self._options):
                yield
        except DocumentError as error:
            left = self._deadline - time.monotonic()
            hopeless = left < _LAST_SHARE * self._options.max_seconds
            if _came_from_outside(error) and not self._excused and not hopeless:
                self._excused = True
                raise _StepFailedError from error
            if error.reason not in _CURABLE or self._step is None or hopeless:
                raise
            number, step = self._step
            if (number, step) == (WHOLE_FILE, "text"):  # the last way into the file
                raise
            self._killer = error
            self._request = replace(self._request, avoid=(*self._request.avoid, self._step))
            raise _StepFailedError from error

    def _nothing(self, pages: Sequence[Page]) -> None:
        """Decides what becomes of a document without words.

        Where its pages could be looked at, it goes on with a doubt: a person sees what no reader could read.

        Raises:
            DocumentError: there is nothing to look at, or OCR was not to look.
        """
        if self._looked_at and self._options.ocr:
            known = {doubt.reason for page in pages for doubt in page.warnings}
            if ReviewReason.NO_WORDS not in known:
                doubt = Doubt("The document has no words: its pages seem to be blank.", ReviewReason.NO_WORDS)
                self._warnings = (*self._warnings, doubt)
            return
        failed = self._recognising.failure or self._killer
        if failed:
            raise failed
        complaints = [doubt.text for page in pages for doubt in page.warnings]
        remedy = "Look at the file; if it shows text, scan it again with more contrast or resolution."
        if not self._options.ocr:
            remedy = "Switch OCR on."
        elif complaints:
            remedy = _REPRINT
        told = [f"{self._ref.uri}: no words on any of {len(pages)} pages.", *complaints[:1]]
        raise DocumentError(FailureReason(self._lost or FailureReason.NO_TEXT), " ".join(told), remedy=remedy)
