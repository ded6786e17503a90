"""The page for people: what it says, and that nothing of a document is taken for markup."""

from __future__ import annotations

import re

import pytest

from flows import lineage, states, summary
from flows.markdown import link
from flows.report import ReportedDocument
from flows.settings import load_settings
from flows.upkeep.findings import MOST, Finding
from tests.flows.making import report_of

WAITING = ReportedDocument(
    uri="file:///in/<b>bill</b>|x.pdf",
    outcome="review",
    reasons=["ambiguous_date"],
    detail="",
    seconds=1.0,
    pages=1,
    document_id="abc123",
)


def test_a_run_in_a_sentence_and_its_tags() -> None:
    report = report_of(outcomes={"accepted": 3, "review": 1, "unreadable": 2})
    said = summary.run_sentence(report)
    assert (
        said
        == "6 inputs: 3 accepted without a person, 1 wait for a person, 2 failed or unreadable. 3 rows landed."
    )
    assert summary.run_tags(report) == [states.FAILED_DOCUMENTS, states.FOR_REVIEW]
    empty = report_of(outcomes={}, nothing=True)
    assert summary.run_sentence(empty).startswith("Nothing new")
    known = report_of(outcomes={"accepted": 3}).model_copy(update={"processed": 0, "landed_rows": 0})
    assert summary.run_sentence(known) == "Nothing new: all 3 inputs were known."
    assert summary.run_tags(known) == [states.NOTHING_NEW]


def test_the_summary_links_to_what_waits_and_escapes_what_documents_are_called() -> None:
    report = report_of(outcomes={"accepted": 3, "review": 1, "unreadable": 2}).model_copy(
        update={"waiting": [WAITING], "review_url": "https://review.example.org", "queue": 1}
    )
    page = summary.run_summary(report)
    assert "](https://review.example.org/documents/abc123)" in page
    assert "](https://review.example.org)" in page
    assert "<b>" not in page and "Day and month cannot be told apart" in page.replace("&#46;", ".")
    assert re.search(r"\| came in \| 6 \|", page)
    assert "lake/invoice/a" in page.replace("&#47;", "/")


def test_why_files_could_not_be_read_is_no_reason_to_wait_for_a_person() -> None:
    report = report_of(outcomes={"review": 1, "unreadable": 2}).model_copy(
        update={"reasons": {"empty": 2, "ambiguous_date": 1}}
    )
    (row,) = [one for one in summary.run_summary(report).splitlines() if "wait for a person |" in one]
    assert "Day and month" in row and "no bytes" not in row


def test_only_addresses_become_links() -> None:
    assert link("a]b", "https://x.example/1") == "[a&#93;b](https://x.example/1)"
    for bad in ("javascript:alert(1)", "https://x.example/a)b", "https://x.example/a b", "file:///etc"):
        assert "](" not in link("text", bad)


def test_what_a_browser_can_show_is_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "FSSPEC_S3_ENDPOINT_URL", "FSSPEC_S3"):
        monkeypatch.delenv(name, raising=False)
    files = ["/home/lake/invoice/a.parquet", "s3://lake/invoice/b c.parquet", "gs://lake/invoice/d.parquet"]
    failed = WAITING.model_copy(update={"uri": "https://dav.example.org/in/e.pdf"})
    report = report_of().model_copy(update={"landed_files": files, "failed": [failed]})
    page = summary.run_summary(report)
    assert "| /home/lake/invoice/a.parquet |" in page
    assert "(https://s3.console.aws.amazon.com/s3/object/lake?prefix=invoice%2Fb%20c.parquet) |" in page
    assert "(https://storage.cloud.google.com/lake/invoice/d.parquet) |" in page
    assert "(https://dav.example.org/in/e.pdf) |" in page
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")  # Amazon's console knows nothing of that
    assert "amazon" not in summary.run_summary(report)


def test_upkeep_is_told_step_by_step_and_not_without_end() -> None:
    many = [f"file-{number}" for number in range(MOST + 5)]
    page = summary.upkeep_table([Finding(step="lake files", verdict="done", said="swept", details=many)])
    assert "put in order" in page and "and 5 more" in page


def test_two_places_never_have_one_key_and_no_key_is_refused() -> None:
    settings = load_settings(home="/home/a b", model="scripted")
    keys = {
        lineage.source_asset(place).key
        for place in (
            "/in/a b",
            "/in/a_b",
            "s3://bucket/in?x=1",
            "s3://bucket/in_x=1",
            f"/{'x' * 900}",
            "/in",
        )
    }
    assert len(keys) == 6 and "file:///in" in keys
    assert lineage.table_asset(settings, "invoice").key.startswith("file:///home/a_b/lake/invoice-")
    assert lineage.decisions_asset(settings, "invoice").key == "parquetry://decisions/invoice"
