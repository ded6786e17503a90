"""Figures by hand, what must hold of any, and a page that nothing printed on a document can break."""

from __future__ import annotations

import base64
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors.evaluation.figures import compared, figures_of, risk_coverage
from extractors.evaluation.intervals import f1_difference, f1_interval, share_interval
from extractors.evaluation.page import DPI, html, shown_errors
from extractors.evaluation.report import comparison
from extractors.evaluation.results import DocumentResult, LeafResult, result_of
from flows.cli import main
from schemas.extraction import ExtractedField, Extraction, PageShape
from schemas.registry import LoadedSchema, from_json_schema, load_schema
from tests.flows.test_calibrate import labelled

INVOICE = load_schema("invoice")


def leaf(verdict: str, path: str = "a", **more: Any) -> LeafResult:
    truth = None if verdict in ("invented", "rightly_null") else "x"
    raw = None if verdict in ("missed", "rightly_null") else "y"
    return LeafResult.model_validate(
        {"path": path, "pattern": path, "kind": "text", "verdict": verdict, "truth": truth, "raw": raw} | more
    )


def result(name: str, *leaves: LeafResult, **more: Any) -> DocumentResult:
    return DocumentResult(name=name, model="m", outcome="extracted", leaves=list(leaves), **more)


def _leaves(
    truth: dict[str, Any], answers: dict[str, Any], schema: LoadedSchema = INVOICE
) -> list[LeafResult]:
    fields = [ExtractedField(path=path, value=value) for path, value in answers.items()]
    extraction = Extraction(
        document="a", outcome="extracted", schema_name="i", schema_fingerprint="f", model="m", data={}, fields=fields
    )  # fmt: skip
    return result_of("a", truth, extraction, schema).leaves


TEXTS = from_json_schema(
    {"title": "slip", "properties": {k: {"type": ["string", "null"]} for k in ("date", "total", "shop")}},
    "slip",
)


@pytest.mark.parametrize(
    ("field", "truth", "value", "verdict"),
    [
        ("total", "RM 29.70", "29.70", "right"),
        ("total", "RM 29.70", "29.07", "wrong"),
        ("date", "(25/12/2018)", "25 Dec 2018", "right"),
        ("date", "(25/12/2018)", "26/12/2018", "wrong"),
        ("shop", "Oak 29.70", "29.70", "wrong"),
    ],
)
def test_texts_named_after_sums_and_dates_are_judged_as_these_but_have_no_typed_value(
    field: str, truth: str, value: str, verdict: str
) -> None:
    (found,) = _leaves({field: truth}, {field: value}, TEXTS)
    assert (found.verdict, found.kind, found.typed, found.typed_error) == (verdict, "text", None, None)


def judged(truth: dict[str, Any], answers: dict[str, Any]) -> dict[str, LeafResult]:
    return {one.path: one for one in _leaves(truth, answers)}


@pytest.mark.parametrize(
    ("field", "truth", "value", "error"),
    [
        ("issue_date", "2020-04-03", "2020-03-04", "day_and_month"),
        ("issue_date", "2020-04-03", "2020-04-04", "other"),
        ("net_total", 12.5, "1250", "power_of_ten"),
        ("net_total", 12.5, "0.125", "power_of_ten"),
        ("net_total", 12.5, "13", "other"),
        ("net_total", 0, "13", "other"),
        ("net_total", 12.5, "12.50", None),
    ],
)
def test_typed_errors_are_told_apart(field: str, truth: Any, value: Any, error: str | None) -> None:
    found = judged({field: truth}, {field: value})[field]
    assert found.typed_error == error
    assert found.verdict == ("right" if error is None else "wrong")


def test_rows_and_verdicts_by_hand() -> None:
    truth = {
        "line_items": [{"description": "a", "line_total": 1}, {"description": "b", "line_total": 2}],
        "buyer_name": None,
    }
    answers = {
        "line_items.0.description": "x",
        "line_items.1.description": "a",
        "line_items.1.line_total": "9",
        "buyer_name": None,
        "seller_name": "unlabelled",
    }
    assert sorted((one.path, one.verdict) for one in _leaves(truth, answers)) == [
        ("buyer_name", "rightly_null"),
        ("line_items.0.description", "invented"),
        ("line_items.1.description", "missed"),  # of the truth's second row, which no row matches
        ("line_items.1.description", "right"),
        ("line_items.1.line_total", "missed"),
        ("line_items.1.line_total", "wrong"),
    ]


def test_figures_by_hand() -> None:
    results = [
        result("a", leaf("right"), leaf("wrong", "b"), slices={"source": "scan"}),
        result("b", leaf("right"), leaf("rightly_null", "b"), leaf("missed", "c"), truncated=True),
        result("c", leaf("right", landed=True), leaf("invented", "b", landed=True), accepted=True),
    ]
    figures = figures_of(results, "s", "dev")
    assert figures["micro"]["f1"] == pytest.approx(2 * 3 / (2 * 3 + 2 + 2), abs=1e-4)
    assert figures["micro"]["n"] == 5
    assert figures["fields"]["b"]["precision"] == 0
    assert figures["document_accuracy"]["value"] == 0
    assert figures["validity"]["truncated"] == 1
    assert figures["acceptance"]["values"] == 2
    assert figures["acceptance"]["wrong_values"] == 1
    assert figures["acceptance"]["error"]["value"] == 0.5
    assert figures["acceptance"]["perfect_documents"] == 0
    assert figures["slices"]["source"]["scan"]["documents"] == 1
    assert figures["calibration"] is None
    assert figures["wrong"] == 3


