"""Windows to one answer: the value with the most support, lists one after the other, nothing cut."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from extractors.backends.base import LeafAnswer, Span, WindowAnswer
from extractors.grounding.merge import merge
from schemas.document import Box, Word
from schemas.registry import load_schema
from schemas.tree import tree_of
from tests.tiny import rows_schema

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
    def names(*said: str) -> WindowAnswer:
        data: dict[str, Any] = {"rows": [{"name": n} for n in said]}
        leaves = tuple(LeafAnswer(f"rows.{i}.name", n, -0.1) for i, n in enumerate(said))
        return WindowAnswer(data, leaves, False)

    merged = merge([names("a", "b"), names(), names("c")], rows_schema({"name": "string"}).tree)
    assert merged.data == {"rows": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    assert [leaf.path for leaf in merged.leaves] == ["rows.0.name", "rows.1.name", "rows.2.name"]


def test_a_cut_off_window_cuts_off_the_whole() -> None:
    cut = WindowAnswer({}, (), truncated=True)
    assert merge([window(company="A"), cut], RECEIPT).truncated


TABLE = rows_schema({"name": "string", "sum": "string"}).tree


def word(text: str, line: int) -> Word:
    return Word(text, Box(10.0 * (len(text) > 3), 12.0 * line, 50.0, 12.0 * line + 10))


def rows(*items: tuple[str | None, str | None, int]) -> WindowAnswer:
    """Rows of a name and a sum, each on its line; a name may be longer than what the other window saw of it."""
    data: dict[str, Any] = {"rows": [{"name": name, "sum": total} for name, total, _ in items]}
    leaves = []
    for i, (name, total, line) in enumerate(items):
        for key, text in (("name", name), ("sum", total)):
            span = Span(tuple((1, word(part, line)) for part in text.split())) if text else None
            leaves.append(LeafAnswer(f"rows.{i}.{key}", text, -0.1, span))
    return WindowAnswer(data, tuple(leaves), False)


def test_a_row_that_two_windows_saw_is_one_row() -> None:
    merged = merge(
        [rows(("Tea", "2.00", 1), ("Jam", "3.00", 2)), rows(("Jam", "3.00", 2), ("Rum", "9.00", 3))], TABLE
    )
    assert [row["name"] for row in merged.data["rows"]] == ["Tea", "Jam", "Rum"]
    assert [leaf.path for leaf in merged.leaves if leaf.raw == "9.00"] == ["rows.2.sum"]


def test_equal_rows_at_different_places_are_two() -> None:
    merged = merge([rows(("Tea", "2.00", 1)), rows(("Tea", "2.00", 2))], TABLE)
    assert len(merged.data["rows"]) == 2


def test_of_a_row_that_was_cut_the_fuller_sight_counts() -> None:
    merged = merge([rows(("Tea", None, 1)), rows(("Tea", "2.00", 1), ("Jam", "3.00", 2))], TABLE)
    assert merged.data["rows"] == [{"name": "Tea", "sum": "2.00"}, {"name": "Jam", "sum": "3.00"}]


def test_rows_that_share_one_cell_only_stay_apart() -> None:
    first, second = rows(("Tea", "2.00", 1)), rows(("Tea", "3.00", 1))
    moved = replace(second.leaves[1], span=Span(((1, word("3.00", 5)),)))
    merged = merge([first, replace(second, leaves=(second.leaves[0], moved))], TABLE)
    assert len(merged.data["rows"]) == 2


def test_a_place_that_two_windows_show_speaks_once() -> None:
    def said(text: str, line: int, probability: float) -> WindowAnswer:
        answer = window(probability, total=text)
        span = Span(((1, word(text, line)),))
        leaves = tuple(replace(leaf, span=span) if leaf.raw else leaf for leaf in answer.leaves)
        return replace(answer, leaves=leaves)

    merged = merge([said("5.00", 1, 0.5), said("5.00", 1, 0.5), said("7.00", 9, 0.8)], RECEIPT)
    assert values(merged)["total"] == "7.00"


def test_a_leaf_carries_how_the_windows_voted() -> None:
    given = [window(0.6, total="5.00"), window(0.5, total="7.00"), window(0.6, total="5.00"), window()]
    signals = {leaf.path: leaf.signals for leaf in merge(given, RECEIPT).leaves}
    assert signals["total"] == {"windows_same": 2, "windows_other": 1, "windows_null": 1}
    assert signals["date"] == {"windows_same": 0, "windows_other": 0, "windows_null": 4}


def test_numbers_differ_by_sign_and_point() -> None:
    merged = merge(
        [window(0.6, total="-1.50"), window(0.9, total="150"), window(0.6, total="-1.50")], RECEIPT
    )
    total = next(leaf for leaf in merged.leaves if leaf.path == "total")
    assert (total.raw, total.signals["windows_same"], total.signals["windows_other"]) == ("-1.50", 2, 1)
    assert total.reasons == ("windows_disagree",)


def test_a_list_of_choices_is_one_list_although_every_window_tells_it() -> None:
    tree = tree_of(
        {"type": "object", "properties": {"paid": {"type": "array", "items": {"enum": ["cash", "card"]}}}}
    )

    def said(*choices: str) -> WindowAnswer:
        leaves = tuple(LeafAnswer(f"paid.{i}", choice, -0.1) for i, choice in enumerate(choices))
        return WindowAnswer({"paid": list(choices)}, leaves, truncated=False)

    merged = merge([said("cash"), said("cash", "card"), said("card")], tree)
    assert merged.data == {"paid": ["cash", "card"]}
