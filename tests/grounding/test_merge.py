"""Windows to one answer: the value with the most support, lists one after the other, nothing cut."""

from __future__ import annotations

import math
from typing import Any

from extractors.backends.base import LeafAnswer, WindowAnswer
from extractors.grounding.merge import merge
from schemas.registry import load_schema
from schemas.tree import tree_of

RECEIPT = load_schema("receipt").tree


def window(probability: float = 0.9, **values: str | None) -> WindowAnswer:
    names = ("company", "date", "address", "total")
    data = {n: values.get(n) for n in names}
    return WindowAnswer(
        data, tuple(LeafAnswer(n, data[n], math.log(probability)) for n in names), truncated=False
    )


def values(answer: WindowAnswer) -> dict[str, str | None]:
    return {leaf.path: leaf.raw for leaf in answer.leaves}


def test_one_window_is_its_own_answer() -> None:
    only = window(company="A")
    assert merge([only], RECEIPT) is only


def test_a_window_without_the_value_says_nothing_against_it() -> None:
    merged = merge([window(company="A"), window(total="5.00"), window()], RECEIPT)
    assert values(merged) == {"company": "A", "date": None, "address": None, "total": "5.00"}
    assert merged.data["total"] == "5.00"
    assert not any(leaf.reasons for leaf in merged.leaves)


def test_the_same_value_in_two_windows_beats_a_surer_single_one() -> None:
    merged = merge([window(0.6, total="5.00"), window(0.8, total="7.00"), window(0.6, total="5.00")], RECEIPT)
    assert values(merged)["total"] == "5.00"


def test_rivals_are_a_reason_for_review() -> None:
    merged = merge([window(0.9, total="5.00"), window(0.8, total="7.00")], RECEIPT)
    total = next(leaf for leaf in merged.leaves if leaf.path == "total")
    assert total.raw == "5.00"
    assert total.reasons == ("windows_disagree",)


def test_lists_are_joined_and_numbered_anew() -> None:
    tree = tree_of(
        {
            "type": "object",
            "properties": {
                "lines": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                }
            },
        }
    )

    def lines(*names: str) -> WindowAnswer:
        data: dict[str, Any] = {"lines": [{"name": n} for n in names]}
        leaves = tuple(LeafAnswer(f"lines.{i}.name", n, -0.1) for i, n in enumerate(names))
        return WindowAnswer(data, leaves, False)

    merged = merge([lines("a", "b"), lines(), lines("c")], tree)
    assert merged.data == {"lines": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    assert [leaf.path for leaf in merged.leaves] == ["lines.0.name", "lines.1.name", "lines.2.name"]


def test_a_cut_off_window_cuts_off_the_whole() -> None:
    cut = WindowAnswer({}, (), truncated=True)
    assert merge([window(company="A"), cut], RECEIPT).truncated
