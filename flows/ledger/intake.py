"""Inputs come in: each once, each with its content's document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from flows.ledger import archives
from flows.ledger.common import OPEN_STATES, digest, document_key, insert_all_new
from flows.ledger.models import Document, Input, RunInput, Transition, table_of
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
    _seen(session, run_id, [found])
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


def seen_inputs(
    session: Session, found: Sequence[tuple[str, str]], fingerprint: str, model: str
) -> set[tuple[str, str]]:
    """See `Ledger.seen_inputs`."""
    keys = {_key(uri, version, "", fingerprint, model): (uri, version) for uri, version in found}
    return {keys[key] for key in session.scalars(select(Input.key).where(Input.key.in_(keys)))}


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


def add_inputs(session: Session, at: dt.datetime, news: Sequence[NewInput]) -> list[InputRecord]:
    """See `Ledger.add_inputs`."""
    if not news:
        return []
    rows, fresh = _insert(session, at, news)
    contents = {key: row.sha256 for key, row in rows.items() if row.sha256}
    wanted: list[NewInput] = []
    for new in news:
        assert new.sha256 is not None
        if contents.setdefault(new.key, new.sha256) != new.sha256:
            # The source says "unchanged" and the bytes say otherwise (a restored modification time, a cache).
            new = replace(new, version=f"{new.version}+{new.sha256[:12]}")
        wanted.append(new)
    if others := [new for new in wanted if new.key not in rows]:
        more, more_fresh = _insert(session, at, others)
        rows, fresh = rows | more, fresh | more_fresh
    homeless = {new.key: new for new in wanted if rows[new.key].document_id is None}
    _give_documents(session, at, [(new, rows[key]) for key, new in homeless.items()])
    seen = [rows[new.key] for new in wanted]
    _seen(session, news[0].run_id, seen)
    needed = _needing_content(session, seen)
    return [_record(row, row.document_id in needed, new=row.input_id in fresh) for row in seen]


def add_archive(session: Session, at: dt.datetime, new: NewInput) -> InputRecord:
    """See `Ledger.add_archive`."""
    assert new.sha256 is not None
    inserted, row = _insert_one(session, at, new)
    if row.sha256 is not None and row.sha256 != new.sha256:
        return add_archive(session, at, replace(new, version=f"{new.version}+{new.sha256[:12]}"))
    row.size, row.media_type, row.updated_at = new.size, new.media_type, at
    row.sha256, row.outcome, row.reason, row.detail = None, None, None, ""  # open until it is unpacked
    _seen(session, new.run_id, [row])
    return input_record(session, row, new=inserted)


def add_failed_input(
    session: Session, at: dt.datetime, new: NewInput, outcome: Outcome, reason: FailureReason, detail: str
) -> InputRecord:
    """See `Ledger.add_failed_input`."""
    inserted, row = _insert_one(session, at, new)
    if row.document_id is None:
        row.outcome, row.reason, row.detail, row.updated_at = outcome.value, reason.value, detail, at
    _seen(session, new.run_id, [row])
    return input_record(session, row, new=inserted)


def _insert_one(session: Session, at: dt.datetime, new: NewInput) -> tuple[bool, Input]:
    rows, fresh = _insert(session, at, [new])
    return bool(fresh), rows[new.key]


def _insert(session: Session, at: dt.datetime, news: Sequence[NewInput]) -> tuple[dict[str, Input], set[int]]:
    """The rows of inputs by their keys, held against other writers, and which of them were not there before."""
    values = {
        new.key: {
            "key": new.key,
            "uri": new.uri,
            "version": new.version,
            "member": new.member,
            "archive_id": new.archive_id,
            "schema_name": new.schema_name,
            "fingerprint": new.fingerprint,
            "model": new.model,
            "sha256": None,
            "size": new.size,
            "media_type": new.media_type,
            "primary_input": False,
            "detail": "",
            "first_seen_run": new.run_id,
            "last_seen_run": new.run_id,
            "created_at": at,
            "updated_at": at,
        }
        for new in reversed(news)  # the first of two alike counts
    }
    inserted = insert_all_new(session, Input, [values[key] for key in sorted(values)])
    query = select(Input).where(Input.key.in_(values)).order_by(Input.key).with_for_update()
    return {row.key: row for row in session.scalars(query)}, {input_id for (input_id,) in inserted}


def _by_key(session: Session, key: str, *, hold: bool = True) -> Input | None:
    query = select(Input).where(Input.key == key)
    return session.scalar(query.with_for_update() if hold else query)


def _give_documents(session: Session, at: dt.datetime, homeless: Sequence[tuple[NewInput, Input]]) -> None:
    """Connects inputs with the documents of their contents; the first one makes it, the others are copies."""
    makers: dict[str, dict[str, Any]] = {}
    for new, row in homeless:
        assert new.sha256 is not None
        row.document_id = document_key(new.sha256, new.fingerprint, new.model)
        row.sha256, row.size, row.media_type = new.sha256, new.size, new.media_type
        makers.setdefault(
            row.document_id,
            {
                "document_id": row.document_id,
                "sha256": new.sha256,
                "schema_name": new.schema_name,
                "fingerprint": new.fingerprint,
                "model": new.model,
                "model_key": digest(new.model),
                "uri": place(new.uri, new.member),
                "size": new.size,
                "media_type": new.media_type,
                "state": DocumentState.PENDING.value,
                "attempts": 0,
                "lost_workers": 0,
                "token": 0,
                "worker": "",
                "run_id": None,
                "revision": 0,
                "detail": "",
                "doubtful": 0,
                "page_count": 0,
                "seconds": 0.0,
                "search_text": "",
                "created_at": at,
                "updated_at": at,
            },
        )
    with session.no_autoflush:  # the inputs refer to documents that are not there yet
        made = insert_all_new(session, Document, [makers[key] for key in sorted(makers)])
    without_input = {document_id for (document_id,) in made}
    steps: list[dict[str, Any]] = []
    for new, row in homeless:
        assert row.document_id is not None
        first = row.document_id in without_input
        row.primary_input, row.updated_at = first, at
        row.outcome, row.reason, row.detail = None if first else Outcome.DUPLICATE.value, None, ""
        if first:
            without_input.discard(row.document_id)
            steps.append(
                {
                    "at": at,
                    "document_id": row.document_id,
                    "from_state": None,
                    "to_state": DocumentState.PENDING.value,
                    "token": 0,
                    "actor": "intake",
                    "run_id": new.run_id,
                    "detail": "",
                }
            )
    if steps:
        session.execute(insert(table_of(Transition)), steps)


def _seen(session: Session, run_id: str, rows: Sequence[Input]) -> None:
    existing_run(session, run_id)
    for row in rows:
        row.last_seen_run = run_id
    session.flush()
    input_ids = sorted({row.input_id for row in rows})
    insert_all_new(session, RunInput, [{"run_id": run_id, "input_id": input_id} for input_id in input_ids])


def _needing_content(session: Session, rows: Sequence[Input]) -> set[str]:
    """Ids of those documents that are yet to be read."""
    ids = {row.document_id for row in rows if row.document_id}
    wanted = [state.value for state in _WANTED]
    query = select(Document.document_id).where(Document.document_id.in_(ids), Document.state.in_(wanted))
    return set(session.scalars(query))


def input_record(session: Session, row: Input, *, new: bool = False) -> InputRecord:
    """The record of a database row."""
    return _record(row, bool(_needing_content(session, [row])), new=new)


def _record(row: Input, needs_content: bool, *, new: bool) -> InputRecord:
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
        needs_content=needs_content,
    )
