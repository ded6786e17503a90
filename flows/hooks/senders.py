"""Whether a notification comes from somebody who knows the secret, and how often one may try.

Senders differ in what they can send, so the one secret is taken in four ways: as a bearer token (MinIO, EventBridge),
as the password of basic authentication (SNS, in the address), as ``?token=`` (Pub/Sub), or as the key of an
HMAC-SHA256 over the body in ``X-Hub-Signature-256``. All are compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

_WRONG = RateLimitItemPerMinute(20)
_MAX_SECRET = 1024


class Senders:
    """Knows the secret, and counts. One process, one count."""

    def __init__(self, token: str, per_minute: int) -> None:
        self._token = token.encode()
        self._all = RateLimitItemPerMinute(per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wrong_too_often(self, address: str) -> bool:
        """Counts a wrong attempt. Who knows the secret is let in all the same: behind a proxy all have one address."""
        return not self._limiter.hit(_WRONG, address)

    def may_send(self) -> bool:
        """Counts a notification; whether it is one too many."""
        return self._limiter.hit(self._all, "all")

    def knows(self, request: Request, body: bytes) -> bool:
        """Whether the secret came with the request. It is too long to be guessed, however often one tries."""
        signed = request.headers.get("x-hub-signature-256", "")
        if signed:
            made = "sha256=" + hmac.new(self._token, body, hashlib.sha256).hexdigest()
            return hmac.compare_digest(signed.encode("utf-8", "replace"), made.encode())
        return self._is_secret(_given(request))

    def _is_secret(self, given: str) -> bool:
        return hmac.compare_digest(given[:_MAX_SECRET].encode("utf-8", "replace"), self._token)


def _given(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return request.query_params.get("token", "")
