"""Evaluating a folder: every document of the split is asked for once, and the report adds up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from extractors.evaluation.figures import figures_of
from extractors.evaluation.report import markdown
from extractors.evaluation.results import DocumentResult
from extractors.evaluation.run import evaluate, open_set, predicted, read_results
from extractors.pipeline import Seen
from schemas.errors import UsageError
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import FailureReason, ReviewReason
from schemas.registry import load_schema
from tests.validation.paper import paper


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "shops"
    (root / "docs").mkdir(parents=True)
    (root / "truth").mkdir()
    schema = {
        "title": "shop",
        "type": "object",
        "properties": {"name": {"type": ["string", "null"]}, "total": {"type": ["number", "null"]}},
    }
    (root / "schema.json").write_text(json.dumps(schema))
    (root / "splits.json").write_text(json.dumps({"dev": ["a", "b.v2", "c"], "train": []}))
    (root / "skip_fields.json").write_text(json.dumps({"c": ["name"]}))
    for name, suffix, total in (("a", "pdf", 1), ("b.v2", "jpg", 2), ("c", "pdf", 3)):
        (root / "docs" / f"{name}.{suffix}").write_bytes(b"x")
        (root / "truth" / f"{name}.json").write_text(json.dumps({"name": f"Shop | {name}", "total": total}))
    return root


def _extraction(path: Path, **more: object) -> Extraction:
    given = {"document": str(path), "outcome": "extracted", "schema_name": "shop", "schema_fingerprint": "f"}
    return Extraction.model_validate(given | {"model": "m"} | more)


def _extract(path: Path, seen: Seen) -> Extraction:
    match path.stem:
        case "a":
            seen(paper("Shop | a\nTotal 1.00"))
            fields = [ExtractedField(path="name", raw="Shop | a"), ExtractedField(path="total", value="1.00")]
            return _extraction(path, data={}, fields=fields, accepted=True)
        case "b.v2":
            return _extraction(path, outcome="unreadable", failure=FailureReason.BROKEN)
    seen(paper("Shop c"))
    fields = [ExtractedField(path="name", raw="?"), ExtractedField(path="total", value="4")]
    return _extraction(path, data={}, fields=fields, accepted=True, reasons=[ReviewReason.RULE_VIOLATED])


def _evaluated(folder: Path, split: str = "dev", **more: Any) -> list[DocumentResult]:
    return evaluate(open_set(folder, split), load_schema(folder / "schema.json"), _extract, **more)


def test_the_figures_add_up(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    results = _evaluated(folder, progress=lambda *step: seen.append(step))
    assert seen == [(1, 3, "a"), (2, 3, "b.v2"), (3, 3, "c")]
    figures = figures_of(results, "shops", "dev")
    assert (figures["set"], figures["split"], figures["model"], figures["documents"]) == (
        "shops",
        "dev",
        "m",
        3,
    )
    name, total, micro = figures["fields"]["name"], figures["fields"]["total"], figures["micro"]
    assert (name["precision"], name["recall"], name["f1"], name["n"]) == (1.0, 0.5, 0.6667, 2)
    assert (total["precision"], total["recall"], total["f1"], total["n"]) == (0.5, 0.3333, 0.4, 3)
    assert (micro["precision"], micro["recall"], micro["f1"], micro["n"]) == (0.6667, 0.4, 0.5, 5)
    assert (name["ceiling"], total["ceiling"]) == (1.0, 0.5)  # of those that were read
    assert figures["document_accuracy"]["value"] == 0.3333
    assert figures["typed"]["accuracy"] == 1.0
    assert figures["acceptance"]["share_of_documents"] == 0.6667
    assert figures["validity"]["outcomes"] == {"extracted": 2, "unreadable": 1}
    assert figures["reasons"] == {"rule_violated": 1}
    wrong = [
        (r.name, leaf.path, leaf.verdict) for r in results for leaf in r.claims if leaf.verdict != "right"
    ]
    assert wrong == [("b.v2", "name", "missed"), ("b.v2", "total", "missed"), ("c", "total", "wrong")]


def test_the_table_shows_the_figures_and_cannot_be_broken_by_a_document(folder: Path) -> None:
    results = _evaluated(folder)
    table = markdown(figures_of(results, "shops", "dev"), results, errors=2)
    assert "| **all (micro)** | 0.667 | 0.400 | 0.500 |" in table
    assert "| b.v2 | name | missed | Shop \\| b.v2 |  |  |" in table
    assert "| c | total" not in table


def test_a_stopped_evaluation_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    kept, asked = tmp_path / "report" / "results.jsonl", []

    def counting(path: Path, seen: Seen) -> Extraction:
        asked.append(path.stem)
        return _extract(path, seen)

    schema = load_schema(folder / "schema.json")
    first = evaluate(open_set(folder, "dev", 2), schema, counting, model="m", kept=kept)
    with kept.open("a") as log:
        log.write('{"key": "cut')
    every = evaluate(open_set(folder, "dev"), schema, counting, model="m", kept=kept)
    assert asked == ["a", "b.v2", "c"]
    assert every[:2] == first
    (folder / "truth" / "a.json").write_text(json.dumps({"name": "Other"}))
    evaluate(open_set(folder, "dev"), schema, counting, model="m", kept=kept)
    assert asked[3:] == ["a"]  # its label has changed
    evaluate(open_set(folder, "dev"), schema, counting, model="m-2", kept=kept)
    assert asked[4:] == ["a", "b.v2", "c"]
    assert [one.name for one in read_results(kept)] == ["a", "b.v2", "c"]
    budget = {"error_budget": 0.02}
    evaluate(open_set(folder, "dev"), schema, counting, model="m-2", judged_by=budget, kept=kept)
    assert asked[7:] == ["a", "b.v2", "c"]  # judged otherwise


def test_what_failed_is_tried_again_and_names_and_slices_are_those_of_now(
    folder: Path, tmp_path: Path
) -> None:
    kept, schema = tmp_path / "results.jsonl", load_schema(folder / "schema.json")

    def failing(path: Path, seen: Seen) -> Extraction:
        found = _extract(path, seen)
        return found.model_copy(update={"outcome": "failed"}) if path.stem == "a" else found

    first = evaluate(open_set(folder, "dev"), schema, failing, model="m", kept=kept)
    assert [one.outcome for one in first] == ["failed", "unreadable", "extracted"]
    (folder / "docs" / "c.pdf").rename(folder / "docs" / "d.pdf")
    (folder / "truth" / "c.json").rename(folder / "truth" / "d.json")
    (folder / "splits.json").write_text(json.dumps({"dev": ["a", "d"]}))
    (folder / "slices.json").write_text(json.dumps({"d": {"language": "de"}}))
    again = evaluate(open_set(folder, "dev"), schema, _extract, model="m", kept=kept)
    assert [(one.name, one.outcome) for one in again] == [("a", "extracted"), ("d", "extracted")]
    assert again[1].slices["language"] == "de"


@pytest.mark.parametrize("text", [None, "", "{}", "nonsense", '{"version": 99}'])
def test_results_that_are_none_are_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "results.jsonl").write_text(text)
    with pytest.raises(UsageError, match="no results"):
        read_results(tmp_path / "results.jsonl")


def test_predictions_are_found_by_name_and_missing_ones_are_missed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_text(_extract(Path("/elsewhere/a.pdf"), lambda read: None).model_dump_json() + "\n")
    schema = load_schema(folder / "schema.json")
    results = evaluate(open_set(folder, "dev"), schema, predicted(path))
    assert [one.outcome for one in results] == ["extracted", "failed", "failed"]
    assert figures_of(results, "shops", "dev")["micro"]["recall"] == 0.4
    path.write_text("{}")
    with pytest.raises(UsageError, match="no extractions"):
        predicted(path)


def test_slices_come_from_the_set(folder: Path) -> None:
    (folder / "slices.json").write_text(json.dumps({"a": {"language": "de"}, "c": {"language": "en"}}))
    slices = figures_of(_evaluated(folder), "shops", "dev")["slices"]["language"]
    assert {name: one["documents"] for name, one in slices.items()} == {"de": 1, "en": 1}
    assert slices["de"]["f1"] == 1.0
    (folder / "slices.json").write_text(json.dumps({"a": "de"}))
    with pytest.raises(UsageError, match="needs an object"):
        _evaluated(folder)


def test_a_limit_takes_the_first(folder: Path) -> None:
    assert [name for name, _ in open_set(folder, "dev", 2).documents] == ["a", "b.v2"]
    assert _evaluated(folder, "train") == []
    assert figures_of([], "shops", "train")["documents"] == 0


def test_what_is_wrong_with_a_folder_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no split 'test'") as caught:
        open_set(folder, "test")
    assert "dev, train" in caught.value.remedy
    with pytest.raises(UsageError, match=r"splits\.json"):
        open_set(tmp_path, "dev")
    (folder / "truth" / "a.json").write_text("[]")
    with pytest.raises(UsageError, match="no JSON object"):
        _evaluated(folder)
    (folder / "docs" / "c.pdf").unlink()
    with pytest.raises(UsageError, match="no document 'c'"):
        open_set(folder, "dev")
