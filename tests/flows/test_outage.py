"""When a run stops itself: a row of failures and a probe that fails too."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pdfplumber
import pytest

from flows import outage as outages
from flows.home import machine_trouble
from flows.outage import Breaker
from schemas.errors import OutageError, SourceError
from schemas.outcome import FailureReason

MODEL = FailureReason.MODEL_ERROR


def test_a_row_of_failures_stops_the_run_only_if_the_probe_fails_too() -> None:
    health: list[str | None] = [None, "the test page fails too."]
    breaker = Breaker({MODEL: lambda: health.pop(0)}, in_a_row=3)
    assert [breaker.saw(MODEL) for _ in range(3)] == [None] * 3  # it was the documents
    assert [breaker.saw(MODEL, "no such kernel") for _ in range(2)] == [None] * 2
    outage = breaker.saw(MODEL, "no such kernel")
    assert isinstance(outage, OutageError)
    assert "no such kernel" in str(outage) and "test page fails" in str(outage)
    assert "parquetry retry" in outage.remedy


@pytest.mark.parametrize("between", [None, FailureReason.UNAVAILABLE])
def test_whatever_comes_between_begins_the_row_anew(between: FailureReason | None) -> None:
    def fails() -> str | None:
        raise AssertionError("not to be tried")

    breaker = Breaker({MODEL: fails}, in_a_row=2)
    for _ in range(5):
        assert breaker.saw(MODEL) is None
        assert breaker.saw(between) is None


def test_only_the_machine_stops_a_run_not_a_file() -> None:
    full = SourceError("a.pdf cannot be fetched")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    outage = machine_trouble(full, Path("/home"))
    assert outage is not None and "No space left on device" in str(outage) and "/home" in str(outage)
    assert machine_trouble(OSError(errno.EIO, "Input/output error"), Path("/home")) is None
    assert machine_trouble(ValueError("x"), Path("/home")) is None


def test_the_test_page_is_a_sound_document() -> None:
    with pdfplumber.open(io.BytesIO(outages.test_page())) as pdf:
        (page,) = pdf.pages
        assert "Number: 1001" in page.extract_text()
