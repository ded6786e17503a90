"""The report of a run as files: true figures, whole files, nothing of a document taken for markup."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from flows import report as reports
from flows.commands import launch
from flows.report import RunReport, as_html, write
from tests.flows.making import report_of


def test_the_files_say_the_same_and_the_json_can_be_read_back(tmp_path: Path) -> None:
    report = report_of(outcomes={"accepted": 3, "unreadable": 2})
    page = write(report, tmp_path)
    kept = RunReport.model_validate(json.loads(page.with_suffix(".json").read_text(encoding="utf-8")))
    assert kept == report
    text = page.read_text(encoding="utf-8")
    for said in ("accepted", "read by text recognition", "12.0", "documents a minute", "Most memory"):
        assert said in text, said
    assert sorted(path.name for path in page.parent.iterdir()) == [
        f"{report.run_id}.html",
        f"{report.run_id}.json",
    ]


def test_nobody_else_reads_it_also_where_the_folder_was_open_to_all(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        page = write(report_of(), tmp_path)
    finally:
        os.umask(before)
    assert page.parent.stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode & 0o777 for path in page.parent.iterdir()] == [0o600, 0o600]


def test_text_of_documents_stays_text() -> None:
    hostile = '<script>alert(1)</script><img src="https://example.org/x">'
    text = as_html(report_of(uri=f"file:///{hostile}.pdf", detail=hostile, error=hostile, warnings=[hostile]))
    assert "<script" not in text and "<img" not in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_an_empty_run_and_a_failed_one_read_well() -> None:
    empty = as_html(report_of(outcomes={}, nothing=True))
    assert "there was nothing in the source" in empty and "No pages were read" in empty
    assert "None" not in re.sub(r"<[^>]*>", "", empty)
    failed = as_html(report_of(state="failed", error="The disk is full."))
    assert "The disk is full." in failed


@pytest.mark.parametrize(("documents", "seconds", "rate"), [(30, 60.0, 30.0), (0, 5.0, None), (5, 0.0, None)])
def test_rates_are_per_minute_and_never_divide_by_nothing(
    documents: int, seconds: float, rate: float | None
) -> None:
    (stage,) = reports.stage_figures({"land": seconds}, {}, 0, documents, 0)
    assert stage.documents_per_minute == rate
    assert stage.pages_per_minute is None


def test_many_landed_files_are_counted_on_the_console() -> None:
    assert launch._written([]) == "nothing new"
    assert launch._written(["a.parquet", "b.parquet"]) == "a.parquet, b.parquet"
    assert launch._written([f"{i}.parquet" for i in range(50)]) == "50 files, the last 49.parquet"
