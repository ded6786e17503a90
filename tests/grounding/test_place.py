"""Leaves of an answer: where they stand, what they score, and rows that the page does not have."""

from __future__ import annotations

import pytest

from extractors.backends.base import Span, WindowAnswer
from extractors.decoding.row import Decoded
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.prompting.window import windows_of
from schemas.tree import Kind, tree_of
from tests.tiny import document_of, rows_schema

TREE = rows_schema({"name": "string", "price": "number"}, total="number").tree


def read(text: str, *lines: str) -> WindowAnswer:
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    decoded = Decoded(text, list(text), [-0.01] * len(text))
    return read_answer(decoded, TREE, SpanIndex(window))


def row(name: str, price: str) -> str:
    return f'{{"name":"{name}","price":"{price}"}}'


def test_rows_that_the_page_has_twice_stay() -> None:
    text = f'{{"rows":[{row("Tea", "2.00")},{row("Tea", "2.00")}],"total":"4.00"}}'
    answer = read(text, "Tea   2.00", "Tea   2.00", "Total   4.00")
    assert len(answer.data["rows"]) == 2
    first, second = (leaf.span for leaf in answer.leaves if leaf.path.endswith(".name"))
    assert first is not None
    assert second is not None
    assert first.words[0][1].box.y0 < second.words[0][1].box.y0


def test_a_row_said_more_often_than_printed_goes() -> None:
    text = f'{{"rows":[{row("Tea", "2.00")},{row("Tea", "2.00")},{row("Jam", "3.00")}],"total":null}}'
    answer = read(text, "Tea   2.00", "Jam   3.00")
    assert [r["name"] for r in answer.data["rows"]] == ["Tea", "Jam"]
    assert [leaf.path for leaf in answer.leaves] == [
        "rows.0.name",
        "rows.0.price",
        "rows.1.name",
        "rows.1.price",
        "total",
    ]


def test_scores_are_those_of_the_values_tokens() -> None:
    answer = read('{"rows":[],"total":"4.00"}', "Total 4.00")
    (total,) = answer.leaves
    assert total.log_probability == pytest.approx(-0.01 * len('"4.00"'))


def test_a_cut_off_answer_keeps_what_is_whole() -> None:
    answer = read(f'{{"rows":[{row("Tea", "2.00")},{{"name":"Te', "Tea   2.00")
    assert answer.truncated
    assert answer.leaves[0].raw == "Tea"


FORM = tree_of(
    {
        "type": "object",
        "properties": {
            "flight_start": {"type": ["string", "null"], "format": "date"},
            "gross_amount": {"type": ["number", "null"], "description": "Sum before commission."},
        },
    }
)


def tops(answer: WindowAnswer) -> list[int]:
    """The line of each leaf's first word, from 0."""
    return [round((leaf.span.words[0][1].box.y0 - 50) / 16) for leaf in answer.leaves if leaf.span]


def read_form(*lines: str, rules: dict[str, Span] | None = None) -> WindowAnswer:
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    text = '{"flight_start":"01/02/2026","gross_amount":"$900.00"}'
    return read_answer(Decoded(text, list(text), [-0.01] * len(text)), FORM, SpanIndex(window), rules)


def test_a_label_on_the_line_beats_the_first_place() -> None:
    lines = [
        "Printed 01/02/2026",
        "Net $900.00",
        "Flight start: 01/02/2026",
        "Paid 01/02/2026",
        "Gross $900.00",
    ]
    assert tops(read_form(*lines)) == [2, 4]


def test_a_label_above_counts_too() -> None:
    lines = ["01/02/2026", "$900.00", "", "Flight start   Gross amount", "01/02/2026   $900.00"]
    assert tops(read_form(*lines)) == [4, 4]


def test_without_labels_the_value_behind_the_one_before() -> None:
    assert tops(read_form("$900.00", "01/02/2026", "$900.00")) == [1, 2]


def test_the_rules_place_counts_where_labels_are_equal() -> None:
    lines = ["01/02/2026", "$900.00", "$900.00", "$900.00"]
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    last = Span(tuple(index.words(index.places("$900.00", Kind.DECIMAL)[2])))
    assert tops(read_form(*lines, rules={"gross_amount": last})) == [0, 3]


def test_masses_are_those_of_the_values_tokens() -> None:
    text = '{"rows":[],"total":"4.00"}'
    (window,) = windows_of(document_of(["Total 4.00"]), 100_000, lambda texts: [len(t) for t in texts])
    masses = [-1.0 if char in "4.0" else 0.0 for char in text]
    decoded = Decoded(text, list(text), [0.0] * len(text), masses)
    (total,) = read_answer(decoded, TREE, SpanIndex(window)).leaves
    assert total.log_mass == pytest.approx(-4.0)


def test_a_leaf_carries_what_speaks_for_its_place() -> None:
    lines = ["Flight start: 01/02/2026", "Gross amount $900.00", "Net $900.00"]
    day, amount = read_form(*lines).leaves
    assert (day.signals["places"], amount.signals["places"]) == (1, 2)
    assert day.signals["label"] == pytest.approx(2)  # both words of its name stand before it
    assert amount.signals["label"] > 0
    assert (day.signals["weakest"], amount.signals["weakest"]) == (-0.01, -0.01)
    assert read_form("01/02/2026", "$900.00").leaves[0].signals["label"] == 0


def test_figures_beside_a_text_that_goes_on_below_are_of_its_row() -> None:
    lines = ("Chair oak      1     9.00", "dark stain", "Table          1     9.00")
    answer = read(f'{{"rows":[{row("Chair oak dark stain", "9.00")}],"total":null}}', *lines)
    price = next(leaf for leaf in answer.leaves if leaf.path == "rows.0.price")
    first = min(word.box.y0 for word in document_of(lines).pages[0].words)
    assert price.span is not None
    assert price.span.words[0][1].box.y0 == pytest.approx(first)
