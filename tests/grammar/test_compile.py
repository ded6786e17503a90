"""The grammar: exactly the answers whose values are text of the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.reading.text import normalise_text
from tests.grammar.grammars import accepts, grammar

PAGE = [
    'ACME "Best" Shop Ltd.',
    'Total","x":"9',
    "Date 25/12/2018",
    "Sum   $1,234.50  -5.00",
    "C:\\path é 中文",
]


def receipt(company: object = None, date: object = None, address: object = None, total: object = None) -> str:
    return json.dumps(
        {"company": company, "date": date, "address": address, "total": total},
        ensure_ascii=False,
        separators=(",", ":"),
    )


@pytest.mark.parametrize(
    "answer",
    [
        receipt(),
        receipt(company='ACME "Best" Shop Ltd.', date="25/12/2018", total="$1,234.50"),
        receipt(company='Total","x":"9'),
        receipt(company="C:\\path é 中文", address='Shop Ltd. Total","x":"9 Date', total="-5.00"),
    ],
)
def test_page_text_is_accepted(answer: str) -> None:
    assert accepts(grammar(PAGE), answer)


@pytest.mark.parametrize(
    "answer",
    [
        receipt(company="ACMEX"),
        receipt(company="CME"),
        receipt(total="234.50"),
        receipt(total="1,234.50"),
        receipt(total=1234.5),
        receipt(date="12/2018"),
        receipt(date="Date 25/12/2018"),
        '{"company":null,"date":null,"address":null}',
        '{ "company":null,"date":null,"address":null,"total":null}',
    ],
)
def test_anything_else_is_refused(answer: str) -> None:
    assert not accepts(grammar(PAGE), answer)


def test_an_empty_page_leaves_only_nulls() -> None:
    assert accepts(grammar([]), receipt())
    assert not accepts(grammar([]), receipt(company="a"))


def test_arrays_are_bounded() -> None:
    schema = {
        "type": "object",
        "properties": {"codes": {"type": "array", "maxItems": 2, "items": {"type": "string"}}},
    }
    g = grammar(["a b c"], schema)
    assert accepts(g, '{"codes":[]}')
    assert accepts(g, '{"codes":["a","b"]}')
    assert not accepts(g, '{"codes":["a","b","c"]}')


def test_too_few_items_are_for_validation_not_for_invention() -> None:
    schema = {
        "type": "object",
        "properties": {"codes": {"type": "array", "minItems": 2, "items": {"type": ["string", "null"]}}},
    }
    g = grammar(["a b c"], schema)
    assert accepts(g, '{"codes":[]}')
    assert accepts(g, '{"codes":["a"]}')
    assert not accepts(g, '{"codes":[null]}')
    assert accepts(grammar([], schema), '{"codes":[]}')
    assert not accepts(g, '{"codes":["a","b","c","a"]}')


def one(leaf_schema: dict[str, Any], *lines: str) -> str:
    return grammar(list(lines), {"type": "object", "properties": {"x": leaf_schema}})


def test_numbers_to_choose_from() -> None:
    g = one({"enum": [1, 2, 10]}, "x 3")
    assert accepts(g, '{"x":"10"}')
    assert not accepts(g, '{"x":"3"}')
    assert not accepts(g, '{"x":null}')


def test_patterns_and_formats_are_kept_by_the_grammar() -> None:
    code = one({"type": "string", "pattern": r"^[A-Z]{2}\d+$"}, 'AB12 CD 3" EF7')
    assert accepts(code, '{"x":"AB12"}')
    assert accepts(code, '{"x":null}')
    assert not accepts(code, '{"x":"CD"}')
    assert not accepts(code, '{"x":"B12"}')
    assert not accepts(code, '{"x":"CD 3"}')
    mail = one({"type": "string", "format": "email"}, "to jane@mill.com now")
    assert accepts(mail, '{"x":"jane@mill.com"}')
    assert not accepts(mail, '{"x":"mill.com"}')
    quoted = one({"type": "string", "pattern": '"'}, 'a "b" c')
    assert accepts(quoted, '{"x":"\\"b\\""}')


def test_two_fields_with_different_patterns() -> None:
    schema = {
        "type": "object",
        "properties": {n: {"type": "string", "pattern": p} for n, p in (("a", "^A"), ("b", "^B"))},
    }
    g = grammar(["A1 B2"], schema)
    assert accepts(g, '{"a":"A1","b":"B2"}')
    assert not accepts(g, '{"a":"B2","b":"A1"}')


def test_a_date_that_nobody_recognises_is_of_whole_words() -> None:
    g = one({"type": "string", "format": "date"}, "Due 12/3/4/5 or May")
    assert accepts(g, '{"x":"12/3/4/5"}')
    assert not accepts(g, '{"x":"3/4/5"}')
    g = one({"type": "string", "format": "date-time"}, "on 1.2.2026 at 9:15")
    assert not accepts(g, '{"x":"9:15"}')
    assert accepts(one({"type": "string", "format": "time"}, "at 9:15"), '{"x":"9:15"}')


def test_free_text_has_bounds_and_no_blank_ends() -> None:
    free = {"type": "string", "maxLength": 4, "x-parquetry": {"grounding": "free"}}
    g = one(free, "page")
    assert accepts(g, '{"x":"a b"}')
    assert accepts(g, '{"x":"a"}')
    assert not any(accepts(g, f'{{"x":"{text}"}}') for text in ("", " ", "a ", " a", "abcde"))


def test_a_table_has_no_more_rows_than_the_page_has_lines() -> None:
    item = {"type": "object", "properties": {"n": {"type": ["string", "null"]}}}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": item}}}
    g = grammar(["a b", "c d"], schema)
    assert accepts(g, '{"rows":[{"n":"a"},{"n":"c"}]}')
    assert not accepts(g, '{"rows":[{"n":"a"},{"n":"c"},{"n":"a"}]}')


def test_a_page_of_one_line_has_one_row_at_most() -> None:
    row = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": row}}}
    one_line = grammar(["one two"], schema)
    assert accepts(one_line, '{"rows":[]}')
    assert accepts(one_line, '{"rows":[{"a":"two"}]}')
    assert not accepts(one_line, '{"rows":[{"a":"one"},{"a":"two"}]}')


def test_choices_and_booleans() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["invoice", "order"]},
            "paid": {"type": "boolean"},
            "state": {"enum": ["new", None]},
        },
    }
    g = grammar(["x"], schema)
    assert accepts(g, '{"kind":"order","paid":true,"state":null}')
    assert not accepts(g, '{"kind":null,"paid":true,"state":null}')
    assert not accepts(g, '{"kind":"offer","paid":true,"state":null}')


def test_long_text_is_cut_off_by_the_bound() -> None:
    schema = {"type": "object", "properties": {"t": {"type": "string", "maxLength": 5}}}
    g = grammar(["abcde fghij"], schema)
    assert accepts(g, '{"t":"abcde"}')
    assert not accepts(g, '{"t":"abcde fghij"}')


@settings(max_examples=40, deadline=None)
@given(
    words=st.lists(
        st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=8)
        .map(normalise_text)
        .filter(lambda word: word and " " not in word),
        min_size=1,
    ),
    data=st.data(),
)
def test_any_run_of_words_is_a_legal_text(words: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, min(len(words) - 1, first + 6)))
    value = " ".join(words[first : last + 1])
    assert accepts(grammar([" ".join(words)]), receipt(company=value))
