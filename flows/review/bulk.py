"""Accepting many documents of a filter at once, after a look at some: each as if somebody had pressed Accept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from flows.ledger.desk import BulkRecord
from flows.ledger.trust import Right
from flows.review.corrections import Current, read_form
from flows.review.people import Person, wants
from flows.review.queue_view import capped
from flows.review.queueing import Filter, document_href, name_of
from flows.review.site import Site, signed_form, site_of
from schemas.errors import UsageError
from schemas.registry import LoadedSchema

MOST = 500
SHARES = (5, 10, 20)
"""Percent of the documents that can be chosen to be looked at."""
AT_ONCE = 20
"""Documents accepted by one request: about a second, so that the page shows how far it is."""

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
SignedForm = Annotated[FormData, Depends(signed_form)]
Senior = Annotated[Person, Depends(wants(Right.SETTLE))]


@router.get("/bulk")
def ask(request: Request, site: SiteParts, person: Senior) -> Response:
    """What would be accepted, and how many of it must be looked at."""
    return _form(site, request, person.name)


@router.post("/bulk")
def begin(request: Request, site: SiteParts, person: Senior, form: SignedForm) -> Response:
    """Takes down which documents, and draws those to be looked at."""
    wanted = Filter.of(request.query_params)
    share = str(form.get("share", ""))
    if not share.isdecimal() or int(share) not in SHARES:
        return _form(site, request, person.name, error="Choose how many to look at.")
    bulk_id = site.ledger.start_bulk(
        wanted.asked(person.name), query=wanted.query(), share=int(share) / 100, reviewer=person.name
    )
    return RedirectResponse(f"/bulk/{bulk_id}", 303)


@router.get("/bulk/{bulk_id}")
def progress(request: Request, site: SiteParts, person: Senior, bulk_id: str) -> Response:
    """How far a bulk is: those to be looked at, the rest, and what was left out."""
    found = site.ledger.bulk(bulk_id)
    looks = Filter(bulk=bulk_id)
    lines = [
        (line, name_of(line.uri)[0], document_href(line.document_id, looks if line.sampled else Filter()))
        for line in found.lines
    ]
    undone = [href for line, _, href in lines if line.sampled and line.outcome is None]
    return site.render(
        request,
        "bulk.html",
        bulk=found,
        mine=found.reviewer == person.name,
        looks=[one for one in lines if one[0].sampled],
        left_out=[one for one in lines if not one[0].sampled],
        next_href=undone[0] if undone else "",
        queue_href=Filter.of(found.wanted).href("/"),
        words=filter_words(Filter.of(found.wanted)),
    )


@router.post("/bulk/{bulk_id}/accept")
async def accept(
    request: Request, site: SiteParts, person: Senior, form: SignedForm, bulk_id: str
) -> Response:
    """Accepts some more of the rest; the page asks again until none is left."""
    found = await run_in_threadpool(_accept_some, site, person.name, bulk_id)
    response: Response
    if "application/json" in request.headers.get("accept", ""):
        figures = {"open": found.open, "done": found.through, "rest": found.others}
        response = JSONResponse(figures | {"state": found.state})
    else:
        response = RedirectResponse(f"/bulk/{bulk_id}", 303)
    if found.finished_at is not None and site.land is not None:
        response.background = BackgroundTask(run_in_threadpool, site.land)
    return response


@router.post("/bulk/{bulk_id}/end")
def end(request: Request, site: SiteParts, person: Senior, form: SignedForm, bulk_id: str) -> Response:
    """Gives a bulk up; what was not accepted stays in the queue."""
    _own(site, person.name, bulk_id)
    site.ledger.finish_bulk(bulk_id)
    return RedirectResponse(f"/bulk/{bulk_id}", 303)


def _own(site: Site, reviewer: str, bulk_id: str) -> BulkRecord:
    found = site.ledger.bulk(bulk_id)
    if found.reviewer != reviewer:
        raise UsageError(
            f"This was begun by {found.reviewer}, whose name the decisions would bear.",
            remedy="Leave it to them, or begin one of your own.",
        )
    return found


def _accept_some(site: Site, reviewer: str, bulk_id: str) -> BulkRecord:
    _own(site, reviewer, bulk_id)
    for document_id in site.ledger.bulk_next(bulk_id, AT_ONCE):
        record = site.ledger.document(document_id)
        schema, current = site.schema_of(record), Current.of(record)
        if schema is None or current is None:
            why = "has nothing to decide on"
        elif site.second.asks(record, current.data, schema) is not None:
            why = "needs two pairs of eyes"
        else:
            why = _unfit(current, schema, reviewer)
        if why:
            site.ledger.bulk_leave_out(bulk_id, document_id, why)
        else:
            site.ledger.bulk_accept(bulk_id, document_id)
    found = site.ledger.bulk(bulk_id)
    if found.state == "ready" and not found.open:
        site.ledger.finish_bulk(bulk_id)
        found = site.ledger.bulk(bulk_id)
    return found


def _unfit(current: Current, schema: LoadedSchema, reviewer: str) -> str:
    """Why a document could not be accepted by one press of the button, so not with others either."""
    corrected = read_form(current.state(schema), current, schema, reviewer)
    if corrected.errors or corrected.changes:
        return "has a value that must be corrected first"
    return "its fields contradict each other" if corrected.violated else ""


def _form(site: Site, request: Request, reviewer: str, error: str = "") -> Response:
    wanted = Filter.of(request.query_params)
    view = site.ledger.queue_view(wanted.asked(reviewer), limit=1)
    documents = min(view.matching, MOST)
    return site.render(
        request,
        "bulk_new.html",
        status=422 if error else 200,
        matching=capped(view.matching, "document", "documents"),
        many=view.matching > MOST,
        most=MOST,
        documents=documents,
        shares=[(share, max(-(-documents * share // 100), min(5, documents))) for share in SHARES],
        words=filter_words(wanted),
        begin_href=wanted.href("/bulk"),
        queue_href=wanted.href("/"),
        error=error,
    )


def filter_words(wanted: Filter) -> str:
    """A filter in words: ``schema receipt, reason model_unsure``."""
    names = {"q": "search", "older": "waiting for at least", "from": "amount from", "to": "amount to"}
    names |= {"held": "held by", "whose": "tab"}
    found = [f"{names.get(name, name)} {value}" for name, value in wanted.query().items() if name != "sort"]
    return ", ".join(found)
