"""Page images for people: rendered in a reading child once, then kept as files by content hash."""

from __future__ import annotations

import os
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from extractors.options import ReadOptions
from flows.review.blobs import BlobStore
from schemas.document import Box, DocumentRef, PageImage, ReadDocument, Word
from schemas.extraction import PageShape

DPI = 120
"""Enough to read small print on a screen at 150 %, and about 200 kB a page."""
DPIS = (36, DPI, 240, 360, 480)
"""What pages are rendered at: for the strip, and the closer one looks. A few only, so that few files are kept."""
MAX_PIXELS = 40_000_000
"""A larger picture costs a browser more memory than it shows: A4 at 480 dpi has 22 million."""


class PageReader(Protocol):
    """What can render and read pages; `extractors.reading.ReaderPool` in the product."""

    def render(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        *,
        dpi: float = ...,
        passwords: tuple[str, ...] = ...,
        rotation: int | None = ...,
    ) -> PageImage:
        """The page as PNG. Raises DocumentError when it cannot be drawn."""
        ...

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions | None = None) -> ReadDocument:
        """The words of the pages that ``options`` ask for. Raises DocumentError when there are none."""
        ...

    def read_region(
        self,
        path: Path,
        media_type: str,
        page_number: int,
        box: Box,
        *,
        passwords: tuple[str, ...] = ...,
        rotation: int | None = ...,
    ) -> tuple[Word, ...]:
        """What OCR reads in a part of a page. Raises DocumentError when it cannot."""
        ...


def sharp_dpi(asked: int, shape: PageShape | None) -> int:
    """The resolution at which a page is rendered when a browser would like ``asked``: near it, and bounded."""
    chosen = next((dpi for dpi in DPIS if dpi >= asked), DPIS[-1])
    points = shape.width * shape.height if shape else 0.0
    while chosen > DPI and points * (chosen / 72) ** 2 > MAX_PIXELS:
        chosen = DPIS[DPIS.index(chosen) - 1]
    return chosen


class PageImages:
    """Renders and keeps page images in ``folder``. Safe for many threads; a page is rendered once."""

    def __init__(
        self, reader: PageReader, blobs: BlobStore, folder: Path, *, passwords: Sequence[str] = ()
    ) -> None:
        self._reader = reader
        self._blobs = blobs
        self._folder = folder
        self._passwords = tuple(passwords)
        self._guard = threading.Lock()
        self._locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)

    def path(
        self, sha256: str, media_type: str, number: int, rotation: int | None = None, dpi: int = DPI
    ) -> Path:
        """The PNG of a page, rendered now if it is not there yet.

        Args:
            sha256: which document.
            media_type: what its bytes are.
            number: 1-based page.
            rotation: how the page was turned when it was read; ``None``: as the file says.
            dpi: one of `DPIS`.

        Raises:
            FileNotFoundError: the bytes of the document are not kept here.
            DocumentError: the page does not exist or cannot be drawn.
        """
        source = self._blobs.path(sha256)
        turn = "" if rotation is None else f"-{rotation}"
        target = self._folder / sha256[:2] / sha256 / f"{number}-{dpi}{turn}.png"
        with self._guard:
            lock = self._locks[target]
        with lock:
            if not target.is_file():
                if not source.is_file():
                    raise FileNotFoundError(source)
                image = self._reader.render(
                    source, media_type, number, dpi=dpi, passwords=self._passwords, rotation=rotation
                )
                write_whole(target, image.data)
        with self._guard:
            self._locks.pop(target, None)
        return target


def write_whole(target: Path, data: bytes) -> None:
    """Puts a whole file in place; a reader never sees half of one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".rendering-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
