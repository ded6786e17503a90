"""Attention of a pass whose rows lie one behind the other: each row's new tokens look at that row's own keys only.

Rows bring one token or thirty. Side by side they would all be as wide as the widest, and on a CPU what is computed for
nothing costs as much as what is needed. One behind the other nothing is; only attention has to know where rows begin,
and takes them in turns.

What a token gives does not depend on the company it came in: torch's kernel adds keys up in blocks, those of the last,
shorter block and those of a single query in another order. So keys are taken in whole blocks, what is too many masked,
and a query is never left alone. With oneDNN's products, which on AVX-512 keep this too, a token fed alone, among
thirty, or with its prompt has the same bits; AMX's differ by the number of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AttentionInterface

NAME = "parquetry_rows"
FOLDED = 16
"""New tokens of a row up to which the query heads that share a key head are taken as more tokens of it: keys are then
walked once for all of them (3,000 keys, 8 tokens: two thirds of the time). Longer runs gain nothing."""
BLOCK = 32
"""Keys, and queries: torch takes these, or a multiple, at a time."""


@dataclass(frozen=True, slots=True)
class Run:
    """The new tokens of one row: ``new`` of them, behind the ``start`` that are in its keys."""

    row: int
    start: int
    new: int

    @property
    def slots(self) -> int:
        """How many keys of the row attention walks over; those behind its tokens may hold anything finite."""
        return -(-(self.start + self.new) // BLOCK) * BLOCK


@dataclass(frozen=True, slots=True)
class _Pass:
    runs: tuple[Run, ...]
    masks: tuple[torch.Tensor | None, ...]
    """What the tokens of each run see, added to their scores; ``None``: each what is before it, if the run begins."""


_PASS: ContextVar[_Pass] = ContextVar("pass")


@contextmanager
def in_rows(model: Any, runs: Sequence[Run]) -> Iterator[None]:
    """Within, the model's language half reads its input as these runs, and finds all rows' keys in its cache.

    Args:
        model: a causal image-text-to-text model whose attention goes through `transformers.AttentionInterface`.
        runs: in the order of the tokens.
    """
    config = model.get_decoder().config
    before = config._attn_implementation
    masks = tuple(_mask(run, model.dtype, model.device) for run in runs)
    token = _PASS.set(_Pass(tuple(runs), masks))
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
        _PASS.reset(token)


def _mask(run: Run, dtype: torch.dtype, device: torch.device) -> torch.Tensor | None:
    if run.start == 0:
        return None
    seen = torch.full((run.new, run.slots), -torch.inf, dtype=dtype, device=device)
    return seen.triu(run.start + 1)


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers asks for it; the mask it brings is none, since only the rows say who sees whom.

    Args:
        module: the layer.
        query: (1, heads, tokens, head size).
        key: of all rows, (rows, key heads, slots, head size).
        value: like ``key``.
        attention_mask: not looked at.
        scaling: of the scores.

    Returns:
        (1, tokens, heads, head size).
    """
    out, at = [], 0
    now = _PASS.get()
    for run, mask in zip(now.runs, now.masks, strict=True):
        mine = query[:, :, at : at + run.new]
        fold = key.shape[1] if mask is not None and run.new <= FOLDED else mine.shape[1]
        queries = mine.reshape(1, fold, -1, mine.shape[-1])
        seen = mask if mask is None else mask.repeat(mine.shape[1] // fold, 1)
        count = queries.shape[2]
        if count % BLOCK == 1:
            queries = torch.cat([queries, queries[:, :, -1:]], dim=2)
            seen = seen if seen is None else torch.cat([seen, seen[-1:]])
        one = torch.nn.functional.scaled_dot_product_attention(
            queries,
            key[run.row : run.row + 1, :, : run.slots],
            value[run.row : run.row + 1, :, : run.slots],
            attn_mask=seen,
            is_causal=seen is None,
            scale=scaling,
            enable_gqa=True,
        )
        out.append(one[:, :, :count].reshape(mine.shape).transpose(1, 2))
        at += run.new
    return out[0] if len(out) == 1 else torch.cat(out, dim=1), None


# Without a mask function of the same name, transformers makes no mask.
AttentionInterface.register(NAME, _attend)
