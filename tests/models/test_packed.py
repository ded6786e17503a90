"""Packed weights give what plain ones give, and only where they may."""

from __future__ import annotations

import pytest
import torch

from extractors.models.packed import PackedLinear, pack_language_half
from tests.tiny import tiny_model, tiny_processor


def linears(module: torch.nn.Module, kind: type[torch.nn.Module]) -> int:
    return sum(type(one) is kind for one in module.modules())


@pytest.mark.parametrize("tokens", [1, 3, 17, 130])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_is_as_the_plain_one(tokens: int, bias: bool) -> None:
    torch.manual_seed(tokens)
    plain = torch.nn.Linear(96, 40, bias=bias).bfloat16()
    packed = PackedLinear(plain)
    states = torch.randn(1, tokens, 96, dtype=torch.bfloat16)
    with torch.inference_mode():
        torch.testing.assert_close(packed(states), plain(states), rtol=0.02, atol=0.02)
    assert "in_features=96, out_features=40" in repr(packed)


def test_the_language_half_is_packed_and_writes_the_same() -> None:
    model = tiny_model(1).bfloat16()
    ids = tiny_processor().tokenizer("Total $1,234.50", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        before = model(input_ids=ids).logits
        tower = linears(model.model.vision_model, torch.nn.Linear)
        pack_language_half(model)
        pack_language_half(model)
        after = model(input_ids=ids).logits
    assert linears(model.get_decoder(), torch.nn.Linear) == 0
    assert isinstance(model.get_output_embeddings(), PackedLinear)
    assert linears(model.model.vision_model, torch.nn.Linear) == tower > 0
    torch.testing.assert_close(after, before, rtol=0.05, atol=0.05)


def test_what_computes_in_float32_stays_as_it_is() -> None:
    model = tiny_model()
    pack_language_half(model)
    assert linears(model, PackedLinear) == 0


def test_without_bf16_products_nothing_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    model = tiny_model().bfloat16()
    pack_language_half(model)
    assert linears(model, PackedLinear) == 0
