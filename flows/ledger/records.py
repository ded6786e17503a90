"""What the ledger gives and takes: plain frozen values, never database objects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from schemas.errors import ConservationError, LedgerError
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import FailureReason, Outcome, ReviewReason

Action = Literal["accept", "correct", "reject"]


class ConflictError(LedgerError):
    """Someone else decided on the document first; nothing was written."""


class UnknownDocumentError(LedgerError):
    """The ledger has no document with that id."""


class StaleTokenError(LedgerError):
    """The lease was lost and another worker has the document; nothing was written."""


class LedgerUnavailableError(LedgerError):
    """The database did not answer, or not in time. What was begun is undone; trying again can help."""

    retryable = True


def conservation_error(run_id: str, named: Sequence[str], count: int) -> ConservationError:
    """The error that says which inputs of a run do not add up; some of them by name."""
    shown = "; ".join(named) + (f"; and {count - len(named)} more" if count > len(named) else "")
    return ConservationError(
        f"Run {run_id}: {count} inputs do not add up: {shown}.",
        remedy="Run again: inputs still open are taken up where they were left. If it stays, report it.",
    )


class DocumentState(StrEnum):
    """Where a document is. The last six are also the outcome of its input."""

    PENDING = "pending"
    PROCESSING = "processing"
    ACCEPTED = "accepted"
    REVIEW = "review"
    REVIEWED = "reviewed"
    REJECTED = "rejected"
    UNREADABLE = "unreadable"
    FAILED = "failed"


class Stage(StrEnum):
    """What a decision does: it counts, waits for a second one, or stands against the first."""

    FINAL = "final"
    FIRST = "first"
    DISPUTED = "disputed"


class SecondLook(StrEnum):
    """Why a document that was decided waits for somebody else."""

    AMOUNT = "amount"
    RANDOM = "random"
    DISAGREEMENT = "disagreement"


def place(uri: str, member: str | None) -> str:
    """Where an input is, for people and for its row: of a member, the archive and the name in it."""
    return f"{uri}!/{member}" if member else uri


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class InputRecord(_Record):
    """One file, object or archive member, at one version, for one schema and model.

    Attributes:
        outcome: ``None`` while its document is not through yet.
        duplicate: the same content is an input already, which has the row.
        new: it was not in the ledger before this call.
        needs_content: its document may still be claimed, so the bytes will be wanted.
    """

    input_id: int
    uri: str
    version: str
    member: str | None
    sha256: str | None
    size: int
    media_type: str
    document_id: str | None
    outcome: Outcome | None
    reason: FailureReason | None = None
    detail: str = ""
    duplicate: bool = False
    new: bool = False
    needs_content: bool = False


class InputContent(_Record):
    """An input whose bytes were seen: where it is, and what they are. ``archive_id``: the archive it lies in."""

    uri: str
    version: str
    sha256: str
    size: int
    media_type: str
    member: str | None = None
    archive_id: int | None = None


class ClaimedDocument(_Record):
    """A document that one worker holds until ``lease_until``. ``attempts`` counts this claim too.

    ``uri``, ``version`` and ``member`` are those of an input of the run, when the claim named a run.
    """

    document_id: str
    token: int
    uri: str
    version: str
    member: str | None
    sha256: str
    size: int
    media_type: str
    schema_name: str
    fingerprint: str
    model: str
    attempts: int
    lease_until: dt.datetime

    @property
    def place(self) -> str:
        """Where it is, for people: ``file:///in/all.zip!/a.pdf`` for a member."""
        return place(self.uri, self.member)


class FieldChange(_Record):
    """What a reviewer changed: the JSON form of the value before and after, at a concrete path."""

    path: str
    before: Any = None
    after: Any = None


class DecisionRecord(_Record):
    """What a person decided, when, on which version of the document."""

    decision_id: int
    at: dt.datetime
    reviewer: str
    action: Action
    data: dict[str, Any] | None
    fields: list[ExtractedField] = Field(default_factory=list)
    changes: list[FieldChange] = Field(default_factory=list)
    comment: str = ""
    on_version: int = 0
    stage: Stage = Stage.FINAL


