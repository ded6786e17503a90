"""Weights laid out once as oneDNN's kernels read them, and sums kept in float32 between the products.

A pass over a few tokens is little more than a walk over the weights. From their plain layout oneDNN takes a slower
path, or makes its own copy first, every time. In float32 (`in_fast_type`, AVX2) products of four tokens take about
half as long as torch's own, those of a prompt a tenth less.

What runs through all layers (the residual stream) is a sum of some sixty parts. In bf16 each addition rounds it, and
how passes are cut decides how: kept in float32, the same text in one pass or in twenty gives scores half as far apart,
and takes no longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers.activations import SiLUActivation

from extractors.models.cpu import has_bf16_products, has_products

_TOKENS = 64
"""For which the layout is chosen. It was as good for 1 and for 448, on AVX-512 and on AMX."""
LONG = 1024
"""Inputs from which on oneDNN adds up the product of a single token in another order than that of one among others
(found by trial, in bf16: not at 576, but at 1,536; in float32 at neither). There a single token is taken twice."""


class PackedLinear(torch.nn.Module):
    """A linear layer in bf16 or float32 that is done with learning.

    Args:
        linear: whose weights it takes; they are copied, so drop it.
    """

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        # No parameter: an opaque layout can neither be saved nor moved to another device or type.
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), _TOKENS)
        self._bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """``states`` of shape (..., in_features) to (..., out_features)."""
        return self.activated(states, "none")

    def activated(self, states: torch.Tensor, activation: str) -> torch.Tensor:
        """As `forward`, then an activation by oneDNN's name, before anything is rounded."""
        single = self._is_single(states)
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            _twice(states) if single else states, self._packed, self._bias, activation, [], ""
        )
        return out[..., :1, :] if single else out

    def times(self, states: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """As `forward`, times a factor of the result's shape, before anything is rounded."""
        single = self._is_single(states)
        if single:
            states, factor = _twice(states), _twice(factor)
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            states, factor, self._packed, self._bias, "mul"
        )
        return out[..., :1, :] if single else out

    def _is_single(self, states: torch.Tensor) -> bool:
        return self.in_features > LONG and states.shape[-2] == 1 and states.dtype == torch.bfloat16

    def extra_repr(self) -> str:
        """As torch shows its own."""
        return f"in_features={self.in_features}, out_features={self.out_features}, packed"


def _twice(states: torch.Tensor) -> torch.Tensor:
    """(..., 1, features) to (..., 2, features)."""
    return torch.cat([states, states], dim=-2)


class PackedGatedMlp(torch.nn.Module):
    """``down(silu(gate(x)) * up(x))``, with activation and product inside the kernels that make their operands.

    Args:
        mlp: with packed layers ``gate_proj``, ``up_proj`` and ``down_proj``.
    """

    def __init__(self, mlp: Any) -> None:
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = mlp.gate_proj, mlp.up_proj, mlp.down_proj

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """``states`` of shape (..., hidden size) to the same."""
        out: torch.Tensor = self.down_proj(
            self.up_proj.times(states, self.gate_proj.activated(states, "swish"))
        )
        return out


