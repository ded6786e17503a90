"""Rows and texts that the model is unsure of are the rules', with its doubt; all else stays the model's."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from extractors.backends.base import Answer, LeafAnswer, Span
from extractors.backends.unsure import (
    lists_of,
    rows_by_rules,
    sums_by_rules,
    texts_by_rules,
    titles_by_rules,
    values_by_rules,
    without_calls,
)
from extractors.prompting.meant import as_meant
from schemas.document import Box, Word
from schemas.registry import from_json_schema, load_schema


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


def test_lists_of_single_values_are_the_rules_as_well_if_asked_for() -> None:
    texts = {"type": "array", "items": {"type": "string"}}
    choices = {"type": "array", "items": {"enum": ["a", "b"]}}
    inner = {"type": "object", "properties": {"skills": texts}}
    properties = {"person": inner, "tags": choices, "total": {"type": "string"}}
    tree = from_json_schema({"title": "cv", "type": "object", "properties": properties}, "cv").tree
    assert list(lists_of(tree)) == []
    assert list(lists_of(tree, of_values=True)) == ["person.skills"]  # choices have no words of their own
    data: dict[str, Any] = {"person": {"skills": []}, "tags": [], "total": "9"}
    told = tuple(LeafAnswer(f"person.skills.{i}", one, -0.2) for i, one in enumerate(("SQL", "Excel")))
    rules = Answer({"person": {"skills": ["SQL", "Excel"]}}, told)
    leaves = [LeafAnswer("total", "9", -0.01)]
    found = rows_by_rules("person.skills", data, leaves, rules, -0.4, overlooked_below=-0.4)
    assert [leaf.raw for leaf in found] == ["9", "SQL", "Excel"]
    assert data["person"]["skills"] == ["SQL", "Excel"]


TREE = as_meant(
    from_json_schema(
        {
            "title": "slip",
            "type": "object",
            "properties": {
                "shop": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}},
                "issue_date": {"type": ["string", "null"]},
                "total": {"type": ["number", "null"]},
                "code": {"type": ["string", "null"], "pattern": "^[A-Z]$"},
                "rows": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                },
            },
        },
        "slip",
    )
).tree
SAID = {
    "shop.name": "Oak & Co Ltd",
    "issue_date": "1 May 2020",
    "total": "9.00",
    "code": "B",
    "rows.0.name": "Lamp",
}


def answered(score: float) -> tuple[dict[str, Any], list[LeafAnswer]]:
    data = {"shop": {"name": "Oak"}, "issue_date": "2", "total": "8", "code": "A", "rows": [{"name": "La"}]}
    raws = {"shop.name": "Oak", "issue_date": "2", "total": "8", "code": "A", "rows.0.name": "La"}
    return data, [LeafAnswer(path, raw, score, signals={"weakest": score}) for path, raw in raws.items()]


def test_an_unsure_text_is_the_rules_and_no_date_number_code_or_row_is() -> None:
    data, leaves = answered(-0.9)
    rules = Answer({}, tuple(LeafAnswer(path, raw, -0.1) for path, raw in SAID.items()))
    found = texts_by_rules(TREE, data, leaves, rules, -0.3)
    assert [leaf.raw for leaf in found] == ["Oak & Co Ltd", "2", "8", "A", "La"]
    assert found[0].log_probability == -0.9
    assert found[0].signals == {"weakest": -0.9, "taken": 1.0, "rules_sure": pytest.approx(math.exp(-0.1))}
    assert data["shop"] == {"name": "Oak & Co Ltd"} and data["rows"] == [{"name": "La"}]


def placed(raw: str, *lines: str, score: float = -0.02) -> LeafAnswer:
    words = tuple(
        (1, Word(text=text, box=Box(x0=50.0 * j, y0=20.0 * i, x1=50.0 * j + 40, y1=20.0 * i + 10)))
        for i, line in enumerate(lines)
        for j, text in enumerate(line.split())
    )
    return LeafAnswer("shop.name", raw, score, Span(words))


def test_a_text_that_goes_on_below_its_line_is_the_rules_and_doubted_however_sure_the_model_is() -> None:
    rules = Answer({}, (placed("Oak & Co Ltd", "Oak & Co", "Ltd"),))
    data = {"shop": {"name": "Oak & Co"}}
    (found,) = texts_by_rules(TREE, data, [placed("Oak & Co", "Oak & Co")], rules, -0.3)
    assert (found.raw, found.log_probability) == ("Oak & Co Ltd", -0.3)
    assert data == {"shop": {"name": "Oak & Co Ltd"}}


def test_a_text_goes_on_below_although_the_comma_behind_its_line_was_left_out() -> None:
    rules = Answer({}, (placed("Oak Yard, Elm", "Oak Yard,", "Elm"),))
    data = {"shop": {"name": "Oak Yard"}}
    (found,) = texts_by_rules(TREE, data, [placed("Oak Yard", "Oak Yard")], rules, -0.3)
    assert found.raw == data["shop"]["name"] == "Oak Yard, Elm"


@pytest.mark.parametrize(
    ("said", "by_rules", "sure", "kept"),
    [
        ("Oak's Diner", "Elm Foods Sdn. Bhd.", -0.2, False),  # a brand over the company that keeps it
        ("Oak's Diner", "Elm Foods Sdn. Bhd.", -0.5, True),  # the rules are not sure of it
        ("Oak Foods Ltd", "Elm Foods Sdn. Bhd.", -0.2, True),  # companies both
        ("Oak's Diner", "Elm Street", -0.2, True),
    ],
)
def test_a_company_by_its_form_goes_before_a_name_without_one(
    said: str, by_rules: str, sure: float, kept: bool
) -> None:
    data = {"shop": {"name": said}}
    rules = Answer({}, (placed(by_rules, "", by_rules, score=sure),))
    (found,) = texts_by_rules(TREE, data, [placed(said, said)], rules, -0.3)
    assert found.raw == data["shop"]["name"] == (said if kept else by_rules)
    assert ("taken" in found.signals) is not kept


@pytest.mark.parametrize(
    ("said", "floor"),
    [
        (placed("Oak & Co Yard", "Oak & Co Yard"), -0.3),  # the same line: where a name ends the model knows
        (placed("Ltd Inc", "Ltd Inc", "Ltd"), -0.3),  # another place
        (placed("Oak", "Oak"), -0.3),  # no more than the model says
        (placed("Oak & Co Ltd", "Oak & Co", "Ltd"), -math.inf),
    ],
)
def test_a_sure_text_that_does_not_go_on_below_stays(said: LeafAnswer, floor: float) -> None:
    data, leaf = {"shop": {"name": "Oak & Co"}}, placed("Oak & Co", "Oak & Co")
    assert texts_by_rules(TREE, data, [leaf], Answer({}, (said,)), floor) == [leaf]
    assert data == {"shop": {"name": "Oak & Co"}}


@pytest.mark.parametrize(("sure", "kept"), [(-0.2, False), (-0.5, True)])
def test_a_name_goes_on_to_the_form_of_its_company(sure: float, kept: bool) -> None:
    data, leaf = {"shop": {"name": "Oak"}}, placed("Oak", "Oak")
    rules = Answer({}, (placed("Oak Hill Trading", "Oak Hill Trading", score=sure),))
    (found,) = texts_by_rules(TREE, data, [leaf], rules, -0.3)
    assert found.raw == data["shop"]["name"] == ("Oak" if kept else "Oak Hill Trading")


def aslant(raw: str, *lines: str, slope: float) -> LeafAnswer:
    """Lines of a photograph that fall to the right by ``slope`` points in a point."""
    level = placed(raw, *lines)
    assert level.span is not None
    words = [
        (
            page,
            replace(
                word,
                box=replace(
                    word.box, y0=word.box.y0 + slope * word.box.x0, y1=word.box.y1 + slope * word.box.x0
                ),
            ),
        )
        for page, word in level.span.words
    ]
    return replace(level, span=Span(tuple(words)))


@pytest.mark.parametrize("slope", [-0.15, 0.0, 0.15])
def test_lines_that_are_aslant_go_on_below_as_level_ones_do(slope: float) -> None:
    said, whole = ("Oak Hill Hardware", "Elm Ltd"), "Oak Hill Hardware Elm Ltd"
    data = {"shop": {"name": said[0]}}
    rules = Answer({}, (aslant(whole, *said, slope=slope),))
    (found,) = texts_by_rules(TREE, data, [aslant(said[0], said[0], slope=slope)], rules, -0.3)
    assert found.raw == whole


PLACED = from_json_schema(
    {
        "title": "slip",
        "type": "object",
        "properties": {
            name: {"type": ["string", "null"]}
            for name in ("address", "contact", "address_and_phone", "shop_name")
        },
    },
    "slip",
).tree


@pytest.mark.parametrize(
    ("path", "before", "whole", "kept"),
    [
        ("address", "1046", "12 Mill Lane", False),
        ("address", "#1046", "12 Mill Lane", False),
        ("address", "Unit", "12 Mill Lane", True),
        ("address", "B12", "12 Mill Lane", True),
        ("address", "1046", "Mill Lane", True),  # the number of the house
        ("shop_name", "24", "7 Days Gym", True),
    ],
)
def test_a_number_above_the_number_of_a_house_is_no_part_of_an_address(
    path: str, before: str, whole: str, kept: bool
) -> None:
    raw = f"{before} {whole}"
    said, rules = replace(placed(raw, before, whole), path=path), replace(placed(whole, "", whole), path=path)
    data = {path: raw}
    (found,) = texts_by_rules(PLACED, data, [said], Answer({}, (rules,)), -0.3)
    assert found.raw == data[path] == (raw if kept else whole)


@pytest.mark.parametrize(
    ("path", "lines", "floor", "found"),
    [
        ("address", ("1 Mill Lane, Elm,", "Phone 03-8076 3806"), -0.3, "1 Mill Lane, Elm"),
        ("address", ("1 Mill Lane, Elm", "Tel:03-80763806"), -0.3, "1 Mill Lane, Elm"),
        ("address", ("1 Mill Lane", "Phone House 3"), -0.3, "1 Mill Lane Phone House 3"),
        ("address", ("Tel 03-80763806",), -0.3, "Tel 03-80763806"),  # nothing would be left
        ("address", ("1 Mill Lane", "Tel 03-80763806"), -math.inf, "1 Mill Lane Tel 03-80763806"),
        ("contact", ("Ann Lee", "Tel 03-80763806"), -0.3, "Ann Lee Tel 03-80763806"),
        ("address_and_phone", ("1 Mill Lane", "Tel 03-80763806"), -0.3, "1 Mill Lane Tel 03-80763806"),
        ("address", ("12 High Street", "HP2 7TG"), -0.3, "12 High Street HP2 7TG"),
        ("address", ("Plot 12", "Ph 2, Oak 160002"), -0.3, "Plot 12 Ph 2, Oak 160002"),
    ],
)
def test_an_address_ends_before_a_telephone_number(
    path: str, lines: tuple[str, ...], floor: float, found: str
) -> None:
    raw = " ".join(lines)
    data = {path: raw}
    (leaf,) = without_calls(PLACED, data, [replace(placed(raw, *lines), path=path)], floor)
    assert leaf.raw == data[path] == found
    assert leaf.log_probability == (-0.3 if raw != found else -0.02)  # doubted
    assert leaf.span is not None and " ".join(word.text for _, word in leaf.span.words).rstrip(",") == found


@pytest.mark.parametrize(("height", "kept"), [(20.0, False), (10.0, True)])
def test_a_text_that_runs_on_into_a_stamp_ends_where_the_rules_end(height: float, kept: bool) -> None:
    words = [
        Word(text=text, box=Box(x0=50.0 * i, y0=20.0 - tall, x1=50.0 * i + 40, y1=20.0), confidence=0.9)
        for i, (text, tall) in enumerate((("Oak", 10.0), ("Ltd", 10.0), ("POSTED", height)))
    ]
    said = LeafAnswer("shop.name", "Oak Ltd POSTED", -0.02, Span(tuple((1, word) for word in words)))
    rules = LeafAnswer("shop.name", "Oak Ltd", -0.2, Span(tuple((1, word) for word in words[:2])))
    data = {"shop": {"name": "Oak Ltd POSTED"}}
    (found,) = texts_by_rules(TREE, data, [said], Answer({}, (rules,)), -0.3)
    assert found.raw == ("Oak Ltd POSTED" if kept else "Oak Ltd")
    assert data["shop"]["name"] == found.raw


def test_a_sure_text_and_one_that_the_rules_did_not_find_stay() -> None:
    nothing = Answer({}, (LeafAnswer("shop.name", None, -0.1),))
    word = Answer({}, (LeafAnswer("shop.name", "Oakland", -0.1),))
    rules = Answer({}, (LeafAnswer("shop.name", "Oak & Co Ltd", -0.1),))
    for score, said, floor in (
        (-0.1, rules, -0.3),
        (-0.9, nothing, -0.3),
        (-0.9, rules, -math.inf),
        (-0.9, word, -0.3),
    ):
        data, leaves = answered(score)
        assert texts_by_rules(TREE, data, leaves, said, floor) == leaves
        assert data["shop"] == {"name": "Oak"}


KINDS = from_json_schema(
    {
        "title": "paper",
        "type": "object",
        "properties": {
            "kind": {"enum": ["invoice", "order", "credit note"]},
            "paid_by": {"enum": ["cash", "card"]},
        },
    },
    "paper",
).tree


@pytest.mark.parametrize(
    ("path", "said", "by_rules", "score", "floor", "expected"),
    [
        ("kind", "invoice", "order", -0.37, -0.3, "order"),
        ("kind", "invoice", "order", -0.6, -0.3, "invoice"),  # no title, only a word somewhere
        ("kind", "invoice", None, -0.1, -0.3, "invoice"),
        ("kind", "invoice", "order", -0.1, -math.inf, "invoice"),
        ("paid_by", "card", "cash", -0.1, -0.3, "card"),  # no kind of document
    ],
)
def test_what_kind_of_document_it_is_its_title_says(
    path: str, said: str, by_rules: str | None, score: float, floor: float, expected: str
) -> None:
    data = {"kind": "invoice", "paid_by": "card"}
    rules = Answer({}, (LeafAnswer(path, by_rules, score),))
    (found,) = titles_by_rules(KINDS, data, [LeafAnswer(path, said, -0.01)], rules, floor)
    assert (found.raw, data[path]) == (expected, expected)
    assert found.log_probability == (-0.3 if expected != said else -0.01)


def told(path: str, raw: str | None, score: float) -> LeafAnswer:
    return LeafAnswer(path, raw, score, placed(raw, raw).span if raw else None)


@pytest.mark.parametrize(
    ("said", "score", "by_rules", "their_score", "floor", "expected"),
    [
        (None, -0.001, "9.00", -0.4, -0.3, "9.00"),  # read off a label
        (None, -0.001, "9.00", -0.9, -0.3, "9.00"),
        (None, -0.001, "9.00", -1.1, -0.3, None),
        ("8", -0.9, "9.00", -0.4, -0.3, "9.00"),
        ("8", -0.9, "9.00", -1.2, -0.3, "9.00"),  # less sure, and right more often
        ("8", -0.11, "9.00", -0.05, -0.3, "9.00"),
        ("8", -0.09, "9.00", -0.05, -0.3, "8"),  # the model is sure
        ("8", -0.9, None, -0.1, -0.3, None),  # a guess
        ("8", -0.4, None, -0.1, -0.3, None),
        ("8", -0.2, None, -0.1, -0.3, "8"),
        (None, -0.001, "9.00", -0.1, -math.inf, None),
        ("8", -0.9, None, -0.1, -math.inf, "8"),
    ],
)
def test_under_an_unknown_schema_labels_speak_and_guesses_are_candidates(
    said: str | None,
    score: float,
    by_rules: str | None,
    their_score: float,
    floor: float,
    expected: str | None,
) -> None:
    data = {"total": said}
    rules = Answer({}, (told("total", by_rules, their_score),))
    (found,) = values_by_rules(TREE, data, [told("total", said, score)], rules, floor)
    assert (found.raw, data["total"]) == (expected, expected)
    if expected != said:
        assert found.log_probability < floor
    if said is not None and expected is None:
        assert [raw for raw, _ in found.others] == [said]


def test_under_an_unknown_schema_what_must_be_there_is_not_given_up() -> None:
    tree = from_json_schema(
        {
            "title": "slip",
            "type": "object",
            "required": ["total"],
            "properties": {"total": {"type": "number"}},
        },
        "slip",
    ).tree
    data = {"total": "8"}
    (found,) = values_by_rules(
        tree, data, [told("total", "8", -2.0)], Answer({}, (told("total", None, -0.1),)), -0.3
    )
    assert (found.raw, data["total"]) == ("8", "8")


@pytest.mark.parametrize(
    ("score", "their_score", "floor", "expected"),
    [
        (-0.4, -0.03, -0.3, "9.00"),
        (-0.4, -0.2, -0.3, "8"),  # a label, and no sum that adds up
        (-0.1, -0.03, -0.3, "8"),
        (-0.4, -0.03, -math.inf, "8"),
    ],
)
def test_a_sum_that_adds_up_is_the_rules_where_the_model_is_unsure(
    score: float, their_score: float, floor: float, expected: str
) -> None:
    data = {"total": "8"}
    rules = Answer({}, (told("total", "9.00", their_score),))
    (found,) = sums_by_rules(TREE, data, [told("total", "8", score)], rules, floor)
    assert (found.raw, data["total"]) == (expected, expected)
    assert found.log_probability == score


@pytest.mark.parametrize(
    ("doubted", "floor", "rows"),
    [(-0.5, -0.4, 2), (-0.3, -0.4, 2), (-math.inf, -0.4, 0), (-0.5, -math.inf, 0)],
)
def test_a_list_that_the_model_overlooked_is_the_rules_under_an_unknown_schema(
    doubted: float, floor: float, rows: int
) -> None:
    data, leaves = answer(-0.01)
    found = rows_by_rules("rows", data, leaves, RULES, floor, overlooked_below=doubted)
    assert len(data["rows"]) == rows
    taken = [leaf.log_probability for leaf in found if leaf.path.startswith("rows.")]
    assert len(taken) == rows and all(score < min(floor, doubted) for score in taken)


def test_under_an_unknown_schema_the_rows_are_the_rules_however_sure_the_model() -> None:
    for score in (-0.9, -0.001):
        data, leaves = answer(score, {"name": "Oak"})
        found = rows_by_rules("rows", data, leaves, RULES, -0.2, overlooked_below=-0.3)
        assert data["rows"] == [{"name": "Oak chair"}, {"name": "Lamp"}]
        assert all(leaf.log_probability < -0.3 for leaf in found if leaf.path.startswith("rows."))
    data, leaves = answer(-0.9, {"name": "Oak"})
    assert (
        rows_by_rules("rows", data, leaves, Answer({"rows": []}, ()), -0.2, overlooked_below=-0.3) == leaves
    )
