"""Log records: what each says of the work it is about, and what none ever says: the text of a document.

Every record of a process goes through `_record`: it gets run, document, schema, model and stage from
`extractors.context`, and errors in it are told by `schemas.errors.told`, since their own words may quote a document.
That holds for every handler, Prefect's too. Names of inputs are in logs; texts and values never are.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pythonjsonlogger.json import JsonFormatter

from extractors.context import as_fields
from schemas.errors import InternalError, ParquetryError, public, told

LogFormat = Literal["text", "json"]
EXTRAS = ("outcome", "reason", "seconds", "stages", "attempts")
"""What calls may add to a record with ``extra``, beside what `extractors.context` knows."""
WORK = "parquetry"
"""The attribute of a record that holds what it is about."""
_OTHERS = ("prefect.", "httpx.", "httpcore.")
"""Errors of these packages are about the conductor and its server, and Prefect has to know them by their kind."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_before: list[Any] = []


class _Told:
    """An error among the arguments of a record."""

    def __init__(self, error: BaseException) -> None:
        self._text = told(error)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


def install() -> None:
    """From here on every record of this process is made by `_record`."""
    if not _before:
        _before.append(logging.getLogRecordFactory())
        logging.setLogRecordFactory(_record)


def _record(*arguments: Any, **named: Any) -> logging.LogRecord:
    record: logging.LogRecord = _before[0](*arguments, **named)
    setattr(record, WORK, as_fields())
    if isinstance(record.msg, BaseException):
        record.msg = told(record.msg)
    if isinstance(record.args, tuple):
        record.args = tuple(_Told(one) if isinstance(one, BaseException) else one for one in record.args)
    elif isinstance(record.args, Mapping):
        record.args = {
            name: _Told(one) if isinstance(one, BaseException) else one for name, one in record.args.items()
        }
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text, record.exc_info = trace_of(record.exc_info[1]), None
    return record


def trace_of(error: BaseException) -> str:
    """A traceback with its frames, and each error of the chain as `told` has it."""
    lines, seen = list[str](), set[int]()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        frames = "".join(traceback.format_list(traceback.extract_tb(one.__traceback__))).rstrip()
        kind, words = type(one).__name__, told(one)
        said = words if words.startswith(kind) else f"{kind}: {words}"
        lines = [*([frames] if frames else []), said, *lines]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        lines = ["which led to:", *lines] if one is not None and id(one) not in seen else lines
    return "\n".join(lines)


class TextFormatter(logging.Formatter):
    """A line for people; what it is about stands at its end.

    A name of a file may hold new lines, or what moves a terminal's cursor: those are told by their codes.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """The line without traceback."""
        work = getattr(record, WORK, {})
        shown = " ".join(f"{name}={_said(work[name])}" for name in ("run_id", "document_id") if name in work)
        line = _CONTROL.sub(lambda found: ascii(found.group())[1:-1], super().formatMessage(record))
        return f"{line} [{shown}]" if shown else line


def _said(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


class JsonLines(JsonFormatter):
    """A record as one line of JSON: when, how bad, who, what, and what it is about."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Ours alone; what other libraries add is left out, since nobody knows what it holds."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        log_data["time"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = record.getMessage()
        log_data |= getattr(record, WORK, {})
        if run := getattr(record, "flow_run_id", None):  # Prefect's own, before the run is ours
            log_data.setdefault("run_id", str(run))
        log_data |= {name: value for name in EXTRAS if (value := getattr(record, name, None)) is not None}
        if record.exc_text:
            log_data["traceback"] = record.exc_text


def formatter(log_format: LogFormat) -> logging.Formatter:
    """How lines of our own handlers look."""
    return JsonLines() if log_format == "json" else TextFormatter()


_on_stderr: list[logging.Handler] = []


def to_stderr(log_format: LogFormat) -> None:
    """Every record on standard error too, once, instead of what other handlers write there: for containers."""
    root = logging.getLogger()
    if not _on_stderr:
        _on_stderr.append(logging.StreamHandler(sys.stderr))
    _on_stderr[0].setFormatter(formatter(log_format))
    loggers = [root, *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    for logger in loggers:
        for handler in list(logger.handlers):
            stream = getattr(handler, "stream", None) or getattr(
                getattr(handler, "console", None), "file", None
            )
            if stream in (sys.stderr, sys.stdout) and handler is not _on_stderr[0]:
                logger.removeHandler(handler)
    if _on_stderr[0] not in root.handlers:
        root.addHandler(_on_stderr[0])


@contextmanager
def public_errors() -> Iterator[None]:
    """Around a flow or a task: what leaves it is stored and shown by Prefect, so it quotes no document.

    Raises:
        InternalError: for an error that is none of ours, the conductor's, or the operating system's.
        OSError: of the operating system as it is; what libraries raise as one in words of their own, by its kind
            alone: trying again may help against both.
    """
    try:
        yield
    except ParquetryError as error:
        error.args = (_with_remedy(public(str(error)), public(error.remedy)),)
        raise
    except Exception as error:
        if f"{type(error).__module__}.".startswith(_OTHERS):
            raise
        if isinstance(error, OSError) and (error.strerror or not error.args):
            raise
        logging.getLogger(__name__).error("internal error", exc_info=True)
        if isinstance(error, OSError):
            raise OSError(f"{told(error)} {_where(error)}") from None
        raise InternalError(
            f"Internal error: {type(error).__name__} {_where(error)}",
            remedy="The log has its traceback; report it.",
        ) from None


def _with_remedy(said: str, remedy: str) -> str:
    """What a run of a deployment says: its state and the message about it are all that people see of an error."""
    by_worker = "PREFECT__FLOW_RUN_ID" in os.environ  # else a command, which prints the remedy itself
    if not by_worker or not remedy or said.endswith(remedy):
        return said
    return f"{said} {remedy}"


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


install()
