"""The model under many answers: each prompt computed once into its row, then one pass for all rows at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch.nn.functional import pad

from extractors.decoding.attention import Run, in_rows
from extractors.decoding.cache import RaggedCache
from extractors.decoding.scores import Scores
from extractors.models.layout import placed
from extractors.models.packed import PackedHead, only
from extractors.prompting.encode import Encoded

MAX_PREFIXES = 8
"""Beginnings of prompts that are kept: one for each schema, or part of one, in use."""


class Passes:
    """A model with a cache of ``rows`` rows.

    Args:
        model: a causal image-text-to-text model with full attention.
        rows: answers in the making at a time.
        prefixes: states of beginnings that prompts share, by their tokens; kept between calls.
        packed: the rows of a pass lie one behind the other, not side by side; ``None``: on a CPU, where what is
            computed for nothing costs most, while a GPU would wait for many small products.
    """

    def __init__(self, model: Any, rows: int, prefixes: Prefixes, *, packed: bool | None = None) -> None:
        self.model = model
        self.device: torch.device = model.device
        self.packed = self.device.type == "cpu" if packed is None else packed
        self.prefixes = prefixes
        self.cache = RaggedCache(_layers(model), rows)
        self.shifts = [0] * rows
        """By row, what is added to a token's number to give its rotary position: images take up fewer of them."""

    @torch.inference_mode()
    def prefill(self, row: int, prompt: Encoded, tokens: Sequence[int], keep: int) -> tuple[Scores, int]:
        """The prompt and the first tokens of the answer into a row.

        Args:
            row: which; what it held is overwritten.
            prompt: what comes first.
            tokens: of the answer.
            keep: how many positions at the end are wanted.

        Returns:
            Scores of ``keep`` positions, and how many tokens are in the cache now
            without ``tokens``.
        """
        ids = torch.cat([prompt.input_ids, torch.tensor([list(tokens)], dtype=torch.long)], dim=1)
        extra = {name: value.to(self.device) for name, value in prompt.extra.items()}
        positions, self.shifts[row] = self._positions(ids, extra)
        shared = tuple(prompt.input_ids[0, : prompt.shared].tolist())
        known = self.prefixes.get(shared)
        start = prompt.shared if known is not None else 0
        if known is not None:
            self.cache.fill(row, known)
        new = ids.shape[1] - start
        ids, positions = ids[:, start:], positions[..., start:]
        wanted = torch.arange(new - keep, new)
        boxes = None if prompt.boxes is None else pad(prompt.boxes, (0, 0, 0, len(tokens)))[:, start:]
        with placed(self.model, boxes):
            if self.packed:
                logits = self._in_rows(ids, positions, wanted, [Run(row, start, new)], **extra)
            else:
                self.cache.point([row], [start], new)
                logits = self._forward(ids, positions, wanted, mask=start > 0, **extra)
        if known is None and shared:
            self.prefixes.put(shared, self.cache.row(row, len(shared)))
        return self._scores(logits[0], [keep])[0], prompt.input_ids.shape[1]

    @torch.inference_mode()
    def step(
        self,
        rows: Sequence[int],
        lengths: Sequence[int],
        tokens: Sequence[Sequence[int]],
        keep: Sequence[int] | None = None,
    ) -> list[Scores]:
        """More tokens for each of some rows.

        Args:
            rows: which.
            lengths: how many tokens each has in the cache that count.
            tokens: for each, at least one.
            keep: for each, how many positions at its end are wanted; without it, all.

        Returns:
            For each row the scores of its wanted positions; good until the next pass.
        """
        keep = keep or [len(mine) for mine in tokens]
        if self.packed:
            return self._one_behind_the_other(rows, lengths, tokens, keep)
        return self._side_by_side(rows, lengths, tokens, keep)

    def _one_behind_the_other(
        self,
        rows: Sequence[int],
        lengths: Sequence[int],
        tokens: Sequence[Sequence[int]],
        keep: Sequence[int],
    ) -> list[Scores]:
        runs = [Run(row, start, len(mine)) for row, start, mine in zip(rows, lengths, tokens, strict=True)]
        ids = torch.tensor([[token for mine in tokens for token in mine]])
        positions = torch.cat([torch.arange(run.new) + run.start + self.shifts[run.row] for run in runs])[
            None
        ]
        if _is_three_dimensional(self.model):
            positions = positions.expand(3, -1, -1)
        ends = list(accumulate(map(len, tokens)))
        wanted = torch.cat([torch.arange(end - k, end) for end, k in zip(ends, keep, strict=True)])
        logits = self._in_rows(ids, positions, wanted, runs)[0]
        return self._scores(logits, keep)

    def _side_by_side(
        self,
        rows: Sequence[int],
        lengths: Sequence[int],
        tokens: Sequence[Sequence[int]],
        keep: Sequence[int],
    ) -> list[Scores]:
        width = max(map(len, tokens))
        width = width if width == 1 else -(-width // 8) * 8
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        for i, mine in enumerate(tokens):
            ids[i, : len(mine)] = torch.tensor(list(mine))
        shifts = torch.tensor([length + self.shifts[row] for row, length in zip(rows, lengths, strict=True)])
        positions = shifts[:, None] + torch.arange(width)
        if _is_three_dimensional(self.model):
            positions = positions.expand(3, -1, -1)
        self.cache.point(rows, lengths, width)
        logits = self._forward(ids, positions, torch.arange(max(map(len, tokens))), mask=True)
        return [Scores(logits[i, len(mine) - keep[i] : len(mine)]) for i, mine in enumerate(tokens)]

    def _scores(self, logits: torch.Tensor, keep: Sequence[int]) -> list[Scores]:
        """Logits of rows one behind the other, (positions, vocabulary), by row."""
        head = self.model.get_output_embeddings()
        closer = head.closer if isinstance(head, PackedHead) else None
        ends = accumulate(keep)
        return [Scores(logits[end - k : end], closer, end - k) for end, k in zip(ends, keep, strict=True)]

    def _in_rows(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        keep: torch.Tensor,
        runs: Sequence[Run],
        **extra: Any,
    ) -> torch.Tensor:
        self.cache.point_at(runs)
        with in_rows(self.model, runs):
            return self._forward(ids, positions, keep, mask=False, **extra)

    def _forward(
        self, ids: torch.Tensor, positions: torch.Tensor, keep: torch.Tensor, *, mask: bool, **extra: Any
    ) -> torch.Tensor:
        with only(keep):
            out = self.model(
                input_ids=ids.to(self.device),
                attention_mask=self.cache.mask(ids.shape[1], self.device) if mask else None,
                position_ids=positions.to(self.device),
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=keep.to(self.device),
                **extra,
            )
        logits: torch.Tensor = out.logits.cpu()
        return logits

    def _positions(self, ids: torch.Tensor, extra: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
        """Rotary positions of a prompt, (1, length) or (3, 1, length), and how they go on after it."""
        length = ids.shape[1]
        plain = torch.arange(length)[None]
        if not _is_three_dimensional(self.model):
            return plain, 0
        kinds = extra.pop("mm_token_type_ids", None)
        if kinds is None or "image_grid_thw" not in extra:
            return plain.expand(3, -1, -1), 0
        kinds = torch.nn.functional.pad(kinds.cpu(), (0, length - kinds.shape[1]))
        grid = extra["image_grid_thw"].cpu()
        positions, shift = self.model.model.get_rope_index(ids, mm_token_type_ids=kinds, image_grid_thw=grid)
        return positions, int(shift.flatten()[0])


class Prefixes:
    """States of the beginnings that prompts share, the least used one dropped first."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, ...], list[tuple[torch.Tensor, torch.Tensor]]] = OrderedDict()

    def get(self, tokens: tuple[int, ...]) -> list[tuple[torch.Tensor, torch.Tensor]] | None:
        """What was kept for these tokens."""
        if tokens in self._known:
            self._known.move_to_end(tokens)
        return self._known.get(tokens)

    def put(self, tokens: tuple[int, ...], states: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Keeps the states of some tokens that begin a prompt."""
        self._known[tokens] = states
        while len(self._known) > MAX_PREFIXES:
            self._known.popitem(last=False)


def _layers(model: Any) -> int:
    return int(model.config.get_text_config(decoder=True).num_hidden_layers)


def _is_three_dimensional(model: Any) -> bool:
    """Whether rotary positions are (time, height, width), as in Qwen's models."""
    return hasattr(model.model, "get_rope_index")
