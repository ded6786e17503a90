"""The part of `flows.ledger.store.Ledger` about the promoted model."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.orm import Session

from flows.ledger import promotions
from flows.ledger.records import PromotionRecord


class ModelsStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def promoted_model(self) -> PromotionRecord | None:
        """The promotion in force; ``None`` before the first."""
        with self._read() as session:
            return promotions.promoted(session)

    def promotions(self, limit: int = 100) -> list[PromotionRecord]:
        """The last promotions and rollbacks, the newest first."""
        with self._read() as session:
            return promotions.history(session, limit)

    def promotion_of(self, manifest: str) -> PromotionRecord | None:
        """The last promotion of the model whose files have this hash: where it is to be had, what spoke for it."""
        with self._read() as session:
            return promotions.last_of(session, manifest)

    def promote_model(
        self,
        *,
        name: str,
        revision: str,
        manifest: str,
        model: str,
        uri: str,
        actor: str,
        reason: str,
        evaluation: dict[str, Any] | None,
    ) -> PromotionRecord:
        """Puts a model in force for all that follow ``promoted``, from their next run on.

        Args:
            name: in the store.
            revision: a commit of a hub, else ``manifest``.
            manifest: hash of all its files.
            model: the ``model_id`` that its documents bear.
            uri: where it was fetched from, free of credentials.
            actor: who promotes.
            reason: why.
            evaluation: the figures that spoke for it, if there are any.
        """
        values = {
            "name": name,
            "revision": revision,
            "manifest": manifest,
            "model": model,
            "uri": uri,
            "actor": actor,
            "reason": reason,
            "evaluation": evaluation,
        }
        with self._write() as session:
            return promotions.promote(session, self._clock(session), values)

    def rollback_model(self, *, actor: str, reason: str) -> PromotionRecord:
        """Puts the promotion before the one in force back in force; again, the one before that.

        Raises:
            UsageError: there is none.
        """
        with self._write() as session:
            return promotions.rollback(session, self._clock(session), actor, reason)
