"""What happens when a reviewer decides: read the form, refuse what is wrong, store, go on to the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from flows.ledger.records import Action, ConflictError, DocumentRecord, Stage
from flows.ledger.trust import Right
from flows.review.blind import as_shown
from flows.review.corrections import Corrected, Current, read_form
from flows.review.documents import (
    document_view,
    history,
    history_entry,
    labels_of,
    page_views,
)
from flows.review.formstate import FormState, leaf_paths, state_from_form
from flows.review.holding import barred, hold_view
from flows.review.people import Person, known
from flows.review.places import Places
from flows.review.queueing import Filter, document_href, name_of, next_document
from flows.review.site import Site
from flows.review.view import Form
from flows.review.wording import path_label, shown
from schemas.errors import UsageError
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema

MAX_COMMENT = 1000
DONE = {
    "accept": "Accepted.",
    "correct": "Corrections saved.",
    "reject": "Rejected.",
    "first": "Stored. It lands when somebody else has looked at it, too.",
    "disputed": "Stored. You and the first reviewer differ; a senior reviewer settles it.",
    "handed": "Handed over.",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that came back to its reviewer, with what is wrong with it."""

    state: FormState
    corrected: Corrected
    comment: str = ""
    confirm: str = ""


def decide(
    site: Site, request: Request, document_id: str, form: FormData, person: Person, wanted: Filter
) -> Response:
    """Stores a decision, or answers with the form (422), or with the conflict (409)."""
    record = site.ledger.document(document_id)
    schema, current = site.schema_of(record), Current.of(record)
    if schema is None or current is None:
        raise UsageError(f"{record.uri} has nothing to decide on.", remedy="Go back to the queue.")
    version = str(form.get("version", ""))
    comment = " ".join(str(form.get("comment", "")).split())[:MAX_COMMENT]
    items = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    state = state_from_form(items)
    if form.get("action") == "reject":
        if record.version == _number(version) and len(comment) < 3:
            return show(site, request, record, wanted, reject_error="Say why, in a few words.")
        return _store(
            site, request, record, wanted, _Decision("reject", version, person, comment, None, state)
        )
    if record.version != _number(version):
        return conflict(site, request, record, wanted, state, "save these values")
    corrected = read_form(state, current, schema, person.name, Places(record, site.readings))
    if corrected.errors:
        return show(site, request, record, wanted, draft=Draft(state, corrected, comment))
    told = not corrected.altered and ReviewReason.RULE_VIOLATED in record.reasons
    if corrected.violated and not told and form.get("confirmed") != corrected.violated_mark:
        draft = Draft(state, corrected, comment, corrected.violated_mark)
        return show(site, request, record, wanted, draft=draft)
    action: Action = "correct" if corrected.altered or current.decided else "accept"
    return _store(
        site, request, record, wanted, _Decision(action, version, person, comment, corrected, state)
    )


@dataclass(frozen=True, slots=True)
class _Decision:
    action: Action
    version: str
    person: Person
    comment: str
    corrected: Corrected | None
    state: FormState


def _store(site: Site, request: Request, record: DocumentRecord, wanted: Filter, made: _Decision) -> Response:
    following = next_document(site.ledger, wanted, record.document_id, made.person.name)
    corrected = made.corrected
    schema = site.schema_of(record)
    data = corrected.data if corrected else None
    second = site.second.asks(record, data, schema) if schema is not None else None
    try:
        stage = site.ledger.decide(
            record.document_id,
            reviewer=made.person.name,
            action=made.action,
            data=data,
            fields=corrected.fields if corrected else None,
            changes=corrected.changes if corrected else [],
            comment=made.comment,
            expected_version=_number(made.version),
            second=second,
            settles=made.person.may(Right.SETTLE),
        )
    except ConflictError:
        now = site.ledger.document(record.document_id)
        verb = "reject it" if made.action == "reject" else "save these values"
        return conflict(site, request, now, wanted, made.state, verb)
    more = {"done": made.action if stage is Stage.FINAL else stage.value, "was": record.document_id}
    target = document_href(following, wanted, **more) if following else wanted.href("/", **more)
    return RedirectResponse(target, status_code=303)


