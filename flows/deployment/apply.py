"""Brings a Prefect server into the declared state, part by part. To add a kind of thing, add its part to `PARTS`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flows.deployment.automations import apply_automations
from flows.deployment.deployments import apply_deployments
from flows.deployment.limits import apply_limits
from flows.deployment.pools import apply_pools
from flows.deployment.target import Change, Part, Target
from schemas.errors import OutageError, UsageError

PARTS: list[Part] = [apply_pools, apply_limits, apply_deployments, apply_automations]
"""In this order: a deployment names its pool, and what comes after may look a deployment up by its name."""


def apply(target: Target) -> Iterator[Change]:
    """Every change, as soon as it is made. Applied twice, the second time changes nothing.

    Raises:
        OutageError: the server does not answer.
        UsageError: what is there already contradicts what is wanted.
    """
    with answering(str(target.client.api_url)):
        for part in PARTS:
            yield from part(target)


@contextmanager
def answering(api_url: str) -> Iterator[None]:
    """What is said to a Prefect server; that it does not answer, or refuses, is told as such.

    Raises:
        OutageError: the server does not answer, or cannot do what is asked.
        UsageError: it lets only those in who sign in, or is not there.
    """
    import httpx

    try:
        yield
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise UsageError(
                f"The Prefect server at {api_url} refuses ({status}): it asks who this is.",
                remedy="Set PREFECT_API_AUTH_STRING (user:password), or PREFECT_API_KEY, as the server wants it.",
            ) from error
        if status == httpx.codes.NOT_FOUND:
            raise UsageError(
                f"There is no Prefect server at {api_url}: it answered 404.",
                remedy="Correct PREFECT_API_URL, which ends in /api, such as http://127.0.0.1:4200/api.",
            ) from error
        raise OutageError(
            f"The Prefect server at {api_url} answered {status}.",
            remedy="See the server's log; then apply again: what is done stays.",
        ) from error
    except httpx.TransportError as error:
        raise OutageError(
            f"The Prefect server at {api_url} does not answer ({type(error).__name__}).",
            remedy="Check PREFECT_API_URL and the server; then apply again: what is done stays.",
        ) from error
