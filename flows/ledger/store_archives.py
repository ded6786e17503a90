"""The part of the ledger's interface that is about archives and e-mails."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from flows.ledger import archives, intake
from flows.ledger.records import InputRecord
from schemas.outcome import FailureReason, Outcome


class ArchivesStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    def add_archive(
        self,
        run_id: str,
        uri: str,
        *,
        version: str,
        sha256: str,
        size: int,
        media_type: str,
        schema_name: str,
        fingerprint: str,
        model: str,
    ) -> InputRecord:
        """Records an archive that is about to be unpacked. Its members refer to it with `add_input`.

        Until `finish_archive` it is open, and not known: a run that dies in between leaves it to the next one.
        Content that changed under an unchanged version is a new input, as in `add_input`.
        """
        with self._write() as session:
            return intake.add_archive(
                session,
                self._clock(session),
                intake.NewInput(
                    run_id, uri, version, "", sha256, size, media_type, schema_name, fingerprint, model
                ),
            )

    def finish_archive(
        self,
        input_id: int,
        *,
        sha256: str,
        outcome: Outcome | None = None,
        reason: FailureReason | None = None,
        detail: str = "",
    ) -> None:
        """All members of an archive that there are have been recorded.

        Args:
            input_id: the archive, as `add_archive` gave it.
            sha256: of its bytes.
            outcome: ``None``: what follows from its members. ``UNREADABLE``: it could not be unpacked to its
                end, for the ``reason``. ``FAILED``: the same, and the next run tries again.
            reason: why.
            detail: the same in words.
        """
        with self._write() as session:
            archives.finish(session, self._clock(session), input_id, sha256, outcome, reason, detail)
