"""One worker's children, and what happens to them told as errors of a document."""

from __future__ import annotations

import threading
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


class Slot:
    """One worker's children: a text child, and an OCR child once a page needs it."""

    def __init__(self, ocr_threads: int, over: threading.Event) -> None:
        self._threads = ocr_threads
        self._over = over
        self._children: dict[str, ReaderChild] = {}

    def child(self, kind: str) -> ReaderChild:
        """The warm child of this kind, started if there is none, or if it died while it had nothing to do."""
        if kind in self._children and not self._children[kind].alive:
            self.drop(kind)
        if kind not in self._children:
            if self._over.is_set():
                raise ParquetryError("Reading was stopped.", remedy="Run again.")
            try:
                threads = self._threads if kind == "ocr" else 1
                self._children[kind] = ReaderChild(kind, threads, self._over)
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
