"""The part of `flows.ledger.store.Ledger` about inputs: what is known, what comes in, what archives hold."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from sqlalchemy.orm import Session

from flows.ledger import archives, intake
from flows.ledger.records import InputContent, InputRecord
from schemas.outcome import FailureReason, Outcome


class InputsStore(ABC):
    """Needs transactions and the time; `Ledger` has them."""

    _clock: Callable[[Session], dt.datetime]

    @abstractmethod
    def _write(self) -> AbstractContextManager[Session]: ...

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def known_input(
        self, run_id: str, uri: str, *, version: str, member: str | None, fingerprint: str, model: str
    ) -> InputRecord | None:
        """The input if it is in the ledger with its content, now also recorded as seen by this run.

        So an unchanged object needs no download: ``None`` means fetch it and call `add_input`.
        An input whose fetch failed before is ``None`` too, and so is one with the empty version (a source
        that tells neither time nor tag).
        """
        with self._write() as session:
            return intake.known_input(
                session, self._clock(session), run_id, uri, version, member, fingerprint, model
            )

    def known_inputs(
        self, run_id: str, found: Sequence[tuple[str, str]], *, fingerprint: str, model: str
    ) -> set[tuple[str, str]]:
        """Which of many pairs of URI and version `known_input` knows, now recorded as seen by this run.

        In one transaction: a night's unchanged files.
        """
        with self._write() as session:
            return intake.known_inputs(session, self._clock(session), run_id, found, fingerprint, model)

    def seen_inputs(
        self, found: Sequence[tuple[str, str]], *, fingerprint: str, model: str
    ) -> set[tuple[str, str]]:
        """Which of many pairs of URI and version the ledger has, also those that failed. Nothing is recorded."""
        with self._read() as session:
            return intake.seen_inputs(session, found, fingerprint, model)

    def peek_input(
        self, uri: str, *, version: str, member: str | None, fingerprint: str, model: str
    ) -> InputRecord | None:
        """What `known_input` would give, for a preview: nothing is recorded."""
        with self._read() as session:
            return intake.peek_input(session, uri, version, member, fingerprint, model)

    def add_input(
        self,
        run_id: str,
        uri: str,
        *,
        version: str,
        member: str | None,
        sha256: str,
        size: int,
        media_type: str,
        schema_name: str,
        fingerprint: str,
        model: str,
        archive_id: int | None = None,
    ) -> InputRecord:
        """Records an input with known content; see `add_inputs`."""
        content = InputContent(
            uri=uri,
            version=version,
            member=member,
            sha256=sha256,
            size=size,
            media_type=media_type,
            archive_id=archive_id,
        )
        return self.add_inputs(
            run_id, [content], schema_name=schema_name, fingerprint=fingerprint, model=model
        )[0]

    def add_inputs(
        self,
        run_id: str,
        contents: Sequence[InputContent],
        *,
        schema_name: str,
        fingerprint: str,
        model: str,
    ) -> list[InputRecord]:
        """Records inputs with known content in one transaction; their records in the same order.

        Idempotent per URI, version, member, schema and model. The first input of a content (under a schema and
        model) makes its document; every other one ends at once as ``duplicate`` and points to it. An input seen in
        an earlier run keeps its row and outcome. A member of an archive says in which it lies (`add_archive`).
        Content that changed under an unchanged version is a new input, its version marked with the hash.
        """
        news = [
            intake.NewInput(
                run_id,
                content.uri,
                content.version,
                content.member or "",
                content.sha256,
                content.size,
                content.media_type,
                schema_name,
                fingerprint,
                model,
                content.archive_id,
            )
            for content in contents
        ]
        with self._write() as session:
            return intake.add_inputs(session, self._clock(session), news)

    def add_failed_input(
        self,
        run_id: str,
        uri: str,
        *,
        version: str,
        member: str | None,
        size: int,
        schema_name: str,
        fingerprint: str,
        model: str,
        detail: str,
        reason: FailureReason = FailureReason.UNAVAILABLE,
        outcome: Outcome = Outcome.FAILED,
        archive_id: int | None = None,
    ) -> InputRecord:
        """Records an input whose content could not be had. The next run may try again.

        Too large an object to fetch is ``outcome=UNREADABLE, reason=TOO_LARGE``. An input that has its
        document already keeps it.
        """
        with self._write() as session:
            return intake.add_failed_input(
                session,
                self._clock(session),
                intake.NewInput(
                    run_id,
                    uri,
                    version,
                    member or "",
                    None,
                    size,
                    "",
                    schema_name,
                    fingerprint,
                    model,
                    archive_id,
                ),
                outcome,
                reason,
                detail,
            )

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