class TransitionRecord(_Record):
    """One step of a document: who moved it, from where to where; ``token`` is that of the claim it is of."""

    at: dt.datetime
    from_state: DocumentState | None
    to_state: DocumentState
    token: int | None = None
    actor: str
    run_id: str | None
    detail: str = ""


class DocumentRecord(_Record):
    """All the ledger knows of a document. ``version`` is what `Ledger.decide` wants as expected version.

    ``waiting``: it stands in the queue, whatever its state. ``second_look``: decided once, and why once more.
    ``decoy``: the field as a blind sample is to be shown (`flows.review.blind`).
    """

    document_id: str
    uri: str
    sha256: str
    size: int
    media_type: str
    schema_name: str
    fingerprint: str
    model: str
    state: DocumentState
    version: int
    attempts: int
    extraction: Extraction | None
    inputs: list[InputRecord]
    decisions: list[DecisionRecord]
    transitions: list[TransitionRecord]
    reasons: list[ReviewReason]
    queued_at: dt.datetime | None
    landed_versions: list[int] = Field(default_factory=list)
    waiting: bool = False
    second_look: SecondLook | None = None
    decoy: ExtractedField | None = None


def with_decoy(extraction: Extraction, decoy: ExtractedField | None) -> Extraction:
    """An extraction with one of its fields as the decoy is."""
    if decoy is None:
        return extraction
    return extraction.model_copy(
        update={
            "accepted": False,
            "fields": [decoy if one.path == decoy.path else one for one in extraction.fields],
            "reasons": list(dict.fromkeys([*extraction.reasons, *decoy.reasons])),
        }
    )


class QueueItem(_Record):
    """One document that waits for a person. ``doubtful`` counts the fields with a reason."""

    document_id: str
    uri: str
    sha256: str
    schema_name: str
    fingerprint: str
    model: str
    reasons: list[ReviewReason]
    doubtful: int
    page_count: int
    queued_at: dt.datetime
    version: int


class QueueFacets(_Record):
    """How many documents of the queue each filter would show, most first."""

    schemas: dict[str, int]
    reasons: dict[ReviewReason, int]


class FrozenRow(_Record):
    """One version of one row, exactly as it lands. ``data`` is ``None`` for a retraction.

    ``row_key`` is the SHA-256 over content hash and schema name; ``version`` counts from 1 per key and
    ``supersedes`` is the version before, if any. ``landed_by`` is ``model`` or the reviewer's name.
    """

    row_key: str
    version: int
    supersedes: int | None
    valid_from: dt.datetime
    landed_by: str
    retracted: bool
    document_sha256: str
    source_uri: str
    model: str
    schema_version: int
    fingerprint: str
    run_id: str | None
    data: dict[str, Any] | None
    evidence: list[ExtractedField]


class FrozenBatch(_Record):
    """Rows that land together in the file ``<batch_id>.parquet``; the same for ever once frozen.

    ``json_schema`` is the schema the rows were extracted with, which need not be today's.
    """

    batch_id: str
    schema_name: str
    fingerprint: str
    schema_version: int
    json_schema: dict[str, Any]
    rows: list[FrozenRow]


class RowName(NamedTuple):
    """What tells one version of one row from all others in the lake."""

    row_key: str
    version: int


class BatchRecord(_Record):
    """A frozen batch and what became of it. ``path`` and ``file_sha256`` are set once it has landed."""

    batch_id: str
    schema_name: str
    fingerprint: str
    row_count: int
    frozen_at: dt.datetime
    landed_at: dt.datetime | None
    path: str | None
    file_sha256: str | None


class ModelUsed(_Record):
    """Which weights: ``revision`` is a commit of a hub, else the same as ``manifest``, the hash of all the files."""

    name: str
    revision: str
    manifest: str


class PromotionRecord(_Record):
    """One step of the pointer to the promoted model; ``restores``: it rolled back to that earlier step."""

    number: int
    at: dt.datetime
    actor: str
    reason: str
    name: str
    revision: str
    manifest: str
    model: str
    uri: str
    evaluation: dict[str, Any] | None
    before: int | None
    restores: int | None


