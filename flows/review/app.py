"""Makes the review page: a FastAPI application that serves everything itself, scripts and styles included."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from extractors.options import ReadOptions
from flows.ledger.records import UnknownDocumentError
from flows.ledger.store import Ledger
from flows.ledger.trust import HeldError, SameReviewerError
from flows.review import accounts, auditing, holding, regions, routes, sign_on, signing
from flows.review.api import PREFIX, create_api
from flows.review.blobs import BlobStore
from flows.review.desk import install_desk
from flows.review.pages import PageImages, PageReader
from flows.review.people import NameNeededError, People, RightNeededError, SignInNeededError
from flows.review.readings import Readings
from flows.review.second import SecondLookRule
from flows.review.security import (
    HEADERS,
    LOOPBACK_HOSTS,
    ForbiddenError,
    SecurityHeaders,
    Sessions,
    load_secret,
)
from flows.review.site import HERE, Lander, Site, TooLargeError, entrance, site_of
from flows.review_options import ReviewOptions
from schemas.errors import ParquetryError, UsageError
from schemas.registry import LoadedSchema

log = logging.getLogger(__name__)


def create_app(
    *,
    ledger: Ledger,
    schemas: Callable[[str], LoadedSchema],
    reader: PageReader,
    blobs: Path,
    land: Callable[[], None] | None = None,
    pages: Path | None = None,
    read_options: ReadOptions | None = None,
    passwords: Sequence[str] = (),
    secret: bytes | None = None,
    hosts: Sequence[str] = (),
    options: ReviewOptions | None = None,
    metrics_token: str = "",
) -> FastAPI:
    """The review page.

    Args:
        ledger: the queue, the documents and the decisions.
        schemas: loads a schema by name; one that was changed since comes from the ledger instead.
        reader: renders pages, in a child process.
        blobs: the folder of source bytes (`BlobStore`).
        land: called after each decision, outside the request: lands it, or tells somebody who will; ``None`` leaves
            landing to its schedule.
        pages: folder of rendered pages; beside ``blobs`` if not given.
        read_options: those of the runs, by which the words of a page are read again; the usual ones if not given.
        passwords: for encrypted documents.
        secret: signs cookies; kept in a file beside ``blobs`` if not given.
        hosts: names under which the page may be asked for, besides those of this machine.
        options: who signs in, what is held and looked at twice.
        metrics_token: who sends it may read ``/metrics``; empty: nobody.
    """
    store = BlobStore(blobs)
    home = blobs.parent
    folder = pages or home / "pages"
    options = options or ReviewOptions()
    secret = secret or load_secret(home / "review.key")
    sessions = Sessions(secret)
    outside = [urlsplit(options.url).hostname or ""] if options.url else []
    site = Site(
        ledger=ledger,
        schemas=schemas,
        blobs=store,
        images=PageImages(reader, store, folder, passwords=passwords),
        readings=Readings(reader, store, folder, read_options or ReadOptions(), passwords),
        sessions=sessions,
        people=People(ledger, sessions, sign_on=options.oidc is not None),
        options=options,
        second=SecondLookRule(options.second_look_amount, options.second_look_share, secret),
        land=Lander(land) if land is not None else None,
        metrics_token=metrics_token.encode(),
    )
    app = FastAPI(title="parquetry review", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = site
    if options.oidc is not None:
        site.sign_on = sign_on.client_of(options.oidc)
        app.include_router(sign_on.router)
        # Only the way to the provider and back needs it; our own session is another cookie.
        app.add_middleware(
            SessionMiddleware,
            secret_key=hashlib.sha256(b"sign-on\0" + secret).hexdigest(),
            session_cookie=sign_on.STATE_COOKIE,
            max_age=sign_on.STATE_SECONDS,
            path="/sign-in",
            same_site="lax",
            https_only=(options.url or "").startswith("https://"),
        )
    for part in (routes, regions, signing, accounts, holding, auditing):
        app.include_router(part.router)
    app.mount(PREFIX, _api(site), name="api")
    install_desk(app, site)
    app.mount("/static", _Static(directory=HERE / "static"), name="static")
    # A page elsewhere that makes its own name point at this machine is answered by its host name: refused.
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=[*LOOPBACK_HOSTS, *hosts, *outside], www_redirect=False
    )
    app.add_middleware(SecurityHeaders)
    _handle_errors(app)
    return app


def _api(site: Site) -> FastAPI:
    api = create_api()
    api.state.site = site
    return api


class _Static(StaticFiles):
    """Scripts and styles: browsers ask each time whether they changed, so an update shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _handle_errors(app: FastAPI) -> None:
    """Every error as a page with what happened and what to do."""

    @app.exception_handler(NameNeededError)
    def ask_for_name(request: Request, error: NameNeededError) -> Response:
        return RedirectResponse(entrance(request, "/who"), 303)

    @app.exception_handler(SignInNeededError)
    def ask_to_sign_in(request: Request, error: SignInNeededError) -> Response:
        return RedirectResponse(entrance(request, "/sign-in"), 303)

    @app.exception_handler(RightNeededError)
    def not_allowed(request: Request, error: RightNeededError) -> Response:
        text = "Your account may not do this. Nothing was stored."
        return site_of(request).message(request, 403, "Not with this account", text, "Ask an admin.")

    @app.exception_handler(HeldError)
    def held(request: Request, error: HeldError) -> Response:
        return site_of(request).message(request, 409, "Somebody else has it", str(error), error.remedy)

    @app.exception_handler(SameReviewerError)
    def not_again(request: Request, error: SameReviewerError) -> Response:
        return site_of(request).message(request, 409, "It needs somebody else", str(error), error.remedy)

    @app.exception_handler(ForbiddenError)
    def forbidden(request: Request, error: ForbiddenError) -> Response:
        remedy = "Nothing was stored. Load the page again and repeat what you did."
        return site_of(request).message(request, 403, "This form was refused", str(error), remedy)

    @app.exception_handler(TooLargeError)
    def too_large(request: Request, error: TooLargeError) -> Response:
        return site_of(request).message(
            request,
            413,
            "This form is too large",
            "It has more than any document of ours. Nothing was stored.",
        )

    @app.exception_handler(ClientDisconnect)
    def went_away(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody hears it; nothing of half a form was stored

    @app.exception_handler(UnknownDocumentError)
    def unknown_document(request: Request, error: UnknownDocumentError) -> Response:
        text = "The ledger has no document with this address. Perhaps the link is from another home folder."
        return site_of(request).message(request, 404, "There is no such document", text)

    @app.exception_handler(ParquetryError)
    def known_error(request: Request, error: ParquetryError) -> Response:
        status = 400 if isinstance(error, UsageError) else 500
        if status == 500:
            log.error("%s %s: %s", request.method, request.url.path, error)
        return site_of(request).message(request, status, "That did not work", str(error), error.remedy)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        heading = "There is no such page" if error.status_code == 404 else "The page cannot answer this"
        text = "Nothing is at this address." if error.status_code == 404 else f"{error.detail}."
        return site_of(request).message(request, error.status_code, heading, text)

    @app.exception_handler(RequestValidationError)
    def bad_address(request: Request, error: RequestValidationError) -> Response:
        return site_of(request).message(request, 404, "There is no such page", "Nothing is at this address.")

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        text = "The review page made an error; its log has the details. What you last did may not be stored."
        response = site_of(request).message(request, 500, "An error of the page itself", text)
        # This handler runs outside of the middleware. The server logs the error.
        response.headers.update(HEADERS)
        return response
