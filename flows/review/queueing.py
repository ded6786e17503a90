"""The reviewer's way through the queue: a filter that travels in the address, and what comes next."""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

from flows.ledger.records import QueueItem
from flows.ledger.store import Ledger
from schemas.outcome import ReviewReason

PAGE_SIZE = 50
_WALK = 200
"""How many documents of a filtered queue are looked at to find the next one."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents of the queue are wanted; empty means all."""

    schema: str | None = None
    reason: str | None = None
    search: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """The filter of a query string; what is no reason of ours is dropped."""
        reason = query.get("reason")
        return cls(
            schema=query.get("schema") or None,
            reason=reason if reason in set(ReviewReason) else None,
            search=query.get("q", "").strip()[:200] or None,
        )

    @property
    def active(self) -> bool:
        """Whether anything is filtered."""
        return any((self.schema, self.reason, self.search))

    def href(self, path: str, **more: object) -> str:
        """``path`` with this filter in its query, so that links keep it."""
        query = {"q": self.search, "schema": self.schema, "reason": self.reason, **more}
        text = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return f"{path}?{text}" if text else path


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the queue."""

    href: str
    name: str
    folder: str
    uri: str
    schema: str
    reasons: tuple[str, ...]
    doubtful: int
    page_count: int
    since: dt.datetime


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of the queue: its rows, how many there are in all, and how many wait without the filter."""

    rows: tuple[QueueRow, ...]
    offset: int
    matching: int
    waiting: int

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins, if there is one."""
        after = self.offset + len(self.rows)
        return after if self.rows and after < self.matching else None

    @property
    def previous_offset(self) -> int | None:
        """Where the page before begins, if there is one."""
        return max(self.offset - PAGE_SIZE, 0) if self.offset else None


def document_href(document_id: str, wanted: Filter, **more: object) -> str:
    """The address of a document, with the filter under which it was found."""
    return wanted.href(f"/documents/{document_id}", **more)


def queue_page(ledger: Ledger, wanted: Filter, offset: int) -> QueuePage:
    """The page of the queue at ``offset``; the last one when there are fewer documents by now."""
    matching = ledger.queue_size(schema=wanted.schema, reason=wanted.reason, search=wanted.search)
    offset = min(max(offset, 0), max((matching - 1) // PAGE_SIZE * PAGE_SIZE, 0))
    items = ledger.queue(
        schema=wanted.schema, reason=wanted.reason, search=wanted.search, limit=PAGE_SIZE, offset=offset
    )
    waiting = ledger.queue_size() if wanted.active else matching
    return QueuePage(tuple(_row(item, wanted) for item in items), offset, matching, waiting)


def next_document(ledger: Ledger, wanted: Filter, after: str | None) -> str | None:
    """The document after ``after`` under the filter, at the end from the start again; never ``after``."""
    if not wanted.active:
        found = ledger.next_in_queue(after)
        return found if found != after else None
    items = ledger.queue(schema=wanted.schema, reason=wanted.reason, search=wanted.search, limit=_WALK)
    ids = [item.document_id for item in items]
    if after in ids:
        at = ids.index(after)
        ids = ids[at + 1 :] + ids[:at]
    return ids[0] if ids else None


def name_of(uri: str) -> tuple[str, str]:
    """File name and folder of a URI, as people read them. Archive members stand behind a ``!``."""
    path, _, member = uri.partition("!")
    parts = urlsplit(path)
    shown = unquote(path) if parts.scheme in ("", "file") else path
    folder, name = posixpath.split(shown.rstrip("/"))
    if member:
        folder, name = shown, posixpath.basename(member) or member
    return name or shown, folder.removeprefix("file://")


def _row(item: QueueItem, wanted: Filter) -> QueueRow:
    name, folder = name_of(item.uri)
    return QueueRow(
        href=document_href(item.document_id, wanted),
        name=name,
        folder=folder,
        uri=item.uri,
        schema=item.schema_name,
        reasons=tuple(item.reasons),
        doubtful=item.doubtful,
        page_count=item.page_count,
        since=item.queued_at,
    )
