"""Decoding: drafts save passes and change nothing; whatever the weights, an answer is valid and stands on the page."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decoding.draft import continuation, open_value
from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.guess import Guess
from extractors.decoding.row import Decoded, Request
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.prompting.encode import encode
from extractors.prompting.window import windows_of
from schemas.registry import LoadedSchema, load_schema
from schemas.tree import leaves
from tests.tiny import document_of, tiny_model, tiny_processor

LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]


def decode(
    lines: list[str],
    schema: LoadedSchema,
    seed: int,
    *,
    drafts: bool,
    limit: int = 400,
    guess: str | None = None,
) -> tuple[Decoded, SpanIndex]:
    processor = tiny_processor()
    document = document_of(lines)
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    decoder = GreedyDecoder(tiny_model(seed), processor.tokenizer, drafts=drafts)
    prompt = encode(processor, schema, window, document)
    guessed = Guess(guess) if guess is not None else None
    request = Request(prompt, grammar_of(schema.tree, index), index, limit, guessed)
    return decoder.decode(request), index


@pytest.mark.parametrize("seed", range(6))
def test_drafts_change_nothing_in_fp32(seed: int) -> None:
    schema = load_schema("receipt")
    plain, _ = decode(LINES, schema, seed, drafts=False)
    drafted, _ = decode(LINES, schema, seed, drafts=True)
    assert drafted.text == plain.text
    assert drafted.log_probabilities == pytest.approx(plain.log_probabilities, abs=1e-3)
    assert drafted.model_calls <= plain.model_calls


@pytest.mark.parametrize("seed", range(3))
def test_a_right_guess_saves_passes_and_a_wrong_one_changes_nothing(seed: int) -> None:
    schema = load_schema("receipt")
    plain, _ = decode(LINES, schema, seed, drafts=False)
    drafted, _ = decode(LINES, schema, seed, drafts=True)
    right, _ = decode(LINES, schema, seed, drafts=True, guess=plain.text)
    wrong, _ = decode(
        LINES,
        schema,
        seed,
        drafts=True,
        guess='{"company":"12 Mill","date":null,"address":null,"total":"77"}',
    )
    assert plain.text == drafted.text == right.text == wrong.text
    assert right.log_probabilities == pytest.approx(plain.log_probabilities, abs=1e-3)
    assert right.model_calls < drafted.model_calls


def test_forced_text_costs_no_call_of_its_own() -> None:
    plain, _ = decode(LINES, load_schema("receipt"), 0, drafts=False)
    assert plain.model_calls < len(plain.pieces)
    assert "".join(plain.pieces) == plain.text


words = st.lists(st.text(st.characters(blacklist_categories=["C", "Z"]), min_size=1, max_size=8), max_size=14)


@settings(max_examples=25, deadline=None)
@given(lines=st.lists(words.map(" ".join), max_size=4), seed=st.integers(0, 5))
def test_every_answer_is_json_of_the_page(lines: list[str], seed: int) -> None:
    schema = load_schema("receipt")
    decoded, index = decode(lines, schema, seed, drafts=True, limit=900)
    answer = read_answer(decoded, schema.tree, index)
    if not answer.truncated:
        assert json.loads(decoded.text) == answer.data
        assert [leaf.path for leaf in answer.leaves] == [path for path, _ in leaves(schema.tree)]
    for leaf in answer.leaves:
        assert leaf.log_probability <= 1e-6
        if leaf.raw is not None:
            assert leaf.span is not None
            assert leaf.raw in " ".join(word.text for _, word in leaf.span.words)


def test_the_length_limit_gives_what_is_whole() -> None:
    schema = load_schema("receipt")
    decoded, index = decode(LINES, schema, 1, drafts=True, limit=20)
    assert decoded.truncated
    answer = read_answer(decoded, schema.tree, index)
    assert answer.truncated
    assert len(answer.leaves) < 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":', None),
        ('{"a":"', ""),
        ('{"a":"Blue Har', "Blue Har"),
        ('{"a":"x\\"y', 'x\\"y'),
        ('{"a":"x","b":null', None),
        ('{"a":"x\\\\","b":"q', "q"),
    ],
)
def test_open_value(text: str, value: str | None) -> None:
    assert open_value(text) == value


def test_the_page_goes_on_to_the_end_of_the_cell() -> None:
    (window,) = windows_of(document_of(LINES), 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    assert continuation(index, "Blue H") == "arbour Books Ltd"
    assert continuation(index, "Date") == " 25/12/2018"
    assert continuation(index, "lue") == ""
    assert continuation(index, "") == ""
    assert continuation(index, "nowhere") == ""


def test_what_has_gone_on_in_the_next_line_is_taken_to_go_on_for_one_more() -> None:
    lines = ["12 Quay Road", "Old Harbour", "Bristol", "Tel 555"]
    (window,) = windows_of(document_of(lines), 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    assert continuation(index, "12 Qu") == "ay Road"
    assert continuation(index, "12 Quay Road Old") == " Harbour Bristol"
    assert continuation(index, "12 Quay Road Old Harbour") == " Bristol"
