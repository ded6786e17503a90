"""Features are what they say, bounded, and the same list for every field."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.base import LeafAnswer, Span
from extractors.confidence.features import (
    FEATURES,
    LEAST,
    NULL_FEATURES,
    AnsweredField,
    DocumentFacts,
    Features,
    features_of,
    vector,
)
from schemas.document import Box, Word
from schemas.outcome import ReviewReason
from schemas.tree import Kind, Leaf

FACTS = DocumentFacts(120, {1: 800.0, 2: 800.0}, False)
TEXT, DATE, TOTAL = (
    Leaf(kind, nullable=True, description="", json_type="string")
    for kind in (Kind.TEXT, Kind.DATE, Kind.DECIMAL)
)


def answer(path: str = "a", raw: str | None = "Ada", score: float = -0.1, **signals: float) -> LeafAnswer:
    return LeafAnswer(path, raw, score, None, signals=signals)


def alone(given: LeafAnswer, leaf: Leaf = TEXT, *reasons: ReviewReason, holds: bool = False) -> Features:
    return features_of([AnsweredField(leaf, given, given.raw, frozenset(reasons), holds)], FACTS)[given.path]


def placed(*confidences: float | None, page: int = 1) -> LeafAnswer:
    words = tuple((page, Word("x", Box(10 * i, 200, 10 * i + 8, 210), c)) for i, c in enumerate(confidences))
    return LeafAnswer("a", "x x", -0.1, Span(words))


def test_every_field_has_every_feature_and_no_other() -> None:
    assert set(alone(answer())) >= set(FEATURES) | set(NULL_FEATURES)
    assert len(vector(alone(answer()), FEATURES)) == len(FEATURES) == len(set(FEATURES))
    assert set(NULL_FEATURES) - set(FEATURES) == {"given_up"}  # of nulls alone


@pytest.mark.parametrize(
    ("given_answer", "name", "value"),
    [
        (answer(score=-0.1), "score", -0.1),
        (answer(score=-99), "score", LEAST),
        (answer(score=math.nan), "score", LEAST),
        (answer(score=0.2), "score", 0.0),
        (answer(score=-0.05), "score_over_0.1", pytest.approx(0.5)),
        (answer(score=-0.2), "score_over_0.1", 0.0),
        (answer(weakest=-0.7), "weakest", -0.7),
        (answer(), "weakest", -0.1),
        (answer(places=4), "places_many", pytest.approx(math.log(4))),
        (answer(), "places_many", 0.0),
        (answer(windows_other=2), "windows_other", pytest.approx(math.log(3))),
        (answer(rules_same=1), "rules_same", 1.0),
        (answer(rules_sure=0.7), "rules_sure", 0.7),
        (answer(unknown_schema=1), "unknown_schema", 1.0),
        (answer(), "unknown_schema", 0.0),
        (answer(taken=1), "taken", 1.0),
        (answer(raw=None, given_up=1), "given_up", 1.0),
        (answer(raw="A1"), "digits", 0.5),
        (answer(raw=None), "length", 0.0),
        (answer("rows.0.a"), "in_list", 1.0),
        (placed(0.9, 0.7), "recognised_least", pytest.approx(0.3)),
        (placed(0.9, 0.7), "recognised_mean", pytest.approx(0.2)),
        (placed(None), "recognised", 0.0),
        (placed(0.9, page=2), "page", pytest.approx(math.log(2))),
        (placed(None), "height", 0.25),
        (answer(), "height", 0.5),
    ],
)
def test_of_an_answer(given_answer: LeafAnswer, name: str, value: float) -> None:
    assert alone(given_answer)[name] == value


def test_of_leaf_and_reasons() -> None:
    assert (alone(answer(), TOTAL)["number"], alone(answer(), DATE)["date"]) == (1, 1)
    found = alone(answer(), TEXT, ReviewReason.INVALID_VALUE, ReviewReason.RULE_VIOLATED)
    assert (found["refused"], found["rule_broken"], found["doubts"]) == (1, 1, 0)
    assert alone(answer(), TEXT, ReviewReason.AMBIGUOUS_DATE)["doubts"] == 1
    assert alone(answer(), holds=True)["rule_holds"] == 1


def test_that_a_schema_is_unknown_is_said_of_every_field() -> None:
    asked = AnsweredField(TEXT, answer("a", unknown_schema=1.0), "Ada")
    added = AnsweredField(TEXT, answer("b", None), None)  # by validation, which knows no such signal
    assert {one["unknown_schema"] for one in features_of([asked, added], FACTS).values()} == {1.0}
    assert alone(answer())["unknown_schema"] == 0.0


def test_the_other_fields_speak_too() -> None:
    fields = [
        AnsweredField(TEXT, answer("a", "Ada", -1.0), "Ada"),
        AnsweredField(TEXT, answer("b", "ADA.", -3.0), "ADA.", frozenset({ReviewReason.MODEL_UNSURE})),
        AnsweredField(TEXT, answer("c", None, -2.0), None),
    ]
    found = features_of(fields, FACTS)
    assert [found[p]["said_elsewhere"] for p in "abc"] == [1, 1, 0]
    assert found["a"]["others_score"] == pytest.approx(-2.5)
    assert [found[p]["others_weakest"] for p in "abc"] == [-3, -2, -3]
    assert [found[p]["others_null"] for p in "abc"] == [0.5, 0.5, 0]
    assert [found[p]["others_doubts"] for p in "abc"] == [0.5, 0, 0.5]
    assert alone(answer())["others_score"] == 0


@given(
    st.floats(allow_nan=True), st.floats(allow_nan=True), st.text(max_size=20) | st.none(), st.floats(0, 1e6)
)
def test_all_are_finite_whatever_the_model_says(
    score: float, weakest: float, raw: str | None, count: float
) -> None:
    given_answer = LeafAnswer(
        "a", raw, score, None, log_mass=score, signals={"weakest": weakest, "places": count}
    )
    assert all(math.isfinite(x) for x in vector(alone(given_answer), FEATURES))
