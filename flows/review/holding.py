"""Who works on a document: taken when it is opened, kept while it is worked on, given back, handed over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import takewhile
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from flows.ledger.records import DocumentRecord, SecondLook, Stage
from flows.ledger.trust import HeldError, HoldRecord, Right
from flows.review.people import Person, wants
from flows.review.queueing import Filter, document_href
from flows.review.security import clean_name
from flows.review.site import Site, signed_form, site_of
from schemas.errors import UsageError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
SignedForm = Annotated[FormData, Depends(signed_form)]
Decider = Annotated[Person, Depends(wants(Right.DECIDE))]
Senior = Annotated[Person, Depends(wants(Right.SETTLE))]


@dataclass(frozen=True, slots=True)
class HoldView:
    """Who has a document, as its page shows it. ``by_other`` is empty when it is free, or the reader's own."""

    by_other: str = ""
    until: dt.datetime | None = None
    note: str = ""
    may_take_over: bool = False
    keep_href: str = ""
    let_go_href: str = ""
    hand_over_href: str = ""
    take_over_href: str = ""
    seconds: int = 0
    others: tuple[str, ...] | None = None


def barred(person: Person, record: DocumentRecord) -> str:
    """Why this person cannot decide on a document that others could, whoever holds it; empty when they can."""
    if not person.may(Right.DECIDE):
        return "Your account looks at documents, and decides on none."
    looks = takewhile(lambda d: d.stage is not Stage.FINAL, reversed(record.decisions))
    looked = {look.reviewer for look in looks}
    if record.second_look is not None and person.name in looked:
        return "You have looked at it; it waits for somebody else."
    if record.second_look is SecondLook.DISAGREEMENT and not person.may(Right.SETTLE):
        return "Two reviewers differ; a senior reviewer settles it."
    return ""


def hold_view(site: Site, person: Person, record: DocumentRecord, wanted: Filter) -> HoldView:
    """Who has a document; only one that waits, before somebody who decides, can be had."""
    hold = site.ledger.holder(record.document_id)
    base = f"/documents/{record.document_id}"
    if hold is not None and hold.reviewer != person.name:
        return HoldView(
            hold.reviewer,
            hold.until,
            hold.note,
            person.may(Right.SETTLE),
            take_over_href=wanted.href(f"{base}/take-over"),
        )
    if not record.waiting or barred(person, record):
        return HoldView()
    others = None
    if site.people.needed():
        accounts = (a for a in site.ledger.accounts() if a.active and a.may(Right.DECIDE))
        others = tuple(a.name for a in accounts if a.name != person.name)
    return HoldView(
        note=hold.note if hold is not None else "",
        keep_href=f"{base}/hold",
        let_go_href=f"{base}/let-go",
        hand_over_href=wanted.href(f"{base}/hand-over"),
        seconds=round(site.hold_seconds),
        others=others,
    )


@router.post("/documents/{document_id}/hold")
async def hold(site: SiteParts, person: Decider, form: SignedForm, document_id: str) -> Response:
    """Takes the document, or keeps it; 409 says who has it. The page's script calls it, also as time goes by."""

    def take() -> Response:
        record = site.ledger.document(document_id)
        if not record.waiting or barred(person, record):
            return JSONResponse({"held": False})
        try:
            return _told(site.ledger.hold(document_id, person.name, seconds=site.hold_seconds), mine=True)
        except HeldError as error:
            return _told(error.hold, mine=False)

    return await run_in_threadpool(take)


@router.post("/documents/{document_id}/let-go")
async def let_go(site: SiteParts, person: Decider, form: SignedForm, document_id: str) -> Response:
    """Gives the document back: somebody else may have it at once."""
    await run_in_threadpool(site.ledger.let_go, document_id, person.name)
    return RedirectResponse(Filter.of(dict(_texts(form))).href("/"), 303)


@router.post("/documents/{document_id}/take-over")
async def take_over(
    request: Request, site: SiteParts, person: Senior, form: SignedForm, document_id: str
) -> Response:
    """Takes a document from whoever has it; it is in the trail."""

    def take() -> Response:
        site.ledger.document(document_id)
        site.ledger.hold(document_id, person.name, seconds=site.hold_seconds, over=True)
        return RedirectResponse(document_href(document_id, Filter.of(request.query_params)), 303)

    return await run_in_threadpool(take)


@router.post("/documents/{document_id}/hand-over")
async def hand_over(
    request: Request, site: SiteParts, person: Decider, form: SignedForm, document_id: str
) -> Response:
    """Gives a document to somebody else, with a word about it."""

    def give() -> Response:
        to = clean_name(str(form.get("to", "")))
        if site.people.needed():
            found = site.ledger.credentials(to)
            if found is None or not found[0].active or not found[0].may(Right.DECIDE):
                raise UsageError(f"Nobody named {to!r} reviews here.", remedy="Choose one of the list.")
            to = found[0].name
        if not to or to == person.name:
            raise UsageError("A document is handed over to somebody else.", remedy="Say to whom.")
        site.ledger.document(document_id)
        note = " ".join(str(form.get("note", "")).split())[:500]
        site.ledger.hand_over(document_id, person.name, to, note)
        return RedirectResponse(
            Filter.of(request.query_params).href("/", done="handed", was=document_id), 303
        )

    return await run_in_threadpool(give)


def _told(hold: HoldRecord, *, mine: bool) -> JSONResponse:
    said = {"held": True, "mine": mine, "by": hold.reviewer, "until": hold.until.isoformat()}
    return JSONResponse(said, 200 if mine else 409)


def _texts(form: FormData) -> list[tuple[str, str]]:
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