class RunRecord(_Record):
    """One run of the flow. ``state`` is ``crashed`` when its process was lost; ``finished_at`` then its last sign."""

    run_id: str
    source: str
    schema_name: str
    fingerprint: str
    model: str
    weights: ModelUsed | None = None
    parameters: dict[str, Any]
    state: str
    started_at: dt.datetime
    finished_at: dt.datetime | None
    inputs: int = 0


class Reaped(_Record):
    """What was found of processes that are gone; ``more``: there is more of it, so reap again."""

    given_back: int
    set_aside: int
    crashed_runs: list[str]
    more: bool


class RunDocument(_Record):
    """How one input of a run ended; ``seconds`` is its time in the pipeline (0 when not processed)."""

    input_id: int
    uri: str
    member: str | None
    document_id: str | None
    outcome: Outcome | None
    reasons: list[str]
    detail: str
    seconds: float
    page_count: int
    attempts: int
    processed_now: bool


class PageCounts(_Record):
    """Where the pages of a run's documents went. All but the last sum to ``total``.

    Attributes:
        text_layer: read from the file's own text.
        ocr: read by text recognition.
        blank: nothing is on them.
        unreadable: something is on them that could not be read; a reason for review.
        skipped: not asked for (``--pages``).
        documents_not_opened: documents of which nobody knows how many pages they have.
    """

    total: int = 0
    text_layer: int = 0
    ocr: int = 0
    blank: int = 0
    unreadable: int = 0
    skipped: int = 0
    documents_not_opened: int = 0


class Reckoning(_Record):
    """A run summed up. ``outcomes`` sum to ``inputs``, ``member_outcomes`` to ``members``.

    Attributes:
        processed: documents that this run brought to an end.
        stage_seconds: time by stage, summed over documents, which are worked on side by side.
        machines: hosts that worked on them.
        slowest: of those processed, slowest first.
        failed: inputs that failed or could not be read; the first of them.
        waiting: inputs that wait for a person; the first of them, those worth most of a look first.
        faults: what does not add up, in sentences; the first of ``fault_count``.
    """

    inputs: int
    outcomes: dict[str, int]
    members: int
    member_outcomes: dict[str, int]
    processed: int
    pages: PageCounts
    reasons: dict[str, int]
    stage_seconds: dict[str, float]
    machines: int
    slowest: list[RunDocument]
    failed: list[RunDocument]
    waiting: list[RunDocument]
    faults: list[str]
    fault_count: int

    def error(self, run_id: str) -> ConservationError | None:
        """What to raise if the run does not add up."""
        return conservation_error(run_id, self.faults, self.fault_count) if self.fault_count else None


class RetryGroup(_Record):
    """Inputs that can be done again by one run: of one source, schema and model. ``parameters``: of the last."""

    source: str
    schema_name: str
    fingerprint: str
    model: str
    inputs: int
    parameters: dict[str, Any]


class SchemaStatus(_Record):
    """The inputs of one schema, in one form of it, under one model. ``outcomes`` sum to ``inputs``."""

    schema_name: str
    fingerprint: str
    model: str
    inputs: int
    outcomes: dict[str, int]


class StatusReport(_Record):
    """The ledger in figures. ``outcomes`` sum to ``inputs``; ``pending`` is among them while work is open.

    An input is a file, at one version, under one schema and model: a folder of 20 files that was run under two
    schemas is 40 inputs, 20 in each entry of ``by_schema``, and 20 ``files``.
    ``members`` counts what archives held; those are not among ``inputs``.
    """

    inputs: int
    outcomes: dict[str, int]
    members: int
    member_outcomes: dict[str, int]
    documents: dict[str, int]
    queue: int
    landed_rows: int
    landed_files: int
    rows_to_land: int
    reasons: dict[str, int]
    runs: list[RunRecord]
    files: int = 0
    by_schema: list[SchemaStatus] = Field(default_factory=list)
