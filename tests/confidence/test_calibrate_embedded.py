"""How the calibration that the embedded model ships with is made, and that it is what it says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pytest

from extractors.backends.scripted import RULES
from extractors.confidence.calibrate import calibrate
from extractors.confidence.calibrator import FILE, Calibrator
from extractors.confidence.judged import FILE as JUDGED
from extractors.confidence.judged import JudgedRecord, read_judged
from extractors.options import ExtractOptions, ReadOptions
from extractors.validation.validate import Validated, validate
from flows.extractor import Extractor
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import DocumentError
from schemas.outcome import FailureReason
from schemas.registry import LoadedSchema, from_json_schema
from scripts.calibrate_embedded import SHARES, Work, held_out, questions, without_names
from tests.validation.paper import answered, paper

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
        assert plain.paper().truth == {"company": name_of(name)}
        found = renamed.paper()
        assert found.truth["company"] != name_of(name)
        assert found.truth["company"] == found.document.pages[0].words[0].text
        assert list(unnamed.paper().truth.values()) == [found.truth["company"]]
        assert unnamed.schema.fingerprint != plain.schema.fingerprint == renamed.schema.fingerprint
    others = [name for name in names if name.startswith(("ad_buy/", "einvoice/"))]
    assert others and all(name.endswith(("/renamed", "/unnamed")) for name in others)


def test_a_page_is_read_when_its_question_is_put_and_once_for_all_that_is_asked_of_it(data: Path) -> None:
    seen = []

    def read(path: Path) -> ReadDocument:
        seen.append(path.stem)
        return paper(f"{name_of(path.stem)}\nTotal 5.00")

    asked = list(islice(questions(data, read), 3))
    assert {one.group for one in asked} == {asked[0].group}
    assert seen == []
    for one in (*asked, *asked):
        one.paper()
    assert seen == [held_out(data / "sroie").documents[0][0]]


class Pipeline:
    """Stands for readers and model: answers every document with its company, under whatever key is asked."""

    def __init__(self, broken: str = "") -> None:
        self.broken = broken
        self.asked: list[str] = []
        self.read_options = ReadOptions()
        self.reader = self

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions) -> ReadDocument:
        if path.stem == self.broken:
            raise DocumentError(FailureReason.BROKEN, "It is damaged.")
        return paper(f"{name_of(path.stem)}\nTotal 5.00")

    def answered(self, schema: LoadedSchema, document: ReadDocument) -> Validated:
        company = document.pages[0].words[0].text
        self.asked.append(company)
        (key,) = schema.json_schema["properties"]
        return validate(answered(document, {key: company}), schema, document, ExtractOptions())


def work_in(folder: Path, pipeline: Pipeline, shipped: Sequence[JudgedRecord] = ()) -> Work:
    return Work(folder, cast(Extractor, pipeline), "a model", shipped)


def test_what_was_shipped_or_done_before_is_not_asked_again(data: Path, tmp_path: Path) -> None:
    pipeline = Pipeline()
    first = work_in(tmp_path / "one", pipeline)
    asked = list(islice(questions(data, first.read), 4))
    records = [first.judged(one) for one in asked]
    assert all(record and [field.right for field in record.document.fields] == [True] for record in records)
    assert [record and record.document.group for record in records] == [one.group for one in asked]
    assert len(pipeline.asked) == 4

    def of_another(pipeline: Pipeline, folder: str, shipped: Sequence[JudgedRecord]) -> list[Any]:
        work = work_in(tmp_path / folder, pipeline, shipped)
        return [work.judged(one) for one in islice(questions(data, work.read), 4)]

    assert of_another(silent := Pipeline(), "one", []) == records  # the same folder, after a stop
    assert of_another(silent, "two", [one for one in records if one]) == records  # another machine
    assert silent.asked == []
    assert of_another(half := Pipeline(), "three", [one for one in records[:2] if one]) == records
    assert half.asked == pipeline.asked[2:]


def test_once_the_time_is_up_only_what_is_known_counts(data: Path, tmp_path: Path) -> None:
    work = work_in(tmp_path / "one", pipeline := Pipeline())
    known, unknown = islice(questions(data, work.read), 2)
    record = work.judged(known)
    assert record is not None
    assert work_in(tmp_path / "one", pipeline).judged(known, ask=False) == record
    assert work.judged(unknown, ask=False) is None
    assert len(pipeline.asked) == 1


def test_a_document_that_cannot_be_read_is_told_and_passed_over(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = held_out(data / "sroie").documents[0][0]
    work = work_in(tmp_path / "one", Pipeline(broken))
    asked = list(islice(questions(data, work.read), 6))
    found = [work.judged(one) for one in asked]
    assert [one is None for one in found] == [one.name.startswith(f"sroie/{broken}") for one in asked]
    assert None in found and any(found)
    assert f"sroie/{broken}: It is damaged." in capsys.readouterr().err


@pytest.mark.slow
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
