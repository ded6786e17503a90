"""The addresses of the review page."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from flows.ledger.trust import Right
from flows.metrics import give
from flows.review.deciding import DONE, decide, show
from flows.review.pages import DPI, sharp_dpi
from flows.review.people import Person, wants
from flows.review.queue_view import show_queue
from flows.review.queueing import Filter, document_href, name_of, next_document
from flows.review.readings import shape_of
from flows.review.site import Site, signed_form, site_of
from schemas.errors import DocumentError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
Somebody = Annotated[Person, Depends(wants(Right.READ))]
Decider = Annotated[Person, Depends(wants(Right.DECIDE))]
SignedForm = Annotated[FormData, Depends(signed_form)]


@router.get("/")
def queue(request: Request, site: SiteParts, person: Somebody) -> Response:
    """The queue, filtered as the query says."""
    return show_queue(site, request, person, _notice(request, Filter.of(request.query_params)))


@router.get("/documents/{document_id}")
def document(request: Request, site: SiteParts, person: Somebody, document_id: str) -> Response:
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
    request: Request, site: SiteParts, person: Decider, form: SignedForm, document_id: str
) -> Response:
    """Accept, correct or reject."""
    wanted = Filter.of(request.query_params)
    response = await run_in_threadpool(decide, site, request, document_id, form, person, wanted)
    if response.status_code == 303 and site.land is not None:
        response.background = BackgroundTask(run_in_threadpool, site.land)
    return response


@router.get("/documents/{document_id}/skip")
def skip(request: Request, site: SiteParts, person: Somebody, document_id: str) -> Response:
    """On to the next document, undecided."""
    wanted = Filter.of(request.query_params)
    following = next_document(site.ledger, wanted, document_id, person.name)
    return RedirectResponse(document_href(following, wanted) if following else wanted.href("/"), 303)


@router.get("/documents/{document_id}/pages/{number:int}.png")
def page_image(site: SiteParts, person: Somebody, document_id: str, number: int, dpi: int = DPI) -> Response:
    """The picture of a page; the nearest of a few resolutions, so that it is sharp when one looks closer."""
    record = site.ledger.document(document_id)
    shape = shape_of(record, number)
    rotation = shape.rotation if shape else None
    try:
        path = site.images.path(record.sha256, record.media_type, number, rotation, sharp_dpi(dpi, shape))
    except FileNotFoundError:
        return PlainTextResponse("The file of this document is not kept here.", 404)
    except DocumentError as error:
        return PlainTextResponse(f"Page {number} cannot be shown: {error}", 404)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@router.get("/documents/{document_id}/original")
def original(site: SiteParts, person: Somebody, document_id: str) -> Response:
    """The file itself, always as a download: a browser must not run what somebody sent us."""
    record = site.ledger.document(document_id)
    path = site.blobs.path(record.sha256)
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="application/octet-stream", filename=name_of(record.uri)[0])


@router.get("/healthz")
def health(site: SiteParts) -> Response:
    """For supervisors: whether the page and its ledger answer."""
    return JSONResponse({"status": "ok", "queue": site.ledger.queue_size()})


@router.get("/metrics")
def metrics(request: Request, site: SiteParts) -> Response:
    """For Prometheus, which sends the token of the settings; without one, nobody is answered."""
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    token = site.metrics_token
    if not token or scheme.lower() != "bearer" or not secrets.compare_digest(sent.strip().encode(), token):
        return PlainTextResponse(
            "Metrics are for who sends `metrics_token` of the settings as a bearer token.",
            401,
            {"WWW-Authenticate": "Bearer"},
        )
    return Response(give.exposition(site.ledger), media_type=give.CONTENT_TYPE)


def _notice(request: Request, wanted: Filter) -> dict[str, str] | None:
    """What was just done, with the way back to it. Only our own words; the address could say anything."""
    text = DONE.get(request.query_params.get("done", ""))
    was = request.query_params.get("was", "")
    if text is None or not was.isalnum():
        return None
    return {"text": text, "href": document_href(was, wanted)}
