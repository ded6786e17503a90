"""Any schema, any document, any model: valid or honestly truncated, every value in its place; also with poison."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.pairs import judge, make_pair
from benchmarks.validity import random_backend
from extractors.backends.base import Backend
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.transformers import TransformersBackend
from extractors.models.load import LoadedModel
from extractors.options import ExtractOptions
from extractors.validation.validate import route, validate
from schemas.errors import BackendError
from schemas.outcome import ReviewReason
from schemas.registry import from_json_schema
from tests.tiny import document_of, tiny_model, tiny_processor

LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Tea   2.00", "Tea   2.00", "Total   $1,234.50"]
ROW = {"type": "object", "properties": {"name": {"type": "string"}, "price": {"type": "number"}}}
SCHEMA = from_json_schema(
    {
        "type": "object",
        "properties": {
            "rows": {"type": "array", "items": ROW},
            "notes": {"type": "array", "items": {"type": "string"}},
            "remark": {"type": "string", "x-parquetry": {"grounding": "free"}},
        },
    },
    "loops",
)


@cache
def backend(seed: int) -> Backend:
    return random_backend(seed, 150)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.randoms(use_true_random=False), st.integers(0, 3))
def test_any_pair(chance: random.Random, seed: int) -> None:
    verdict = judge(make_pair(chance), backend(seed))
    assert verdict.end in ("valid", "truncated")
    assert verdict.faults == []


def test_values_that_are_taken_from_the_rules_have_their_exact_place_too() -> None:
    """Of a model that doubts all it says, under schemas that it was not trained under."""
    made = random_backend(3, 150)
    made.loaded = replace(made.loaded, unsure_below=0.0, rows_unsure_below=0.0)
    verdicts = [judge(make_pair(random.Random(number)), made) for number in range(150)]
    assert [fault for verdict in verdicts for fault in verdict.faults] == []
    taken = [judge(make_pair(random.Random(number)), backend(3)).values for number in range(40)]
    assert sum(verdict.values for verdict in verdicts[:40]) != sum(taken)  # the rules had their say


@pytest.mark.parametrize(
    ("line", "field", "said", "shares"),
    [
        ("Total:RM9.00", {"type": "number"}, "RM9.00", (0.5, 1.0)),
        ("Total:9.00", {"type": "number"}, "9.00", (0.5, 1.0)),
        ("Total (9.00)", {"type": "string"}, "(9.00)", (0.0, 1.0)),
    ],
)
def test_a_value_of_the_rules_within_a_word_has_its_part_of_the_box(
    line: str, field: dict[str, str], said: str, shares: tuple[float, float]
) -> None:
    document = document_of([line])
    (answer,) = ScriptedBackend().answer(
        [document], from_json_schema({"type": "object", "properties": {"total": field}}, "x")
    )
    (leaf,) = answer.leaves
    assert leaf.raw == said and leaf.span is not None
    ((_, word),) = leaf.span.words
    whole = document.pages[0].words[-1].box
    assert word.text == said
    wide = whole.x1 - whole.x0
    assert abs(word.box.x0 - whole.x0 - shares[0] * wide) < 0.15 * wide
    assert word.box.x1 == pytest.approx(whole.x0 + shares[1] * wide)


@pytest.mark.slow
def test_more_pairs() -> None:
    model = random_backend(11)
    verdicts = [judge(make_pair(random.Random(10_000 + number)), model) for number in range(120)]
    assert [fault for verdict in verdicts for fault in verdict.faults] == []
    assert sum(verdict.end == "valid" for verdict in verdicts) > 60
    assert sum(verdict.values for verdict in verdicts) > 60


def poisoned(poison: Callable[[torch.Tensor], torch.Tensor], limit: int = 200) -> TransformersBackend:
    model = tiny_model(1)
    model.lm_head.register_forward_hook(lambda _module, _given, logits: poison(logits))
    loaded = LoadedModel("poisoned", "poisoned-1", model, tiny_processor(), 1000, -math.inf)
    return TransformersBackend(loaded, max_answer_tokens=limit)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_numbers_that_are_none_are_an_error_and_no_answer(number: float) -> None:
    with pytest.raises(BackendError) as caught:
        poisoned(lambda logits: torch.full_like(logits, number)).answer([document_of(LINES)], SCHEMA)
    assert caught.value.remedy


def liking(liked: str, hated: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Logits that are the same at every step, whatever was written: these bytes above all, those never."""
    tokenizer = tiny_processor().tokenizer
    good, bad = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (liked, hated))

    def poison(logits: torch.Tensor) -> torch.Tensor:
        fixed = torch.linspace(1, 0, logits.shape[-1]).expand_as(logits).clone()
        fixed[..., bad] = -100
        fixed[..., good] = 100
        return fixed.to(logits.dtype)

    return poison


@pytest.mark.parametrize(
    ("liked", "hated"), [("[{,", ']}n"'), ("[{,T", "]}n"), ("a", ']}"n'), ("T", "]}"), (" ", '"')]
)
@pytest.mark.parametrize("limit", [60, 3000])
def test_a_model_that_wants_no_end_comes_to_one(liked: str, hated: str, limit: int) -> None:
    document = document_of(LINES)
    (answer,) = poisoned(liking(liked, hated), limit).answer([document], SCHEMA)
    # What the grammar forces behind the last choice is written too.
    assert answer.counts["answer_tokens"] <= limit + 40
    validated = validate(answer, SCHEMA, document, ExtractOptions())
    if answer.truncated:
        assert ReviewReason.ANSWER_TRUNCATED in validated.reasons
        assert not route(validated, ExtractOptions())
    else:
        assert len(answer.data["rows"]) <= len(LINES)
        assert all(len(note) <= 300 for note in answer.data["notes"])
    assert all(leaf.span is not None for leaf in answer.leaves if leaf.raw and leaf.path != "remark")


def test_a_truncated_answer_does_not_land_though_all_its_values_are_right() -> None:
    (cut,) = poisoned(lambda logits: logits, 12).answer([document_of(LINES)], SCHEMA)
    assert cut.truncated
    assert not route(validate(cut, SCHEMA, document_of(LINES), ExtractOptions()), ExtractOptions())
