"""One source object from listing to ledger: fetched if it is new, opened if it holds others."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.archives.kinds import CONTAINERS, HEAD_BYTES, container_type
from flows.archives.unpack import Member, unpack
from flows.composition import Parts
from flows.home import machine_trouble
from flows.ledger.records import ClaimedDocument, InputContent, InputRecord
from flows.sources import Fetched, SourceObject, StillWrittenError, reopen, sniff
from schemas.errors import DocumentError, ParquetryError, SourceError
from schemas.outcome import FailureReason, Outcome

log = logging.getLogger(__name__)


BATCHED_BYTES = 1 << 20
"""Inputs up to this size wait on disk for others, to be recorded in one transaction; larger ones go alone."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was done about an object so far.

    ``record``: it is in the ledger. ``got``: it was fetched and is yet to be recorded. Neither: it is still being
    written, and no input yet; the next run takes it.
    """

    found: SourceObject
    record: InputRecord | None = None
    got: Fetched | None = None


def register(parts: Parts, run_id: str, found: SourceObject, *, again: bool = False) -> InputRecord | None:
    """Brings an object into the ledger, with its content hash, and so all that it holds.

    What the ledger knows, unchanged, is not fetched. ``None``: it is still being written.

    Args:
        parts: of the run.
        run_id: the run.
        found: the object.
        again: open an archive again though it is through: its members may fare better now.

    Raises:
        OutageError: the machine is in trouble; no object could be registered now.
        LedgerError: it cannot be recorded.
    """
    prepared = prepare(parts, run_id, found, again=again)
    return record_all(parts, run_id, [prepared])[0] if prepared.got is not None else prepared.record


def prepare(parts: Parts, run_id: str, found: SourceObject, *, again: bool = False) -> Prepared:
    """Fetches an object, and records it unless it may wait for `record_all`. Arguments and errors as `register`."""
    if found.unsettled:
        return Prepared(found)
    if not again:
        known = parts.ledger.known_input(
            run_id,
            found.uri,
            version=found.version,
            member=None,
            fingerprint=parts.schema.fingerprint,
            model=parts.model_id,
        )
        if known is not None:
            return Prepared(found, known)
    copy = parts.spool.new()
    try:
        got = _fetch(parts, found, copy)
    except StillWrittenError:
        parts.spool.drop(copy)
        return Prepared(found)
    except (DocumentError, SourceError) as error:
        parts.spool.drop(copy)
        return Prepared(found, _add_failed(parts, run_id, found, error))
    if got.media_type in CONTAINERS:
        return Prepared(found, _open(parts, run_id, found, got))
    prepared = Prepared(found, got=got)
    if got.size <= BATCHED_BYTES:
        return prepared
    try:
        return Prepared(found, record_all(parts, run_id, [prepared])[0])
    except BaseException:
        drop_all(parts, [prepared])
        raise


def drop_all(parts: Parts, prepared: Iterable[Prepared]) -> None:
    """Deletes the copies of what was fetched and could not be recorded: it is fetched anew."""
    for one in prepared:
        if one.got is not None:
            parts.spool.drop(one.got.path)


def record_all(parts: Parts, run_id: str, prepared: Sequence[Prepared]) -> list[InputRecord]:
    """Records what was fetched, in one transaction. Again does no harm.

    Raises:
        LedgerError: nothing was recorded.
    """
    fetched = [(one.found.uri, one.got) for one in prepared if one.got is not None]
    records = parts.ledger.add_inputs(
        run_id,
        [
            InputContent(
                uri=uri, version=got.version, sha256=got.sha256, size=got.size, media_type=got.media_type
            )
            for uri, got in fetched
        ],
        **_made_with(parts),
    )
    for (_, got), record in zip(fetched, records, strict=True):
        _keep(parts, got.path, record)
    return records


def _made_with(parts: Parts) -> dict[str, Any]:
    return {
        "schema_name": parts.schema.name,
        "fingerprint": parts.schema.fingerprint,
        "model": parts.model_id,
    }


def _fetch(parts: Parts, found: SourceObject, copy: Path) -> Fetched:
    return found.fetch(
        copy,
        max_bytes=parts.extractor.read_options.max_bytes,
        max_archive_bytes=parts.settings.intake.max_archive_bytes,
    )


def _keep(parts: Parts, path: Path, record: InputRecord) -> None:
    if record.needs_content and record.sha256 is not None:
        parts.spool.keep(path, record.sha256)
    else:
        parts.spool.drop(path)


def _add_failed(
    parts: Parts, run_id: str, found: SourceObject, error: DocumentError | SourceError
) -> InputRecord:
    if trouble := machine_trouble(error, parts.spool.folder):
        raise trouble from error
    document = isinstance(error, DocumentError)
    return parts.ledger.add_failed_input(
        run_id,
        found.uri,
        version=found.version,
        member=None,
        size=found.size,
        detail=str(error),
        outcome=Outcome.UNREADABLE if document else Outcome.FAILED,
        reason=error.reason if isinstance(error, DocumentError) else FailureReason.UNAVAILABLE,
        **_made_with(parts),
    )


def _open(parts: Parts, run_id: str, found: SourceObject, got: Fetched) -> InputRecord:
    """Records an archive or e-mail and each thing in it; a run that dies in between begins it anew."""
    try:
        record = parts.ledger.add_archive(
            run_id,
            found.uri,
            version=got.version,
            sha256=got.sha256,
            size=got.size,
            media_type=got.media_type,
            **_made_with(parts),
        )
        wrong: DocumentError | None = None
        try:
            with closing(_unpack(parts, got.path, got.media_type)) as members:
                for member in members:
                    if parts.stopping.is_set():
                        raise ParquetryError("The run was stopped.", remedy="Run again: it goes on.")
                    _add_member(parts, run_id, record, member)
        except DocumentError as error:
            if trouble := machine_trouble(error, parts.spool.folder):
                raise trouble from error
            wrong = error
            log.info("%s: %s", found.uri, error)
        failed = wrong is not None and wrong.reason is FailureReason.UNAVAILABLE
        parts.ledger.finish_archive(
            record.input_id,
            sha256=got.sha256,
            outcome=None if wrong is None else Outcome.FAILED if failed else Outcome.UNREADABLE,
            reason=None if wrong is None else wrong.reason,
            detail="" if wrong is None else f"{found.name}: {wrong}",
        )
        return record
    finally:
        parts.spool.drop(got.path)


def _add_member(parts: Parts, run_id: str, archive: InputRecord, member: Member) -> None:
    if member.path is None or member.reason is not None:
        parts.ledger.add_failed_input(
            run_id,
            archive.uri,
            version=archive.version,
            member=member.name,
            size=member.size,
            detail=f"{member.name}: {member.detail}",
            outcome=Outcome.UNREADABLE,
            reason=member.reason or FailureReason.BROKEN,
            archive_id=archive.input_id,
            **_made_with(parts),
        )
        return
    record = parts.ledger.add_input(
        run_id,
        archive.uri,
        version=archive.version,
        member=member.name,
        sha256=member.sha256,
        size=member.size,
        media_type=sniff(member.head),
        archive_id=archive.input_id,
        **_made_with(parts),
    )
    if record.needs_content:
        parts.spool.keep(member.path, member.sha256)


def _unpack(parts: Parts, path: Path, kind: str, only: str | None = None) -> Generator[Member, None, None]:
    reading = parts.extractor.read_options
    return unpack(
        path,
        kind,
        parts.spool.folder,
        limits=parts.settings.intake.limits(reading.max_bytes),
        passwords=[password.get_secret_value() for password in reading.passwords],
        only=only,
    )


def fetch_again(parts: Parts, claimed: ClaimedDocument) -> Path:
    """The bytes of a document once more from the source; they must still be the same.

    Raises:
        SourceError: they cannot be had any more.
    """
    try:
        path, sha256 = _member_again(parts, claimed) if claimed.member else _object_again(parts, claimed)
    except DocumentError as error:
        raise SourceError(str(error), remedy=error.remedy) from error
    if sha256 != claimed.sha256:
        parts.spool.drop(path)
        raise SourceError(f"{claimed.place}: the file changed after it was listed.", remedy="Run again.")
    return path


def _object_again(parts: Parts, claimed: ClaimedDocument) -> tuple[Path, str]:
    copy = parts.spool.new()
    try:
        found = reopen(parts.source, claimed.uri, options=parts.settings.intake)
        got = _fetch(parts, found, copy)
    except (DocumentError, SourceError):
        parts.spool.drop(copy)
        raise
    return got.path, got.sha256


def _member_again(parts: Parts, claimed: ClaimedDocument) -> tuple[Path, str]:
    """One member; its archive is kept till the end of the run, if there is room, for the others."""
    name = f"archive-{hashlib.sha256(f'{claimed.version} {claimed.uri}'.encode()).hexdigest()}"
    archive = parts.spool.find(name)
    kept = archive is not None
    if archive is None:
        archive, _ = _object_again(parts, claimed)
        if parts.spool.has_room(archive.stat().st_size) and parts.spool.keep(archive, name):
            archive, kept = parts.spool.folder / name, True
    try:
        with archive.open("rb") as stream:
            kind = container_type(stream.read(HEAD_BYTES))
        with closing(_unpack(parts, archive, kind or "", only=claimed.member)) as members:
            for member in members:
                if member.path is not None:
                    copy = parts.spool.new()
                    member.path.replace(copy)
                    return copy, member.sha256
        raise SourceError(
            f"{claimed.place} is not in the archive any more.", remedy="Run again over the whole source."
        )
    finally:
        if not kept:
            parts.spool.drop(archive)
