"""The connection to a vLLM server: what may pass is tried again, what stays is an error, what hits all is an outage.

Only the configured address is connected to: no proxy of the environment, no redirect. Nothing is waited for without an
end: not for a connection, not for an answer, not for all answers of a document; and no more of a response is read than
the limit. What a server sends may quote a document, and what a header has may be the key: neither is told as it is.
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
import time
from typing import Any

import certifi
import httpcore
import httpx

from extractors.options import VllmOptions
from extractors.punctual import DEADLINE, PunctualNetwork
from schemas.errors import BackendError, ModelError, OutageError, ParquetryError, foreign, public

log = logging.getLogger(__name__)

TRIES = 4
"""Of a request that the server takes and does not answer as it should."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
LONGEST_ASKED_PAUSE = 120.0
"""Of what a server asks for by Retry-After."""
_BUSY = (429, 503)
_PASSING = (408, 425, 500, 502, 504)
_SAID = 160


class _PassingError(Exception):
    """What may pass: said in words, with the pause that the server asked for."""

    def __init__(self, what: str, *, busy: bool = False, after: float | None = None) -> None:
        super().__init__(what)
        self.busy, self.after = busy, after


class _PunctualTransport(httpx.HTTPTransport):
    """HTTP over connections that mind the deadline of a request, its response's head included."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._pool = httpcore.ConnectionPool(
            context, max_connections=connections, network_backend=PunctualNetwork()
        )


class Server:
    """A server, for any number of threads.

    Args:
        options: where it is, and how long is waited for it.
    """

    def __init__(self, options: VllmOptions) -> None:
        self._options = options
        key = options.api_key
        self._client = httpx.Client(
            base_url=options.url,
            headers={"Accept-Encoding": "identity"}  # a response is as long as it looks
            | ({"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}),
            follow_redirects=False,
            trust_env=False,
            transport=_PunctualTransport(_certificates(options), options.concurrency + 1),
        )
        self._lock = threading.Lock()
        self._away_since: float | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Ends all connections; who waits for the next try gives up."""
        self._closed.set()
        self._client.close()

    def get(self, path: str) -> Any:
        """What the server says at a path. Raises as `ask`."""
        return self._patiently("GET", path, None, time.monotonic() + self._options.request_seconds)

    def ask(self, path: str, body: dict[str, Any], until: float) -> Any:
        """The response to a request, as JSON.

        Args:
            path: of the API.
            body: of the request.
            until: by when, as `time.monotonic` counts; whatever has to be tried again ends then.

        Raises:
            BackendError: the server refuses this request, or does not answer it though it is well.
            OutageError: the server is away, or refuses all requests.
        """
        return self._patiently("POST", path, body, until)

    def is_well(self) -> bool:
        """Whether the server takes connections and says that it is well."""
        DEADLINE.set(time.monotonic() + 2 * self._options.connect_seconds)
        try:
            with self._client.stream("GET", "/health", timeout=self._options.connect_seconds) as response:
                return response.is_success
        except (httpx.HTTPError, RuntimeError):
            return False

    def _patiently(self, method: str, path: str, body: dict[str, Any] | None, until: float) -> Any:
        tries, pause = 0, FIRST_PAUSE
        if time.monotonic() >= until:
            raise BackendError(
                "The document's time at the server was over before all of it was asked.",
                remedy="Raise vllm.document_seconds, or lower concurrency, so that fewer documents share the server.",
            )
        while True:
            try:
                found = self._once(method, path, body, until)
            except httpx.ConnectError as error:
                if (tls := _distrust(error)) is not None:
                    raise OutageError(
                        f"There is no trusted connection to {self._options.url}: {tls}.",
                        remedy="Set vllm.ca_file to the certificates that vouch for the server; or correct http or "
                        "https in vllm.url.",
                    ) from error
                what, after = f"it takes no connections ({_words(error)})", None
                self._note_away(what)
            except httpx.ConnectTimeout:
                what, after = "it takes no connections in time", None
                self._note_away(what)
            except _PassingError as error:
                what, after = str(error), error.after
                tries += not error.busy
                self._note_there()
            else:
                self._note_there()
                return found
            left = until - time.monotonic()
            if tries >= TRIES or left <= 0:
                raise self._given_up(what, tries)
            pause, wait = min(2 * pause, LONGEST_PAUSE), pause * random.uniform(0.7, 1.3)
            wait = min(after if after is not None else wait, left)
            log.warning("%s: %s; trying again in %.1f s", self._options.url, public(what), wait)
            if self._closed.wait(wait):
                raise BackendError("The connection to the vLLM server was ended.", remedy="Run again.")

    def _once(self, method: str, path: str, body: dict[str, Any] | None, until: float) -> Any:
        ends = min(time.monotonic() + self._options.request_seconds, until)
        wait = max(ends - time.monotonic(), 0.01)
        timeout = httpx.Timeout(wait, connect=min(self._options.connect_seconds, wait))
        DEADLINE.set(ends)
        try:
            with self._client.stream(method, path, json=body, timeout=timeout) as response:
                data = self._read(response, ends)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except httpx.TimeoutException as error:
            raise _PassingError(f"no answer within {wait:.0f} s") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _PassingError(f"the connection broke ({_words(error)})") from error
        if response.is_success:
            try:
                return json.loads(data) if data else None
            except (ValueError, RecursionError) as error:
                raise _PassingError("its response was cut off, or is no JSON") from error
        raise self._refused(response, data)

    def _read(self, response: httpx.Response, ends: float) -> bytes:
        most, read = self._options.max_response_mb << 20, bytearray()
        for piece in response.iter_raw():
            read += piece
            if len(read) > most:
                raise BackendError(
                    f"The server's response is longer than {self._options.max_response_mb} MB.",
                    remedy="It is no answer of a vLLM server; see vllm.url and vllm.max_response_mb.",
                )
            if time.monotonic() > ends:
                raise _PassingError("its answer came too slowly")
        return bytes(read)

    def _refused(self, response: httpx.Response, data: bytes) -> Exception:
        """What a response means that is no success."""
        status, said = response.status_code, _message(data)
        if status in _BUSY or status in _PASSING:
            what = f"HTTP {status}" + (f" ({said})" if said else "")
            return _PassingError(what, busy=status in _BUSY, after=_retry_after(response))
        where = str(response.request.url)
        if response.is_redirect:
            return OutageError(
                f"{where} redirects to another place; that is not followed.",
                remedy="Set vllm.url to the place where the server answers.",
            )
        if status in (401, 403):
            return OutageError(
                f"{where} refuses the key (HTTP {status}).",
                remedy="Set vllm.api_key (PARQUETRY_VLLM__API_KEY) to what the server was started with.",
            )
        if status in (404, 405):
            return OutageError(
                f"{where} is not there, or its model is not any more (HTTP {status}{f', {said}' if said else ''}).",
                remedy="Check vllm.url and the names that GET /v1/models lists.",
            )
        return BackendError(
            f"The server refused the request: HTTP {status}{f', {said}' if said else ''}",
            remedy="See docs/serving.md for how the server must be started, and its log for why it refused.",
        )

    def _note_there(self) -> None:
        with self._lock:
            self._away_since = None

    def _note_away(self, what: str) -> None:
        """Takes note that nobody listens; after a while, or for whoever comes later, that is an outage."""
        with self._lock:
            now = time.monotonic()
            self._away_since = self._away_since or now
            if now - self._away_since < self._options.outage_seconds:
                return
        raise self._outage(what)

    def _given_up(self, what: str, tries: int) -> ParquetryError:
        """The error of a request that was tried to the end: the server's, if it is not well; else the request's."""
        if self._closed.is_set() or (tries and self.is_well()):
            return BackendError(
                f"The vLLM server did not answer this request: {what}.",
                remedy="See the server's log. If it was slow: raise vllm.request_seconds and vllm.document_seconds, or "
                "lower vllm.concurrency.",
            )
        return self._outage(what)

    def _outage(self, what: str) -> OutageError:
        return OutageError(
            f"The vLLM server at {self._options.url} does not answer: {what}.",
            remedy="Start it again, or correct vllm.url. Documents that were not done stay pending.",
        )


