"""One worker's children, and what happens to them told as errors of a document."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from extractors.options import ReadOptions
from extractors.reading.frames import Frame, ProtocolError
from extractors.reading.process import ChildDiedError, ChildMemoryError, ChildTimeoutError, ReaderChild
from schemas.errors import DocumentError, ParquetryError
from schemas.outcome import FailureReason

_MAX_DOCUMENTS = 1000
"""A child is replaced after this many documents: libraries leak."""
_MEMORY_MARK = 768 << 20
"""A child that keeps this much more than it began with is replaced."""
_START_SHARE = 0.5
"""A document that runs out of time, of which children took more than this share to start, is not at fault."""


class ReaderStartError(ParquetryError):
    """A reading process does not start, or takes too long: the machine's trouble, not the document's."""


class Slot:
    """One worker's children: a text child, and an OCR child once a page needs it."""

    def __init__(self, ocr_threads: int, over: threading.Event) -> None:
        self._threads = ocr_threads
        self._over = over
        self._children: dict[str, ReaderChild] = {}
        self._wanted = {"text"}
        self._lost: set[str] = set()
        self._cpu_before: dict[str, float] = {}
        self.waited = 0.0
        self.used = False

    def prepare(self, *, ocr: bool) -> None:
        """Waits until the children that the next document is likely to need are ready.

        The OCR child is among them from the first document on that asked for it: most batches of digital PDFs never
        do, and it takes seconds to start and a third of a gigabyte.

        Raises:
            ReaderStartError: one does not start.
        """
        kinds = sorted(self._wanted) if ocr else ["text"]
        for kind in kinds:  # side by side
            self._start(kind)
        for kind in kinds:
            self.child(kind)
        self._lost.clear()
        self.waited = 0.0
        self.used = True

    def child(self, kind: str, deadline: float = math.inf) -> ReaderChild:
        """The warm child of this kind, started if there is none, or if it died while it had nothing to do.

        Raises:
            ChildTimeoutError: it takes the place of one that was lost since `prepare`, and was not ready at
                ``deadline`` (monotonic seconds).
            ReaderStartError: it does not start, or is the first of its kind and was not ready at ``deadline``. Then
                it goes on starting, and `prepare` waits for it.
        """
        began = time.monotonic()
        self._wanted.add(kind)
        self._start(kind)
        try:
            ready = self._children[kind].wait_ready(deadline)
        except (ChildDiedError, ChildTimeoutError, ProtocolError, OSError) as error:
            self.drop(kind)
            raise _start_error(kind, error) from error
        if kind not in self._lost:
            self.waited += time.monotonic() - began
        if ready:
            return self._children[kind]
        if kind in self._lost:
            raise ChildTimeoutError
        raise slow_start(f"a reading process ({kind}) takes long to start")

    def _start(self, kind: str) -> None:
        if kind in self._children and not self._children[kind].alive:
            self.drop(kind)
        if kind in self._children:
            return
        if self._over.is_set():
            raise ParquetryError("Reading was stopped.", remedy="Run again.")
        try:
            self._children[kind] = ReaderChild(kind, self._threads if kind == "ocr" else 1, self._over)
        except OSError as error:
            raise _start_error(kind, error) from error

    def is_ready(self, kind: str) -> bool:
        """Whether a child of this kind waits for work."""
        child = self._children.get(kind)
        return child is not None and child.ready and child.alive

    def drop(self, kind: str) -> None:
        """Kills the child of this kind."""
        if child := self._children.pop(kind, None):
            self._lost.add(kind)
            self._cpu_before[kind] = self._cpu_before.get(kind, 0.0) + child.cpu_seconds
            child.kill()

    def cpu_seconds(self, kind: str) -> float:
        """Processor time of all children of this kind so far; what one used that died by itself is not known."""
        child = self._children.get(kind)
        return self._cpu_before.get(kind, 0.0) + (child.cpu_seconds if child is not None else 0.0)

    def retire(self) -> None:
        """Replaces children that are old or fat; they start again when they are needed."""
        for kind, child in list(self._children.items()):
            child.documents += 1
            if child.documents >= _MAX_DOCUMENTS or (
                child.ready and child.memory > child.base_memory + _MEMORY_MARK
            ):
                self.drop(kind)

    def close(self) -> None:
        """Kills all."""
        for kind in list(self._children):
            self.drop(kind)


def _start_error(kind: str, error: Exception) -> ReaderStartError:
    return ReaderStartError(
        f"a reading process ({kind}) does not start: {error}",
        remedy="Run `parquetry doctor`; a library that reading needs may be missing.",
    )


def slow_start(what: str) -> ReaderStartError:
    """For a document that had no fair share of its time, since the machine is busy; it is to be read again."""
    return ReaderStartError(f"{what}.", remedy="The machine is busy: run fewer workers (`concurrency`).")


def checked(frame: Frame) -> Frame:
    """The frame, unless it is an error.

    Raises:
        DocumentError: what the child found wrong.
    """
    if frame.kind == "error":
        data = frame.data
        raise DocumentError(FailureReason(data["reason"]), data["message"], remedy=data["remedy"])
    return frame


@contextmanager
def outcome_of(slot: Slot, kind: str, uri: str, options: ReadOptions) -> Iterator[None]:
    """Turns what happens to a child into a `DocumentError`, and replaces the child after it.

    Raises:
        DocumentError: with the reason.
        ReaderStartError: children took so long to start that the document had too little of its time.
    """
    try:
        yield
    except ReaderStartError:
        if slot.is_ready(kind):  # else it is the one that goes on starting
            slot.drop(kind)
        raise
    except ChildTimeoutError:
        slot.drop(kind)
        if slot.waited > _START_SHARE * options.max_seconds:
            raise slow_start(f"{uri}: starting reading processes took {slot.waited:.0f} s") from None
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
