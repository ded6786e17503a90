from __future__ import annotations

import re

import pytest

from flows import artifacts
from flows.artifacts import MAX_CELL, escape
from tests.flows.making import report_of

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
    # every & starts a character reference of ours, and no bare dot or colon is left to make a link of
    assert "http:" not in escaped and "https:" not in escaped and "www." not in escaped
    assert all(re.match(r"&#\d+;", escaped[m.start() :]) for m in re.finditer(r"(?<!\\)&", escaped))


def _read(escaped: str) -> str:
    """As a renderer reads it: backslashes before punctuation, then character references that none precedes."""
    return re.sub(r"\\([:@&.])|&#(\d+);", lambda m: m[1] or chr(int(m[2])), escaped)


@pytest.mark.parametrize(
    "text",
    ["Müller & Söhne: 1.234,50 [net]", "a\\|b \\: &#46; &lt;", "_a_b_ # - +", "www.example.org a@b.example"],
)
def test_escaped_text_reads_the_same(text: str) -> None:
    assert _read(escape(text)) == text


def test_names_and_sentences_need_no_references() -> None:
    # Prefect's default UI shows a reference as it stands: `s3&#58;&#47;&#47;documents`.
    text = "receipt-2026_11 (3).pdf from s3://documents/in, 25.0 s. It is read!"
    assert "&" not in escape(text) and escape(text).replace("\\", "") == text


def test_long_text_is_cut_before_it_is_escaped() -> None:
    assert len(_read(escape("<" * 10_000))) == MAX_CELL


def test_outcome_table_adds_up() -> None:
    table = artifacts.outcome_table(report_of())
    assert re.search(r"\| accepted \| 3 \|", table)
    assert re.search(r"\| sum \| 5 \|", table)
    assert re.search(r"\| extract \| 25\.0 \| 12\.0 \|", table)
    assert "there was nothing in the source" in artifacts.outcome_table(report_of(outcomes={}, nothing=True))


def test_failed_documents_are_shown_with_plain_reasons_and_slow_ones_in_order() -> None:
    failed = artifacts.failed_table(report_of(uri="file:///<b>.pdf", detail="detail | with bar"))
    assert "encrypted and none of the given passwords" in failed
    assert "<b>" not in failed and "1 more are in the ledger" in failed
    slow = artifacts.slowest_table(report_of()).splitlines()
    assert "9.0" in slow[2] and "1.0" in slow[3]
    assert artifacts.failed_table(report_of(outcomes={}, nothing=True)) == "Nothing failed."


def test_a_prefect_server_that_is_gone_does_not_cost_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise ConnectionError("refused")

    for name in ("create_progress_artifact", "create_markdown_artifact"):
        monkeypatch.setattr(artifacts, name, gone)
    bar = artifacts.ProgressArtifact()
    bar.show(1, 1)
    artifacts.publish(report_of())
