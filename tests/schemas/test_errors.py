"""The exception tree: exit codes are distinct and documented, and every error carries a remedy if given one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import schemas.errors
from schemas.errors import DocumentError, ParquetryError
from schemas.outcome import FailureReason, Outcome


def subclasses(of: type[ParquetryError]) -> Iterator[type[ParquetryError]]:
    for child in of.__subclasses__():
        if child.__module__ == "schemas.errors":
            yield child
            yield from subclasses(child)


def test_the_drawing_at_the_top_is_true() -> None:
    drawing = schemas.errors.__doc__ or ""
    drawn = dict(re.findall(r"(\w+Error) .*?(?:exit (\d))?$", drawing, re.MULTILINE))
    found = {error.__name__: error for error in subclasses(ParquetryError)}
    assert set(drawn) == set(found)
    for name, code in drawn.items():
        if code:
            assert found[name].exit_code == int(code), name
        assert ("retryable" in re.search(rf"{name} .*", drawing)[0]) == found[name].retryable, name  # type: ignore[index]


def test_exit_codes_tell_errors_apart() -> None:
    codes = [error.exit_code for error in subclasses(ParquetryError) if error.exit_code != 1]
    assert len(codes) == len(set(codes))
    assert 0 not in codes


def test_an_error_keeps_its_remedy_and_reason() -> None:
    error = DocumentError(FailureReason.ENCRYPTED, "a.pdf is encrypted.", remedy="Give a password.")
    assert (str(error), error.remedy, error.reason) == (
        "a.pdf is encrypted.",
        "Give a password.",
        "encrypted",
    )


def test_the_outcomes_are_the_closed_list_that_scripts_know() -> None:
    known = ["accepted", "review", "reviewed", "rejected", "duplicate", "unreadable", "failed"]
    assert [outcome.value for outcome in Outcome] == known
