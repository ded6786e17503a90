"""A guess goes on where the answer agrees with it, and says nothing where it does not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.decoding.guess import Guess, guess_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.registry import from_json_schema, load_schema
from tests.tiny import document_of, rows_schema

TEXT = '{"a":"x, {y}","items":[{"d":"q","n":"1"},{"d":"r","n":"2"}],"z":null}'


@pytest.mark.parametrize(
    ("written", "rest"),
    [
        ("{", '"a":"x, {y}"'),
        ('{"a', '":"x, {y}"'),
        ('{"a":"x, ', '{y}","items":[{"d"'),
        ('{"a":"other"', ""),
        ('{"a":"other","items":', '[{"d":"q","n":"1"},'),
        ('{"a":"other","items":[{"d":"Q","n":', '"1"},{"d":"r"'),
        ('{"a":"other","items":[{"d":"Q","n":"7"},{"d":', '"r","n":"2"}],"z"'),
        ('{"a":null,"items":[],"z":', "null}"),
        ('{"b":', ""),
        ("", ""),
    ],
)
def test_continuation(written: str, rest: str) -> None:
    found = Guess(TEXT).continuation(written)
    assert found.startswith(rest)
    assert bool(found) == bool(rest)


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=6), min_size=1), st.integers(0, 200))
def test_every_beginning_of_the_guess_goes_on_to_its_end(data: dict[str, str], cut: int) -> None:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    begun = text[: 1 + cut % len(text)]
    assert begun + Guess(text).continuation(begun) == text


def test_only_what_stands_in_the_window() -> None:
    (window,) = windows_of(
        document_of(["Mill Books", "Total 4.50"]), 1000, lambda texts: [len(t) for t in texts]
    )
    data = {"company": "Mill Books", "date": "1.2.2024", "address": "Mill Bo", "total": "4.50"}
    guess = guess_of(load_schema("receipt").tree, data, SpanIndex(window))
    assert json.loads(guess.text) == {"company": "Mill Books", "date": None, "address": None, "total": "4.50"}


def test_a_value_that_is_denied_is_left_out_and_the_rest_goes_on() -> None:
    guess = Guess('{"company":"A \\"B\\" Ltd","date":"1/2/2026","lines":[{"sum":1}],"total":"4.50"}')
    rest = ',"date":"1/2/2026","lines":[{"sum":1}],"total":"4.50"}'
    assert guess.without_value('{"company":') == "null" + rest
    assert guess.without_value('{"company":null,"date":') == 'null,"lines":[{"sum":1}],"total":"4.50"}'
    assert guess.without_value('{"company":null,"date":null,"lines":[{"sum":') == 'null}],"total":"4.50"}'
    assert guess.without_value('{"company":"A","date":null,"lines":[],"total":') == "null}"
    assert guess.without_value('{"vendor":') == ""
    assert guess.without_value('{"company":null,"date":null,"lines":') == ""
    assert guess.without_value("") == ""


def test_what_else_a_value_could_be_goes_on_and_the_rest_of_the_guess_with_it() -> None:
    others = {"date": ["25/12/2018", "26/12/2018", '7 "May"'], "due": ["8.90", "8.9"]}
    guess = Guess('{"date":null,"sums":[{"total":"1"}],"due":"8.91"}', others)
    rest = ',"sums":[{"total":"1"}],"due":"8.91"}'
    assert guess.other('{"date":"') == '25/12/2018"' + rest
    assert guess.other('{"date":"26') == '/12/2018"' + rest
    assert guess.other('{"date":"7 ') == '\\"May\\""' + rest
    assert guess.other('{"date":"3') == ""
    assert guess.other('{"date":null,"sums":[],"due":"8.9') == '0"}'
    assert guess.other('{"date":null,"sums":[],"due":"8.90') == '"}'
    assert guess.other('{"date":null,"sums":[{"total":"1"},{"total":"8') == ""
    assert guess.other('{"date":') == ""
    assert guess.other("") == ""


def test_other_values_are_of_the_window_and_of_fields_whose_name_is_theirs_alone() -> None:
    (window,) = windows_of(
        document_of(["Due 4.5.2024", "Total 4.50"]), 1000, lambda texts: [len(t) for t in texts]
    )
    tree = from_json_schema(
        name="two",
        data={
            "title": "two",
            "type": "object",
            "properties": {
                "due": {"type": "string", "format": "date"},
                "a": {"type": "object", "properties": {"total": {"type": "number"}}},
                "b": {"type": "object", "properties": {"total": {"type": "number"}}},
            },
        },
    ).tree
    guess = guess_of(tree, {}, SpanIndex(window), {"due": ["5.5.2024", "4.5.2024"], "a.total": ["4.50"]})
    assert guess.other('{"due":"').startswith('4.5.2024"')
    assert guess.other('{"due":null,"a":{"total":"') == ""


@pytest.mark.parametrize(
    ("line", "said", "offered"),
    [
        ("Total RM9.00", "RM9.00", "9.00"),
        ("Total RM9.00  9  0", "RM9.00", "9.00"),  # not the loose numbers that are pieces of it
        ("Total 9.00", "19.00", None),
        ("Total 9.00", "9.001", None),
        ("Total 1,234.50", "1,234.50", "1,234.50"),
        ("Total 234.50", "1,234.50", None),
    ],
)
def test_a_number_that_rules_give_as_printed_is_the_one_that_is_offered(
    line: str, said: str, offered: str | None
) -> None:
    (window,) = windows_of(document_of([line]), 1000, lambda texts: [len(t) for t in texts])
    tree = from_json_schema(
        name="sum",
        data={
            "title": "sum",
            "type": "object",
            "properties": {"total": {"type": "number"}, "day": {"type": "string"}},
        },
    ).tree
    guess = guess_of(tree, {"total": said}, SpanIndex(window), {"total": [said]})
    assert json.loads(guess.text)["total"] == offered
    if offered is not None:
        assert guess.other(f'{{"total":"{offered[0]}').startswith(offered[1:])


def test_rows_of_other_windows_are_no_rows_of_this_one() -> None:
    """A lone quantity stands anywhere: a row is shown where most of it does."""
    schema = rows_schema({"name": "string", "quantity": "number", "price": "number"})
    document = document_of(["Lamp   1   4.50"])
    (window,) = windows_of(document, 1000, lambda texts: [len(t) for t in texts])
    rows = [
        {"name": "Chair", "quantity": "1", "price": "9.00"},
        {"name": "Lamp", "quantity": "1", "price": "4.50"},
    ]
    guess = guess_of(schema.tree, {"rows": rows}, SpanIndex(window))
    assert json.loads(guess.text) == {"rows": rows[1:]}
