"""Inputs come in: each once, each with its content's document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from flows.ledger import archives
from flows.ledger.common import OPEN_STATES, digest, document_key, insert_new
from flows.ledger.models import Document, Input, RunInput, Transition
from flows.ledger.records import DocumentState, InputRecord, place
from flows.ledger.runs import existing_run
from schemas.outcome import FailureReason, Outcome

_WANTED = (*OPEN_STATES, DocumentState.FAILED)


@dataclass(frozen=True, slots=True)
class NewInput:
    """An input as it was found. ``sha256`` is ``None`` when its content could not be had."""

    run_id: str
    uri: str
    version: str
    member: str
    sha256: str | None
    size: int
    media_type: str
    schema_name: str
    fingerprint: str
    model: str
    archive_id: int | None = None

    @property
    def key(self) -> str:
        return _key(self.uri, self.version, self.member, self.fingerprint, self.model)


def _key(uri: str, version: str, member: str, fingerprint: str, model: str) -> str:
    return digest("input", uri, version, member, fingerprint, model)


def known_input(
    session: Session,
    at: dt.datetime,
    run_id: str,
    uri: str,
    version: str,
    member: str | None,
    fingerprint: str,
    model: str,
) -> InputRecord | None:
    """See `Ledger.known_input`."""
    found = _with_document(session, uri, version, member, fingerprint, model, hold=True)
    if found is None:
        return None
    _seen(session, at, run_id, found)
    if found.document_id is None:
        archives.see(session, run_id, Input.archive_id == found.input_id)
    return input_record(session, found)


def known_inputs(
    session: Session,
    at: dt.datetime,
    run_id: str,
    found: Sequence[tuple[str, str]],
    fingerprint: str,
    model: str,
) -> set[tuple[str, str]]:
    """See `Ledger.known_inputs`."""
    existing_run(session, run_id)
    keys = {_key(uri, version, "", fingerprint, model): (uri, version) for uri, version in found if version}
    with_document, others = [], []
    query = select(Input.key, Input.input_id, Input.document_id).where(Input.key.in_(keys))
    for key, input_id, document_id in session.execute(query.order_by(Input.key).with_for_update()):
        if document_id is not None:
            with_document.append((keys[key], input_id))
        else:
            others.append(keys[key])
    archives.see(session, run_id, Input.input_id.in_([input_id for _, input_id in with_document]))
    known = {pair for pair, _ in with_document}
    for pair in others:  # archives, and what could not be fetched
        if known_input(session, at, run_id, *pair, None, fingerprint, model) is not None:
            known.add(pair)
    return known


def peek_input(
    session: Session, uri: str, version: str, member: str | None, fingerprint: str, model: str
) -> InputRecord | None:
    """See `Ledger.peek_input`."""
    found = _with_document(session, uri, version, member, fingerprint, model, hold=False)
    return None if found is None else input_record(session, found)


def _with_document(
    session: Session, uri: str, version: str, member: str | None, fingerprint: str, model: str, *, hold: bool
) -> Input | None:
    if not version:
        return None
    found = _by_key(session, _key(uri, version, member or "", fingerprint, model), hold=hold)
    if found is None or (found.document_id is None and not archives.is_through(session, found)):
        return None
    return found


def add_input(session: Session, at: dt.datetime, new: NewInput) -> InputRecord:
    """See `Ledger.add_input`."""
    assert new.sha256 is not None
    inserted, row = _insert(session, at, new)
    if row.sha256 is not None and row.sha256 != new.sha256:
        # The source says "unchanged" and the bytes say otherwise (a restored modification time, a cache).
        return add_input(session, at, replace(new, version=f"{new.version}+{new.sha256[:12]}"))
    if row.document_id is None:
        _give_document(session, at, new, row)
    _seen(session, at, new.run_id, row)
    return input_record(session, row, new=inserted)


def add_archive(session: Session, at: dt.datetime, new: NewInput) -> InputRecord:
    """See `Ledger.add_archive`."""
    assert new.sha256 is not None
    inserted, row = _insert(session, at, new)
    if row.sha256 is not None and row.sha256 != new.sha256:
        return add_archive(session, at, replace(new, version=f"{new.version}+{new.sha256[:12]}"))
    row.size, row.media_type, row.updated_at = new.size, new.media_type, at
    row.sha256, row.outcome, row.reason, row.detail = None, None, None, ""  # open until it is unpacked
    _seen(session, at, new.run_id, row)
    return input_record(session, row, new=inserted)


def add_failed_input(
    session: Session, at: dt.datetime, new: NewInput, outcome: Outcome, reason: FailureReason, detail: str
) -> InputRecord:
    """See `Ledger.add_failed_input`."""
    inserted, row = _insert(session, at, new)
    if row.document_id is None:
        row.outcome, row.reason, row.detail, row.updated_at = outcome.value, reason.value, detail, at
    _seen(session, at, new.run_id, row)
    return input_record(session, row, new=inserted)


def _insert(session: Session, at: dt.datetime, new: NewInput) -> tuple[bool, Input]:
    """The row of an input, inserted if it was not there, and held against other writers."""
    inserted = insert_new(
        session,
        Input,
        key=new.key,
        uri=new.uri,
        version=new.version,
        member=new.member,
        archive_id=new.archive_id,
        schema_name=new.schema_name,
        fingerprint=new.fingerprint,
        model=new.model,
        sha256=None,
        size=new.size,
        media_type=new.media_type,
        primary_input=False,
        detail="",
        first_seen_run=new.run_id,
        last_seen_run=new.run_id,
        created_at=at,
        updated_at=at,
    )
    row = _by_key(session, new.key)
    assert row is not None
    return inserted, row


def _by_key(session: Session, key: str, *, hold: bool = True) -> Input | None:
    query = select(Input).where(Input.key == key)
    return session.scalar(query.with_for_update() if hold else query)


def _give_document(session: Session, at: dt.datetime, new: NewInput, row: Input) -> None:
    """Connects an input with the document of its content; the first one makes it, the others are copies."""
    assert new.sha256 is not None
    document_id = document_key(new.sha256, new.fingerprint, new.model)
    first = insert_new(
        session,
        Document,
        document_id=document_id,
        sha256=new.sha256,
        schema_name=new.schema_name,
        fingerprint=new.fingerprint,
        model=new.model,
        model_key=digest(new.model),
        uri=place(new.uri, new.member),
        size=new.size,
        media_type=new.media_type,
        state=DocumentState.PENDING.value,
        attempts=0,
        lost_workers=0,
        token=0,
        worker="",
        run_id=None,
        revision=0,
        detail="",
        doubtful=0,
        page_count=0,
        seconds=0.0,
        search_text="",
        created_at=at,
        updated_at=at,
    )
    row.sha256, row.size, row.media_type = new.sha256, new.size, new.media_type
    row.document_id, row.primary_input, row.updated_at = document_id, first, at
    row.outcome, row.reason, row.detail = None if first else Outcome.DUPLICATE.value, None, ""
    if first:
        session.add(
            Transition(
                at=at,
                document_id=document_id,
                from_state=None,
                to_state=DocumentState.PENDING.value,
                token=0,
                actor="intake",
                run_id=new.run_id,
                detail="",
            )
        )


def _seen(session: Session, at: dt.datetime, run_id: str, row: Input) -> None:
    existing_run(session, run_id)
    row.last_seen_run = run_id
    session.flush()
    insert_new(session, RunInput, run_id=run_id, input_id=row.input_id)


def input_record(session: Session, row: Input, *, new: bool = False) -> InputRecord:
    """The record of a database row."""
    document = session.get(Document, row.document_id) if row.document_id else None
    return InputRecord(
        input_id=row.input_id,
        uri=row.uri,
        version=row.version,
        member=row.member or None,
        sha256=row.sha256,
        size=row.size,
        media_type=row.media_type,
        document_id=row.document_id,
        outcome=Outcome(row.outcome) if row.outcome else None,
        reason=FailureReason(row.reason) if row.reason else None,
        detail=row.detail,
        duplicate=row.document_id is not None and not row.primary_input,
        new=new,
        needs_content=document is not None and DocumentState(document.state) in _WANTED,
    )
