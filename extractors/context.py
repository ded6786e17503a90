"""What is being worked on, so that each log record can say so: run, document, schema, model, stage.

It follows the code, not the thread: a context variable, which `carried` takes into threads that are started on the way.
Where a model answers many documents at once, a record is of all of them, unless it is about one (`about`).
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Work:
    """What one worker is at; empty where nobody knows, or it does not apply."""

    run_id: str = ""
    document_id: str = ""
    sha256: str = ""
    schema: str = ""
    model: str = ""
    stage: str = ""


_at: contextvars.ContextVar[tuple[Work, ...]] = contextvars.ContextVar("parquetry_work", default=(Work(),))


def current() -> tuple[Work, ...]:
    """What is being worked on here; several where documents are answered together."""
    return _at.get()


@contextmanager
def working(**known: str) -> Iterator[None]:
    """Says more of what is being worked on, for the block: the fields of `Work`."""
    with among([replace(work, **known) for work in _at.get()]):
        yield


@contextmanager
def among(works: Sequence[Work]) -> Iterator[None]:
    """The block is about all of these."""
    token = _at.set(tuple(dict.fromkeys(works)) or (Work(),))
    try:
        yield
    finally:
        _at.reset(token)


@contextmanager
def about(sha256: str) -> Iterator[None]:
    """The block is about that content alone, if it is among what is being worked on."""
    with among([work for work in _at.get() if work.sha256 == sha256] or _at.get()):
        yield


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """The function as it is to be called in another thread: about what is being worked on here."""
    here = contextvars.copy_context()

    def run(*arguments: P.args, **named: P.kwargs) -> R:
        return here.copy().run(function, *arguments, **named)

    return run


def as_fields() -> dict[str, str | list[str]]:
    """What is being worked on, for a log record: a text each, a list where there are several, nothing where none."""
    found: dict[str, str | list[str]] = {}
    for one in fields(Work):
        values = list(dict.fromkeys(value for work in _at.get() if (value := getattr(work, one.name))))
        if values and one.name != "sha256":
            found[one.name] = values[0] if len(values) == 1 else values
    return found
