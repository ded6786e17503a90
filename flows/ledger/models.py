"""The tables. A change here needs a migration in ``migrations/versions`` (a test compares the two).

    runs ─< run_inputs >─ inputs >─ documents ─< decisions
                                        │   └──< document_reasons, transitions, holds, samples
                                        └──────< rows >─ batches          schemas (by fingerprint)
    accounts        trail (each line bears the digest of the one above)
    tallies (sums over transitions)
    bulks ─< bulk_items >─ documents        review_pace (how long looks take, by schema)
    promotions (which model of the store is in force; the last line counts)

``rows`` is an outbox: the transaction that accepts a document also writes its row; landing takes from there.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """Aware datetimes in UTC on every database (SQLite would drop the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime given to the ledger")
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class JsonText(TypeDecorator[Any]):
    """JSON as ASCII text: keeps key order, and NUL or lone surrogates travel escaped on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class SafeText(TypeDecorator[str]):
    """Text from outside (names, messages): what a database cannot hold is shown escaped, not an error."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """A text as a database gives it back: NUL and lone surrogates escaped."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


BIG_ID = BigInteger().with_variant(Integer(), "sqlite")
HASH = String(64)
SOURCE = String(500).with_variant(String(500, collation="C"), "postgresql")
"""Folders: compared byte by byte, so that an index finds all that begin like one."""
STATE = String(16)


class Base(DeclarativeBase):
    """Names every constraint, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(mapped: type[Base]) -> Table:
    """The table behind a mapped class."""
    table = mapped.__table__
    assert isinstance(table, Table)
    return table


class Lock(Base):
    """Rows that are updated only to make transactions wait for each other (``freeze``)."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger, default=0)


class Identity(Base):
    """Who this ledger is (``ledger``): made once with the tables, and never changed."""

    __tablename__ = "identity"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(64))


class StoredSchema(Base):
    """Every schema rows were made with: a pending batch is written with its own, not with today's."""

    __tablename__ = "schemas"

    fingerprint: Mapped[str] = mapped_column(HASH, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), index=True)
    version: Mapped[int] = mapped_column(Integer)
    json_schema: Mapped[dict[str, Any]] = mapped_column(JsonText)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Run(Base):
    """One run of the flow. ``lease_until`` is put forward while its process lives, so that a killed one shows.

    ``model_name``, ``model_revision`` and ``model_manifest`` (hash of all its files) say which weights it used; all
    three are ``None`` of runs from before version 8, and where there are no weights.
    """

    __tablename__ = "runs"

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    source: Mapped[str] = mapped_column(SafeText)
    schema_name: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(HASH)
    model: Mapped[str] = mapped_column(SafeText)
    model_name: Mapped[str | None] = mapped_column(SafeText)
    model_revision: Mapped[str | None] = mapped_column(String(64))
    model_manifest: Mapped[str | None] = mapped_column(HASH)
    parameters: Mapped[dict[str, Any]] = mapped_column(JsonText)
    state: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


SEARCH_INDEX = "ix_documents_search"
"""Made by a migration on a PostgreSQL that has ``pg_trgm``; without it a search reads all that waits."""
_WAITING: Any = {"postgresql_where": text("waiting IS true"), "sqlite_where": text("waiting IS 1")}
"""Of what waits only: documents that never wait cost these indexes nothing. As SQLAlchemy writes ``is_(True)``."""
_QUEUE_ORDERS = {
    "rank": ("review_rank", "queued_at", "document_id"),
    "schema": ("schema_name", "queued_at", "document_id"),
    "source": ("source", "queued_at", "document_id"),
    "amount": ("amount", "schema_name", "document_id"),
    "look": ("second_look", "queued_at", "document_id"),
    "facets": ("schema_name", "source"),
}


