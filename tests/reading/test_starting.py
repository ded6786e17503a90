"""Children that start slowly: within the document's time, and not the document's fault."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest

from extractors.options import ReadOptions
from extractors.reading import ReaderPool, process
from extractors.reading.process import ChildTimeoutError
from extractors.reading.slot import ReaderStartError, Slot
from schemas.errors import DocumentError
from schemas.outcome import FailureReason
from tests.reading.making import picture, read, scan_pdf, write_pdf

OPTIONS = ReadOptions(image_side_px=32, max_seconds=250)
NEVER = [sys.executable, "-c", "import time; time.sleep(600)"]
HANGS = """
import sys
import struct, time
ready = b'{"kind": "ready", "data": {"layers": []}}'
sys.stdout.buffer.write(struct.pack(">IQ", len(ready), 0) + ready)
sys.stdout.buffer.flush()
time.sleep(600)
"""


@pytest.fixture
def instead(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """By kind of child, the program that is started in its place."""
    programs: dict[str, list[str]] = {}
    real = process._start

    def start(kind: str, threads: int, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        if kind not in programs:
            return real(kind, threads, stderr)
        pipe, root = subprocess.PIPE, str(Path(__file__).resolve().parents[2])
        env = {**os.environ, "PYTHONPATH": root}
        return subprocess.Popen(
            programs[kind], stdin=pipe, stdout=pipe, stderr=stderr, bufsize=0, env=env, start_new_session=True
        )

    monkeypatch.setattr(process, "_start", start)
    return programs


@pytest.fixture
def slot() -> Iterator[Slot]:
    made = Slot(1, threading.Event())
    yield made
    made.close()


def test_a_child_that_starts_slowly_goes_on_starting(slot: Slot, instead: dict[str, list[str]]) -> None:
    instead["ocr"] = NEVER
    for _ in range(2):
        with pytest.raises(ReaderStartError, match="takes long to start"):
            slot.child("ocr", time.monotonic() + 0.3)
    (pid,) = {child.pid for child in psutil.Process().children() if "time.sleep" in str(child.cmdline())}
    assert slot.waited >= 0.5 and not slot.is_ready("ocr")
    slot.drop("ocr")  # a document lost it: what takes its place is counted as the document's
    assert not psutil.pid_exists(pid)
    with pytest.raises(ChildTimeoutError):
        slot.child("ocr", time.monotonic() + 0.3)


def test_a_child_that_dies_while_starting_is_no_document_error(
    slot: Slot, instead: dict[str, list[str]]
) -> None:
    instead["text"] = [sys.executable, "-c", "import sys; sys.exit('no library')"]
    with pytest.raises(ReaderStartError, match="no library"):
        slot.prepare(ocr=False)


def test_a_document_whose_time_went_into_starting_is_not_at_fault(
    tmp_path: Path, instead: dict[str, list[str]]
) -> None:
    instead["ocr"] = NEVER
    path = scan_pdf(tmp_path / "scan.pdf", picture(("Total 9.50",), (300, 150)))
    with ReaderPool(OPTIONS) as pool:
        read(pool, write_pdf(tmp_path / "first.pdf"), ReadOptions(ocr=False, max_seconds=250))
        with pytest.raises(ReaderStartError):
            read(pool, path, OPTIONS.model_copy(update={"max_seconds": 6}))
        pool.abort()


@pytest.mark.slow
def test_a_document_whose_ocr_hangs_ends_in_its_time(tmp_path: Path, instead: dict[str, list[str]]) -> None:
    """All in all: the start of the child, and what it did with the page; the promise is the limit and 2 s."""
    instead["ocr"] = [sys.executable, "-c", HANGS]
    path = scan_pdf(tmp_path / "scan.pdf", picture(("Total 9.50",), (300, 150)))
    with ReaderPool(OPTIONS) as pool:
        read(pool, write_pdf(tmp_path / "first.pdf"), ReadOptions(ocr=False, max_seconds=250))
        for _ in range(2):
            pool.warm()
            began = time.monotonic()
            with pytest.raises(DocumentError) as caught:
                read(pool, path, OPTIONS.model_copy(update={"max_seconds": 8}))
            assert caught.value.reason is FailureReason.TIMEOUT
            assert time.monotonic() - began <= 8 + 2
            instead["ocr"] = [sys.executable, "-c", "import time; time.sleep(1)\n" + HANGS]
