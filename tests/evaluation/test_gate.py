"""The gate: at least as good is a claim about the whole interval, not about its middle."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.evaluation.figures import MICRO, _difference
from extractors.evaluation.gate import gate


def against(low: float, high: float, **fields: dict[str, float]) -> dict[str, Any]:
    whole = {"f1": 0.9, "other_f1": 0.89, "difference": (low + high) / 2, "low": low, "high": high}
    return {"documents": 50, "model": "old", "fields": {**fields, MICRO: whole}}


@pytest.mark.parametrize(
    ("low", "high", "verdict", "passed"),
    [
        (0.01, 0.05, "better", True),
        (0.0, 0.02, "as good", True),
        (-0.004, 0.03, "as good", True),
        (-0.02, 0.06, "not shown", False),
        (-0.05, -0.01, "worse", False),
        (-0.004, -0.001, "as good", True),  # worse, and by less than what may be lost
    ],
)
def test_the_interval_decides(low: float, high: float, verdict: str, passed: bool) -> None:
    found = gate(against(low, high), 0.005)
    assert (found.verdict, found.passed) == (verdict, passed)
    assert f"{low:+.3f} to {high:+.3f}" in found.said


def test_fields_that_got_worse_are_named() -> None:
    worse = {"low": -0.2, "high": -0.1, "f1": 0.5, "other_f1": 0.7, "difference": -0.15}
    found = gate(against(0.01, 0.02, total=worse), 0.005)
    assert found.passed and found.worse_fields == ["total"] and "Worse in: total" in found.said


def test_the_bootstrap_lets_an_equal_model_pass_and_stops_a_worse_one() -> None:
    good = [(9, 1, 0), (10, 0, 0), (8, 1, 1)] * 20
    bad = [(7, 3, 2), (8, 2, 1), (6, 2, 3)] * 20

    def held(one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]) -> bool:
        return gate({"documents": 60, "fields": {MICRO: _difference(one, other)}}, 0.005).passed

    assert held(good, good) and held(good, bad) and not held(bad, good)
