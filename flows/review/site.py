"""What all routes share: ledger, schemas, page images, templates, and who is asking."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse

from flows.ledger.records import DocumentRecord
from flows.ledger.store import Ledger
from flows.review import wording
from flows.review.blobs import BlobStore
from flows.review.pages import PageImages
from flows.review.passwords import Attempts, Passwords
from flows.review.people import People, known
from flows.review.readings import Readings
from flows.review.second import SecondLookRule
from flows.review.security import Sessions
from flows.review_options import ReviewOptions
from schemas.errors import SchemaError
from schemas.registry import LoadedSchema

HERE = Path(__file__).parent
MAX_FORM_BYTES = 8 << 20
MAX_FORM_FIELDS = 50_000
log = logging.getLogger(__name__)


class TooLargeError(Exception):
    """A form has more bytes or inputs than any document of ours."""


def environment() -> jinja2.Environment:
    """The templates. Everything that is put into one is escaped; none of them marks text as safe."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = lambda name: f"/static/{name}"
    made.filters |= {
        "age": wording.age,
        "count": wording.count,
        "moment": wording.moment,
        "path_label": wording.path_label,
        "plain_words": wording.plain_words,
        "seconds": wording.seconds_words,
        "short_reason": wording.short_reason,
    }
    return made


@dataclass
class Site:
    """The parts of the review page. Lives in ``app.state.site``."""

    ledger: Ledger
    schemas: Callable[[str], LoadedSchema]
    blobs: BlobStore
    images: PageImages
    readings: Readings
    sessions: Sessions
    people: People
    options: ReviewOptions = field(default_factory=ReviewOptions)
    second: SecondLookRule = field(default_factory=SecondLookRule)
    passwords: Passwords = field(default_factory=Passwords)
    attempts: Attempts = field(default_factory=Attempts)
    land: Callable[[], None] | None = None
    metrics_token: bytes = b""
    sign_on: Any = None  # authlib's client of the provider
    templates: jinja2.Environment = field(default_factory=environment)
    _known: dict[str, LoadedSchema] = field(default_factory=dict)

    @property
    def hold_seconds(self) -> float:
        """How long an opened document is its reviewer's after the last touch."""
        return self.options.hold_minutes * 60

    def secure(self, request: Request) -> bool:
        """Whether people reach the page by https only, so that a cookie may say so."""
        return request.url.scheme == "https" or (self.options.url or "").startswith("https://")

    def schema_of(self, record: DocumentRecord) -> LoadedSchema | None:
        """The very schema that a document was read with; ``None`` when nobody has it any more.

        The catalog's own comes first, since it has its Pydantic class; one that was edited since is taken
        from the ledger, which keeps every schema that rows were made with.
        """
        if record.fingerprint not in self._known:
            try:
                found: LoadedSchema | None = self.schemas(record.schema_name)
            except SchemaError:
                found = None
            if found is None or found.fingerprint != record.fingerprint:
                found = self.ledger.stored_schema(record.fingerprint)
            if found is None:
                return None
            self._known[record.fingerprint] = found
        return self._known[record.fingerprint]

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page. ``person``, ``token`` and ``here`` are there in every template."""
        session = self.sessions.read(request)
        query = f"?{request.url.query}" if request.url.query else ""
        shared = {
            "person": known(request),
            "token": self.sessions.token(session) if session else "",
            "here": f"{request.url.path}{query}" if request.method == "GET" else "/",
        }
        return HTMLResponse(self.templates.get_template(template).render(shared | context), status)

    def message(
        self, request: Request, status: int, heading: str, text: str, remedy: str = ""
    ) -> HTMLResponse:
        """A page with one message."""
        return self.render(request, "message.html", status=status, heading=heading, text=text, remedy=remedy)


def site_of(request: Request) -> Site:
    """Dependency: the parts of the page."""
    site: Site = request.app.state.site
    return site


async def signed_form(request: Request) -> FormData:
    """Dependency: the form of a POST, once it is known to come from a page of ours.

    Raises:
        ForbiddenError: it does not.
        TooLargeError: it is larger than any of ours.
    """
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MAX_FORM_BYTES:
        raise TooLargeError
    sessions = site_of(request).sessions
    form = await request.form(max_files=0, max_fields=MAX_FORM_FIELDS)
    sessions.check(request, sessions.read(request), str(form.get("token", "")))
    return form


def entrance(request: Request, path: str) -> str:
    """Where somebody says who they are, with the way back."""
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{path}?" + urlencode({"next": back if request.method == "GET" else "/"})


def local_path(target: str) -> str:
    """``target`` if it is a path of this page, else the queue: a link must not lead a reviewer elsewhere."""
    fine = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if fine and "\\" not in target else "/"


class Lander:
    """Runs ``land`` after decisions: one at a time, and once more if something was decided meanwhile."""

    def __init__(self, land: Callable[[], None]) -> None:
        self._land = land
        self._running = threading.Lock()
        self._wanted = threading.Event()

    def __call__(self) -> None:
        """Lands what was decided. Never raises: the schedule lands it later all the same."""
        self._wanted.set()
        while self._wanted.is_set() and self._running.acquire(blocking=False):
            try:
                self._wanted.clear()
                self._land()
            except Exception:
                log.exception("Decisions are stored but were not landed now; the next landing takes them.")
            finally:
                self._running.release()
