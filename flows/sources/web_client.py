"""HTTP for documents from strangers: public addresses only, bounded time, retries where they help."""

from __future__ import annotations

import base64
import email.utils
import io
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import certifi
import httpcore
import httpx

from extractors.punctual import DEADLINE
from flows.intake_options import IntakeOptions
from flows.sources.uris import public_uri
from flows.sources.web_addresses import PublicNetwork, UnknownHostError
from schemas.errors import SourceError

MAX_REDIRECTS = 5
CONNECT_SECONDS = 15.0
SILENT_SECONDS = 60.0
"""A server may say nothing for so long."""
PAUSES = (1.0, 4.0)
"""Seconds before a request is made again."""
MAX_RETRY_AFTER = 60.0
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (429, 500, 502, 503, 504)
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError)


class StatusError(SourceError):
    """The server answered, but not with the document."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(
            f"{public_uri(url)}: the server answers {status}.",
            remedy="Check the address and the credentials."
            if status < 500
            else "The server is in trouble: run again later.",
        )
        self.status = status


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials, for the origin that they were given with and no other."""

    origin: tuple[bytes, bytes, int | None]
    header: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """What a server says of a file: enough to tell whether it changed. ``url`` is where it was found in the end."""

    url: str
    size: int
    media_type: str
    tag: str
    modified: str

    @property
    def version(self) -> str:
        """Size and tag or time; empty when the server tells neither: size alone is no sign."""
        return f"{self.size}-{self.tag or self.modified}" if self.tag or self.modified else ""


def split_login(url: str, inherited: Login | None = None) -> tuple[httpx.URL, Login | None]:
    """An address without ``user:password@``, and the credentials that go with it."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise SourceError(f"{public_uri(url)} is no valid address.", remedy="Correct it.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise SourceError(f"{public_uri(url)} is no address of HTTP.", remedy="Correct it.")
    if not parsed.userinfo:
        same = inherited is not None and inherited.origin == _origin(parsed)
        return parsed, inherited if same else None
    bare = parsed.copy_with(userinfo=b"")
    token = base64.b64encode(f"{parsed.username}:{parsed.password}".encode())
    return bare, Login(_origin(bare), b"Basic " + token)


def _origin(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


class WebClient:
    """Requests of one set of rules; safe to share between threads."""

    def __init__(self, options: IntakeOptions) -> None:
        self._seconds = options.http_seconds
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where()),
            max_connections=16,
            max_keepalive_connections=8,
            keepalive_expiry=5.0,
            network_backend=PublicNetwork(options.allow_networks),
        )

    def describe(self, url: str, login: Login | None = None) -> Described:
        """What a server says of a file, without its bytes: by HEAD, or by the head of an answer to GET.

        Raises:
            SourceError: there is nothing, or it may not be had.
        """
        deadline = time.monotonic() + self._seconds
        try:
            answer = self.answer("HEAD", url, login, deadline)
        except StatusError as error:
            if error.status >= 500 and error.status != 501:
                raise
            answer = self.answer(
                "GET", url, login, deadline
            )  # many servers and signed addresses know no HEAD
        answer.close()
        return answer.described

    def open(self, url: str, login: Login | None = None) -> io.RawIOBase:
        """The bytes of a file as a stream, which goes on where it broke off if the server can do that."""
        return _Body(self, url, login, time.monotonic() + self._seconds)

    def answer(
        self,
        method: str,
        url: str,
        login: Login | None,
        deadline: float,
        start: Described | None = None,
        at: int = 0,
    ) -> Answer:
        """An answer that is the document, after redirects and, where that helps, more than one try.

        Args:
            method: ``GET`` or ``HEAD``.
            url: where it is.
            login: sent to its own origin only.
            deadline: monotonic seconds.
            start: with ``at``: what was being read, to go on from that byte.
            at: the first byte that is wanted.
        """
        for pause in (*PAUSES, None):
            try:
                return self._follow(method, url, login, deadline, start, at)
            except _LaterError as later:
                if pause is None or not _may_wait(wait := max(pause, later.seconds), deadline):
                    raise later.error from later.error.__cause__
                time.sleep(wait)
        raise AssertionError("unreachable")

    def _follow(
        self, method: str, url: str, login: Login | None, deadline: float, start: Described | None, at: int
    ) -> Answer:
        here, ours = split_login(url, login)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send(method, here, ours, deadline, start, at)
            if response.status in _REDIRECTS and (target := _header(response, b"location")):
                response.close()
                before = here
                here, ours = split_login(str(here.join(target)), login)
                if before.scheme == "https" and here.scheme != "https":
                    raise SourceError(
                        f"{public_uri(url)}: the server leads from https to http, which is not followed.",
                        remedy="Give the final address, if that is what you want.",
                    )
                continue
            if response.status in (200, 206) and (response.status == 206) == (at > 0):
                return Answer(response, here, deadline)
            response.close()
            error = StatusError(str(here), response.status)
            if response.status in _PASSING:
                raise _LaterError(error, _retry_after(response))
            raise error
        raise SourceError(
            f"{public_uri(url)}: more than {MAX_REDIRECTS} redirects.", remedy="Give the final address."
        )

    def _send(
        self,
        method: str,
        url: httpx.URL,
        login: Login | None,
        deadline: float,
        start: Described | None,
        at: int,
    ) -> httpcore.Response:
        headers = [
            (b"Host", url.netloc),
            (b"User-Agent", b"parquetry"),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
        ]
        if login is not None:
            headers.append((b"Authorization", login.header))
        if at and start is not None:
            headers += [(b"Range", b"bytes=%d-" % at), (b"If-Range", start.tag.encode("latin-1", "replace"))]
        left = deadline - time.monotonic()
        if left <= 0:
            raise _too_slow(str(url), self._seconds)
        timeout = {
            "connect": min(CONNECT_SECONDS, left),
            "read": min(SILENT_SECONDS, left),
            "write": min(SILENT_SECONDS, left),
            "pool": left,
        }
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        DEADLINE.set(deadline)
        try:
            return self._pool.handle_request(
                httpcore.Request(method, target, headers=headers, extensions={"timeout": timeout})
            )
        except UnknownHostError as error:
            if error.passing:
                raise _LaterError(error) from error
            raise
        except _BROKEN as error:
            raise _LaterError(_unanswered(str(url), error)) from error
        except (
            httpcore.LocalProtocolError,
            httpcore.UnsupportedProtocol,
            ssl.SSLError,
            UnicodeError,
        ) as error:
            raise _unanswered(str(url), error) from error


class Answer:
    """The head of an answer, and its body as it comes."""

    def __init__(self, response: httpcore.Response, url: httpx.URL, deadline: float) -> None:
        self._response, self._deadline = response, deadline
        self._chunks: Iterator[bytes] | None = None
        length = _header(response, b"content-length")
        self.described = Described(
            url=str(url),
            size=int(length) if length.isdigit() else 0,
            media_type=_header(response, b"content-type").partition(";")[0].strip().lower(),
            tag=_header(response, b"etag"),
            modified=_header(response, b"last-modified"),
        )
        encoding = _header(response, b"content-encoding").strip().lower()
        if encoding not in ("", "identity"):
            self.close()
            raise SourceError(
                f"{public_uri(str(url))}: the server packs the file ({encoding[:20]}) though asked not to.",
                remedy="Have it served as it is.",
            )

    def read(self) -> bytes:
        """The next bytes; none at the end.

        Raises:
            _LaterError: the connection broke.
            SourceError: it took too long.
        """
        url = self.described.url
        if time.monotonic() > self._deadline:
            self.close()
            raise _too_slow(url, None)
        DEADLINE.set(self._deadline)
        if self._chunks is None:
            self._chunks = self._response.iter_stream()
        try:
            return next(self._chunks, b"")
        except _BROKEN as error:
            self.close()
            raise _LaterError(_unanswered(url, error)) from error

    @property
    def goes_on_at(self) -> str:
        """The ``Content-Range`` of a partial answer."""
        return _header(self._response, b"content-range")

    def close(self) -> None:
        """Gives the connection back."""
        self._response.close()


class _Body(io.RawIOBase):
    """A file's bytes. ``read`` gives what has come, at most as much as asked for, as raw streams do."""

    def __init__(self, client: WebClient, url: str, login: Login | None, deadline: float) -> None:
        super().__init__()
        self._client, self._url, self._login, self._deadline = client, url, login, deadline
        self._answer = client.answer("GET", url, login, deadline)
        self._first = self._answer.described
        self._rest, self._at, self._tries = b"", 0, len(PAUSES)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while not self._rest:
            try:
                self._rest = self._answer.read()
                break
            except _LaterError as later:
                self._go_on(later)
        given, self._rest = self._rest[:size], self._rest[size:]
        self._at += len(given)
        return given

    def readinto(self, buffer: Any) -> int:
        given = self.read(len(buffer))
        buffer[: len(given)] = given
        return len(given)

    def _go_on(self, later: _LaterError) -> None:
        """Asks for the rest. Only a strong tag says that it is the rest of the same bytes."""
        strong = bool(self._first.tag) and not self._first.tag.startswith("W/")
        self._tries -= 1
        if not strong or not self._at or self._tries < 0:
            raise later.error
        pause = PAUSES[-1 - self._tries]
        if not _may_wait(pause, self._deadline):
            raise later.error
        time.sleep(pause)
        try:
            answer = self._client.answer("GET", self._url, self._login, self._deadline, self._first, self._at)
        except StatusError:
            raise later.error from None
        if not answer.goes_on_at.startswith(f"bytes {self._at}-"):
            answer.close()
            raise later.error
        self._answer = answer

    def close(self) -> None:
        if not self.closed:
            self._answer.close()
        super().close()


