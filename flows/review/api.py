"""The JSON API of the review page, for programs; described by ``/api/v1/openapi.json``.

Who asks is known by the page's own cookie, or by a token (``parquetry people token NAME``) in the header
``Authorization: Bearer``. With the cookie, whatever changes something needs the header ``X-Form-Token`` with the token
of the page's forms, which no page elsewhere can read. Errors are problem details (RFC 9457) with a remedy.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTasks
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse

from flows.ledger.records import (
    ConflictError,
    DecisionRecord,
    DocumentState,
    QueueFacets,
    QueueItem,
    SecondLook,
    Stage,
    UnknownDocumentError,
)
from flows.ledger.trust import (
    HeldError,
    HoldRecord,
    Right,
    SameReviewerError,
    SampleFigures,
    TrailRecord,
    Verdict,
)
from flows.review.blind import as_shown
from flows.review.corrections import Current, read_form
from flows.review.formstate import state_of
from flows.review.people import Person, RightNeededError, known
from flows.review.security import ForbiddenError
from flows.review.site import Site, site_of
from schemas.errors import ParquetryError, UsageError
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason

PREFIX = "/api/v1"
TOKEN_HEADER = "X-Form-Token"
_ID = Path(pattern=r"^[0-9a-f]{1,64}$", description="id of a document")


class Problem(BaseModel):
    """What went wrong, to which document, and what to do (RFC 9457)."""

    title: str
    status: int
    detail: str
    remedy: str = ""
    errors: dict[str, str] = Field(default_factory=dict)


class QueueAnswer(BaseModel):
    """One page of the queue, the longest waiting first; ``matching`` counts all pages."""

    matching: int
    items: list[QueueItem]


class DocumentAnswer(BaseModel):
    """A document as it is now: ``data`` and ``fields`` are a person's once one has decided."""

    document_id: str
    uri: str
    sha256: str
    schema_name: str
    fingerprint: str
    model: str
    state: DocumentState
    waiting: bool
    second_look: SecondLook | None
    version: int
    reasons: list[ReviewReason]
    data: dict[str, Any] | None
    fields: list[ExtractedField]
    decisions: list[DecisionRecord]
    hold: HoldRecord | None
    queued_at: dt.datetime | None


