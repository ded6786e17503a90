"""The pages of one document as they are read: in memory while they are few, in a temporary file when they are many.

A page of print takes a tenth of a megabyte as words and boxes, and a document of 1,500 pages would take more than
the rest of the program. Whoever goes through such a document has one page of it in memory at a time.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
import zlib
from collections.abc import Collection, Sequence
from typing import IO, overload

from extractors.reading.frames import PAGE
from schemas.document import Page

KEPT_PAGES = 64
"""Up to so many pages are kept as they are."""
_IN_MEMORY = 4 << 20
"""Packed pages stay in memory up to so many bytes; beyond, they lie in a file."""
_FAST = 1


class PackedPages(Sequence[Page]):
    """Pages of which each is read anew whenever it is asked for. Thread-safe.

    The file has no name, and is gone with this object.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 -- closed with this object
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._places: dict[int, tuple[int, int]] = {}
        self._numbers: list[int] = []

    def add(self, page: Page) -> None:
        """Takes a page; one of the same number takes the place of the other.

        Raises:
            OSError: the disk is full.
        """
        packed = zlib.compress(PAGE.dump_json(page), _FAST)
        with self._lock:
            place = self._file.seek(0, 2)
            self._file.write(packed)
            self._places[page.number] = (place, len(packed))
            self._numbers = []

    @property
    def numbers(self) -> Collection[int]:
        """The numbers of the pages that there are."""
        return self._places.keys()

    def numbered(self, number: int) -> Page | None:
        """The page of that number, if there is one."""
        with self._lock:
            if number not in self._places:
                return None
            place, size = self._places[number]
            self._file.seek(place)
            packed = self._file.read(size)
        return PAGE.validate_json(zlib.decompress(packed))

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Page: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...
    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(len(self))))
        if not self._numbers:
            self._numbers = sorted(self._places)
        page = self.numbered(self._numbers[index])
        assert page is not None
        return page


class PageStore:
    """Collects the pages of a document, in whatever order they come."""

    def __init__(self) -> None:
        self._few: dict[int, Page] = {}
        self._many: PackedPages | None = None

    def add(self, page: Page) -> None:
        """Takes a page; one of the same number takes the place of the other.

        Raises:
            OSError: the disk is full.
        """
        if self._many is not None:
            self._many.add(page)
            return
        self._few[page.number] = page
        if len(self._few) > KEPT_PAGES:
            self._many = PackedPages()
            for one in self._few.values():
                self._many.add(one)
            self._few = {}

    def __contains__(self, number: int) -> bool:
        return number in self._few or (self._many is not None and number in self._many.numbers)

    def __len__(self) -> int:
        return len(self._few if self._many is None else self._many)

    def in_order(self) -> Sequence[Page]:
        """All pages, by number."""
        if self._many is not None:
            return self._many
        return tuple(self._few[number] for number in sorted(self._few))
