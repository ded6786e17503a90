"""The part of `flows.ledger.store.Ledger` about the desk: the queue page, accepting many at once, the dashboard."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from flows.ledger import bulks, insight, waiting
from flows.ledger.desk import BulkRecord, QueueExtras, QueueFilter, QueueView
from flows.ledger.figures import Insight, Listed, ListFilter, QueueAge


class DeskStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def queue_view(self, wanted: QueueFilter, *, limit: int, offset: int = 0) -> QueueView:
        """A page of the queue and the counts around it. Past the end it is the last page."""
        with self._read() as session:
            return waiting.view(session, self._clock(session), wanted, limit, offset)

    def queue_extras(self) -> QueueExtras:
        """What the queue can be filtered by, and how it grew and shrank; reads all that waits, so keep it a while."""
        with self._read() as session:
            return waiting.extras(session, self._clock(session))

    def queue_ages(self) -> list[QueueAge]:
        """How long the oldest document of each schema has been waiting."""
        with self._read() as session:
            return waiting.ages(session)

    def next_waiting(self, wanted: QueueFilter, after: str | None) -> str | None:
        """The document after another under a filter and its order, at the end from the start again; never that one.

        With a reviewer in the filter, only what they may take up: nobody else has it, and a second look is not
        at what they looked at first.
        """
        with self._read() as session:
            return waiting.following(session, self._clock(session), wanted, after)

    def start_bulk(self, wanted: QueueFilter, *, query: dict[str, str], share: float, reviewer: str) -> str:
        """Takes down which documents a filter shows, at most 500, and draws those to be looked at; its id.

        Args:
            wanted: the filter.
            query: the same as the address has it, for the record.
            share: of the documents, so many are to be looked at; never fewer than five.
            reviewer: who will have accepted them.

        Raises:
            UsageError: none of them can be accepted at once.
        """
        with self._write() as session:
            new = bulks.NewBulk(reviewer, wanted, query, share)
            return bulks.start(session, self._clock(session), new)

    def bulk(self, bulk_id: str) -> BulkRecord:
        """How far a bulk is. Raises `UsageError` when there is none with that id."""
        with self._read() as session:
            return bulks.record(session, bulk_id)

    def bulk_next(self, bulk_id: str, limit: int) -> list[str]:
        """Documents of a bulk that are still to be accepted."""
        with self._read() as session:
            return bulks.next_items(session, bulk_id, limit)

    def bulk_accept(self, bulk_id: str, document_id: str) -> bool:
        """Accepts one document of a bulk as it was; says whether, and notes why where not.

        Raises:
            UsageError: the look at those that were drawn is not over, or found something.
        """
        with self._write() as session:
            return bulks.accept(session, self._clock(session), bulk_id, document_id)

    def bulk_leave_out(self, bulk_id: str, document_id: str, why: str) -> None:
        """Notes that a document of a bulk needs a look of its own."""
        with self._write() as session:
            bulks.leave_out(session, bulk_id, document_id, why)

    def finish_bulk(self, bulk_id: str) -> None:
        """Ends a bulk; what was not accepted stays in the queue."""
        with self._write() as session:
            bulks.finish(session, self._clock(session), bulk_id)

    def insight(self) -> Insight:
        """What the dashboard shows: the last 90 days in figures; keep it a while."""
        with self._read() as session:
            return insight.gather(session, self._clock(session))

    def listed(self, wanted: ListFilter, limit: int) -> list[Listed]:
        """Documents of the last 90 days that a figure of the dashboard counts, the newest first."""
        with self._read() as session:
            return insight.listed(session, self._clock(session), wanted, limit)
