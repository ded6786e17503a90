"""How the calibration that the embedded model ships with is made, and that it is what it says."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from extractors.backends.scripted import RULES
from extractors.confidence.calibrate import calibrate
from extractors.confidence.calibrator import FILE, Calibrator
from extractors.confidence.judged import FILE as JUDGED
from extractors.confidence.judged import read_judged
from schemas.document import ReadDocument
from schemas.errors import DocumentError
from schemas.outcome import FailureReason
from schemas.registry import from_json_schema
from scripts.calibrate_embedded import SHARES, held_out, questions, without_names
from tests.validation.paper import paper

SHIPPED = Path("extractors/models/embedded/calibration")


def test_keys_that_say_nothing_stand_for_the_same_fields() -> None:
    text = {"type": ["string", "null"]}
    rows = {"type": "array", "items": {"type": "object", "properties": {"what": text, "sum": text}}}
    number = {**text, "description": "Number of the bill."}
    schema = from_json_schema(
        {
            "title": "bill",
            "type": "object",
            "properties": {"number": number, "rows": rows},
            "required": ["number"],
        },
        "bill",
    )
    unnamed, renamed = without_names(schema)
    assert unnamed.json_schema["properties"]["f_10"] == number
    assert unnamed.json_schema["required"] == ["f_10"]
    assert unnamed.fingerprint != schema.fingerprint
    truth = renamed({"number": "R-7", "rows": [{"what": "Bolts", "sum": None}]})
    assert truth == {"f_10": "R-7", "f_11": [{"f_12": "Bolts", "f_13": None}]}
    assert set(unnamed.json_schema["properties"]["f_11"]["items"]["properties"]) == {"f_12", "f_13"}


def name_of(document: str) -> str:
    """The only company of a document, in one word that no other label has."""
    number = int(document.rpartition("-")[2])
    return f"Zorrel{chr(97 + number // 20)}{chr(97 + number % 20)}"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in SHARES:
        for part in ("docs", "truth"):
            (tmp_path / name / part).mkdir(parents=True)
        ids = [f"{name}-{i}" for i in range(40)]
        for one in ids:
            (tmp_path / name / "docs" / f"{one}.pdf").write_text(one)
            (tmp_path / name / "truth" / f"{one}.json").write_text(json.dumps({"company": name_of(one)}))
        properties = {"company": {"type": ["string", "null"]}}
        schema = {"title": name, "type": "object", "properties": properties}
        (tmp_path / name / "schema.json").write_text(json.dumps(schema))
        (tmp_path / name / "splits.json").write_text(json.dumps({"train": ids}))
    return tmp_path


def test_what_is_held_out_is_the_same_part_on_every_machine(data: Path) -> None:
    kept = {name: [one.rpartition("-")[2] for one, _ in held_out(data / name).documents] for name in SHARES}
    assert kept["ad_buy"] == ["1", "6", "21", "32", "33", "34", "35", "36"]
    assert set(kept["fara_scans"]) < {str(i) for i in range(40)}


def test_receipts_are_asked_about_as_they_are_too_and_all_under_names_that_say_nothing(data: Path) -> None:
    asked = []
    for question in questions(data, lambda path: paper(f"{name_of(path.stem)}\nTotal 5.00")):
        asked.append(question)
        if question.name.startswith("made-up/"):
            break
    names = [question.name for question in asked]
    receipts = held_out(data / "sroie").documents
    assert len(set(names)) == len(names)
    for name, _ in receipts:
        renamed, plain, unnamed = (
            next(one for one in asked if one.name == f"sroie/{name}{end}")
            for end in ("/renamed", "", "/unnamed")
        )
        assert plain.truth == {"company": name_of(name)}
        assert renamed.truth["company"] != plain.truth["company"]
        assert renamed.truth["company"] == renamed.document.pages[0].words[0].text
        assert list(unnamed.truth.values()) == [renamed.truth["company"]]
        assert unnamed.schema.fingerprint != plain.schema.fingerprint == renamed.schema.fingerprint
    others = [name for name in names if name.startswith(("ad_buy/", "einvoice/"))]
    assert others and all(name.endswith(("/renamed", "/unnamed")) for name in others)


def test_a_document_that_cannot_be_read_is_told_and_passed_over(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = held_out(data / "sroie").documents[0][0]

    def read(path: Path) -> ReadDocument:
        if path.stem == first:
            raise DocumentError(FailureReason.BROKEN, "It is damaged.")
        return paper(f"{name_of(path.stem)}\nTotal 5.00")

    names = [one.name for one in islice(questions(data, read), 20)]
    assert names and not any(name.startswith(f"sroie/{first}/") or name == f"sroie/{first}" for name in names)
    assert f"sroie/{first}: It is damaged." in capsys.readouterr().err


def test_the_shipped_calibration_is_the_fit_to_the_documents_beside_it() -> None:
    shipped = Calibrator.model_validate_json((SHIPPED / FILE).read_bytes())
    records = list(read_judged(SHIPPED / JUDGED, shipped.model_id))
    assert RULES in shipped.model_id
    assert len(records) > 300
    assert not any(one.proves for one in records)
    assert shipped.evidence == {}
    again = calibrate(records, [], shipped.model_id).calibrator
    assert again.unknown is not None and shipped.unknown is not None
    for one, other in (
        (again.values, shipped.values),
        (again.nulls, shipped.nulls),
        (again.unknown.values, shipped.unknown.values),
        (again.unknown.nulls, shipped.unknown.nulls),
    ):
        assert one.weights == pytest.approx(other.weights, abs=2e-3)
        assert one.intercept == pytest.approx(other.intercept, abs=2e-3)
