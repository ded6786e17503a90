"""The addresses of the review page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from flows.ledger.records import DocumentRecord
from flows.review.deciding import DONE, decide, show
from flows.review.queue_view import show_queue
from flows.review.queueing import Filter, document_href, name_of, next_document
from flows.review.security import Session
from flows.review.site import Site, local_path, reviewer_of, signed_form, site_of
from schemas.errors import DocumentError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
Reviewer = Annotated[Session, Depends(reviewer_of)]
SignedForm = Annotated[FormData, Depends(signed_form)]


@router.get("/")
def queue(request: Request, site: SiteParts, reviewer: Reviewer) -> Response:
    """The queue, filtered as the query says."""
    return show_queue(site, request, reviewer.reviewer, _notice(request, Filter.of(request.query_params)))


@router.get("/documents/{document_id}")
def document(request: Request, site: SiteParts, reviewer: Reviewer, document_id: str) -> Response:
    """One document with its pages and fields."""
    wanted = Filter.of(request.query_params)
    return show(
        site,
        request,
        site.ledger.document(document_id),
        wanted,
        reopened=request.query_params.get("edit") == "1",
        notice=_notice(request, wanted),
    )


@router.post("/documents/{document_id}/decision")
async def decision(
    request: Request, site: SiteParts, reviewer: Reviewer, form: SignedForm, document_id: str
) -> Response:
    """Accept, correct or reject."""
    wanted = Filter.of(request.query_params)
    response = await run_in_threadpool(decide, site, request, document_id, form, reviewer.reviewer, wanted)
    if response.status_code == 303 and site.land is not None:
        response.background = BackgroundTask(run_in_threadpool, site.land)
    return response


@router.get("/documents/{document_id}/skip")
def skip(request: Request, site: SiteParts, reviewer: Reviewer, document_id: str) -> Response:
    """On to the next document, undecided."""
    wanted = Filter.of(request.query_params)
    following = next_document(site.ledger, wanted, document_id, reviewer.reviewer)
    return RedirectResponse(document_href(following, wanted) if following else wanted.href("/"), 303)


@router.get("/documents/{document_id}/pages/{number:int}.png")
def page_image(site: SiteParts, reviewer: Reviewer, document_id: str, number: int) -> Response:
    """The picture of a page."""
    record = site.ledger.document(document_id)
    rotation = _rotation(record, number)
    try:
        path = site.images.path(record.sha256, record.media_type, number, rotation)
    except FileNotFoundError:
        return PlainTextResponse("The file of this document is not kept here.", 404)
    except DocumentError as error:
        return PlainTextResponse(f"Page {number} cannot be shown: {error}", 404)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@router.get("/documents/{document_id}/original")
def original(site: SiteParts, reviewer: Reviewer, document_id: str) -> Response:
    """The file itself, always as a download: a browser must not run what somebody sent us."""
    record = site.ledger.document(document_id)
    path = site.blobs.path(record.sha256)
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/octet-stream", filename=name_of(record.uri)[0])


@router.get("/who")
def ask_name(request: Request, site: SiteParts) -> Response:
    """Asks who the reviewer is, and gives the browser its session."""
    session = site.sessions.read(request) or Session.new()
    return _name_form(request, site, session, request.query_params.get("next", "/"), session.reviewer)


@router.post("/who")
async def take_name(request: Request, site: SiteParts, form: SignedForm) -> Response:
    """Keeps the reviewer's name."""
    session = site.sessions.read(request) or Session.new()
    target = local_path(str(form.get("next", "/")))
    named = site.sessions.named(session, str(form.get("name", "")))
    if not named.reviewer:
        return _name_form(request, site, session, target, "", error="Type a name.")
    response = RedirectResponse(target, 303)
    site.sessions.write(response, named, secure=request.url.scheme == "https")
    return response


@router.get("/healthz")
def health(site: SiteParts) -> Response:
    """For supervisors: whether the page and its ledger answer."""
    return JSONResponse({"status": "ok", "queue": site.ledger.queue_size()})


def _name_form(
    request: Request, site: Site, session: Session, target: str, name: str, error: str = ""
) -> Response:
    response = site.render(
        request,
        "who.html",
        status=422 if error else 200,
        token=site.sessions.token(session),
        next=local_path(target),
        name=name,
        error=error,
    )
    site.sessions.write(response, session, secure=request.url.scheme == "https")
    return response


def _rotation(record: DocumentRecord, number: int) -> int | None:
    """How the page was turned when it was read; its boxes belong to the page turned like that."""
    shapes = record.extraction.pages if record.extraction else []
    return next((shape.rotation for shape in shapes if shape.number == number), None)


def _notice(request: Request, wanted: Filter) -> dict[str, str] | None:
    """What was just done, with the way back to it. Only our own words; the address could say anything."""
    text = DONE.get(request.query_params.get("done", ""))
    was = request.query_params.get("was", "")
    if text is None or not was.isalnum():
        return None
    return {"text": text, "href": document_href(was, wanted)}
