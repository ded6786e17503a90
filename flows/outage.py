"""Tells an outage from bad documents: when every document fails for the same reason, the run stops.

A row of failures alone proves nothing: a folder may begin with ten files that upset the model. So after a few
in a row the thing itself is tried, with a page of our own or by a look at the source. Only when that
fails too does the run stop; its documents stay pending, instead of being marked as failed one by one.
"""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from flows.extractor import Extractor
from flows.intake_options import IntakeOptions
from flows.sources import discover
from schemas.document import DocumentRef
from schemas.errors import OutageError, ParquetryError, foreign
from schemas.extraction import Extraction
from schemas.outcome import PLAIN_WORDS, FailureReason

log = logging.getLogger(__name__)

IN_A_ROW = 5
"""So many documents fail for the same reason before the thing itself is tried."""
Probe = Callable[[], str | None]
"""Tries the thing itself; says what is wrong with it, or nothing."""


class Breaker:
    """Counts failures in a row, over all threads of a run. Safe to share between them."""

    def __init__(self, probes: dict[FailureReason, Probe], in_a_row: int = IN_A_ROW) -> None:
        self._probes = probes
        self._in_a_row = in_a_row
        self._lock = threading.Lock()
        self._reason: FailureReason | None = None
        self._count = 0

    def saw(self, reason: FailureReason | None, detail: str = "") -> OutageError | None:
        """Takes note of how a document ended (``None``: not by failing); an error when it is time to stop."""
        with self._lock:
            self._count = self._count + 1 if reason == self._reason else 1
            self._reason = reason
            if reason is None or self._count < self._in_a_row or reason not in self._probes:
                return None
            wrong = self._probes[reason]()
            self._count = 0
        if wrong is None:
            log.warning("%d documents in a row failed (%s), but it is the documents", self._in_a_row, reason)
            return None
        return OutageError(
            f"{self._in_a_row} documents in a row failed: {PLAIN_WORDS[reason]} {detail} "
            f"And it is not the documents: {wrong}",
            remedy="Correct that and run again: it goes on where it stopped. Documents that failed are tried "
            "again then, or later with `parquetry retry --outcome failed`.",
        )


def breaker(extractor: Extractor, source: str, options: IntakeOptions | None = None) -> Breaker:
    """The breaker of a run, with what it can try."""
    test_page = lambda: _try_test_page(extractor)  # noqa: E731
    return Breaker(
        {
            FailureReason.MODEL_ERROR: test_page,
            FailureReason.INTERNAL_ERROR: test_page,
            FailureReason.READER_CRASHED: test_page,  # as a failure of ours: no reader starts
            FailureReason.UNAVAILABLE: lambda: _try_source(source, options or IntakeOptions()),
        }
    )


def _try_source(source: str, options: IntakeOptions) -> str | None:
    try:
        next(discover(source, limit=1, options=options.model_copy(update={"settle_seconds": 0.0})), None)
    except ParquetryError as error:
        return f"the source cannot be listed any more. {error}"
    return None


def _try_test_page(extractor: Extractor) -> str | None:
    """A page that every reader and model can do something with, through all of it."""
    try:
        with tempfile.TemporaryDirectory(prefix="parquetry-") as folder:
            path = Path(folder) / "test-page.pdf"
            path.write_bytes(test_page())
            ref = DocumentRef("parquetry's own test page", "0" * 64, path.stat().st_size, "application/pdf")
            done: Extraction = extractor.extract(ref, path)
    except Exception as error:  # whatever it is: the probe is there to find it
        return f"parquetry's own test page fails too. {type(error).__name__} {foreign(error)}"
    if done.outcome != "extracted":
        return f"parquetry's own test page cannot be read either. {done.detail}"
    return None


def test_page() -> bytes:
    """A PDF of one page with a few printed words."""
    text = b"BT /F1 14 Tf 72 760 Td (Test page) Tj 0 -24 Td (Number: 1001) Tj 0 -24 Td (Total: 12.50) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    data, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, table, len(objects) + 1, len(data))
    )
