"""Coordinates: where each token's word stands reaches the model, changes nothing untaught, and is kept with it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decoding.passes import Passes, Prefixes
from extractors.models.layout import BINS, attach_layout, layout_of, placed
from extractors.models.load import load_model
from extractors.prompting.encode import encode
from extractors.prompting.window import windows_of
from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.weights import TrainedWeights, has_layout
from schemas.document import ReadDocument
from schemas.registry import load_schema
from tests.tiny import document_of, tiny_model, tiny_processor

LINES = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]
SCHEMA = load_schema("receipt")


def prompt_of(document: ReadDocument) -> Any:
    (window,) = windows_of(document, 10_000, lambda texts: [len(t) for t in texts])
    return encode(tiny_processor(), SCHEMA, window, document, with_image=False)


def taught(model: Any, size: float = 0.3) -> Any:
    layout = attach_layout(model)
    torch.manual_seed(3)
    with torch.no_grad():
        layout.weight.normal_(0, size)
    return model


def logits(model: Any, prompt: Any, boxes: torch.Tensor | None) -> torch.Tensor:
    with torch.no_grad(), placed(model, boxes):
        return model(input_ids=prompt.input_ids).logits[0]  # type: ignore[no-any-return]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.text("ab.é ", max_size=12), min_size=1, max_size=4), min_size=1, max_size=3))
def test_words_stand_in_the_text_where_they_are_said_to(pages: list[list[str]]) -> None:
    for window in windows_of(document_of(*pages), 40, lambda texts: [len(t) for t in texts]):
        places = window.word_places
        assert [window.text[start:end] for start, end, _, _ in places] == [w.text for *_, w in places]
        assert [w for *_, w in places] == [w for line in window.lines for w in line.words]
        assert [p for _, _, p, _ in places] == [line.page for line in window.lines for _ in line.words]


def test_each_token_of_a_word_has_its_place_and_no_other_token_has_one() -> None:
    document = document_of(LINES)
    prompt = prompt_of(document)
    tokenizer = tiny_processor().tokenizer
    assert prompt.boxes.shape == (1, prompt.input_ids.shape[1], 3)
    spelt = ""
    for token, box in zip(prompt.input_ids[0].tolist(), prompt.boxes[0].tolist(), strict=True):
        if not any(box):
            continue
        text = tokenizer.decode([token])
        spelt += text
        words = [w for w in document.pages[0].words if text.strip() in w.text]
        found = [
            [
                1 + int(w.box.x0 / 612 * BINS),
                1 + int(w.box.x1 / 612 * BINS),
                1 + int((w.box.y0 + 5) / 792 * BINS),
            ]
            for w in words
        ]
        assert box in found
    assert "".join(spelt.split()) == "".join("".join(LINES).split())
    assert not prompt.boxes[0, : prompt.shared].any()


def test_untaught_coordinates_change_nothing_and_taught_ones_do() -> None:
    prompt = prompt_of(document_of(LINES))
    model = tiny_model()
    before = logits(model, prompt, None)
    attach_layout(model)
    assert torch.equal(logits(model, prompt, prompt.boxes), before)
    taught(model)
    assert torch.equal(logits(model, prompt, None), before)
    assert not torch.equal(logits(model, prompt, prompt.boxes), before)
    other = torch.where(prompt.boxes > 0, 1 + (prompt.boxes + 30) % BINS, 0)
    assert not torch.equal(logits(model, prompt, other), logits(model, prompt, prompt.boxes))
    assert attach_layout(model) is layout_of(model)


@pytest.mark.parametrize("packed", [True, False])
def test_a_prompt_in_the_cache_is_the_prompt_with_its_places(packed: bool) -> None:
    """Also from the second one on, when what comes before the page is taken from the first."""
    model = taught(tiny_model())
    passes = Passes(model, 1, Prefixes(), packed=packed)
    for lines in (LINES, LINES[::-1]):
        prompt = prompt_of(document_of(lines))
        scores, _ = passes.prefill(0, prompt, [], 1)
        expected = logits(model, prompt, prompt.boxes)[-1].float()
        assert torch.allclose(scores.logits[0].float(), expected, atol=2e-2, rtol=2e-2)
        assert not torch.allclose(
            scores.logits[0].float(), logits(model, prompt, None)[-1].float(), atol=2e-2
        )


def config(output: Path, base: Path, **more: Any) -> TrainConfig:
    return TrainConfig(
        sets=[LabelledSet(folder=output, schemas=["receipt"])],
        output=output,
        base=str(base),
        lora_rank=2,
        **more,
    )


def test_coordinates_are_trained_kept_and_loaded(tmp_path: Path) -> None:
    from extractors.training.run import export_model

    base = tmp_path / "base"
    tiny_model().save_pretrained(base)
    tiny_processor().save_pretrained(base)
    weights = TrainedWeights(config(tmp_path, base, layout=True), tiny_model())
    (name,) = [name for name in weights.master if name.endswith("layout.weight")]
    with torch.no_grad():
        weights.master[name].fill_(0.25)
    weights.to_live()

    class Run:
        """What `export_model` asks a trainer for."""

        def __init__(self) -> None:
            self.model, self.weights, self.config = weights.model, weights, config(tmp_path, base)
            self.position = type("P", (), {"step": 1, "tokens": 1})
            self.model_step = 1
            self.stream = SimpleNamespace(schemas={})

    folder = tmp_path / "model"
    export_model(Run(), folder, [])  # type: ignore[arg-type]
    assert has_layout(folder)
    loaded = load_model(str(folder), tmp_path)
    layout = layout_of(loaded.model)
    assert layout is not None
    assert torch.all(layout.weight == 0.25)
    again = TrainedWeights(config(tmp_path, base), tiny_model(), folder)  # a start that knows coordinates
    assert torch.all(again.master[name] == 0.25)
    assert not has_layout(base)
    assert layout_of(TrainedWeights(config(tmp_path, base), tiny_model()).untuned) is None
