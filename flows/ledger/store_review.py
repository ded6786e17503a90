"""The part of `flows.ledger.store.Ledger` about review: the queue, documents, who holds them, what is decided."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from flows.ledger import decisions, holds, review
from flows.ledger.records import (
    Action,
    DocumentRecord,
    DocumentState,
    FieldChange,
    QueueFacets,
    QueueItem,
    SecondLook,
    Stage,
)
from flows.ledger.trust import HoldRecord
from schemas.extraction import ExtractedField


class ReviewStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def queue(
        self,
        *,
        schema: str | None = None,
        reason: str | None = None,
        search: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[QueueItem]:
        """Documents that wait for a person, longest waiting first.

        ``search`` looks for text in the URI, the hash and the extracted values, whatever the case.
        """
        with self._read() as session:
            return review.queue(session, schema, reason, search, limit, offset)

    def queue_size(
        self, *, schema: str | None = None, reason: str | None = None, search: str | None = None
    ) -> int:
        """How many documents `queue` would give without a limit."""
        with self._read() as session:
            return review.queue_size(session, schema, reason, search)

    def waiting_hashes(self) -> Iterator[str]:
        """The hash of every document that waits for a person, some thousand in memory at a time."""
        after = ""
        while True:
            with self._read() as session:
                page = review.waiting_hashes(session, after)
            yield from (sha256 for _, sha256 in page)
            if not page:
                return
            after = page[-1][0]

    def queue_facets(self) -> QueueFacets:
        """What the queue can be filtered by, and how many documents each filter would show."""
        with self._read() as session:
            return review.queue_facets(session)

    def document(self, document_id: str) -> DocumentRecord:
        """All about one document. Raises `UnknownDocumentError` when there is none with that id."""
        with self._read() as session:
            return review.document(session, document_id)

    def holder(self, document_id: str) -> HoldRecord | None:
        """Who works on a document now."""
        with self._read() as session:
            return holds.hold_of(session, self._clock(session), document_id)

    def hold(self, document_id: str, reviewer: str, *, seconds: float, over: bool = False) -> HoldRecord:
        """Takes a document for a reviewer, or keeps it, for so long from now; ``over``: whoever has it.

        Raises:
            HeldError: somebody else has it, and ``over`` was not asked for.
        """
        with self._write() as session:
            return holds.take(session, self._clock(session), document_id, reviewer, seconds, over=over)

    def hand_over(self, document_id: str, reviewer: str, to: str, note: str = "") -> HoldRecord:
        """Gives a document that a reviewer has, or that is free, to another, for a week.

        Raises:
            HeldError: somebody else has it.
        """
        with self._write() as session:
            return holds.hand_over(session, self._clock(session), document_id, reviewer, to, note)

    def let_go(self, document_id: str, reviewer: str) -> None:
        """Gives a document back, if the reviewer has it."""
        with self._write() as session:
            holds.let_go(session, document_id, reviewer)

    def decide(
        self,
        document_id: str,
        *,
        reviewer: str,
        action: Action,
        data: dict[str, Any] | None,
        fields: Sequence[ExtractedField] | None,
        changes: Sequence[FieldChange],
        comment: str,
        expected_version: int,
        second: SecondLook | None = None,
        settles: bool = False,
    ) -> Stage:
        """Stores what a person decided, and says what became of it; landing takes the row from there.

        ``accept`` takes the extraction as it is, whatever ``data`` and ``fields``; ``correct`` needs data
        that the schema has validated, and may bring new evidence in ``fields``; ``reject`` lands
        nothing, and withdraws the row if one has landed or is about to. A decided or accepted document may
        be decided on again, which makes a new version of its row.

        With ``second`` the first decision does not count until somebody else has made the same one; if they
        differ, the document waits for one who ``settles``. Such a one settles it at once as the second, too.

        Raises:
            ConflictError: the document is not at ``expected_version`` any more.
            HeldError: somebody else is working on it.
            SameReviewerError: the reviewer has looked at it already, or two disagree and it takes a senior.
            LedgerError: it is in no state to be decided on, or ``correct`` came without data.
        """
        with self._write() as session:
            return decisions.decide(
                session,
                self._clock(session),
                decisions.NewDecision(
                    document_id,
                    reviewer,
                    action,
                    data,
                    fields,
                    list(changes),
                    comment,
                    expected_version,
                    second,
                    settles,
                ),
            )

    def decided(self, fingerprint: str, state: DocumentState) -> list[str]:
        """Ids of the documents under a schema that are in a state, in the order they came to it."""
        with self._read() as session:
            return decisions.decided(session, fingerprint, state)
