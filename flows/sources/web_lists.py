"""What makes a folder of HTTP, which has none: the index page of a web server, or a list of addresses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import IO

import httpx

from flows.skipped import is_skipped

LIST_TYPES = ("text/plain", "text/csv", "text/uri-list", "text/tab-separated-values")
LIST_NAMES = (".txt", ".csv", ".tsv", ".urls", ".lst")
MAX_INDEX_BYTES = 50_000_000
MAX_LEVELS = 32
_MAX_LINE = 10_000
_SEPARATORS = (",", ";", "\t")


def is_list(media_type: str, url: str) -> bool:
    """Whether a file holds addresses of documents, by its type or its name."""
    path = httpx.URL(url).path.lower()
    return path.endswith(LIST_NAMES) or (media_type in LIST_TYPES and not path.endswith("/"))


def is_table(media_type: str, url: str) -> bool:
    """Whether such a file has columns."""
    return httpx.URL(url).path.lower().endswith((".csv", ".tsv")) or media_type in (
        LIST_TYPES[1],
        LIST_TYPES[3],
    )


def addresses(stream: IO[bytes], *, table: bool) -> Iterator[tuple[int, str]]:
    """Each address of a list with the number of its line. A line without one gives an empty address.

    One address a line; in a table, the first cell of a line that is one. Empty lines, comments (``#``) and the
    header of a table do not count.
    """
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace")
    separator = None
    try:
        for number, line in enumerate(iter(lambda: text.readline(_MAX_LINE), ""), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if not table:
                yield number, line
                continue
            if separator is None:
                separator = max(_SEPARATORS, key=line.count)
            cells = next(csv.reader([line], delimiter=separator), [])
            found = next((cell.strip() for cell in cells if _is_address(cell)), "")
            if found or number > 1:
                yield number, found
    finally:
        text.detach()


def _is_address(cell: str) -> bool:
    return cell.strip().lower().startswith(("http://", "https://"))


def links(page: bytes, url: str) -> tuple[list[str], list[str]]:
    """What an index page leads to below its own folder: files, and folders.

    Sorting links, the way up, other hosts and hidden names are passed over.
    """
    parser = _Links()
    parser.feed(page.decode("utf-8", "replace"))
    here = httpx.URL(url)
    folder = here.path.rpartition("/")[0] + "/"
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    for reference in parser.found:
        try:
            there = here.join(reference.partition("#")[0])
        except (httpx.InvalidURL, ValueError, UnicodeError):
            continue
        same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
        below = there.path.removeprefix(folder)
        if not same or there.query or not there.path.startswith(folder) or not below:
            continue
        if any(is_skipped(part) for part in below.split("/") if part):
            continue
        target = folders if below.endswith("/") else files
        target[str(there)] = None
    return list(files), list(folders)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value.strip() for name, value in attributes if name == "href" and value]
