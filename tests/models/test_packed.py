"""Packed weights give what plain ones give, and only where they may."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from extractors.models import cpu
from extractors.models.cpu import has_bf16_products, in_fast_type
from extractors.models.packed import PackedGatedMlp, PackedHead, PackedLinear, only, pack_language_half
from tests.tiny import tiny_model, tiny_processor

BF16 = pytest.mark.skipif(not has_bf16_products(), reason="this processor has no bf16 products to pack for")
FORMATS = pytest.mark.parametrize("dtype", [pytest.param(torch.bfloat16, marks=BF16), torch.float32])


def linears(module: torch.nn.Module, kind: type[torch.nn.Module]) -> int:
    return sum(type(one) is kind for one in module.modules())


@FORMATS
@pytest.mark.parametrize("tokens", [1, 3, 17, 130])
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_layer_is_as_the_plain_one(tokens: int, bias: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(tokens)
    plain = torch.nn.Linear(96, 40, bias=bias).to(dtype)
    packed = PackedLinear(plain)
    states = torch.randn(1, tokens, 96, dtype=dtype)
    near = 0.02 if dtype == torch.bfloat16 else 1e-4
    with torch.inference_mode():
        torch.testing.assert_close(packed(states), plain(states), rtol=near, atol=near)
    assert "in_features=96, out_features=40" in repr(packed)


@FORMATS
def test_the_language_half_is_packed_and_is_as_near_to_the_truth(dtype: torch.dtype) -> None:
    model = tiny_model(1).bfloat16().to(dtype)
    exact = tiny_model(1).bfloat16().float()
    ids = tiny_processor().tokenizer("Total $1,234.50", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        truth = exact(input_ids=ids).logits
        before = model(input_ids=ids).logits.float()
        tower = linears(model.model.vision_model, torch.nn.Linear)
        pack_language_half(model)
        pack_language_half(model)
        after = model(input_ids=ids).logits.float()
    assert linears(model.get_decoder(), torch.nn.Linear) == 0
    assert isinstance(model.get_output_embeddings(), PackedHead)
    assert linears(model.model.vision_model, torch.nn.Linear) == tower > 0
    near = 0.1 if dtype == torch.bfloat16 else 1e-4
    if dtype == torch.bfloat16:
        assert (after - truth).abs().mean() <= 1.2 * (before - truth).abs().mean()
    torch.testing.assert_close(after, truth, rtol=near, atol=near)
    assert linears(model, PackedGatedMlp) == model.config.text_config.num_hidden_layers


@BF16
def test_a_gated_block_rounds_less_often_and_is_the_same() -> None:
    plain = tiny_model(2).bfloat16().get_decoder().layers[0].mlp
    exact = tiny_model(2).bfloat16().float().get_decoder().layers[0].mlp
    packed_model = tiny_model(2).bfloat16()
    pack_language_half(packed_model)
    packed = packed_model.get_decoder().layers[0].mlp
    states = torch.randn(1, 50, exact.gate_proj.in_features, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        truth = exact(states.bfloat16().float())
        off = (packed(states.bfloat16()).float() - truth).abs().mean()
        off_plain = (plain(states.bfloat16()).float() - truth).abs().mean()
    assert off <= 1.2 * off_plain
    assert off < 0.02 * truth.abs().mean()


@FORMATS
def test_only_what_is_wanted_is_computed_at_the_end_and_is_the_same(dtype: torch.dtype) -> None:
    model = tiny_model(3).to(dtype)
    pack_language_half(model)
    ids = tiny_processor().tokenizer("Date 25/12/2018 Total $1,234.50", return_tensors="pt")["input_ids"]
    wanted = torch.tensor([ids.shape[1] - 5, ids.shape[1] - 1])
    rows = []
    inner = model.get_decoder().layers[-1].mlp.mlp
    inner.register_forward_hook(lambda module, given, out: rows.append(given[0].shape[1]))
    with torch.inference_mode():
        whole = model(input_ids=ids).logits[:, wanted]
        with only(wanted):
            part = model(input_ids=ids, logits_to_keep=wanted).logits
        again = model(input_ids=ids).logits[:, wanted]
    torch.testing.assert_close(part, whole, rtol=0.05, atol=0.05)
    torch.testing.assert_close(again, whole)
    assert rows == [ids.shape[1], 2, ids.shape[1]]


@BF16
def test_the_residual_stream_is_float32_and_products_see_bf16() -> None:
    model = tiny_model(4).bfloat16()
    pack_language_half(model)
    streams, products = [], []
    for layer in model.get_decoder().layers:
        layer.register_forward_hook(lambda module, given, out: streams.append(out.dtype))
        layer.self_attn.q_proj.register_forward_hook(lambda module, given, out: products.append(out.dtype))
    with torch.inference_mode():
        model(input_ids=torch.tensor([[5, 6, 7]]))
    assert set(streams) == {torch.float32}
    assert set(products) == {torch.bfloat16}


@BF16
def test_a_large_stream_does_not_swallow_what_layers_add() -> None:
    def states(model: torch.nn.Module) -> torch.Tensor:
        model.get_decoder().embed_tokens.weight.data.mul_(100)
        with torch.inference_mode():
            out: torch.Tensor = model.get_decoder()(input_ids=torch.arange(20, 60)[None]).last_hidden_state
        return out.float()

    plain, packed = tiny_model(5).bfloat16(), tiny_model(5).bfloat16()
    pack_language_half(packed)
    truth = states(tiny_model(5).bfloat16().float())
    off = (states(packed) - truth).abs().mean()
    assert off < 0.8 * (states(plain) - truth).abs().mean()


@FORMATS
def test_close_scores_are_told_apart(dtype: torch.dtype) -> None:
    torch.manual_seed(6)
    plain = torch.nn.Linear(96, 300, bias=True).to(dtype)
    head = PackedHead(plain)
    states = 20 * torch.randn(1, 3, 96)
    with torch.inference_mode():
        head(states)
    tokens = np.array([4, 299, 17])
    exact = states[0, 1] @ plain.weight.float().T + plain.bias.float()
    np.testing.assert_allclose(head.closer(1, tokens), exact.detach().numpy()[tokens], rtol=1e-4, atol=1e-4)


def test_a_norm_of_another_kind_leaves_the_stream_alone() -> None:
    model = tiny_model(7).bfloat16()
    layer = model.get_decoder().layers[0]
    layer.input_layernorm = torch.nn.LayerNorm(layer.input_layernorm.weight.shape, dtype=torch.bfloat16)
    pack_language_half(model)
    with torch.inference_mode():
        out = model.get_decoder()(input_ids=torch.tensor([[5, 6]])).last_hidden_state
    assert out.dtype == torch.bfloat16


@BF16
def test_what_multiplies_in_bf16_stays_in_bf16() -> None:
    model = tiny_model().bfloat16()
    assert in_fast_type(model) is model
    assert model.dtype == torch.bfloat16


def test_without_bf16_products_weights_are_widened_and_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    narrow = tiny_model(8).bfloat16()
    weights = {name: one.detach().clone() for name, one in narrow.named_parameters()}
    model = in_fast_type(narrow)
    for name, one in model.named_parameters():
        assert one.dtype == torch.float32
        assert torch.equal(one, weights[name].float()), name
    pack_language_half(model)
    assert isinstance(model.get_output_embeddings(), PackedHead)


def test_a_large_model_is_not_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    monkeypatch.setattr(cpu, "MOST_FLOAT32", 5_000)
    model = in_fast_type(tiny_model().bfloat16())
    assert model.dtype == torch.bfloat16
    pack_language_half(model)
    assert linears(model, PackedLinear) == 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_without_onednn_nothing_is_packed(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    model = tiny_model().to(dtype)
    pack_language_half(model)
    assert linears(model, PackedLinear) == 0
