"""The traps of a grammar made of page text, one by one; those of decoding are in ``tests/decoding/test_traps.py``.

Also proven elsewhere: that folding is one and the same (``test_folding.py``), that whatever a model wants its answer
comes to an end (``tests/decoding/test_validity.py``), that candidates are whole (``test_spans.py``).
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from schemas.registry import load_schema
from tests.grammar.grammars import accepts, grammar, matcher_of, walk
from tests.tiny import document_of

HOSTILE = [
    'Total","x":"9', '"', "\\", '\\"', '"}', '","x":null}', "}{", "null", "[]", ":", ",", "\\u0022", "\\n", "/*", "%",
    "&", "|", "{0,9}", "start:", "ACME", "1,234.50", "<|im_end|>",
]  # fmt: skip
FIELDS: dict[str, Any] = {
    "plain": {"type": "string", "maxLength": 12},
    'qu"ote\\': {"type": "string", "maxLength": 12},
    "matching": {"type": "string", "pattern": '["\\\\]', "maxLength": 12},
    "undated": {"type": "string", "format": "date", "maxLength": 12},
    "number": {"type": "number"},
    "choice": {"enum": ['a"b', "c\\", '","x":"9']},
    "free": {"type": "string", "maxLength": 4, "x-parquetry": {"grounding": "free"}},
    "texts": {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 12}},
}
SCHEMA = {"type": "object", "properties": FIELDS}


def one(leaf: dict[str, Any], *lines: str) -> str:
    return grammar(lines, {"type": "object", "properties": {"x": leaf}})


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5).map(" ".join), max_size=4),
    st.randoms(use_true_random=False),
)
def test_no_text_of_a_page_ends_a_string_or_adds_a_key(lines: list[str], chance: random.Random) -> None:
    """Whatever is written, byte by byte, as the grammar allows: the keys are the schema's, the texts the page's."""
    text, ended = walk(grammar(lines, SCHEMA), lambda signs: chance.randrange(len(signs)), 2000)
    assert ended
    pairs: list[tuple[str, Any]] = json.loads(text, object_pairs_hook=lambda found: found)
    assert [key for key, _ in pairs] == list(FIELDS)
    page, found = " ".join(lines), dict(pairs)
    for name in ("plain", 'qu"ote\\', "matching", "undated", "number"):
        assert found[name] is None or found[name] in page
    assert found["choice"] in FIELDS["choice"]["enum"]
    assert all(item in page for item in found["texts"])


def test_the_page_that_injects_a_key_is_a_text_like_any_other() -> None:
    lines = ['Total","x":"9', "end"]
    assert accepts(one({"type": "string"}, *lines), '{"x":"Total\\",\\"x\\":\\"9"}')
    assert not accepts(one({"type": "string"}, *lines), '{"x":"Total","x":"9"}')


def test_a_newline_is_in_no_value_and_nowhere_between() -> None:
    g = one({"type": "string"}, "two lines", "of text")
    assert accepts(g, '{"x":"lines of"}')
    for broken in (
        '{"x":"lines\nof"}',
        '{"x":"lines\\nof"}',
        '{"x":"lines\tof"}',
        '{"x":\n"lines"}',
        '{"x":"lines"\n}',
    ):
        assert not accepts(g, broken)


@pytest.mark.parametrize(
    "leaf", [{"type": "string"}, {"type": "string", "pattern": ""}, {"type": "string", "format": "date"}]
)
def test_no_value_is_empty_or_has_a_space_at_its_ends(leaf: dict[str, Any]) -> None:
    g = one(leaf, "Blue Harbour Books")
    assert accepts(g, '{"x":"Harbour"}')
    for text in ("", " ", " Harbour", "Harbour ", "Harbour  Books"):
        assert not accepts(g, json.dumps({"x": text}, separators=(",", ":")))


@pytest.mark.parametrize(
    ("printed", "wholes"),
    [
        ("$1,234.50", ["$1,234.50"]),
        ("Summe 1 234,56", ["1 234,56"]),
        ("12 345 678.90", ["12 345 678.90"]),
        ("-5.00 x", ["-5.00"]),
        ("5.00- x", ["5.00-"]),
        ("(1 234.50)", ["(1 234.50)"]),
        ("(3.20)", ["(3.20)"]),
        ("$ -7.25", ["$ -7.25"]),
        ("1'234.50", ["1'234.50"]),
        ("１，２３４．５０", ["１，２３４．５０"]),
        ("RM9.00", ["9.00"]),
        ("A12 12B3", []),
    ],
)
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_no_piece_of_a_number_is_a_number(printed: str, wholes: list[str], kind: str) -> None:
    g = one({"type": kind}, printed)
    pieces = {printed[i:j] for i in range(len(printed)) for j in range(i + 1, len(printed) + 1)}
    taken = [p for p in pieces if accepts(g, json.dumps({"x": p}, ensure_ascii=False, separators=(",", ":")))]
    assert sorted(taken) == sorted(wholes)


ROW = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 30}, "price": {"type": "number"}},
}
LOOPS = {
    "type": "object",
    "properties": {
        "rows": {"type": "array", "items": ROW},
        "notes": {"type": "array", "items": {"type": "string", "maxLength": 30}},
        "sizes": {"type": "array", "items": {"type": "number"}},
        "remark": {"type": "string", "maxLength": 30, "x-parquetry": {"grounding": "free"}},
        "when": {"type": "string", "format": "date"},
    },
}


@pytest.mark.parametrize(
    ("liked", "hated"), [("", '"]}'), ("[{,", "]}n"), (" \t\n\r", '"'), ("0123456789", '",]}'), ("a", '"]}')]
)
def test_no_legal_loop_is_without_end(liked: str, hated: str) -> None:
    """White space, strings, digits, lists: who writes them for as long as the grammar lets him comes to an end."""
    lines = ["aaa aaaa aa a", "111 22 3", "0" * 400 + " a", "Tea   2.00", "Tea   2.00"]

    def stubborn(signs: list[str]) -> int:
        return min(range(len(signs)), key=lambda i: (signs[i] in hated, signs[i] not in liked, i))

    text, ended = walk(grammar(lines, LOOPS), stubborn, 20_000)
    assert ended
    words = sum(len(line.split()) for line in lines)
    found = json.loads(text)
    assert len(found["rows"]) <= len(lines)
    assert max(len(found["notes"]), len(found["sizes"])) <= words
    assert all(len(text) <= 30 for text in (*found["notes"], found["remark"] or ""))


def test_more_words_than_the_lexer_takes_are_several_windows() -> None:
    chance = random.Random(0)
    words = ["".join(chance.choices("abcdefghij", k=chance.randint(2, 9))) for _ in range(50_000)]
    lines = [" ".join(words[at : at + 20]) for at in range(0, len(words), 20)]
    document = document_of(*(lines[at : at + 50] for at in range(0, len(lines), 50)))
    windows = windows_of(document, 1_000_000, lambda texts: [len(text.split()) for text in texts])
    assert len(windows) > 1
    index = SpanIndex(windows[1])
    assert sum(len(page.words) for page in index.pages) > 14_000
    assert matcher_of(grammar_of(load_schema("receipt").tree, index)).compute_ff_tokens()
