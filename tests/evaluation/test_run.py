"""Evaluating a folder: every document of the split is asked for once, and the report adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.evaluation import evaluate, markdown, open_set
from schemas.errors import UsageError
from schemas.extraction import ExtractedField, Extraction
from schemas.outcome import FailureReason, ReviewReason


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


def _extract(path: Path) -> Extraction:
    match path.stem:
        case "a":
            fields = [ExtractedField(path="name", raw="Shop | a"), ExtractedField(path="total", value="1.00")]
            return _extraction(path, data={}, fields=fields, accepted=True)
        case "b.v2":
            return _extraction(path, outcome="unreadable", failure=FailureReason.BROKEN)
    fields = [ExtractedField(path="name", raw="?"), ExtractedField(path="total", value="4")]
    return _extraction(path, data={}, fields=fields, accepted=True, reasons=[ReviewReason.RULE_VIOLATED])


def test_the_report_adds_up(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    report = evaluate(folder, "dev", _extract, progress=lambda *step: seen.append(step))
    assert seen == [(1, 3, "a"), (2, 3, "b.v2"), (3, 3, "c")]
    figures = report.as_dict()
    assert (figures["set"], figures["split"], figures["model"], figures["documents"]) == (
        "shops",
        "dev",
        "m",
        3,
    )
    assert figures["fields"]["name"] == {"precision": 1.0, "recall": 0.5, "f1": 0.6667, "n": 2}
    assert figures["fields"]["total"] == {"precision": 0.5, "recall": 0.3333, "f1": 0.4, "n": 3}
    assert figures["micro"] == {"precision": 0.6667, "recall": 0.4, "f1": 0.5, "n": 5}
    assert figures["document_accuracy"] == 0.3333
    assert figures["typed_accuracy"] == 1.0
    assert figures["accepted_documents"] == 0.6667
    assert figures["accepted_error"] == 0.3333  # one of a's two and c's one
    assert figures["outcomes"] == {"extracted": 2, "unreadable": 1}
    assert figures["reasons"] == {"rule_violated": 1}
    assert [(document, error.path) for document, error in report.errors] == [
        ("b.v2", "name"),
        ("b.v2", "total"),
        ("c", "total"),
    ]


def test_the_table_shows_the_figures_and_cannot_be_broken_by_a_document(folder: Path) -> None:
    table = markdown(evaluate(folder, "dev", _extract), errors=2)
    assert "| **all (micro)** | 0.667 | 0.400 | 0.500 | 5 |" in table
    assert "| b.v2 | name | Shop \\| b.v2 |  |  |" in table
    assert "| c | total" not in table


def test_a_limit_takes_the_first(folder: Path) -> None:
    assert [name for name, _ in open_set(folder, "dev", 2).documents] == ["a", "b.v2"]
    assert evaluate(folder, "train", _extract).as_dict()["documents"] == 0


def test_what_is_wrong_with_a_folder_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no split 'test'") as caught:
        open_set(folder, "test")
    assert "dev, train" in caught.value.remedy
    with pytest.raises(UsageError, match=r"splits\.json"):
        open_set(tmp_path, "dev")
    (folder / "truth" / "a.json").write_text("[]")
    with pytest.raises(UsageError, match="no JSON object"):
        evaluate(folder, "dev", _extract)
    (folder / "docs" / "c.pdf").unlink()
    with pytest.raises(UsageError, match="no document 'c'"):
        open_set(folder, "dev")