class Document(Base):
    """One content under one schema and model. ``token`` fences late workers, ``revision`` late reviewers.

    ``attempts`` counts all claims; ``lost_workers`` those in a row whose worker did not come back. ``waiting``: it is
    in the queue, for review or as a sample of what was accepted. ``second_look``: decided once, and why once more.
    ``source``, ``amount`` and ``review_rank`` are what the queue is filtered and sorted by (`flows.ledger.worth`);
    the rank is minus the value of a second of review, so that an index gives the most valuable first.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("sha256", "fingerprint", "model_key"),
        Index("ix_documents_work", "fingerprint", "model_key", "state", "created_at", "document_id"),
        Index("ix_documents_waiting", "waiting", "queued_at", "document_id"),
        Index("ix_documents_created_at", "created_at", "state"),
        Index("ix_documents_queued_at", "queued_at"),
        *(Index(f"ix_documents_by_{name}", *columns, **_WAITING) for name, columns in _QUEUE_ORDERS.items()),
    )

    document_id: Mapped[str] = mapped_column(HASH, primary_key=True)
    sha256: Mapped[str] = mapped_column(HASH)
    schema_name: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(HASH)
    model: Mapped[str] = mapped_column(SafeText)
    model_key: Mapped[str] = mapped_column(HASH)
    uri: Mapped[str] = mapped_column(SafeText)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(SafeText)
    state: Mapped[str] = mapped_column(STATE)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    lost_workers: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    token: Mapped[int] = mapped_column(BigInteger, default=0)
    worker: Mapped[str] = mapped_column(SafeText, default="")
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    run_id: Mapped[str | None] = mapped_column(String(64))
    revision: Mapped[int] = mapped_column(Integer, default=0)
    extraction: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    failure: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(SafeText, default="")
    doubtful: Mapped[int] = mapped_column(Integer, default=0)
    page_count: Mapped[int] = mapped_column(Integer, default=0)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    figures: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    search_text: Mapped[str] = mapped_column(SafeText, default="")
    queued_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    waiting: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    second_look: Mapped[str | None] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(SOURCE)
    amount: Mapped[float | None] = mapped_column(Float)
    review_rank: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class DocumentReason(Base):
    """Why a document waits; one row per reason, so that the queue can be filtered.

    ``decoy``: not its own, but shown for a blind sample, which has none and would be known by that.
    """

    __tablename__ = "document_reasons"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)
    decoy: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


class Input(Base):
    """One URI at one version (and archive member) for one schema and model.

    ``key`` is the hash of these five: URIs may be longer than an index entry of PostgreSQL.
    ``primary_input`` is the input that the document's row stands for; all others are duplicates.
    ``archive_id`` is the archive or e-mail that a member lies in. An archive has no document; it has its hash
    once it is unpacked to its end.
    """

    __tablename__ = "inputs"
    __table_args__ = (Index("ix_inputs_archive_id_outcome", "archive_id", "outcome"),)

    input_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(HASH, unique=True)
    uri: Mapped[str] = mapped_column(SafeText)
    version: Mapped[str] = mapped_column(SafeText)
    member: Mapped[str] = mapped_column(SafeText, default="")
    archive_id: Mapped[int | None] = mapped_column(BIG_ID, ForeignKey("inputs.input_id"))
    schema_name: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(HASH)
    model: Mapped[str] = mapped_column(SafeText)
    sha256: Mapped[str | None] = mapped_column(HASH)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(SafeText)
    document_id: Mapped[str | None] = mapped_column(ForeignKey("documents.document_id"), index=True)
    primary_input: Mapped[bool] = mapped_column(Boolean, default=False)
    outcome: Mapped[str | None] = mapped_column(STATE, index=True)
    reason: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str] = mapped_column(SafeText, default="")
    first_seen_run: Mapped[str] = mapped_column(String(64))
    last_seen_run: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class RunInput(Base):
    """Which inputs a run saw: what conservation is checked over."""

    __tablename__ = "run_inputs"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.run_id"), primary_key=True)
    input_id: Mapped[int] = mapped_column(BIG_ID, ForeignKey("inputs.input_id"), primary_key=True, index=True)


class Transition(Base):
    """Every step of every document, append-only.

    ``token`` is that of the claim which made the step, or which it ended; unknown before tables of version 2.
    ``figures``: at the step that ended a processing, its counts and timings; there since tables of version 9.
    """

    __tablename__ = "transitions"

    transition_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), index=True)
    from_state: Mapped[str | None] = mapped_column(STATE)
    to_state: Mapped[str] = mapped_column(STATE)
    token: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(SafeText)
    run_id: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(SafeText, default="")
    figures: Mapped[dict[str, Any] | None] = mapped_column(JsonText)


class Tally(Base):
    """Sums over settled steps, by what is counted, schema and label (`flows.ledger.tallies`)."""

    __tablename__ = "tallies"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    schema_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[float] = mapped_column(Float, default=0.0)


class Decision(Base):
    """What a person decided, append-only.

    ``seconds``: from taking the document to this, where that was measured. ``queued``: it stood in the queue.
    ``bulk_id``: it was accepted with others, and nobody looked at it.
    """

    __tablename__ = "decisions"
    __table_args__ = (UniqueConstraint("document_id", "on_revision"), Index("ix_decisions_at", "at"))

    decision_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"))
    on_revision: Mapped[int] = mapped_column(Integer)
    reviewer: Mapped[str] = mapped_column(SafeText)
    action: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
    fields: Mapped[list[Any]] = mapped_column(JsonText)
    changes: Mapped[list[Any]] = mapped_column(JsonText)
    comment: Mapped[str] = mapped_column(SafeText, default="")
    stage: Mapped[str] = mapped_column(String(16), default="final", server_default=text("'final'"))
    seconds: Mapped[float | None] = mapped_column(Float)
    queued: Mapped[bool | None] = mapped_column(Boolean)
    bulk_id: Mapped[str | None] = mapped_column(String(32))


class Account(Base):
    """One person who may sign in. ``key`` is the folded name; ``subject`` who a provider says it is.

    ``epoch`` grows with every change of password, role or activity: sessions of before are over.
    """

    __tablename__ = "accounts"

    account_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(SafeText)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(String(600), unique=True)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    epoch: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Hold(Base):
    """Who works on a document, until when; ``note`` is that of whoever handed it over."""

    __tablename__ = "holds"

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)
    reviewer: Mapped[str] = mapped_column(SafeText)
    taken_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    until: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    note: Mapped[str] = mapped_column(SafeText, default="")


class TrailEntry(Base):
    """One line of the audit trail, append-only. ``digest`` covers it and the ``before`` of the line above."""

    __tablename__ = "trail"

    number: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(SafeText)
    action: Mapped[str] = mapped_column(String(32))
    document_id: Mapped[str | None] = mapped_column(String(64), index=True)
    body: Mapped[str] = mapped_column(Text)
    before: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))


class Sample(Base):
    """A document drawn at random with ``chance``: of those accepted (``blind``) or of those queued (``queue``).

    ``fields`` and ``wrong`` count leaves once a person has decided (``closed_at``). ``decoy``: the doubt that a blind
    one is shown with (an `ExtractedField` as JSON), since without any it would be known.
    """

    __tablename__ = "samples"
    __table_args__ = (Index("ix_samples_kind_closed_at", "kind", "closed_at"),)

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    schema_name: Mapped[str] = mapped_column(String(64))
    chance: Mapped[float] = mapped_column(Float)
    drawn_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reviewer: Mapped[str] = mapped_column(SafeText, default="")
    fields: Mapped[int] = mapped_column(Integer, default=0)
    wrong: Mapped[int] = mapped_column(Integer, default=0)
    decoy: Mapped[dict[str, Any] | None] = mapped_column(JsonText)


class ReviewPace(Base):
    """How long looks at documents of a schema took in all, and how long they were expected to."""

    __tablename__ = "review_pace"

    schema_name: Mapped[str] = mapped_column(String(64), primary_key=True)
    decisions: Mapped[int] = mapped_column(Integer, default=0)
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    expected: Mapped[float] = mapped_column(Float, default=0.0)


class Bulk(Base):
    """Many documents that somebody accepts at once, after a look at ``sampled`` of them. ``wanted``: the filter."""

    __tablename__ = "bulks"

    bulk_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    reviewer: Mapped[str] = mapped_column(SafeText)
    wanted: Mapped[dict[str, Any]] = mapped_column(JsonText)
    documents: Mapped[int] = mapped_column(Integer)
    sampled: Mapped[int] = mapped_column(Integer)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class BulkItem(Base):
    """A document of a bulk as it was then (``revision``). ``outcome``: accepted, or why it was left out."""

    __tablename__ = "bulk_items"

    bulk_id: Mapped[str] = mapped_column(ForeignKey("bulks.bulk_id"), primary_key=True)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    sampled: Mapped[bool] = mapped_column(Boolean)
    outcome: Mapped[str | None] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(SafeText, default="")


class Batch(Base):
    """Rows that land in one file. ``path`` and ``landed_at`` are set once the file is in the lake."""

    __tablename__ = "batches"

    batch_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    schema_name: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(ForeignKey("schemas.fingerprint"))
    row_count: Mapped[int] = mapped_column(Integer)
    frozen_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    landed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime, index=True)
    path: Mapped[str | None] = mapped_column(SafeText)
    file_sha256: Mapped[str | None] = mapped_column(HASH)


class Row(Base):
    """One version of one row. Version, payload and batch are set when it is frozen, and never change."""

    __tablename__ = "rows"
    __table_args__ = (
        UniqueConstraint("row_key", "version"),
        UniqueConstraint("document_id", "revision"),
        Index("ix_rows_open", "schema_name", "batch_id", "row_id"),
    )

    row_id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, autoincrement=True)
    row_key: Mapped[str] = mapped_column(HASH)
    schema_name: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(HASH)
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.document_id"))
    revision: Mapped[int] = mapped_column(Integer)
    decision_id: Mapped[int | None] = mapped_column(BIG_ID, ForeignKey("decisions.decision_id"))
    retracted: Mapped[bool] = mapped_column(Boolean, default=False)
    landed_by: Mapped[str] = mapped_column(SafeText)
    run_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    version: Mapped[int | None] = mapped_column(Integer)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batches.batch_id"), index=True)
    payload: Mapped[dict[str, Any] | None] = mapped_column(JsonText)