class PackedHead(PackedLinear):
    """The layer that scores the vocabulary, packed. Remembers what it was given, to tell scores apart more closely.

    bf16 knows scores between 16 and 32 by eighths: often the best two are the same number.

    Args:
        linear: whose weights it takes; they are kept, since embeddings are made of them as a rule.
    """

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__(linear)
        self._weight = linear.weight.detach()
        self._states: torch.Tensor | None = None

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """``states`` of shape (1, tokens, in_features), in any number format, to scores in the weights' own."""
        self._states = states
        return super().forward(states.to(self._weight.dtype))

    def closer(self, position: int, tokens: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Scores of a few tokens in float32, at a position of the last input."""
        if self._states is None:
            raise RuntimeError("closer() before forward()")
        states = self._states[0, position].float().numpy()
        scores: npt.NDArray[np.float32] = self._weight[torch.from_numpy(tokens)].float().numpy() @ states
        if self._bias is not None:
            scores += self._bias[torch.from_numpy(tokens)].float().numpy()
        return scores


class _Norm(torch.nn.Module):
    """Root mean square norm of a float32 residual stream, rounded once at its end.

    Args:
        norm: of Llama, Qwen and their kin.
        dtype: of the result.
    """

    def __init__(self, norm: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self._weight, self._epsilon, self._dtype = norm.weight.detach().float(), norm.variance_epsilon, dtype

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """``states`` of shape (..., hidden size) to the same."""
        out = torch.nn.functional.rms_norm(states.float(), self._weight.shape, self._weight, self._epsilon)
        return out.to(self._dtype)


_WANTED: ContextVar[torch.Tensor | None] = ContextVar("wanted", default=None)


@contextmanager
def only(positions: torch.Tensor) -> Iterator[None]:
    """Within, the outputs of a packed model count at these positions of its input only; others may be anything."""
    token = _WANTED.set(positions)
    try:
        yield
    finally:
        _WANTED.reset(token)


class _LastMlp(torch.nn.Module):
    """The last layer's: behind it no token looks at another, so it is computed for wanted positions only."""

    def __init__(self, mlp: torch.nn.Module) -> None:
        super().__init__()
        self.mlp = mlp

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        wanted = _WANTED.get()
        if wanted is None or len(wanted) == states.shape[1]:
            out: torch.Tensor = self.mlp(states)
            return out
        out = torch.zeros_like(states)
        out[:, wanted] = self.mlp(states[:, wanted])
        return out


def pack_language_half(model: Any) -> None:
    """Packs the linear layers that every token goes through, in place; for inference on a CPU in bf16 or float32.

    Where oneDNN or its products of that format are missing, and for other formats, nothing is done.

    Args:
        model: a causal image-text-to-text model of transformers.
    """
    supported = {torch.bfloat16: has_bf16_products, torch.float32: has_products}.get(model.dtype)
    if model.device.type != "cpu" or supported is None or not supported():
        return
    decoder = model.get_decoder()
    _pack(decoder)
    if model.dtype == torch.bfloat16:
        _keep_sums_exact(decoder)
    last = getattr(decoder.layers[-1], "mlp", None)
    if isinstance(last, torch.nn.Module) and not isinstance(last, _LastMlp):
        decoder.layers[-1].mlp = _LastMlp(last)
    head = model.get_output_embeddings()
    if type(head) is torch.nn.Linear:
        model.set_output_embeddings(PackedHead(head))


def _pack(module: torch.nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is torch.nn.Linear:
            setattr(module, name, PackedLinear(child))
        else:
            _pack(child)
            if _is_gated(child):
                setattr(module, name, PackedGatedMlp(child))


def _keep_sums_exact(decoder: Any) -> None:
    """Makes the residual stream float32, from the embeddings on; norms round what goes into products."""
    norms = [name for name, module in decoder.named_modules() if type(module).__name__.endswith("Norm")]
    if not norms or not all(_is_known(decoder.get_submodule(name)) for name in norms):
        return
    for name in norms:
        # The last one's result goes to the head, which rounds by itself.
        kind = torch.float32 if decoder.get_submodule(name) is decoder.norm else torch.bfloat16
        decoder.set_submodule(name, _Norm(decoder.get_submodule(name), kind))
    decoder.get_input_embeddings().register_forward_hook(lambda module, given, out: out.float())
    # Its result has the number format of what it is given, and queries and keys are turned by it.
    decoder.rotary_emb.register_forward_pre_hook(
        lambda module, given: (given[0].to(torch.bfloat16), *given[1:])
    )


def _is_known(norm: Any) -> bool:
    """Whether it is a norm that `_Norm` computes: not one of those that add 1 to their weights, or subtract a mean."""
    return hasattr(norm, "variance_epsilon") and getattr(norm, "bias", None) is None


def _is_gated(module: torch.nn.Module) -> bool:
    """Whether it is the gated feed-forward block of Llama and Qwen, packed, with SiLU."""
    names = {name for name, _ in module.named_children()}
    layers = {"gate_proj", "up_proj", "down_proj"}
    return (
        names == layers | {"act_fn"}
        and all(isinstance(getattr(module, name), PackedLinear) for name in layers)
        and isinstance(module.act_fn, torch.nn.SiLU | SiLUActivation)
    )
