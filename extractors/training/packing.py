"""Several windows one behind the other in one pass, without looking at each other; loss where there is an answer.

Side by side, windows would all be as long as the longest, and what is computed for nothing costs as much as what is
needed. One behind the other nothing is: positions begin anew with each window, and attention takes the windows in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface

from extractors.models.layout import placed
from extractors.prompting.encode import Encoded
from extractors.training.attention import causal_attention

ATTENTION = "parquetry_packed"
SHAPE_STEP = 64
"""Tokens. A pass is filled behind its end to a multiple of this: oneDNN builds its kernels anew for every length."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A window as tokens: ``prompt`` (1, length) with its image tensors, and the ``answer`` behind it, (length,)."""

    prompt: Encoded
    answer: torch.Tensor

    @property
    def tokens(self) -> int:
        """Of prompt and answer."""
        return self.prompt.input_ids.shape[1] + len(self.answer)


@dataclass(frozen=True, slots=True)
class Pack:
    """What one pass is given.

    Attributes:
        ids: (1, tokens), filled up at the end.
        positions: rotary positions, (1, tokens) or (3, 1, tokens).
        lengths: of the windows, in order, and of the filling.
        extra: image tensors of all windows.
        wanted: (answer tokens,), the positions whose next token is of an answer.
        targets: (answer tokens,), those tokens.
        weights: (answer tokens,), such that each window weighs one.
        boxes: (1, tokens, coordinates), where the words of the tokens stand; ``None`` where nobody knows.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    lengths: tuple[int, ...]
    extra: dict[str, torch.Tensor]
    wanted: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    boxes: torch.Tensor | None = None


def shares(samples: Sequence[Sample], most: int) -> list[list[Sample]]:
    """Windows by pass, in order: as many as fit into ``most`` tokens; a longer one has a pass of its own."""
    passes: list[list[Sample]] = []
    room = 0
    for sample in samples:
        if not passes or sample.tokens > room:
            passes.append([])
            room = most
        passes[-1].append(sample)
        room -= sample.tokens
    return passes


def pack(model: Any, samples: Sequence[Sample], filler: int) -> Pack:
    """The windows of one pass.

    Args:
        model: the image-text-to-text model, untuned or not; it says how positions are counted.
        samples: at least one.
        filler: token to fill up with.
    """
    ids, positions, wanted, at = [], [], [], 0
    for sample in samples:
        own = torch.cat([sample.prompt.input_ids, sample.answer[None]], dim=1)
        ids.append(own)
        positions.append(_positions(model, own, sample.prompt.extra))
        end = at + own.shape[1]
        wanted.append(torch.arange(end - len(sample.answer) - 1, end - 1))
        at = end
    lengths = [one.shape[1] for one in ids]
    fill = -at % SHAPE_STEP
    if fill:
        lengths.append(fill)
        ids.append(torch.full((1, fill), filler))
        positions.append(torch.arange(fill).expand(*positions[0].shape[:-1], fill))
    return Pack(
        torch.cat(ids, dim=1),
        torch.cat(positions, dim=-1),
        tuple(lengths),
        _together([sample.prompt.extra for sample in samples]),
        torch.cat(wanted),
        torch.cat([sample.answer for sample in samples]),
        torch.cat([torch.full((len(s.answer),), 1 / len(s.answer)) for s in samples]),
        _boxes(samples, fill),
    )


def _boxes(samples: Sequence[Sample], fill: int) -> torch.Tensor | None:
    """Those of the prompts; answers and filling stand nowhere."""
    found = [
        nn.functional.pad(sample.prompt.boxes, (0, 0, 0, len(sample.answer)))
        for sample in samples
        if sample.prompt.boxes is not None
    ]
    if len(found) < len(samples):
        return None
    return nn.functional.pad(torch.cat(found, dim=1), (0, 0, 0, fill))


def answer_losses(model: Any, packed: Pack) -> torch.Tensor:
    """Cross entropy (nats) of each answer token of a pass, (answer tokens,), in float32.

    ``model`` is the image-text-to-text model itself (of a peft model, its base), prepared by `packed_attention`.
    """
    device = packed_device(model)
    with placed(model, packed.boxes):
        body = model.base_model(
            input_ids=packed.ids.to(device),
            position_ids=packed.positions.to(device),
            use_cache=False,
            packed_lengths=packed.lengths,
            **{name: value.to(device) for name, value in packed.extra.items()},
        )
    # Prompts have no loss: the head, the widest product of all, is taken for answers only.
    hidden = body.last_hidden_state[0][packed.wanted.to(device)]
    hidden = nn.functional.pad(hidden, (0, 0, 0, -len(hidden) % SHAPE_STEP))
    logits = model.get_output_embeddings()(hidden)[: len(packed.targets)].float()
    return nn.functional.cross_entropy(logits, packed.targets.to(device), reduction="none")


def packed_device(model: Any) -> torch.device:
    """Where the model's inputs belong."""
    device: torch.device = model.get_input_embeddings().weight.device
    return device


