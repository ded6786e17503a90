"""The endpoint: one address that takes notifications, one that says that it is alive."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from flows.hooks import bodies
from flows.hooks.arrivals import Arrivals
from flows.hooks.senders import Senders
from schemas.errors import ParquetryError

log = logging.getLogger(__name__)

PATH = "/objects"


def create_app(
    *, source: str, token: str, per_minute: int, tell: Callable[[int, str], None], seconds: float
) -> FastAPI:
    """The endpoint.

    Args:
        source: the configured source; what lies elsewhere is passed over.
        token: the secret of senders.
        per_minute: notifications that are taken in a minute.
        tell: is called with how many objects came, and the URI of one; raises `ParquetryError` when it cannot.
        seconds: what comes so soon after it is told as one.
    """
    senders, arrivals = Senders(token, per_minute), Arrivals(tell, seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(arrivals.close)

    app = FastAPI(title="parquetry hooks", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.post(PATH)
    async def objects(request: Request) -> Response:
        """A bucket says that there are new objects."""
        body = await _read(request)
        if body is None:
            return _answer(413, f"more than {bodies.MAX_BYTES} bytes")
        if not senders.knows(request, body):
            if senders.wrong_too_often(request.client.host if request.client else "?"):
                return _answer(429, "too many wrong attempts")
            return _answer(401, "the secret is missing or wrong")
        if not senders.may_send():
            return _answer(429, "too many notifications")
        try:
            data = bodies.parse(body)
        except bodies.NoJsonError:
            return _answer(400, "no JSON")
        if asked := bodies.confirmation_in(data):
            log.warning(
                "SNS asks for a confirmation. If you made this subscription: "
                "aws sns confirm-subscription --topic-arn %s --token %s",
                asked.topic,
                asked.token,
            )
            return JSONResponse({"objects": 0}, 202)
        found = bodies.uris_in(data, source)
        if found:
            try:
                await run_in_threadpool(arrivals.came, len(found), found[0])
            except ParquetryError as error:  # the sender tries again
                log.warning("%s", error)
                return _answer(503, "Prefect does not answer", {"Retry-After": "30"})
        return JSONResponse({"objects": len(found)}, 202)

    @app.get("/healthz")
    def health() -> Response:
        """For supervisors."""
        return JSONResponse({"status": "ok"})

    return app


def _answer(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status, headers)


async def _read(request: Request) -> bytes | None:
    """The body; ``None`` as soon as it is too large, whatever it said of its length."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > bodies.MAX_BYTES:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bodies.MAX_BYTES:
            return None
    return bytes(body)
