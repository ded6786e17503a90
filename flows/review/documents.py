"""A document as its page shows it: what it is, its pages with boxes, its history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flows.ledger.records import DecisionRecord, DocumentRecord, DocumentState, FieldChange, SecondLook
from flows.review.pages import DPI
from flows.review.queueing import name_of
from flows.review.view import BoxView, boxes_by_page
from flows.review.wording import ACTION_WORDS, STATE_WORDS, path_label, plain_words, shown
from schemas.extraction import ExtractedField, PageShape

MAX_SHOWN_PAGES = 500
_SECOND_WORDS = {
    SecondLook.AMOUNT: "waits for a second look",
    SecondLook.RANDOM: "waits for a second look",
    SecondLook.DISAGREEMENT: "two reviewers differ",
}


@dataclass(frozen=True, slots=True)
class DocumentView:
    """The head of the page, and whether its fields can be changed."""

    name: str
    uri: str
    schema: str
    state: str
    state_words: str
    model: str
    sha256: str
    editable: bool
    closed_because: str
    can_reopen: bool
    reasons: tuple[str, ...]
    messages: tuple[str, ...]
    inputs: tuple[str, ...]
    read_at: dt.datetime | None
    original_href: str
    no_pages_because: str


@dataclass(frozen=True, slots=True)
class PageView:
    """One page: its image, its size in points if it is known, and the boxes over it."""

    number: int
    href: str
    dpi: int
    width: float | None
    height: float | None
    boxes: tuple[BoxView, ...]

    @property
    def doubtful(self) -> bool:
        """Whether a doubtful field stands on it."""
        return any(box.doubtful for box in self.boxes)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One changed value in words."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One decision in words."""

    who: str
    what: str
    at: dt.datetime
    comment: str
    changes: tuple[ChangeView, ...]


def document_view(
    record: DocumentRecord,
    fields: Sequence[ExtractedField],
    *,
    reopened: bool,
    has_bytes: bool,
    decidable: bool,
    closed: str = "",
) -> DocumentView:
    """The head of a document's page.

    Args:
        record: from the ledger.
        fields: as they are now.
        reopened: the reviewer asked to change what was decided before.
        has_bytes: whether the source bytes are kept here.
        decidable: whether there is data that can be decided on, under a schema that can be loaded.
        closed: why whoever looks cannot decide on it; empty when they can.
    """
    extraction = record.extraction
    # A sample of what was accepted looks like all others that wait: who looks must not know that it has landed.
    waits = record.waiting
    done = (
        record.state in (DocumentState.ACCEPTED, DocumentState.REVIEWED, DocumentState.REJECTED) and not waits
    )
    decidable = decidable and not closed
    editable = decidable and (waits or (done and reopened))
    at_fields = {reason for f in fields for reason in f.reasons}
    known = tuple(f"{f.path}: " for f in fields)
    of_fields = {message for f in fields for message in f.messages}
    messages = [
        m
        for m in (extraction.messages if extraction else [])
        if not m.startswith(known) and m not in of_fields
    ]
    if extraction is not None and extraction.failure is not None:
        messages = [plain_words(extraction.failure), *([extraction.detail] if extraction.detail else [])]
    reads = [step.at for step in record.transitions if step.to_state in _READ]
    return DocumentView(
        name=name_of(record.uri)[0],
        uri=record.uri,
        schema=record.schema_name,
        state=DocumentState.REVIEW if waits else record.state,
        state_words=_SECOND_WORDS[record.second_look]
        if waits and record.second_look is not None
        else STATE_WORDS[DocumentState.REVIEW if waits else record.state],
        model=record.model,
        sha256=record.sha256,
        editable=editable,
        closed_because="" if editable else closed or f"This document is {STATE_WORDS[record.state]}.",
        can_reopen=decidable and done and not reopened,
        reasons=tuple(r for r in record.reasons if r not in at_fields) if waits else (),
        messages=tuple(messages),
        inputs=tuple(f"{i.uri}!{i.member}" if i.member else i.uri for i in record.inputs),
        read_at=reads[0] if reads else None,
        original_href=f"/documents/{record.document_id}/original" if has_bytes else "",
        no_pages_because="" if has_bytes else "the file itself is not kept here. Find it under its source.",
    )


_READ = {DocumentState.ACCEPTED, DocumentState.REVIEW, DocumentState.UNREADABLE, DocumentState.FAILED}


def page_views(
    record: DocumentRecord, fields: Sequence[ExtractedField], labels: Mapping[str, str]
) -> list[PageView]:
    """Every page of the file that can be shown, read or not."""
    extraction = record.extraction
    if extraction is None:
        return []
    shapes = {shape.number: shape for shape in extraction.pages}
    boxes = boxes_by_page(fields, labels)
    last = min(max([extraction.page_count, *shapes, *boxes], default=0), MAX_SHOWN_PAGES)
    numbers = range(1, last + 1)
    return [_page(record.document_id, n, shapes.get(n), boxes.get(n, [])) for n in numbers]


def _page(document_id: str, number: int, shape: PageShape | None, boxes: list[BoxView]) -> PageView:
    return PageView(
        number=number,
        href=f"/documents/{document_id}/pages/{number}.png",
        dpi=DPI,
        width=shape.width if shape else None,
        height=shape.height if shape else None,
        boxes=tuple(boxes),
    )


def history(record: DocumentRecord) -> list[HistoryEntry]:
    """All decisions, the newest first."""
    return [history_entry(decision) for decision in reversed(record.decisions)]


def history_entry(decision: DecisionRecord) -> HistoryEntry:
    """A decision in words."""
    return HistoryEntry(
        who=decision.reviewer,
        what=ACTION_WORDS[decision.action],
        at=decision.at,
        comment=decision.comment,
        changes=tuple(ChangeView(c.path, shown(c.before), _after(c)) for c in decision.changes),
    )


def _after(change: FieldChange) -> str:
    """The new value; of rows that only changed places, that they did."""
    before, after = change.before, change.after
    moved = isinstance(before, list) and isinstance(after, list)
    return f"{shown(after)}, in another order" if moved else shown(after)


def labels_of(fields: Sequence[ExtractedField]) -> dict[str, str]:
    """What a box says when the pointer rests on it."""
    return {f.path: f"{path_label(f.path)}: {f.raw}" if f.raw else path_label(f.path) for f in fields}
