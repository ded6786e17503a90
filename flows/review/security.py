"""What keeps the review page safe in a browser: sessions, forgery checks, headers.

While nobody has an account, a reviewer types a name; a signed, HttpOnly cookie keeps it. The signature stops nobody on
this machine from typing another name; it only keeps a page elsewhere from planting one. With accounts the cookie holds
the account's number and epoch, and each request looks up whether that still is somebody (`flows.review.people`).
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import tempfile
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "parquetry_reviewer"
SESSION_SECONDS = 90 * 24 * 3600
ACCOUNT_SECONDS = 12 * 3600
"""So long an account stays signed in, whatever it does meanwhile."""
BEARER_SECONDS = 90 * 24 * 3600
MAX_NAME_CHARS = 80
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: under it browsers send "Origin: null" with forms, and the same-origin check would fail.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class ForbiddenError(Exception):
    """A form came from elsewhere, or its token is not this browser's."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser: a random ``key`` that ties forms to it, and the reviewer's name once it was typed.

    ``account`` and ``epoch`` of somebody who signed in; ``account`` 0: nobody did.
    """

    key: str
    reviewer: str = ""
    account: int = 0
    epoch: int = 0

    @classmethod
    def new(cls) -> Session:
        """A session of a browser not seen before."""
        return cls(key=secrets.token_urlsafe(16))


class Sessions:
    """Reads and writes session cookies, and the form tokens that go with them."""

    def __init__(self, secret: bytes) -> None:
        self._cookies = URLSafeTimedSerializer(secret, salt="parquetry.review.session")
        self._tokens = URLSafeTimedSerializer(secret, salt="parquetry.review.form")
        self._bearers = URLSafeTimedSerializer(secret, salt="parquetry.review.bearer")

    def read(self, request: Request) -> Session | None:
        """The session of a request, or ``None`` when there is none that we signed."""
        try:
            data, made = self._cookies.loads(
                request.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS, return_timestamp=True
            )
            found = Session(
                key=str(data["key"]),
                reviewer=clean_name(str(data["reviewer"])),
                account=int(data.get("account", 0)),
                epoch=int(data.get("epoch", 0)),
            )
        except (BadSignature, KeyError, TypeError, ValueError, AttributeError):
            return None
        old = (dt.datetime.now(dt.UTC) - made).total_seconds()
        return None if found.account and old > ACCOUNT_SECONDS else found

    def write(self, response: Response, session: Session, *, secure: bool) -> None:
        """Sets the cookie. Lax: a link in a message opens the document; forms have a check of their own."""
        value = self._cookies.dumps(
            {
                "key": session.key,
                "reviewer": session.reviewer,
                "account": session.account,
                "epoch": session.epoch,
            }
        )
        response.set_cookie(
            COOKIE, value, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )

    def named(self, session: Session, name: str) -> Session:
        """The session with the reviewer's name, cleaned."""
        return replace(session, reviewer=clean_name(name))

    def token(self, session: Session) -> str:
        """A token for the forms of this browser."""
        return str(self._tokens.dumps(session.key))

    def bearer(self, account: int, epoch: int) -> str:
        """A token by which a program acts as an account; it ends with the account's epoch."""
        return str(self._bearers.dumps([account, epoch]))

    def bearer_of(self, request: Request) -> tuple[int, int] | None:
        """Account and epoch of a request with such a token."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            account, epoch = self._bearers.loads(value.strip(), max_age=BEARER_SECONDS)
            return int(account), int(epoch)
        except (BadSignature, TypeError, ValueError):
            return None

    def check(self, request: Request, session: Session | None, token: str) -> None:
        """Refuses a form that a page of ours did not send.

        Raises:
            ForbiddenError: it came from another origin, or bears no token of this browser.
        """
        if not same_origin(request.headers):
            raise ForbiddenError("The form was sent from another site.")
        if session is None:
            raise ForbiddenError("The browser sent no session cookie of this page.")
        try:
            key = str(self._tokens.loads(token, max_age=SESSION_SECONDS))
        except BadSignature:
            key = ""
        if not key or not secrets.compare_digest(key.encode(), session.key.encode()):
            raise ForbiddenError("The form is not one that this page gave to this browser.")


def same_origin(headers: Headers) -> bool:
    """Whether the browser says that a request came from our own page; silent clients pass, tokens hold them.

    ``Origin`` is compared by host and port only: a proxy in front may end TLS, so the scheme may differ.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def clean_name(name: str) -> str:
    """A reviewer's name on one line: no control characters, single spaces, at most 80 characters."""
    printable = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in name)
    visible = "".join(c for c in printable if unicodedata.category(c) not in ("Cf", "Cs", "Co"))
    return " ".join(unicodedata.normalize("NFC", visible).split())[:MAX_NAME_CHARS].strip()


def load_secret(path: Path) -> bytes:
    """The key that signs cookies; made on first use, readable by its owner only, the same for all workers."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".review-key-", dir=path.parent)  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(secrets.token_hex(32).encode())
            out.flush()
            os.fsync(out.fileno())
        with suppress(
            FileExistsError
        ):  # unlike a rename, a link does not replace the key of a faster process
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.read_bytes()


class SecurityHeaders:
    """ASGI middleware that puts the protective headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)
