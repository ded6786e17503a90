"""Weights laid out once as oneDNN's kernels read them, instead of at every product.

A pass over a few tokens is little more than a walk over the weights. From their plain layout oneDNN takes a slower
path, or makes its own copy first, every time.
"""

from __future__ import annotations

from typing import Any

import torch

_TOKENS = 64
"""For which the layout is chosen. It was as good for 1 and for 448, on AVX-512 and on AMX."""


class PackedLinear(torch.nn.Module):
    """A linear layer in bf16 that is done with learning.

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
        out: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            states, self._packed, self._bias, "none", [], ""
        )
        return out

    def extra_repr(self) -> str:
        """As torch shows its own."""
        return f"in_features={self.in_features}, out_features={self.out_features}, packed"


def pack_language_half(model: Any) -> None:
    """Packs the linear layers that every token goes through, in place; for inference on a CPU in bf16.

    Where oneDNN or its bf16 products are missing (other processors), and for other number formats, nothing is done.

    Args:
        model: a causal image-text-to-text model of transformers.
    """
    if model.device.type != "cpu" or model.dtype != torch.bfloat16 or not _is_supported():
        return
    _pack(model.get_decoder())
    head = model.get_output_embeddings()
    if isinstance(head, torch.nn.Linear):
        model.set_output_embeddings(PackedLinear(head))


def _is_supported() -> bool:
    here: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return here and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _pack(module: torch.nn.Module) -> None:
    for name, child in module.named_children():
        if type(child) is torch.nn.Linear:
            setattr(module, name, PackedLinear(child))
        else:
            _pack(child)
