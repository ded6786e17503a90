"""The audit trail to look at, to check and to take away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from flows.ledger.trust import Right, TrailRecord
from flows.review.people import Person, wants
from flows.review.site import Site, site_of
from flows.review.wording import shown

router = APIRouter()
SiteParts = Annotated[Site, Depends(site_of)]
Auditor = Annotated[Person, Depends(wants(Right.AUDIT))]
_LINES = 100


@router.get("/trail")
def trail(request: Request, site: SiteParts, auditor: Auditor) -> Response:
    """The newest lines; ``check`` also reckons all of them anew."""
    query = request.query_params
    document, before = query.get("document", "")[:64], query.get("before", "")
    lines = site.ledger.trail_newest(
        document_id=document or None,
        before=int(before[:15]) if before.isdecimal() else None,
        limit=_LINES + 1,
    )
    return site.render(
        request,
        "trail.html",
        lines=[_in_words(line) for line in lines[:_LINES]],
        document=document,
        more=lines[_LINES - 1].number if len(lines) > _LINES else 0,
        verdict=site.ledger.verify_trail() if query.get("check") == "1" else None,
    )


@router.get("/trail.jsonl")
def export(site: SiteParts, auditor: Auditor) -> Response:
    """All lines as JSON lines, for ``parquetry audit verify --file`` and for keeping elsewhere."""

    def lines() -> Iterator[str]:
        for line in site.ledger.trail():
            yield line.model_dump_json() + "\n"

    name = {"Content-Disposition": 'attachment; filename="parquetry-trail.jsonl"'}
    return StreamingResponse(lines(), media_type="application/jsonl", headers=name)


_SHOWN_ELSEWHERE = {"at", "reviewer"}


def _in_words(line: TrailRecord) -> dict[str, Any]:
    body = json.loads(line.body)
    changes = body.pop("changes", [])
    told = {name: v for name, v in body.items() if name not in _SHOWN_ELSEWHERE and v not in ("", None)}
    return {
        "line": line,
        "kind": told.pop("action", ""),
        "stage": told.pop("stage", ""),
        "comment": told.pop("comment", ""),
        "body": told,
        "changes": [(c.get("path"), shown(c.get("before")), shown(c.get("after"))) for c in changes],
    }
