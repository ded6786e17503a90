"""Under a certified threshold the probability decides; without enough evidence nothing lands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from extractors.confidence.calibrator import (
    Calibrator,
    LinearFit,
    OtherCircumstancesError,
    SchemaEvidence,
    load_calibrator,
)
from extractors.confidence.features import VERSION, judged_as
from extractors.confidence.judge import Judge, budget_of, judge_of
from extractors.options import ExtractOptions, ReadOptions
from extractors.validation.validate import Validated, route, validate
from schemas.errors import ModelError, UsageError
from schemas.outcome import ReviewReason
from schemas.registry import load_schema
from tests.validation.paper import answered, paper

SCHEMA = load_schema("receipt")
TEXT = "CORNER SHOP\n12 High Street\n25/12/2018\nTOTAL 9.50"
RAW = {"company": "CORNER SHOP", "address": "12 High Street", "date": "25/12/2018", "total": "9.50"}
BUDGET = ExtractOptions(error_budget=0.02)


def calibrator(documents: int, *, wrong: int = 0, weight: float = 2.0) -> Calibrator:
    """P = 1 / (1 + exp(-(5 + weight * score))): 0.9933 for a score of 0, 0.9241 for -1.25."""
    fit = LinearFit(features=("score",), means=(0.0,), scales=(1.0,), weights=(weight,), intercept=5.0)
    rows = [[(0.005, i < wrong, True)] * 4 for i in range(documents)]
    labelled = ["address", "company", "date", "total"]
    evidence = (
        {SCHEMA.fingerprint: SchemaEvidence(name="receipt", documents=rows, labelled=labelled)}
        if rows
        else {}
    )
    return Calibrator(
        version=VERSION, model_id="m-1", made="2026-01-01", values=fit, nulls=fit, evidence=evidence
    )


def judged(
    judge: Judge | None, scores: dict[str, float] | None = None, options: ExtractOptions = BUDGET
) -> Validated:
    document = paper(TEXT)
    answer = answered(document, RAW, 0.0)
    leaves = tuple(
        replace(leaf, log_probability=(scores or {}).get(leaf.path, 0.0)) for leaf in answer.leaves
    )
    return validate(replace(answer, leaves=leaves), SCHEMA, document, options, judge)


def test_without_a_budget_probabilities_are_shown_and_decide_nothing() -> None:
    plain = ExtractOptions()
    found = judged(judge_of(SCHEMA, plain, calibrator(10)), {"total": -0.6}, plain)
    assert [one.calibration for one in found.fields] == ["calibrated"] * 4
    total = next(one for one in found.fields if one.path == "total")
    assert total.probability == pytest.approx(0.9781, abs=1e-4)
    assert route(found, plain)


def test_without_a_calibration_nothing_is_shown() -> None:
    found = judged(judge_of(SCHEMA, ExtractOptions(), None), options=ExtractOptions())
    assert {(one.probability, one.calibration) for one in found.fields} == {(None, "uncalibrated")}
    assert route(found, ExtractOptions())


def test_a_certified_threshold_sends_the_improbable_field_to_review_and_no_other() -> None:
    judge = judge_of(SCHEMA, BUDGET, calibrator(400))
    assert judge.in_force
    assert route(judged(judge), BUDGET)
    strict = replace(judge, certificate=replace(judge.certificate, threshold=0.01))  # type: ignore[type-var]
    found = judged(strict, {"total": -1.25})
    assert not route(found, BUDGET)
    assert {one.path: one.reasons for one in found.fields if one.reasons} == {
        "total": [ReviewReason.LOW_PROBABILITY]
    }
    assert "0.9241, below 0.9900" in found.messages[0]


def test_what_was_only_a_guess_at_doubt_is_silent_under_a_certificate() -> None:
    """An uncalibrated score speaks through the probability; a doubt about the value itself still speaks."""
    lenient = judge_of(SCHEMA, BUDGET, calibrator(400, weight=0.0))
    assert ReviewReason.MODEL_UNSURE in judged(None, {"total": -5.0}).reasons
    assert route(judged(lenient, {"total": -5.0}), BUDGET)
    document = paper(TEXT)
    leaves = answered(document, RAW | {"total": "TOTAL"}, 0.0)
    assert ReviewReason.INVALID_VALUE in validate(leaves, SCHEMA, document, BUDGET, lenient).reasons


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "takes 149 labelled documents without an error; there are 0"),
        (calibrator(0), "takes 149 labelled documents without an error; there are 0"),
        (calibrator(148), "takes 149 labelled documents without an error; there are 148"),
        (calibrator(200, wrong=20), "the 200 labelled documents have too many errors"),
    ],
)
def test_too_little_evidence_sends_everything_to_review(made: Calibrator | None, said: str) -> None:
    found = judged(judge_of(SCHEMA, BUDGET, made))
    assert found.reasons == [ReviewReason.TOO_LITTLE_EVIDENCE]
    assert said in found.messages[0]
    assert not route(found, BUDGET)


def test_the_budget_of_a_schema_comes_before_the_common_one() -> None:
    options = ExtractOptions(error_budget=0.05, error_budgets={"receipt": 0.01}, confidence=0.9)
    assert (budget_of("receipt", options).error, budget_of("receipt", options).confidence) == (0.01, 0.9)  # type: ignore[union-attr]
    assert budget_of("invoice", options).error == 0.05  # type: ignore[union-attr]
    assert budget_of("invoice", ExtractOptions()) is None
    with pytest.raises(UsageError, match="reciept, and none for receipt"):
        budget_of("receipt", ExtractOptions(error_budgets={"reciept": 0.01}))


def test_a_field_that_nobody_labelled_never_lands_under_a_budget() -> None:
    made = calibrator(400)
    known = made.evidence[SCHEMA.fingerprint].model_copy(update={"labelled": ["company", "date", "total"]})
    judge = judge_of(SCHEMA, BUDGET, made.model_copy(update={"evidence": {SCHEMA.fingerprint: known}}))
    assert {one.path: one.reasons for one in judged(judge).fields if one.reasons} == {
        "address": [ReviewReason.LOW_PROBABILITY]
    }


def test_a_calibration_made_under_other_rules_or_settings_is_told_apart(tmp_path: Path) -> None:
    read = ReadOptions()
    mine = judged_as("m-1", ExtractOptions(), read)
    assert judged_as("m-1", ExtractOptions(error_budget=0.01), ReadOptions(max_pages=3)) == mine
    other = judged_as("m-1", ExtractOptions(min_ocr_confidence=0.5), read)
    assert other != mine
    calibrator(3).model_copy(update={"model_id": mine}).write(tmp_path / "c.json")
    assert load_calibrator(tmp_path / "c.json", mine).model_id == mine
    with pytest.raises(OtherCircumstancesError, match="min_ocr_confidence"):
        load_calibrator(tmp_path / "c.json", other)
    with pytest.raises(ModelError, match="fitted for the model"):
        load_calibrator(tmp_path / "c.json", judged_as("m-2", ExtractOptions(), read))


def test_a_schema_without_labelled_documents_has_pooled_probabilities_and_no_certificate() -> None:
    other = calibrator(400).model_copy(
        update={"evidence": {"ff": SchemaEvidence(name="x", documents=[[(0.0, False, True)]] * 400)}}
    )
    judge = judge_of(SCHEMA, BUDGET, other)
    assert (judge.calibration, judge.in_force) == ("pooled", False)
    assert {one.calibration for one in judged(judge).fields} == {"pooled"}


def test_the_record_of_a_run_says_what_it_was_judged_by() -> None:
    made = calibrator(400)
    found = judge_of(SCHEMA, BUDGET, made).record()
    assert (found["calibration"], found["error_budget"], found["documents"]) == (made.identity, 0.02, 400)
    assert json.dumps(found)
    assert set(judge_of(SCHEMA, ExtractOptions(), None).record().values()) == {None}


def test_a_calibration_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = calibrator(3)
    made.write(tmp_path / "c.json")
    found = load_calibrator(tmp_path / "c.json", "m-1")
    assert (found, found.identity) == (made, made.identity)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_id": "m-2"}, "fitted for the model m-2"),
        ({"version": 99}, "version 99"),
        ({"strange": 1}, "strange"),
        ({"values": {"features": ["score"]}}, "values"),
        (
            {"values": {"features": ["luck"], "means": [0], "scales": [1], "weights": [1], "intercept": 0}},
            "luck",
        ),
        (
            {"values": {"features": ["score"], "means": [0], "scales": [0], "weights": [1], "intercept": 0}},
            "scale",
        ),
        (
            {"evidence": {"ff": {"name": "x", "documents": [[]], "weights": [1, 2]}}},
            "weights and documents",
        ),
        ({"evidence": {"ff": {"name": "x", "documents": [[]], "weights": [1]}}}, "no largest one"),
    ],
)
def test_a_calibration_that_does_not_belong_here_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps(calibrator(2).model_dump(mode="json") | change))
    with pytest.raises(ModelError, match=said) as caught:
        load_calibrator(path, "m-1")
    assert "parquetry calibrate" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"version": 1}'])
def test_a_damaged_calibration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ModelError, match="no calibration"):
        load_calibrator(path, "m-1")
