"""Keys and values of many answers of different lengths, each in a row of its own, written in place.

A token's slot is its number in its row. A pass writes the new tokens of each row behind that row's certain ones; what
of them is refused is overwritten by the next pass. So nothing is padded on the left, cut off or moved, and a pass
copies no more than it adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

from extractors.decoding.attention import Run

GROWTH = 256
"""Slots; room is made in steps, since making it copies everything."""


class _Aim:
    """Where the pass that comes next writes, and how far it sees. Shared by the layers of a cache."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.starts: list[int] = []
        self.runs: tuple[Run, ...] = ()
        self.seen = 0


class RaggedLayer(CacheLayerMixin):  # type: ignore[no-untyped-call]
    """One layer's keys and values: (rows, heads, slots, head size)."""

    is_sliding = False

    def __init__(self, aim: _Aim, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.aim, self.rows = aim, rows

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys = self._room(key_states, 0)
        self.values = self._room(value_states, 0)
        self.is_initialized = True

    def _room(self, like: torch.Tensor, slots: int) -> torch.Tensor:
        return like.new_zeros((self.rows, like.shape[1], slots, like.shape[3]))

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes the pass's states.

        Side by side: one row of them for each row aimed at; gives what those rows see. One behind the other: gives
        all rows as they lie here.
        """
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        aim, new = self.aim, key_states.shape[2]
        assert self.keys is not None and self.values is not None
        if (short := aim.seen - self.keys.shape[2]) > 0:
            more = short + GROWTH
            self.keys = torch.cat([self.keys, self._room(key_states, more)], dim=2)
            self.values = torch.cat([self.values, self._room(value_states, more)], dim=2)
        if aim.runs:
            at = 0
            for run in aim.runs:
                end = run.start + run.new
                self.keys[run.row, :, run.start : end] = key_states[0, :, at : at + run.new]
                self.values[run.row, :, run.start : end] = value_states[0, :, at : at + run.new]
                at += run.new
            return self.keys, self.values
        for i, (row, start) in enumerate(zip(aim.rows, aim.starts, strict=True)):
            self.keys[row, :, start : start + new] = key_states[i]
            self.values[row, :, start : start + new] = value_states[i]
        first, last = aim.rows[0], aim.rows[-1]
        if aim.rows == list(range(first, last + 1)):
            return self.keys[first : last + 1, :, : aim.seen], self.values[first : last + 1, :, : aim.seen]
        return self.keys[aim.rows, :, : aim.seen], self.values[aim.rows, :, : aim.seen]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.aim.seen, 0

    def get_seq_length(self) -> int:
        return max(self.aim.starts, default=0)

    def get_max_length(self) -> int:
        return -1


class RaggedCache(Cache):
    """For ``rows`` answers at a time, in a model of ``layers`` layers of full attention."""

    def __init__(self, layers: int, rows: int) -> None:
        self.aim = _Aim()
        self.ragged = [RaggedLayer(self.aim, rows) for _ in range(layers)]
        super().__init__(layers=list(self.ragged))

    def point(self, rows: Sequence[int], starts: Sequence[int], new: int) -> None:
        """The next pass brings ``new`` tokens for each of these rows side by side, behind so many that are there."""
        self.aim.rows, self.aim.starts, self.aim.runs = list(rows), list(starts), ()
        self.aim.seen = max(starts) + new

    def point_at(self, runs: Sequence[Run]) -> None:
        """The next pass brings these runs, one behind the other."""
        self.aim.runs = tuple(runs)
        self.aim.starts = [run.start for run in runs]
        self.aim.seen = max(run.slots for run in runs)

    def mask(self, new: int, device: torch.device) -> torch.Tensor | None:
        """What each new token sees: bool of shape (rows, 1, new, slots); ``None`` when it is all there is."""
        starts = self.aim.starts
        if new == 1 and len(set(starts)) == 1:
            return None
        queries = torch.tensor(starts, device=device)[:, None] + torch.arange(new, device=device)
        return (torch.arange(self.aim.seen, device=device) <= queries[..., None])[:, None]

    def row(self, row: int, slots: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Copies of the first slots of a row, by layer."""
        states = []
        for layer in self.ragged:
            assert layer.keys is not None and layer.values is not None
            states.append((layer.keys[row, :, :slots].clone(), layer.values[row, :, :slots].clone()))
        return states

    def fill(self, row: int, states: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Puts what `row` gave at the start of a row."""
        self.point([row], [0], states[0][0].shape[1])
        for layer, (keys, values) in zip(self.ragged, states, strict=True):
            layer.update(keys[None], values[None])