class DecisionBody(BaseModel):
    """What is decided on which version. ``data`` of a correction is the whole document."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["accept", "correct", "reject"]
    version: int = Field(ge=0, le=2**31 - 1)
    data: dict[str, Any] | None = None
    comment: str = Field("", max_length=1000)
    overrule: bool = Field(False, description="store it though rules between fields do not hold")


class DecisionAnswer(BaseModel):
    """``stage``: whether it counts (final), waits for somebody else (first), or stands against them (disputed)."""

    stage: Stage
    version: int
    changes: int


async def _caller(request: Request) -> Person:
    person = await run_in_threadpool(known, request)
    if person is None:
        raise HTTPException(401, "Sign in, or send a token.", headers={"WWW-Authenticate": "Bearer"})
    sessions = site_of(request).sessions
    if request.method not in ("GET", "HEAD") and sessions.bearer_of(request) is None:
        sessions.check(request, sessions.read(request), request.headers.get(TOKEN_HEADER, ""))
    return person


def _wants(right: Right) -> Any:
    async def person(found: Annotated[Person, Depends(_caller)]) -> Person:
        if not found.may(right):
            raise RightNeededError(right)
        return found

    return Depends(person)


Reader = Annotated[Person, _wants(Right.READ)]
Decider = Annotated[Person, _wants(Right.DECIDE)]
Auditor = Annotated[Person, _wants(Right.AUDIT)]
SiteParts = Annotated[Site, Depends(site_of)]
DocumentId = Annotated[str, _ID]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": words}
    for status, words in {
        400: "it cannot be done so",
        401: "nobody is signed in",
        403: "the account may not do that",
        404: "there is no such document",
        409: "somebody else decided or holds it",
        422: "the request or its data is wrong",
    }.items()
}


def create_api() -> FastAPI:
    """The API, to be mounted by the page. Its ``app.state.site`` is the page's."""
    api = FastAPI(
        title="parquetry review",
        version="1",
        description=__doc__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses=_PROBLEMS,
    )

    @api.get("/queue", operation_id="queue")
    def queue(
        site: SiteParts,
        person: Reader,
        schema: Annotated[str | None, Query(max_length=64)] = None,
        reason: ReviewReason | None = None,
        search: Annotated[str | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    ) -> QueueAnswer:
        """Documents that wait for a person."""
        wanted: dict[str, Any] = {"schema": schema, "reason": reason, "search": search}
        return QueueAnswer(
            matching=site.ledger.queue_size(**wanted),
            items=site.ledger.queue(**wanted, limit=limit, offset=offset),
        )

    @api.get("/queue/facets", operation_id="facets")
    def facets(site: SiteParts, person: Reader) -> QueueFacets:
        """What the queue can be filtered by, and how many documents each would show."""
        return site.ledger.queue_facets()

    @api.get("/documents/{document_id}", operation_id="document")
    def document(site: SiteParts, person: Reader, document_id: DocumentId) -> DocumentAnswer:
        """One document with its values, their places and its history."""
        return _answer(site, document_id)

    @api.post("/documents/{document_id}/hold", operation_id="hold")
    def hold(site: SiteParts, person: Decider, document_id: DocumentId) -> HoldRecord:
        """Takes a document, or keeps it; 409 when somebody else has it."""
        site.ledger.document(document_id)
        return site.ledger.hold(document_id, person.name, seconds=site.hold_seconds)

    @api.delete("/documents/{document_id}/hold", operation_id="let_go", status_code=204)
    def let_go(site: SiteParts, person: Decider, document_id: DocumentId) -> None:
        """Gives a document back."""
        site.ledger.document(document_id)
        site.ledger.let_go(document_id, person.name)

    @api.post("/documents/{document_id}/decision", operation_id="decide")
    def decide(
        site: SiteParts, person: Decider, document_id: DocumentId, body: DecisionBody, after: BackgroundTasks
    ) -> DecisionAnswer:
        """Accepts, corrects or rejects a document at the version that was seen."""
        made = _decide(site, person, document_id, body)
        if site.land is not None:
            after.add_task(run_in_threadpool, site.land)
        return made

    @api.get("/trail", operation_id="trail")
    def trail(
        site: SiteParts,
        person: Auditor,
        document_id: Annotated[str | None, Query(pattern=r"^[0-9a-f]{1,64}$")] = None,
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[TrailRecord]:
        """Lines of the audit trail, the newest first."""
        return site.ledger.trail_newest(document_id=document_id, before=before, limit=limit)

    @api.get("/trail/verdict", operation_id="verify_trail")
    def verdict(
        site: SiteParts, person: Auditor, head: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")] = None
    ) -> Verdict:
        """Whether the trail is whole."""
        return site.ledger.verify_trail(head)

    @api.get("/samples", operation_id="samples")
    def samples(site: SiteParts, person: Auditor) -> list[SampleFigures]:
        """What was found on documents drawn at random."""
        return site.ledger.sample_figures()

    _handle_errors(api)
    return api


def _answer(site: Site, document_id: str) -> DocumentAnswer:
    record = as_shown(site.ledger.document(document_id))
    current = Current.of(record)
    return DocumentAnswer(
        # A sample of what was accepted looks like all others that wait.
        **record.model_dump(include=set(DocumentAnswer.model_fields) - {"state", "decisions", "reasons"}),
        state=DocumentState.REVIEW if record.waiting else record.state,
        reasons=record.reasons,
        decisions=record.decisions,
        data=current.data if current is not None else None,
        fields=list(current.fields.values()) if current is not None else [],
        hold=site.ledger.holder(document_id),
    )


def _decide(site: Site, person: Person, document_id: str, body: DecisionBody) -> DecisionAnswer:
    record = site.ledger.document(document_id)
    schema, current = site.schema_of(record), Current.of(record)
    if schema is None or current is None:
        raise UsageError(f"{record.uri} has nothing to decide on.", remedy="Take another document.")
    data, corrected = None, None
    action = body.action
    if action == "reject" and len(body.comment.strip()) < 3:
        raise UsageError("A rejection says why.", remedy="Give a comment of a few words.")
    if action != "reject":
        given = body.data if action == "correct" else current.data
        if given is None:
            raise UsageError("A correction has data.", remedy="Give the whole document as data.")
        corrected = read_form(state_of(schema.tree, given, {}), current, schema, person.name)
        if corrected.errors:
            raise _WrongDataError(corrected.errors)
        if corrected.violated and not body.overrule and corrected.changes:
            raise _WrongDataError({"": " ".join(corrected.violated)})
        data = corrected.data
        action = "correct" if corrected.changes or current.decided else "accept"
    stage = site.ledger.decide(
        document_id,
        reviewer=person.name,
        action=action,
        data=data,
        fields=corrected.fields if corrected is not None else None,
        changes=corrected.changes if corrected is not None else [],
        comment=" ".join(body.comment.split()),
        expected_version=body.version,
        second=site.second.asks(record, data, schema),
        settles=person.may(Right.SETTLE),
    )
    changes = len(corrected.changes) if corrected is not None else 0
    return DecisionAnswer(stage=stage, version=body.version + 1, changes=changes)


class _WrongDataError(Exception):
    """Data that the schema, its types or its rules refuse; by path."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("the data is wrong")
        self.errors = errors


def _handle_errors(api: FastAPI) -> None:
    def problem(status: int, title: str, detail: str, remedy: str = "", **more: Any) -> JSONResponse:
        body = Problem(title=title, status=status, detail=detail, remedy=remedy, **more)
        return JSONResponse(body.model_dump(), status, media_type="application/problem+json")

    @api.exception_handler(StarletteHTTPException)
    def http_error(request: Request, error: StarletteHTTPException) -> JSONResponse:
        answer = problem(error.status_code, "The request cannot be answered", str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @api.exception_handler(RequestValidationError)
    def bad_request(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = {".".join(str(part) for part in e["loc"]): str(e["msg"]) for e in error.errors()}
        return problem(422, "The request is wrong", "See errors.", errors=errors)

    @api.exception_handler(_WrongDataError)
    def wrong_data(request: Request, error: _WrongDataError) -> JSONResponse:
        return problem(422, "The data is wrong", "Nothing was stored; see errors.", errors=error.errors)

    @api.exception_handler(RightNeededError)
    def not_allowed(request: Request, error: RightNeededError) -> JSONResponse:
        return problem(403, "Not with this account", f"It takes the right to {error.right}.", "Ask an admin.")

    @api.exception_handler(ForbiddenError)
    def forbidden(request: Request, error: ForbiddenError) -> JSONResponse:
        return problem(403, "The request was refused", str(error), f"Send {TOKEN_HEADER}, or a bearer token.")

    @api.exception_handler(ParquetryError)
    def known_error(request: Request, error: ParquetryError) -> JSONResponse:
        status = next((s for kind, s in _STATUS if isinstance(error, kind)), 500)
        return problem(status, "That did not work", str(error), error.remedy)


_STATUS: tuple[tuple[type[ParquetryError], int], ...] = (
    (UnknownDocumentError, 404),
    (ConflictError, 409),
    (HeldError, 409),
    (SameReviewerError, 409),
    (UsageError, 400),
)