class _LaterError(Exception):
    """Trying again can help, after so many ``seconds`` as the server wishes."""

    def __init__(self, error: SourceError, seconds: float = 0.0) -> None:
        super().__init__(str(error))
        self.error, self.seconds = error, seconds


@lru_cache(maxsize=8)
def client(options: IntakeOptions) -> WebClient:
    """The client for these rules, one per process."""
    return WebClient(options)


def _may_wait(seconds: float, deadline: float) -> bool:
    return seconds <= MAX_RETRY_AFTER and time.monotonic() + seconds < deadline


def _retry_after(response: httpcore.Response) -> float:
    """Seconds, given as such or as a date."""
    text = _header(response, b"retry-after").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _header(response: httpcore.Response, name: bytes) -> str:
    values = [value for key, value in response.headers if key.lower() == name]
    return values[0].decode("latin-1") if values else ""


def _unanswered(url: str, error: Exception) -> SourceError:
    how = "did not answer in time" if isinstance(error, httpcore.TimeoutException) else "broke the connection"
    if isinstance(error, httpcore.ConnectError):
        how = "cannot be reached"
    if isinstance(error, ssl.SSLError) or "SSL" in str(error) or "certificate" in str(error).lower():
        how = "has no certificate that this machine trusts"
    return SourceError(
        f"{public_uri(url)}: the server {how}.", remedy="Check the address, or run again later."
    )


def _too_slow(url: str, seconds: float | None) -> SourceError:
    limit = f" of {seconds:g} s" if seconds is not None else ""
    return SourceError(
        f"{public_uri(url)}: fetching it took longer than the time limit{limit}.",
        remedy="Raise http_seconds under [intake] if the server is that slow.",
    )
