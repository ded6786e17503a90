"""Windows in one pass do not see each other: losses and gradients are those of each window alone."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors.prompting.encode import Encoded, encode
from extractors.prompting.window import windows_of
from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.packing import Sample, answer_losses, pack, shares
from extractors.training.weights import TrainedWeights, decoder_name, vision_names
from schemas.document import PageImage
from schemas.registry import load_schema
from tests.decoding.families import qwen, smol
from tests.tiny import document_of, tiny_model, tiny_processor


def idefics() -> tuple[Any, Any]:
    return tiny_model(), tiny_processor()


def copied(family: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    model, processor = family()
    return copy.deepcopy(model), processor


def samples(processor: Any) -> list[Sample]:
    """Windows of several lengths, of pages of several shapes; one has no image."""
    out = []
    for lines, size, answer in [
        (["Mill Shop", "Total 4.50"], (64, 64), "{}"),
        (["Inn"], None, '{"total":"9"}'),
        (["Cafe Roma Ltd", "12 Mill Lane", "Total 1.00"], (64, 48), '{"total":"1.00"}'),
    ]:
        image = None
        if size is not None:
            buffer = io.BytesIO()
            Image.linear_gradient("L").resize(size).save(buffer, "PNG")
            image = PageImage(buffer.getvalue(), "image/png", *size)
        document = document_of(lines, image=image)
        (window,) = windows_of(document, 4000, lambda texts: [len(t) for t in texts])
        prompt = encode(processor, load_schema("receipt"), window, document, with_image=image is not None)
        ids = processor.tokenizer(answer, add_special_tokens=False)["input_ids"]
        out.append(Sample(prompt, torch.tensor([*ids, processor.tokenizer.eos_token_id])))
    return out


def plain_loss(model: Any, sample: Sample) -> torch.Tensor:
    """As transformers has it, one window alone, with logits for everything."""
    ids = torch.cat([sample.prompt.input_ids, sample.answer[None]], dim=1)
    extra = dict(sample.prompt.extra)
    if "mm_token_type_ids" in extra:
        kinds = extra["mm_token_type_ids"]
        extra["mm_token_type_ids"] = torch.nn.functional.pad(kinds, (0, ids.shape[1] - kinds.shape[1]))
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **extra).logits[0]
    return torch.nn.functional.cross_entropy(logits[-len(sample.answer) - 1 : -1], sample.answer)


def config(**settings: Any) -> TrainConfig:
    return TrainConfig(
        sets=[LabelledSet(folder="none", schemas=["receipt"])], output="none", lora_rank=2, **settings
    )


@pytest.mark.parametrize("family", [idefics, smol, qwen], ids=["idefics3", "smolvlm", "qwen2.5-vl"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_packed_losses_and_gradients_are_those_of_each_window_alone(
    family: Callable[[], tuple[Any, Any]], checkpointing: bool
) -> None:
    model, processor = copied(family)
    windows = samples(processor)
    weights = TrainedWeights(config(gradient_checkpointing=checkpointing), copy.deepcopy(model))
    torch.manual_seed(1)
    with torch.no_grad():  # an adapter that does something, and the same one merged into a plain model
        for name, parameter in weights.live.items():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    weights.model.train()
    packed = pack(weights.untuned, windows, processor.tokenizer.eos_token_id)
    losses = answer_losses(weights.untuned, packed)
    (losses @ packed.weights).backward()

    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    lora = LoraConfig(r=2, lora_alpha=64, target_modules=weights.model.peft_config["default"].target_modules)
    single = get_peft_model(model, lora)
    set_peft_model_state_dict(single, get_peft_model_state_dict(weights.model))
    for name, parameter in single.named_parameters():
        parameter.requires_grad = name in weights.live
    each = [plain_loss(single, sample) for sample in windows]
    sum(each, torch.tensor(0.0)).backward()

    lengths = [len(sample.answer) for sample in windows]
    means = [part.mean().item() for part in losses.split(lengths)]
    assert means == pytest.approx([one.item() for one in each], abs=2e-5)
    expected = {n: p.grad for n, p in single.named_parameters() if p.requires_grad}
    assert expected.keys() == weights.live.keys()
    for name, parameter in weights.live.items():
        wanted = expected[name]
        if wanted is None:
            assert parameter.grad is None or not parameter.grad.any(), name
            continue
        assert parameter.grad is not None, name
        torch.testing.assert_close(parameter.grad, wanted, atol=3e-4, rtol=3e-3, msg=name)


@pytest.mark.parametrize("family", [idefics, smol, qwen], ids=["idefics3", "smolvlm", "qwen2.5-vl"])
def test_every_parameter_is_of_language_or_vision(family: Callable[[], tuple[Any, Any]]) -> None:
    model, _ = family()
    decoder = decoder_name(model)
    vision = vision_names(model, decoder)
    assert vision
    rest = {name for name, _ in model.named_parameters()} - vision
    assert all(name.startswith(decoder + ".") or name == "lm_head.weight" for name in rest)
    assert not any(name.startswith(decoder) for name in vision)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 60))
@settings(max_examples=50)
def test_shares_keep_the_order_and_the_limit(lengths: list[int], most: int) -> None:
    windows = [Sample(Encoded(torch.zeros(1, n - 1, dtype=torch.long), {}), torch.zeros(1)) for n in lengths]
    found = shares(windows, most)
    assert [s for share in found for s in share] == windows
    for share in found:
        assert share
        assert len(share) == 1 or sum(s.tokens for s in share) <= most
