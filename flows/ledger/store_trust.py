"""The part of `flows.ledger.store.Ledger` about trust: accounts, the trail, what samples measured."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from flows.ledger import people, samples, trail
from flows.ledger.trust import AccountRecord, DrawnDocument, Role, SampleFigures, TrailRecord, Verdict


class TrustStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def add_account(
        self,
        name: str,
        role: Role,
        *,
        actor: str,
        password_hash: str | None = None,
        subject: str | None = None,
    ) -> AccountRecord:
        """Adds somebody who may sign in. Raises `UsageError` when the name is taken or none."""
        with self._write() as session:
            at = self._clock(session)
            return people.add(session, at, actor, name, role, password_hash, subject)

    def change_account(
        self,
        name: str,
        *,
        actor: str,
        role: Role | None = None,
        active: bool | None = None,
        password_hash: str | None = None,
    ) -> AccountRecord:
        """Changes an account; whatever is ``None`` stays. All its sessions are over then.

        Raises:
            UsageError: there is none, or nobody would be left who can let people in.
        """
        with self._write() as session:
            return people.change(
                session,
                self._clock(session),
                actor,
                name,
                role=role,
                active=active,
                password_hash=password_hash,
            )

    def link_account(self, name: str, subject: str, *, actor: str) -> AccountRecord:
        """Notes who a provider says that an account is. Raises `UsageError` when either is linked already."""
        with self._write() as session:
            return people.link(session, self._clock(session), actor, name, subject)

    def rehash_password(self, name: str, old_hash: str, new_hash: str) -> None:
        """Keeps the same password under newer parameters of its hash."""
        with self._write() as session:
            people.rehash(session, name, old_hash, new_hash)

    def credentials(self, name: str) -> tuple[AccountRecord, str | None] | None:
        """An account by name, whatever its case, with the hash of its password."""
        with self._read() as session:
            return people.credentials(session, name)

    def account(self, account_id: int) -> AccountRecord | None:
        """The account with that number."""
        with self._read() as session:
            return people.by_id(session, account_id)

    def account_of_subject(self, subject: str) -> AccountRecord | None:
        """The account of somebody whom a provider vouches for."""
        with self._read() as session:
            return people.by_subject(session, subject)

    def accounts(self) -> list[AccountRecord]:
        """All accounts, by name."""
        with self._read() as session:
            return people.every(session)

    def has_accounts(self) -> bool:
        """Whether anybody has one: from then on the page asks to sign in."""
        with self._read() as session:
            return people.exist(session)

    def note(self, actor: str, action: str, document_id: str | None = None, **body: Any) -> None:
        """Adds a line to the trail for what changes nothing else (somebody signed in)."""
        with self._write() as session:
            trail.append(session, self._clock(session), actor, action, document_id, body)

    def trail_newest(
        self, *, document_id: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[TrailRecord]:
        """The last lines of the trail, the newest first; ``before`` a number goes on with earlier ones."""
        with self._read() as session:
            return trail.newest(session, document_id, before, limit)

    def trail(self) -> Iterator[TrailRecord]:
        """Every line of the trail, the first one first, some in memory at a time."""
        after = 0
        while True:
            with self._read() as session:
                page = trail.lines(session, after)
            yield from page
            if not page:
                return
            after = page[-1].number

    def verify_trail(self, head: str | None = None) -> Verdict:
        """Checks that nothing in the trail was changed, removed or moved, and the decisions with it."""
        with self._read() as session:
            return trail.verify(session, head)

    def sample_figures(self, since: dt.datetime | None = None) -> list[SampleFigures]:
        """What persons found on documents drawn at random."""
        with self._read() as session:
            return samples.figures(session, since)

    def is_drawn(self, document_id: str, share: float) -> bool:
        """Whether a document is going to be drawn at random, when so large a share is. Changes nothing."""
        if share <= 0:
            return False
        with self._read() as session:
            return samples.is_drawn(session, document_id, share)

    def samples(self, fingerprint: str) -> list[DrawnDocument]:
        """The documents under a schema that were drawn at random, in the order they were."""
        with self._read() as session:
            return samples.drawn(session, fingerprint)