def packed_attention(model: Any) -> None:
    """Makes the language half of a model read its input as windows one behind the other."""
    model.get_decoder().config._attn_implementation = ATTENTION


@contextmanager
def plain_attention(model: Any) -> Iterator[None]:
    """Within, a model prepared by `packed_attention` attends as any other, so that it can write."""
    config = model.get_decoder().config
    before = config._attn_implementation
    config._attn_implementation = "sdpa"
    try:
        yield
    finally:
        config._attn_implementation = before


def _positions(model: Any, ids: torch.Tensor, extra: dict[str, torch.Tensor]) -> torch.Tensor:
    """Rotary positions of one window, (1, length), or (3, 1, length) where an image takes up fewer of them."""
    length = ids.shape[1]
    plain = torch.arange(length)[None]
    index = getattr(model.base_model, "get_rope_index", None)
    if index is None:
        return plain
    kinds = extra.get("mm_token_type_ids")
    if kinds is None or "image_grid_thw" not in extra:
        return plain.expand(3, -1, -1)
    kinds = nn.functional.pad(kinds, (0, length - kinds.shape[1]))
    positions: torch.Tensor = index(ids, mm_token_type_ids=kinds, image_grid_thw=extra["image_grid_thw"])[0]
    return positions


def _together(extras: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The image tensors of windows as those of one input with all their images."""
    out: dict[str, torch.Tensor] = {}
    for name in dict.fromkeys(name for extra in extras for name in extra if name != "mm_token_type_ids"):
        parts = [extra[name] for extra in extras if name in extra]
        if parts[0].dim() < 4:  # Qwen: patches of all images, one row each; their grids
            out[name] = torch.cat(parts, dim=0)
            continue
        # Idefics3, SmolVLM: (1, images, ..., height, width); smaller ones are masked, not stretched.
        height, width = (max(part.shape[side] for part in parts) for side in (-2, -1))
        grown = [
            nn.functional.pad(part, (0, width - part.shape[-1], 0, height - part.shape[-2])) for part in parts
        ]
        out[name] = torch.cat(grown, dim=1)
    return out


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    packed_lengths: tuple[int, ...] = (),
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers asks for it: causal attention of each window to itself.

    Args:
        module: the layer.
        query: (1, heads, tokens, head size).
        key: (1, key heads, tokens, head size).
        value: like ``key``.
        attention_mask: not looked at.
        scaling: of the scores.
        packed_lengths: of the windows, in order; together all tokens.

    Returns:
        (1, tokens, heads, head size).
    """
    lengths = list(packed_lengths) or [query.shape[2]]
    windows = zip(*(torch.split(tensor, lengths, dim=2) for tensor in (query, key, value)), strict=True)
    out = [causal_attention(q, k, v, scaling).transpose(1, 2) for q, k, v in windows]
    return out[0] if len(out) == 1 else torch.cat(out, dim=1), None


# Without a mask function of the same name, transformers makes no mask.
AttentionInterface.register(ATTENTION, _attend)
