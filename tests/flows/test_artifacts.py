from __future__ import annotations

import re

import pytest

from flows import artifacts
from flows.artifacts import MAX_CELL, RunReport, escape
from flows.ledger.records import RunDocument
from schemas.outcome import Outcome

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](https://example.org/beacon.png)",
    "[click](javascript:alert(1))",
    "a | b\n| c | d |\n\n# heading",
    "`code` **bold** ~~gone~~ <https://example.org>",
    "https://example.org/auto-link and www.example.org",
    "\x1b[31mred\x00\u202egnp.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_document_stays_text_in_markdown(text: str) -> None:
    escaped = escape(text)
    assert not re.search(r"[<>|`*\[\]\n\x00-\x1f\u202e]", escaped)
    # every & starts a character reference, and no dot or colon is left to make a link of
    assert "http:" not in escaped and "https:" not in escaped and "www." not in escaped
    assert all(re.match(r"&(#\d+|\w+);", escaped[m.start() :]) for m in re.finditer("&", escaped))


def test_escaped_text_reads_the_same() -> None:
    import html

    assert html.unescape(escape("Müller & Söhne: 1.234,50 [net]")) == "Müller & Söhne: 1.234,50 [net]"


def test_long_text_is_cut_before_it_is_escaped() -> None:
    import html

    assert len(html.unescape(escape("<" * 10_000))) == MAX_CELL


def _document(uri: str, outcome: Outcome, seconds: float = 1.0) -> RunDocument:
    return RunDocument(
        input_id=1,
        uri=uri,
        member=None,
        document_id="d",
        outcome=outcome,
        reasons=["encrypted"] if outcome is Outcome.UNREADABLE else [],
        detail="detail | with bar",
        seconds=seconds,
        page_count=1,
        attempts=1,
        processed_now=True,
    )


def test_outcome_table_adds_up() -> None:
    report = RunReport(
        run_id="r",
        source="/in",
        schema_name="invoice",
        model="scripted",
        inputs=5,
        outcomes={"accepted": 3, "unreadable": 2},
        processed=5,
        landed_rows=3,
        landed_files=["lake/invoice/a.parquet"],
        warnings=[],
        queue=0,
        seconds=1.5,
    )
    table = artifacts.outcome_table(report)
    assert re.search(r"\| accepted \| 3 \|", table)
    assert re.search(r"\| sum \| 5 \|", table)


def test_failed_documents_are_shown_with_plain_reasons_and_slow_ones_in_order() -> None:
    documents = [
        _document("file:///a.pdf", Outcome.ACCEPTED, 1),
        _document("file:///<b>.pdf", Outcome.UNREADABLE, 9),
    ]
    failed = artifacts.failed_table(documents)
    assert "encrypted and none of the given passwords" in failed
    assert "<b>" not in failed and failed.count("\n") == 2
    slow = artifacts.slowest_table(documents).splitlines()
    assert "9" in slow[2] and "1" in slow[3]
    assert artifacts.failed_table(documents[:1]) == "Nothing failed."
