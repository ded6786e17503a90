"""The words of a page, for reviewers who point at them: read once more when they are asked for, and kept as files.

A run keeps no words, only values and their places. So the page is read again by the same reader with the same
options, in its child process, and the result is kept by content hash and options; a decision later holds what a
browser says against it.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, TypeAdapter, ValidationError

from extractors.options import PageRange, ReadOptions
from extractors.reading.geometry import Frame2D, turn_word
from flows.ledger.records import DocumentRecord
from flows.review.blobs import BlobStore
from flows.review.pages import PageReader, write_whole
from schemas.document import Box, DocumentRef, Word
from schemas.errors import DocumentError
from schemas.extraction import PageShape
from schemas.outcome import FailureReason

MAX_WORDS = 20_000
"""A page with more is no page for people; the rest cannot be pointed at."""
_FORM = 1
"""Raised when what a file of words means changes, so that older ones are read anew."""
_MIN_SIDE = 3.0
"""Points: a smaller region is a slip of the pointer."""


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of an upright page, or of a part of it, in reading order; ``source`` as of `schemas.document.Page`."""

    number: int
    width: float
    height: float
    source: str
    words: tuple[Word, ...]


_FILE: TypeAdapter[PageWords] = TypeAdapter(PageWords)


def shape_of(record: DocumentRecord, number: int) -> PageShape | None:
    """The page as it was read; its boxes belong to it turned like that."""
    shapes = record.extraction.pages if record.extraction else []
    return next((shape for shape in shapes if shape.number == number), None)


class Readings:
    """Reads pages and keeps their words in ``folder``. Safe for many threads; a page is read once.

    Args:
        reader: reads, in child processes.
        blobs: the bytes of documents.
        folder: of the files that are kept.
        options: those of the runs, so that words stand where the boxes of the values are.
        passwords: for encrypted documents.
    """

    def __init__(
        self,
        reader: PageReader,
        blobs: BlobStore,
        folder: Path,
        options: ReadOptions,
        passwords: Sequence[str] = (),
    ) -> None:
        self._reader, self._blobs, self._folder = reader, blobs, folder
        self._passwords = tuple(passwords)
        self._options = options.model_copy(update={"passwords": tuple(map(SecretStr, passwords))})
        told = self._options.model_dump_json(exclude={"passwords", "pages"})
        self._key = hashlib.sha256(f"{_FORM}:{told}".encode()).hexdigest()[:12]
        self._guard = threading.Lock()
        self._locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def page(self, record: DocumentRecord, number: int) -> PageWords:
        """The words of a page.

        Raises:
            FileNotFoundError: the bytes of the document are not kept here.
            DocumentError: the page cannot be read.
        """
        return self._kept(record, f"{number}-words-{self._key}", lambda: self._read(record, number))

    def region(self, record: DocumentRecord, number: int, box: Sequence[float]) -> PageWords:
        """The words in a part of a page: those of its text layer, or else what OCR reads in it, drawn larger.

        Args:
            record: the document.
            number: 1-based page.
            box: ``x0, y0, x1, y1`` in points of the upright page.

        Raises:
            FileNotFoundError: the bytes of the document are not kept here.
            DocumentError: the region cannot be read.
        """
        page = self.page(record, number)
        place = _clipped(box, page)
        if place is None:
            raise DocumentError(FailureReason.EMPTY, "the box is too small", remedy="Draw a larger one.")
        within = tuple(word for word in page.words if _inside(word.box, place))
        if within and page.source == "text_layer":
            return PageWords(number, page.width, page.height, page.source, within)
        name = "_".join(f"{value:.1f}" for value in place.as_list())
        read = self._kept(
            record, f"{number}-part-{name}-{self._key}", lambda: self._recognise(record, page, place)
        )
        if read.words or not within:
            return read
        return PageWords(number, page.width, page.height, page.source, within)

    def _kept(self, record: DocumentRecord, name: str, make: Callable[[], PageWords]) -> PageWords:
        target = self._folder / record.sha256[:2] / record.sha256 / f"{name}.json"
        with self._guard:
            lock = self._locks[target]
        try:
            with lock:
                try:
                    return _FILE.validate_json(target.read_bytes())
                except (FileNotFoundError, ValidationError):
                    found = make()
                write_whole(target, _FILE.dump_json(found))
                return found
        finally:
            with self._guard:
                self._locks.pop(target, None)

    def _source(self, record: DocumentRecord) -> Path:
        source = self._blobs.path(record.sha256)
        if not source.is_file():
            raise FileNotFoundError(source)
        return source

    def _read(self, record: DocumentRecord, number: int) -> PageWords:
        source, shape = self._source(record), shape_of(record, number)
        ref = DocumentRef(record.uri, record.sha256, source.stat().st_size, record.media_type)
        options = self._options.model_copy(update={"pages": PageRange(first=number, last=number)})
        try:
            page = self._reader.read(ref, source, options).page(number)
        except DocumentError as error:
            if error.reason is not FailureReason.NO_TEXT:
                raise
            page = None
        if page is None:
            return PageWords(
                number, shape.width if shape else 0.0, shape.height if shape else 0.0, "blank", ()
            )
        frame, words = Frame2D(page.width, page.height), page.words[:MAX_WORDS]
        quarters = (shape.rotation - page.rotation) // 90 % 4 if shape else 0
        words = tuple(turn_word(word, frame, quarters) for word in words)
        frame = frame.turned(quarters)
        return PageWords(number, frame.width, frame.height, page.source, words)

    def _recognise(self, record: DocumentRecord, page: PageWords, place: Box) -> PageWords:
        shape = shape_of(record, page.number)
        words = self._reader.read_region(
            self._source(record),
            record.media_type,
            page.number,
            place,
            passwords=self._passwords,
            rotation=shape.rotation if shape else None,
        )
        return PageWords(page.number, page.width, page.height, "ocr", words[:MAX_WORDS])


def _clipped(box: Sequence[float], page: PageWords) -> Box | None:
    """The box inside the page to a tenth of a point (so a file is found again); ``None``: nothing is left of it."""
    width, height = page.width or max(box[2], 1.0), page.height or max(box[3], 1.0)
    x0, x1 = (round(min(max(value, 0.0), width), 1) for value in sorted((box[0], box[2])))
    y0, y1 = (round(min(max(value, 0.0), height), 1) for value in sorted((box[1], box[3])))
    return Box(x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= _MIN_SIDE else None


def _inside(word: Box, place: Box) -> bool:
    """Whether the middle of a word lies in a place: nobody draws a box exactly along the letters."""
    x, y = (word.x0 + word.x1) / 2, (word.y0 + word.y1) / 2
    return place.x0 <= x <= place.x1 and place.y0 <= y <= place.y1
