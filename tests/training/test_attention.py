"""The written-out backward of attention gives the gradients of float32, to 2% and four times torch's own error."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from extractors.models.cpu import settle_instruction_set
from extractors.training.attention import BLOCK, causal_attention

settle_instruction_set(Path("~/.cache/parquetry").expanduser())  # before the first product in bf16


@pytest.mark.parametrize("tokens", [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 37])
@pytest.mark.parametrize("heads", [(9, 3), (2, 2), (4, 1)], ids=str)
def test_gradients_are_those_of_float32(tokens: int, heads: tuple[int, int]) -> None:
    chance = torch.Generator().manual_seed(tokens)
    shapes = [(1, tokens, count, 16) for count in (heads[0], heads[1], heads[1])]
    # As a model has them: heads beside each other in memory.
    plain = [(2 * torch.randn(shape, generator=chance)).bfloat16().transpose(1, 2) for shape in shapes]
    upstream = torch.randn(shapes[0], generator=chance).bfloat16().transpose(1, 2)
    found, exact, usual = (
        [one.to(dtype).detach().requires_grad_() for one in plain]
        for dtype in (torch.bfloat16, torch.float32, torch.bfloat16)
    )
    out = causal_attention(found[0], found[1], found[2], None)
    assert "Causal" in type(out.grad_fn).__name__
    out.backward(upstream)
    for tensors in (exact, usual):
        torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=True, enable_gqa=True).backward(
            upstream.to(tensors[0].dtype)
        )
    gradients = [[one.grad.float() for one in ones if one.grad is not None] for ones in (found, exact, usual)]
    # Of one token, queries and keys have no gradient at all: errors count against the largest of the three.
    size = max(one.norm() for one in gradients[1])
    for mine, theirs, torchs in zip(*gradients, strict=True):
        error = (mine - theirs).norm() / size
        assert error < 0.02
        assert error < 4 * (torchs - theirs).norm() / size + 2e-3