def conflict(
    site: Site, request: Request, record: DocumentRecord, wanted: Filter, state: FormState, verb: str
) -> Response:
    """Both versions beside each other; nothing was stored."""
    schema, current = site.schema_of(record), Current.of(record)
    stored = current.state(schema) if schema is not None and current is not None else FormState()
    texts = {path: " ".join(text.split()) for path, text in state.texts.items()}
    paths = list(dict.fromkeys(chain(_ordered(schema, stored), texts)))
    rows = [
        {"path": path, "mine": _cell(texts, path), "stored": _cell(stored.texts, path)}
        for path in paths
        if texts and texts.get(path, "") != stored.texts.get(path, "")
    ]
    entry = history_entry(record.decisions[-1]) if record.decisions else None
    return site.render(
        request,
        "conflict.html",
        status=409,
        name=name_of(record.uri)[0],
        entry=entry,
        wanted=verb,
        rows=rows,
        href=document_href(record.document_id, wanted),
        next_href=wanted.href(f"/documents/{record.document_id}/skip"),
    )


def show(
    site: Site,
    request: Request,
    record: DocumentRecord,
    wanted: Filter,
    *,
    draft: Draft | None = None,
    reopened: bool = False,
    notice: dict[str, str] | None = None,
    reject_error: str = "",
) -> Response:
    """The page of a document; with a draft, what was written and what is wrong with it."""
    record = as_shown(record)
    schema, current = site.schema_of(record), Current.of(record)
    fields = list(current.fields.values()) if current else []
    has_bytes = site.blobs.has(record.sha256)
    person = known(request) or Person("")
    hold = hold_view(site, person, record, wanted)
    view = document_view(
        record,
        fields,
        reopened=reopened or draft is not None or bool(reject_error),
        has_bytes=has_bytes,
        decidable=schema is not None and current is not None,
        closed=barred(person, record) or (f"{hold.by_other} is working on it." if hold.by_other else ""),
    )
    if schema is not None and current is not None:
        initial = current.state(schema)
        errors = draft.corrected.errors if draft else {}
        form = Form(draft.state if draft else initial, initial, current.fields, errors)
        children = form.children(schema.tree)
    else:
        children = ()
    pages = page_views(record, fields, labels_of(fields)) if has_bytes else []
    base = f"/documents/{record.document_id}"
    return site.render(
        request,
        "document.html",
        status=422 if draft or reject_error else 200,
        doc=view,
        children=children,
        pages=pages,
        history=history(record),
        version=record.version,
        hold=hold,
        trail_href=f"/trail?document={record.document_id}",
        problems=_problems(draft),
        problems_title=_problems_title(draft),
        confirm_rules=draft.confirm if draft else "",
        comment=draft.comment if draft else "",
        reject_error=reject_error,
        notice=notice,
        doubtful_count=sum(1 for f in fields if f.reasons),
        queue_href=wanted.href("/"),
        pages_base=base,
        decide_href=wanted.href(f"{base}/decision"),
        skip_href=wanted.href(f"{base}/skip"),
        reopen_href=document_href(record.document_id, wanted, edit=1),
    )


def _problems(draft: Draft | None) -> list[tuple[str, str]]:
    """What is wrong, each with the input it is about (``""`` for none)."""
    if draft is None:
        return []
    if draft.confirm:
        return [(text, "") for text in draft.corrected.violated]
    known = draft.state.texts
    return [
        (f"{path_label(path)}: {text}" if path else text, path if path in known else "")
        for path, text in draft.corrected.errors.items()
    ]


def _problems_title(draft: Draft | None) -> str:
    if draft is None or not draft.confirm:
        return "Nothing was stored. Please correct:"
    return "Nothing was stored yet. The fields contradict each other; save all the same if the print says so:"


def _ordered(schema: LoadedSchema | None, state: FormState) -> list[str]:
    return [path for path, _ in leaf_paths(schema.tree, state)] if schema is not None else []


def _cell(texts: object, path: str) -> str:
    known = texts if isinstance(texts, dict) else {}
    return shown(known[path]) if path in known else "no such row"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
