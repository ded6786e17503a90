"""The stream of examples: the same wherever it is begun, answers from the words, splits apart."""

import json
from collections.abc import Sequence
from itertools import islice

import pytest

from extractors.grammar.spans import SpanIndex
from extractors.prompting.window import windows_of
from extractors.training.dataset import Example
from extractors.training.synthesis.examples import (
    ASKED,
    SynthesisOptions,
    SyntheticExamples,
    askable,
    document_seed,
    made_document,
)
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.spelt import without_unspelt
from schemas.errors import UsageError
from schemas.registry import from_json_schema
from schemas.tree import Leaf, Node, ObjectNode
from tests.tiny import document_of


def count_tokens(texts: Sequence[str]) -> list[int]:
    return [len(text) // 3 + 1 for text in texts]


SMALL = SynthesisOptions(seed=3, kinds=("receipt", "event_ticket"), image_side_px=64)


def key(example: Example) -> tuple[str, str, str]:
    return example.document.ref.uri, example.answer, example.window.text


@pytest.mark.slow
def test_the_stream_is_the_same_wherever_it_is_begun() -> None:
    stream = SyntheticExamples(SMALL, count_tokens)
    whole = [key(example) for example in islice(stream.stream(0), 12)]
    assert [key(example) for example in islice(stream.stream(8), 4)] == whole[8:]
    assert len({uri for uri, _, _ in whole}) >= 12 // ASKED


@pytest.mark.slow
def test_workers_make_the_same_stream() -> None:
    alone = islice(SyntheticExamples(SMALL, count_tokens).stream(0), 4)
    helped = SyntheticExamples(SMALL, count_tokens, workers=1).stream(0)
    assert [key(one) for one in alone] == [key(one) for one in islice(helped, 4)]
    helped.close()  # type: ignore[attr-defined]


def spans_of(node: Node, value: object) -> list[str]:
    if isinstance(node, ObjectNode):
        assert isinstance(value, dict)
        return [text for name, child in node.fields for text in spans_of(child, value[name])]
    return [str(value)] if isinstance(node, Leaf) and node.grounding == "span" and value is not None else []


def test_answers_stand_in_the_window_and_have_the_schemas_keys() -> None:
    stream = SyntheticExamples(SMALL, count_tokens)
    made = made_document(SMALL, 0)
    for example in stream._examples(made, 0):
        answer = json.loads(example.answer)
        assert list(answer) == [name for name, _ in example.schema.tree.fields]
        index = SpanIndex(example.window)
        text = " ".join(chunk for chunks in index.chunks for chunk in chunks)
        for span in spans_of(example.schema.tree, answer):
            assert "".join(span.split()) in "".join(text.split())


def test_development_never_meets_training() -> None:
    train = {document_seed(SynthesisOptions(seed), n) for seed in range(5) for n in range(200)}
    dev = {document_seed(SynthesisOptions(seed, "dev"), n) for seed in range(5) for n in range(200)}
    assert not train & dev


def test_excluded_kinds_are_not_made() -> None:
    left = SynthesisOptions(exclude_kinds=("invoice", "receipt")).drawn()
    assert set(left) == set(KINDS) - {"invoice", "receipt"}
    with pytest.raises(UsageError, match="left"):
        SynthesisOptions(kinds=("invoice",), exclude_kinds=("invoice",)).drawn()
    with pytest.raises(UsageError, match="'invoce'"):
        SyntheticExamples(SynthesisOptions(exclude_kinds=("invoce",)), count_tokens)


def test_pixels_are_asked_of_single_pages_only() -> None:
    kind = KINDS["registration_form"]
    assert askable(kind, 1) is kind
    assert not any(field.pixels for field in askable(kind, 2).fields)


def test_what_cannot_be_spelt_leaves_schema_and_answer_at_any_depth() -> None:
    schema = from_json_schema(
        {
            "type": "object",
            "properties": {
                "head": {
                    "type": "object",
                    "properties": {"no": {"type": "string"}, "who": {"type": "string"}},
                },
                "rows": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                    },
                },
                "tags": {"type": "array", "items": {"type": "string"}},
                "gone": {"type": "object", "properties": {"x": {"type": "string"}}},
                "none": {"type": "object", "properties": {"x": {"type": "string"}}},
            },
        },
        "thing",
    )
    document = document_of(["No. 77", "bolt 3", "nut 4"])
    answer = {
        "head": {"no": "77", "who": None},
        "rows": [{"a": "bolt", "b": None}, {"a": "nut", "b": None}],
        "tags": ["one"],
        "gone": {"x": None},
        "none": {"x": None},
    }
    truth = {
        "head": {"no": "77", "who": "A. Ode"},
        "rows": [{"a": "bolt", "b": "8"}, {"a": "nut", "b": "9"}],
        "tags": ["one", "two", "three"],
        "gone": {"x": "lost"},
        "none": {"x": None},
    }

    window = windows_of(document, 500, count_tokens)[0]
    (kept,) = without_unspelt([Example(document, window, schema, json.dumps(answer), 3)], truth)
    assert json.loads(kept.answer) == {
        "head": {"no": "77"},
        "rows": [{"a": "bolt"}, {"a": "nut"}],
        "none": {"x": None},
    }
    assert [name for name, _ in kept.schema.tree.fields] == ["head", "rows", "none"]
    assert kept.filled == 2
