"""Layers of the language half as they are trained, with less done beside their products.

A LoRA layer of peft walks over its whole output twice more, to scale and to add, and once more for each on the way
back; its own products are small, so these walks took as long. The norm of transformers goes through float32 in seven
steps. Here each is one function with its gradient written out; parameters, names and what is saved stay peft's.
"""

from __future__ import annotations

import types
from typing import Any

import torch
from torch import nn


class _LowRank(torch.autograd.Function):
    """``x W' + b + scale (x A') B'`` for a frozen ``W``; products add into their result instead of beside it."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        flat = states.reshape(-1, states.shape[-1])
        low = (flat @ down.t()).mul_(scale)
        out = nn.functional.linear(flat, weight, bias).addmm_(low, up.t())
        ctx.save_for_backward(flat, weight, down, up, low)
        ctx.scale, ctx.shape = scale, states.shape
        return out.view(*states.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, weight, down, up, low = ctx.saved_tensors
        gradient = gradients[0].reshape(-1, weight.shape[0])
        inner = (gradient @ up).mul_(ctx.scale)
        states = None
        if ctx.needs_input_grad[0]:
            states = (gradient @ weight).addmm_(inner, down).view(ctx.shape)
        return states, None, None, inner.t() @ flat, gradient.t() @ low, None


class _RmsNorm(torch.autograd.Function):
    """``w x / sqrt(mean(x^2) + eps)`` for a frozen ``w``, over the last dimension (Zhang and Sennrich, 2019)."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, weight: torch.Tensor, eps: float) -> torch.Tensor:
        # The sum of squares is taken in float32 without a float32 copy of the states.
        norm = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=torch.float32)
        inverse = (norm.square_().div_(states.shape[-1]).add_(eps)).rsqrt_()
        straight = torch.empty_like(states)
        torch.mul(states, inverse, out=straight)
        ctx.save_for_backward(straight, inverse, weight)
        return straight * weight

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        straight, inverse, weight = ctx.saved_tensors
        scaled = gradients[0] * weight
        along = (scaled * straight).mean(dim=-1, keepdim=True, dtype=torch.float32)
        out = torch.addcmul(scaled, straight, along.to(straight.dtype), value=-1)
        return out.mul_(inverse.to(out.dtype)), None, None


def fuse(model: Any) -> int:
    """Makes the LoRA layers and frozen norms of a peft model use the functions above. Returns how many do.

    A layer with dropout, with several adapters or of another kind than a linear one stays as it is.
    """
    from peft.tuners.lora import Linear as LoraLinear

    count = 0
    module: Any
    for module in model.modules():
        kind = type(module).__name__
        if type(module) is LoraLinear and _plain(module):
            _replace(module, _low_rank)
        elif (
            kind in ("LlamaRMSNorm", "Qwen2RMSNorm", "Qwen2_5_VLRMSNorm") and not module.weight.requires_grad
        ):
            _replace(module, _rms_norm)
        else:
            continue
        count += 1
    return count


def _replace(module: Any, forward: Any) -> None:
    module.forward = types.MethodType(forward, module)


def _plain(module: Any) -> bool:
    names = list(module.lora_A)
    return (
        len(names) == 1
        and not module.lora_variant
        and type(module.base_layer) is nn.Linear
        and not module.base_layer.weight.requires_grad
        and module.lora_A[names[0]].bias is None
        and module.lora_B[names[0]].bias is None
        and isinstance(module.lora_dropout[names[0]], nn.Identity)
    )


def _low_rank(module: Any, states: torch.Tensor) -> torch.Tensor:
    if module.disable_adapters or module.merged:
        plain: torch.Tensor = type(module).forward(module, states)
        return plain
    (name,) = module.lora_A
    base = module.base_layer
    out: torch.Tensor = _LowRank.apply(  # type: ignore[no-untyped-call]
        states,
        base.weight,
        base.bias,
        module.lora_A[name].weight,
        module.lora_B[name].weight,
        module.scaling[name],
    )
    return out


def _rms_norm(module: Any, states: torch.Tensor) -> torch.Tensor:
    out: torch.Tensor = _RmsNorm.apply(states, module.weight, module.variance_epsilon)  # type: ignore[no-untyped-call]
    return out
