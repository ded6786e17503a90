"""Calls outside of event loops."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def outside_of_loops(call: Callable[P, T]) -> Callable[P, T]:
    """In a thread of its own: where a browser of other tests left a loop, Prefect's calls want to be awaited."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(contextvars.copy_context().run, lambda: call(*args, **kwargs)).result()

    return called
