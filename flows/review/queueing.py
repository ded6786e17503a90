"""The reviewer's way through the queue: a filter that travels in the address, and what comes next."""

from __future__ import annotations

import datetime as dt
import math
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

from flows.ledger.desk import COUNT_CAP, QueueFilter, QueueLine, QueueSort, QueueView, Whose
from flows.ledger.store import Ledger
from schemas.outcome import ReviewReason

PAGE_SIZE = 50
AGES = {"1h": 3600.0, "8h": 28_800.0, "1d": 86_400.0, "3d": 259_200.0, "7d": 604_800.0, "30d": 2_592_000.0}
"""Least ages that can be chosen, in seconds."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents of the queue are wanted, and in which order; empty means all, the oldest first."""

    schema: str | None = None
    reason: str | None = None
    search: str | None = None
    source: str | None = None
    older: str | None = None
    amount_from: float | None = None
    amount_to: float | None = None
    whose: Whose | None = None
    held_by: str | None = None
    bulk: str | None = None
    sort: QueueSort = QueueSort.AGE

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """The filter of a query string; what is no reason, age, amount or order of ours is dropped."""
        reason, older = query.get("reason"), query.get("older")
        whose, sort = query.get("whose", ""), query.get("sort", "")
        return cls(
            schema=query.get("schema", "")[:200] or None,
            reason=reason if reason in set(ReviewReason) else None,
            search=query.get("q", "").strip()[:200] or None,
            source=query.get("source", "").strip().rstrip("/")[:500] or None,
            older=older if older in AGES else None,
            amount_from=_amount(query.get("from", "")),
            amount_to=_amount(query.get("to", "")),
            whose=Whose(whose) if whose in set(Whose) else None,
            held_by=query.get("held", "")[:80] or None,
            bulk=bulk if (bulk := query.get("bulk", "")).isalnum() and len(bulk) <= 32 else None,
            sort=QueueSort(sort) if sort in set(QueueSort) else QueueSort.AGE,
        )

    @property
    def active(self) -> bool:
        """Whether anything is filtered; neither a tab nor the order counts as that."""
        return bool(self.query().keys() - {"whose", "sort"})

    @property
    def narrow(self) -> bool:
        """Whether one of the filters is set that the page shows only when asked."""
        return bool(self.query().keys() & {"older", "from", "to", "held"})

    def query(self) -> dict[str, str]:
        """The filter as the address has it."""
        found = {
            "q": self.search,
            "schema": self.schema,
            "source": self.source,
            "reason": self.reason,
            "older": self.older,
            "from": _shown(self.amount_from),
            "to": _shown(self.amount_to),
            "held": self.held_by,
            "bulk": self.bulk,
            "whose": self.whose,
            "sort": None if self.sort is QueueSort.AGE else self.sort,
        }
        return {name: str(value) for name, value in found.items() if value not in (None, "")}

    def href(self, path: str, **more: object) -> str:
        """``path`` with this filter in its query, so that links keep it; ``more`` is added, or takes its place."""
        given = {name: str(value) if value is not None else "" for name, value in more.items()}
        text = urlencode({name: value for name, value in (self.query() | given).items() if value != ""})
        return f"{path}?{text}" if text else path

    def asked(self, reviewer: str) -> QueueFilter:
        """As the ledger wants it."""
        return QueueFilter(
            schema_name=self.schema,
            reason=self.reason,
            search=self.search,
            source=self.source,
            older=AGES[self.older] if self.older else None,
            amount_from=self.amount_from,
            amount_to=self.amount_to,
            whose=self.whose,
            held_by=self.held_by,
            bulk_id=self.bulk,
            reviewer=reviewer,
            sort=self.sort,
        )


def _amount(text: str) -> float | None:
    """An amount that somebody typed, with a comma or a point before the cents; ``None`` when it is none."""
    clean = text.strip().replace(" ", "").replace("'", "")
    if "," in clean and "." not in clean:
        clean = clean.replace(",", ".")
    try:
        number = float(clean.replace(",", "")[:30])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _shown(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:.2f}".removesuffix(".00")


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
    amount: float | None
    holder: str
    mine: bool
    second_look: str
    worth: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """One page of the queue: its rows, how many there are in all, and how many wait without the filter."""

    rows: tuple[QueueRow, ...]
    offset: int
    matching: int
    waiting: int

    @property
    def start_href(self) -> str:
        """The first document that nobody else has, or else the first."""
        return next((row.href for row in self.rows if row.mine or not row.holder), self.rows[0].href)

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins, if there is one; nobody turns so many pages that the count has no end."""
        after = self.offset + len(self.rows)
        return after if self.rows and after < min(self.matching, COUNT_CAP) else None

    @property
    def previous_offset(self) -> int | None:
        """Where the page before begins, if there is one."""
        return max(self.offset - PAGE_SIZE, 0) if self.offset else None


def document_href(document_id: str, wanted: Filter, **more: object) -> str:
    """The address of a document, with the filter under which it was found."""
    return wanted.href(f"/documents/{document_id}", **more)


def queue_page(view: QueueView, wanted: Filter, reviewer: str) -> QueuePage:
    """A page of the queue as its template wants it."""
    rows = tuple(_row(line, wanted, reviewer) for line in view.lines)
    return QueuePage(rows, view.offset, view.matching, view.tabs.waiting)


def next_document(ledger: Ledger, wanted: Filter, after: str | None, reviewer: str = "") -> str | None:
    """The document after ``after`` under the filter, at the end from the start again; never ``after``.

    With a reviewer it is one that they may take up.
    """
    return ledger.next_waiting(wanted.asked(reviewer), after)


def name_of(uri: str) -> tuple[str, str]:
    """File name and folder of a URI, as people read them. Archive members stand behind a ``!``."""
    path, _, member = uri.partition("!")
    parts = urlsplit(path)
    shown = unquote(path) if parts.scheme in ("", "file") else path
    folder, name = posixpath.split(shown.rstrip("/"))
    if member:
        folder, name = shown, posixpath.basename(member) or member
    return name or shown, folder.removeprefix("file://")


def _row(item: QueueLine, wanted: Filter, reviewer: str) -> QueueRow:
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
        amount=item.amount,
        holder=item.holder or "",
        mine=item.holder == reviewer and reviewer != "",
        second_look=item.second_look or "",
        worth=f"{3600 * item.value:.3g}",
    )