def _certificates(options: VllmOptions) -> ssl.SSLContext:
    trusted = str(options.ca_file.expanduser()) if options.ca_file is not None else certifi.where()
    try:
        return ssl.create_default_context(cafile=trusted)
    except OSError as error:
        raise ModelError(
            f"The certificates in {trusted} cannot be read: {error.strerror or error}.",
            remedy="Correct vllm.ca_file.",
        ) from error


def _distrust(error: BaseException) -> str | None:
    """Why TLS says that this is not the server, or no TLS at all; what may pass is none."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLError):
        found = found.__cause__ or found.__context__
    if found is None or isinstance(found, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError):
        return None
    if isinstance(found, ssl.SSLCertVerificationError):
        return found.verify_message
    return (found.reason or "TLS failed").replace("_", " ").lower()


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait; a date or nonsense counts as nothing."""
    try:
        asked = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(asked, LONGEST_ASKED_PAUSE) if asked >= 0 else None


def _message(data: bytes) -> str:
    """The first line of what an error says, in short: it may quote a document."""
    try:
        said = json.loads(data)
        error = said.get("error", said)
        text = str(error.get("message") or error.get("detail") or "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return foreign(" ".join(text.split())[:_SAID])


def _words(error: Exception) -> str:
    """What a library says; what it quotes of a response in marks, and nothing of what it quotes of a request."""
    if isinstance(error, httpx.LocalProtocolError):
        return type(error).__name__
    said, mark, quoted = str(error)[:_SAID].partition(": ")
    if isinstance(error, httpx.ProtocolError):
        said = f"{said}{mark}{foreign(quoted)}"
    else:
        said += mark + quoted
    return said or type(error).__name__
