"""The in-process backend over a tiny model: doubts, wide schemas, several windows."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from extractors.backends.base import Answer, LeafAnswer, WindowAnswer
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.transformers import TransformersBackend
from extractors.backends.windowed import Work
from extractors.models.load import LoadedModel
from schemas.outcome import ReviewReason
from schemas.registry import from_json_schema, load_schema
from schemas.tree import leaves
from tests.tiny import document_of, tiny_model, tiny_processor

LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]


def backend(
    *,
    unsure_below: float = -math.inf,
    window_tokens: int = 1000,
    hints: bool = False,
    trained_under: frozenset[str] = frozenset(),
) -> TransformersBackend:
    loaded = LoadedModel(
        "tiny",
        "tiny-1",
        tiny_model(1),
        tiny_processor(),
        window_tokens,
        unsure_below,
        hints,
        trained_under=trained_under,
    )
    return TransformersBackend(loaded, max_answer_tokens=300)


def test_an_answer_below_the_model_s_floor_is_a_reason() -> None:
    known = frozenset({load_schema("receipt").fingerprint})
    (sure,) = backend(trained_under=known).answer([document_of(LINES)], load_schema("receipt"))
    assert not any(leaf.reasons for leaf in sure.leaves)
    floor = sorted(leaf.log_probability for leaf in sure.leaves)[1]
    unsure_backend = backend(unsure_below=floor, trained_under=known)
    (unsure,) = unsure_backend.answer([document_of(LINES)], load_schema("receipt"))
    assert [ReviewReason.MODEL_UNSURE in leaf.reasons for leaf in unsure.leaves] == [
        leaf.log_probability < floor for leaf in sure.leaves
    ]
    assert sum(bool(leaf.reasons) for leaf in unsure.leaves) == 1


def test_a_wide_schema_has_every_field() -> None:
    fields = {f"field_{i}": {"type": "number", "description": "A number. " * 40} for i in range(40)}
    schema = from_json_schema({"type": "object", "properties": fields}, "wide")
    (answer,) = backend().answer([document_of(LINES)], schema)
    assert answer.counts["windows"] > 1
    assert list(answer.data) == list(fields)
    assert [leaf.path for leaf in answer.leaves] == [path for path, _ in leaves(schema.tree)]


def test_windows_are_merged() -> None:
    (answer,) = backend(window_tokens=40).answer([document_of(LINES * 3)], load_schema("receipt"))
    assert answer.counts["windows"] > 1
    assert list(answer.data) == ["company", "date", "address", "total"]


def test_leaves_carry_whether_the_rules_agree() -> None:
    (answer,) = backend().answer([document_of(LINES)], load_schema("receipt"))
    (ruled,) = ScriptedBackend().answer([document_of(LINES)], load_schema("receipt"))
    theirs = {leaf.path: leaf.raw for leaf in ruled.leaves}
    assert any(theirs.values())
    for leaf in answer.leaves:
        same = leaf.raw is not None and theirs[leaf.path] == leaf.raw
        assert leaf.signals["rules_same"] == same
        assert leaf.signals["rules_other"] == (theirs[leaf.path] is not None and not same)
        assert (leaf.signals["rules_sure"] > 0) == (theirs[leaf.path] is not None)
        assert leaf.signals["unknown_schema"] == 1.0  # this model does not say what it was trained under


def test_a_schema_that_the_model_was_trained_under_is_no_unknown_one() -> None:
    schema, made = load_schema("receipt"), backend()
    made.loaded = replace(made.loaded, trained_under=frozenset({schema.fingerprint}))
    (answer,) = made.answer([document_of(LINES)], schema)
    assert not any(leaf.signals.get("unknown_schema") for leaf in answer.leaves)


def test_a_model_that_was_trained_with_hints_is_shown_what_the_rules_found() -> None:
    schema, document = load_schema("receipt"), document_of(LINES)
    (plain,) = backend().answer([document], schema)
    (hinted,) = backend(hints=True).answer([document], schema)
    (ruled,) = ScriptedBackend().answer([document], schema)
    said = json.dumps(ruled.data, ensure_ascii=False, separators=(",", ":"))
    tokens = len(tiny_processor().tokenizer(said, add_special_tokens=False)["input_ids"])
    assert tokens < hinted.counts["prompt_tokens"] - plain.counts["prompt_tokens"] < tokens + 60


def test_a_slip_of_the_rules_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("a slip")

    made = backend(hints=True)
    monkeypatch.setattr(made.rules, "answer", fail)
    (answer,) = made.answer([document_of(LINES)], load_schema("receipt"))
    assert [leaf.path for leaf in answer.leaves] == ["company", "date", "address", "total"]
    assert not any(leaf.signals["rules_same"] or leaf.signals["rules_other"] for leaf in answer.leaves)


def test_rows_that_are_the_rules_own_do_not_count_as_agreement() -> None:
    """Else the calibrator would take them for values that two readers found."""
    schema, document = load_schema("invoice"), document_of(["Chair oak   1   9.00   9.00"])
    made = backend()
    made.loaded = replace(made.loaded, rows_unsure_below=-0.4)
    mine = (LeafAnswer("line_items.0.description", "Chair", -0.9),)
    theirs = (LeafAnswer("line_items.0.description", "Chair oak", -0.1),)
    found = WindowAnswer({"line_items": [{"description": "Chair"}]}, mine, truncated=False)
    ruled = Answer({"line_items": [{"description": "Chair oak"}]}, theirs)
    answer = made._answer(Work(document, [], ruled, [[(0, found)]]), schema, [schema])
    (leaf,) = answer.leaves
    assert (leaf.raw, leaf.log_probability) == ("Chair oak", -0.9)
    assert not leaf.signals.get("rules_same")
