"""Patterns of text in linear time: Rust's regular expressions, which pydantic brings and checks its own models with.

A pattern meets text of hostile documents. An engine that tries and goes back, as Python's does, can be kept busy for
ever by one line of it; this one cannot, and so knows neither look-around nor references to groups.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter
from pydantic_core import SchemaError as _CoreError


class PatternError(ValueError):
    """A pattern that cannot be matched in linear time, or is none. ``str(error)`` says why, in one line."""


@lru_cache(maxsize=1024)
def matcher_of(pattern: str) -> Callable[[str], bool]:
    """Whether a text has a match of ``pattern`` somewhere (anchors say where), as JSON Schema understands it.

    Raises:
        PatternError: it is no pattern, needs look-around or references to groups, or is too large.
    """
    try:
        matches = TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)]).validator.isinstance_python
    except _CoreError as error:
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise PatternError(said[-1].removeprefix("error: ")) from error
    return matches
