"""Rows that the model is unsure of are the rules', with the model's doubt; all else stays the model's."""

from __future__ import annotations

import math
from typing import Any

from extractors.backends.base import Answer, LeafAnswer
from extractors.backends.rows import lists_of, rows_by_rules
from schemas.registry import load_schema


def answer(score: float, *rows: dict[str, str | None]) -> tuple[dict[str, Any], list[LeafAnswer]]:
    leaves = [LeafAnswer("total", "9.00", -0.01)]
    leaves += [LeafAnswer(f"rows.{i}.{k}", v, score) for i, row in enumerate(rows) for k, v in row.items()]
    leaves.append(LeafAnswer("note", None, -0.01))
    return {"total": "9.00", "rows": list(rows), "note": None}, leaves


RULES_DATA, RULES_LEAVES = answer(-0.1, {"name": "Oak chair"}, {"name": "Lamp"})
RULES = Answer(RULES_DATA, tuple(RULES_LEAVES))


def test_unsure_rows_are_the_rules_and_stay_doubted() -> None:
    data, leaves = answer(-0.9, {"name": "Oak"})
    found = rows_by_rules("rows", data, leaves, RULES, -0.4)
    assert [(leaf.path, leaf.raw) for leaf in found] == [
        ("total", "9.00"), ("rows.0.name", "Oak chair"), ("rows.1.name", "Lamp"), ("note", None),
    ]  # fmt: skip
    assert {leaf.log_probability for leaf in found if leaf.path.startswith("rows.")} == {-0.9}
    assert data == {"total": "9.00", "rows": [{"name": "Oak chair"}, {"name": "Lamp"}], "note": None}


def test_sure_rows_a_model_without_a_floor_and_rules_without_rows_change_nothing() -> None:
    nothing = Answer({"rows": []}, ())
    for score, rules, floor in ((-0.1, RULES, -0.4), (-0.9, RULES, -math.inf), (-0.9, nothing, -0.4)):
        data, leaves = answer(score, {"name": "Oak"})
        assert rows_by_rules("rows", data, leaves, rules, floor) == leaves
        assert data["rows"] == [{"name": "Oak"}]


def test_no_rows_at_all_is_an_answer() -> None:
    data, leaves = answer(-0.9)
    assert rows_by_rules("rows", data, leaves, RULES, -0.4) == leaves


def test_the_lists_of_a_schema() -> None:
    assert list(lists_of(load_schema("invoice").tree)) == ["line_items"]
    assert list(lists_of(load_schema("receipt").tree)) == []