def test_risk_by_coverage_by_hand() -> None:
    leaves = [
        leaf("right", probability=0.9),
        leaf("wrong", probability=0.8),
        leaf("rightly_null", probability=0.7),
        leaf("missed", probability=0.6),
        leaf("missed"),
    ]
    found = risk_coverage(leaves)
    assert found is not None
    assert [(p["coverage"], p["risk"]) for p in found["curve"]] == [
        (0.25, 0.0), (0.5, 0.5), (0.75, 0.3333), (1.0, 0.5),
    ]  # fmt: skip
    assert found["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4, abs=1e-4)
    assert (found["by"], found["values"]) == ("probability", 4)
    by_score = risk_coverage([leaf("right", log_probability=-1.0)])
    assert by_score is not None
    assert by_score["by"] == "score"
    assert risk_coverage([leaf("missed")]) is None


counts = st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(counts)
def test_intervals_hold_what_they_are_of(counted: list[tuple[int, int, int]]) -> None:
    found = f1_interval(counted, 200)
    assert 0 <= found.low <= found.high <= 1
    assert min(found.low, found.value) >= 0
    same = f1_difference(counted, counted, 200)
    assert (same.value, same.low, same.high, same.better) == (0, 0, 0, 0.5)


def test_intervals_are_as_wide_as_they_should_be() -> None:
    """Shares of 0 and 1: the bootstrap has the width of the binomial, 2 x 1.96 x sqrt(p (1 - p) / n)."""
    chance = random.Random(1)
    shares = [(float(chance.random() < 0.7), 1.0) for _ in range(400)]
    found = share_interval(shares)
    width = 2 * 1.96 * (found.value * (1 - found.value) / 400) ** 0.5
    assert found.high - found.low == pytest.approx(width, rel=0.1)
    assert found.low < found.value < found.high
    assert share_interval([]).value == 0


def test_a_better_model_is_told_from_a_worse_one() -> None:
    one = [result(f"d{i}", leaf("right"), leaf("right" if i % 4 else "wrong", "b")) for i in range(60)]
    other = [result(f"d{i}", leaf("right"), leaf("right" if i % 2 else "wrong", "b")) for i in range(60)]
    found = compared(one, other)
    assert found["fields"]["a"]["difference"] == 0
    assert found["fields"]["b"]["difference"] == 0.25
    assert found["fields"]["b"]["low"] > 0
    assert found["fields"]["all"]["better"] > 0.99
    assert "+0.250" in comparison(found)
    with pytest.raises(ValueError, match="no document in common"):
        compared(one, [result("else")])


def drawn(name: str, number: int, rotation: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (round(595 * DPI / 72), round(842 * DPI / 72)), "white").save(held, "PNG")
    return held.getvalue()


def test_the_page_shows_the_surest_errors_with_the_place_they_come_from() -> None:
    evil = "<script>alert(1)</script>"
    wrong = leaf("wrong", raw=evil, probability=0.99, page=1, boxes=[[100, 100, 180, 112]])
    results = [
        result("a", leaf("wrong", "b", probability=0.5, page=1, boxes=[[900, 900, 910, 910]])),
        result(evil, wrong, leaf("missed", "b"), pages=[PageShape(number=1, width=595, height=842)]),
    ]
    errors = shown_errors(results, 2, drawn)
    assert [one.leaf.probability for one in errors] == [0.99, 0.5]
    crop = Image.open(io.BytesIO(base64.b64decode(errors[0].crop)))
    assert 100 < crop.width < 500
    assert any(red > 150 > green for _, (red, green, _) in crop.convert("RGB").getcolors() or [])  # framed
    assert errors[1].crop == ""  # a box that is not on the page
    page = html(figures_of(results, "s", "dev"), errors, compared(results, results))
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert "2 of 3" in page
    assert "http" not in page.replace("http-equiv", "")  # nothing from the network


def test_a_page_of_nothing_is_a_page() -> None:
    assert "0 documents" in html(figures_of([], "s", "dev"))


@pytest.mark.usefixtures("warm_readers")
def test_a_report_is_written_compared_and_gone_on_with(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real command on real PDFs with the scripted rules."""
    folder = labelled(tmp_path / "set", 4)
    rules = [
        "--schema",
        "invoice",
        "--model",
        "scripted",
        "--home",
        str(tmp_path / "home"),
        "--split",
        "calibrate",
    ]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(["evaluate", str(folder), "--report", str(one), *rules]) == 0
    assert "| gross_total |" in capfd.readouterr().out
    assert {path.name for path in one.iterdir()} == {"report.html", "report.json", "results.jsonl"}
    page = (one / "report.html").read_text()
    assert "data:image/png;base64," in page
    lines = (one / "results.jsonl").read_text()
    assert main(["evaluate", str(folder), "--report", str(one), *rules]) == 0
    assert (one / "results.jsonl").read_text() == lines  # nothing was asked again
    capfd.readouterr()
    assert main(["evaluate", str(folder), "--report", str(two), "--against", str(one), "--json", *rules]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert figures["against"]["fields"]["all"]["difference"] == 0
    assert figures["fields"]["gross_total"]["f1"] == 0.75
    assert figures["fields"]["document_number"]["ceiling"] == 1
    assert main(["evaluate", str(folder), "--against", str(tmp_path / "none"), *rules]) == 2
    assert "no results of an evaluation" in " ".join(capfd.readouterr().err.split())
