"""Addresses for pointing at a page and for checking while one types; answers are JSON, texts of documents are data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, Response

from flows.ledger.records import DocumentRecord
from flows.ledger.trust import Right
from flows.review.checking import check
from flows.review.people import Person, wants
from flows.review.readings import PageWords
from flows.review.site import Site, signed_form, site_of
from schemas.errors import DocumentError

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
Reader = Annotated[Person, Depends(wants(Right.READ))]
Decider = Annotated[Person, Depends(wants(Right.DECIDE))]
SignedForm = Annotated[FormData, Depends(signed_form)]
Points = Annotated[float, Query(ge=0, le=20_000, allow_inf_nan=False)]

_GONE = "The file of this document is not kept here any more, so nothing can be taken from its pages. Type the value."


@router.get("/documents/{document_id}/pages/{number:int}/words")
def words(site: SiteParts, person: Reader, document_id: str, number: int) -> Response:
    """The words of a page with their boxes in points, in reading order."""
    record = site.ledger.document(document_id)
    return _words(record, number, lambda: site.readings.page(record, number))


@router.get("/documents/{document_id}/pages/{number:int}/region")
def region(
    site: SiteParts,
    person: Reader,
    document_id: str,
    number: int,
    x0: Points,
    y0: Points,
    x1: Points,
    y1: Points,
) -> Response:
    """The words in a part of a page: of its text layer, or read by OCR now."""
    record = site.ledger.document(document_id)
    return _words(record, number, lambda: site.readings.region(record, number, (x0, y0, x1, y1)))


@router.post("/documents/{document_id}/check")
async def check_form(
    request: Request, site: SiteParts, person: Decider, form: SignedForm, document_id: str
) -> Response:
    """How the values of a form are read, what is wrong with them, and the checks between fields. Stores nothing."""
    items = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return JSONResponse(await run_in_threadpool(check, site, site.ledger.document(document_id), items))


def _words(record: DocumentRecord, number: int, find: Callable[[], PageWords]) -> Response:
    pages = record.extraction.page_count if record.extraction else 0
    if not 1 <= number <= max(pages, 1):
        return JSONResponse({"message": f"The document has no page {number}."}, 404)
    try:
        found = find()
    except FileNotFoundError:
        return JSONResponse({"message": _GONE}, 404)
    except DocumentError as error:
        detail = f"{error} {error.remedy}".strip()
        return JSONResponse({"message": f"Page {number} cannot be read: {detail}"}, 422)
    told: dict[str, Any] = {
        "page": found.number,
        "width": found.width,
        "height": found.height,
        "source": found.source,
        "words": [{"text": word.text, "box": word.box.as_list()} for word in found.words],
    }
    return JSONResponse(told, headers={"Cache-Control": "private, max-age=600"})
