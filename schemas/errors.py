"""Every error that parquetry raises on purpose.

    ParquetryError
    ├── UsageError                 what the user typed or configured           exit 2
    │   ├── SchemaError            a schema cannot be loaded or compiled       exit 3
    │   ├── SourceError            a source URI cannot be listed or fetched    exit 4
    │   └── ModelError             a model folder is missing, wrong, changed   exit 5
    ├── DocumentError              one document cannot be read; becomes an outcome, never a crash
    ├── BackendError               the model could not answer; retryable
    ├── LedgerError                the ledger cannot be used                   exit 6
    ├── LandingError               the lake cannot be written; retryable       exit 7
    ├── ConservationError          an input has no outcome, or two             exit 8
    ├── OutageError                what every document needs does not work     exit 9
    └── InternalError              a fault of ours                             exit 1

Each carries a remedy (what to do), an exit code for the command line, and says whether trying again can help.

What a library says of a document may quote it. A message bears such words in marks (`foreign`); the ledger keeps them,
and whatever leaves it for a log or for Prefect goes through `public` or `told` first.
"""

from __future__ import annotations

import re
from typing import ClassVar

from schemas.outcome import FailureReason


class ParquetryError(Exception):
    """Base of all. ``str(error)`` says what happened and to what; ``remedy`` what to do about it."""

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageError(ParquetryError):
    """An argument or a setting is wrong."""

    exit_code = 2


class SchemaError(UsageError):
    """A schema cannot be found, loaded, or expressed."""

    exit_code = 3


class SourceError(UsageError):
    """A source cannot be listed or an object not fetched."""

    exit_code = 4


class ModelError(UsageError):
    """A model folder is missing, incomplete, or not what its manifest says."""

    exit_code = 5


class DocumentError(ParquetryError):
    """A document cannot be read. The pipeline turns it into an ``unreadable`` outcome with ``reason``.

    ``timings``: what was spent on it until then, as `schemas.document.ReadDocument` has them.
    """

    def __init__(self, reason: FailureReason, message: str, *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason
        self.timings: dict[str, float] = {}


class BackendError(ParquetryError):
    """The model backend failed on a request."""

    retryable = True


class LedgerError(ParquetryError):
    """The ledger database cannot be opened or is of another version."""

    exit_code = 6


class LandingError(ParquetryError):
    """Rows could not be written to the lake."""

    exit_code = 7
    retryable = True


class ConservationError(ParquetryError):
    """Inputs and outcomes do not add up: the one thing that must never happen."""

    exit_code = 8


class OutageError(ParquetryError):
    """What every document needs does not work: the model, the readers, the source, the disk.

    A run stops then. Its documents are not at fault: those not through stay pending.
    """

    exit_code = 9


class InternalError(ParquetryError):
    """A fault of ours, told without its own words: they may quote a document."""


_MARKS = ("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}")
_FOREIGN = re.compile(f"{_MARKS[0]}[^{''.join(_MARKS)}]*(?:{_MARKS[1]}|$)")


def foreign(said: object) -> str:
    """Words that may quote a document, in marks: ``‹invalid literal: 4,50 EUR›``; nothing of nothing."""
    text = str(said)
    for mark in _MARKS:
        text = text.replace(mark, "'")
    return f"{_MARKS[0]}{text}{_MARKS[1]}" if text.strip() else ""


def public(text: str) -> str:
    """A message without the words of others in it: for logs, metrics and Prefect."""
    return _FOREIGN.sub(f"{_MARKS[0]}\N{HORIZONTAL ELLIPSIS}{_MARKS[1]}", text)


def told(error: BaseException) -> str:
    """An error for a log: our own words, what the operating system says, else its kind alone."""
    kind = type(error).__name__
    if isinstance(error, ParquetryError):
        return public(str(error))
    if isinstance(error, OSError) and error.strerror:
        name = f": {error.filename}" if isinstance(error.filename, str) else ""
        return f"{kind}: {error.strerror}{name}"
    return kind
