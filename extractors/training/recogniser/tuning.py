"""The training itself: CTC on labelled lines, and on others what the recogniser said before.

The published weights have the statistics of their batch norms folded in, so that the channels of one layer differ by a
factor of 10,000 in size; one rate for all ruins the model within ten steps (measured at 2e-4). So a step is a share of
each channel's own size. By default only the later half is trained (`LATE`): half the time, and nothing was lost by it.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from extractors.models.cpu import has_bf16_products
from extractors.training.recogniser.batches import batch_of, grouped, worn
from extractors.training.recogniser.lines import Line
from extractors.training.recogniser.network import Network

LATE = "conv2d_112.w_0"
"""First weight of the last stage of the backbone of PP-OCRv6 (small)."""
_CALM_STEPS, _RISING_STEPS = 8, 25
"""Steps in which only sizes of gradients are gathered, and those until the rate is at its height."""
_BETAS = (0.9, 0.99)
_LAST_SHARE = 0.03
_LOST = 6.0
"""Nats at which the loss of a line levels off: what is much less likely is a wrong transcript."""
_DRAWN = 320
"""Lines drawn at a time, to be grouped by width."""
_CTC_BATCHES = 2
_LATIN_END = "\N{LATIN SMALL LETTER I WITH CARON}"
_EXTRA = "×≤≥‘’“”–—•…€£₤₹¥"

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        seconds: of training.
        rate: share of its own size by which a channel moves in a step, at most.
        keep: weight of what the recogniser said before.
        made_up: share of made-up lines among those with a target.
        late: whether only the last stage of the backbone and what follows is trained.
    """

    seconds: float = 1500.0
    rate: float = 4e-4
    keep: float = 1.0
    made_up: float = 0.2
    late: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Material:
    """Lines to train on. ``labelled`` and ``made_up`` have targets; of ``others`` only the pixels count."""

    labelled: Sequence[Line]
    made_up: Sequence[Line] = ()
    others: Sequence[Line] = ()


@dataclass(slots=True)
class _Pile:
    """Lines drawn by weight."""

    lines: Sequence[Line]
    weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = list(accumulate(map(_weight, self.lines)))

    def draw(self, count: int, chance: random.Random) -> list[Line]:
        return chance.choices(self.lines, cum_weights=self.weights, k=count) if count else []


def _weight(line: Line) -> float:
    """Short lines are many and easy; what is misread now teaches most."""
    width = 0.25 if line.width < 100 else 0.5 if line.width < 160 else 1.0
    return width * (2.0 if line.read != line.target else 1.0 if line.score < 0.97 else 0.6)


class _Steps:
    """Adam whose step is a share of each output channel's own size."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self._weights = weights
        self._sizes = [_size(weight.detach()) for weight in weights]
        self._means = [torch.zeros_like(weight) for weight in weights]
        self._squares = [torch.zeros_like(weight) for weight in weights]
        self._count = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        self._count += 1
        first, second = (1 - beta**self._count for beta in _BETAS)
        for weight, size, mean, square in zip(
            self._weights, self._sizes, self._means, self._squares, strict=True
        ):
            if weight.grad is None:
                continue
            mean.lerp_(weight.grad, 1 - _BETAS[0])
            square.mul_(_BETAS[1]).addcmul_(weight.grad, weight.grad, value=1 - _BETAS[1])
            if self._count > _CALM_STEPS:
                weight.sub_(mean / first / ((square / second).sqrt() + 1e-12) * size * rate)
            weight.grad = None


def _size(weight: Tensor) -> Tensor:
    if weight.ndim == 4 and weight.shape[0] > 1:
        return weight.pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    if weight.ndim == 2:
        return weight.pow(2).mean(0, keepdim=True).sqrt()
    return weight.pow(2).mean().sqrt()


class Tuner:
    """Tunes one network. ``network`` is changed in place."""

    def __init__(self, path: Path, material: Material, recipe: Recipe) -> None:
        self.network, self._before = Network(path), Network(path)
        self._before.requires_grad_(False)
        self._recipe, self._chance = recipe, random.Random(recipe.seed)
        self._classes = {char: at for at, char in reversed(list(enumerate(self.network.characters)))}
        self._labelled = _Pile([line for line in material.labelled if self._can_be_said(line)])
        self._made_up = _Pile([line for line in material.made_up if self._can_be_said(line)])
        self._others = list(material.others)
        # The last layer has 18,710 classes: CTC looks at those that Latin print can be taken for, and only they move.
        said = {
            char
            for line in [*material.labelled, *material.made_up]
            for char in line.read + (line.target or "")
        }
        latin = {char for char in self._classes if len(char) == 1 and (char < _LATIN_END or char in _EXTRA)}
        chosen = sorted({0} | {self._classes[char] for char in said | latin if char in self._classes})
        self._chosen = torch.tensor(chosen)
        self._place = {at: place for place, at in enumerate(chosen)}
        weight, bias = self.network.head
        self._weight = nn.Parameter(weight.detach()[:, self._chosen].clone())
        self._bias = nn.Parameter(bias.detach()[self._chosen].clone())
        for one in (weight, bias):
            one.requires_grad_(False)
        if recipe.late:
            names = list(self.network.weights)
            for name in names[: names.index(LATE.replace(".", "__"))]:
                self.network.weights[name].requires_grad_(False)

    def _can_be_said(self, line: Line) -> bool:
        return bool(line.target) and all(char in self._classes for char in line.target or "")

    def run(self, report: Report) -> None:
        """Trains until the time is over."""
        trained = [one for one in self.network.parameters() if one.requires_grad]
        steps = _Steps([*trained, self._weight, self._bias])
        labelled, others = list[list[Line]](), list[list[Line]]()
        began, count, seen = time.monotonic(), 0, list[tuple[float, float]]()
        while (share := (time.monotonic() - began) / self._recipe.seconds) < 1:
            for _ in range(_CTC_BATCHES):
                labelled = labelled or grouped(self._draw(), self._chance)
                loss = self._ctc(labelled.pop())
                (loss / _CTC_BATCHES).backward()  # type: ignore[no-untyped-call]
            kept = torch.zeros(())
            if self._others and self._recipe.keep:
                drawn = self._chance.sample(self._others, min(_DRAWN, len(self._others)))
                others = others or grouped(drawn, self._chance)
                kept = self._distance(others.pop())
                (self._recipe.keep * kept).backward()  # type: ignore[no-untyped-call]
            count += 1
            fall = _LAST_SHARE + (1 - _LAST_SHARE) * 0.5 * (1 + math.cos(math.pi * share))
            steps.step(self._recipe.rate * min(1.0, count / _RISING_STEPS) * fall)
            seen.append((loss.item(), kept.item()))
            if count % 20 == 0:
                ctc, moved = np.mean(seen, axis=0)
                report(f"step {count}: CTC {ctc:.4f} a character, others moved by {moved:.4f} nats a column")
                seen = []
        with torch.no_grad():
            weight, bias = self.network.head
            weight[:, self._chosen], bias[self._chosen] = self._weight, self._bias

    def _draw(self) -> list[Line]:
        made_up = round(_DRAWN * self._recipe.made_up) if self._made_up.lines else 0
        return self._labelled.draw(_DRAWN - made_up, self._chance) + self._made_up.draw(made_up, self._chance)

    def _features(self, network: Network, pixels: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_bf16_products()):
            return network.features(pixels).float()

    def _ctc(self, lines: Sequence[Line]) -> Tensor:
        batch = batch_of([worn(line.pixels, self._chance) for line in lines])
        features = self._features(self.network, batch.pixels)
        shares = (features @ self._weight + self._bias).log_softmax(-1)
        wanted = [[self._place[self._classes[char]] for char in line.target or ""] for line in lines]
        lengths = torch.tensor([len(one) for one in wanted])
        columns = torch.full((len(lines),), shares.shape[1])
        flat = torch.tensor([at for one in wanted for at in one])
        losses = functional.ctc_loss(
            shares.transpose(0, 1), flat, columns, lengths, reduction="none", zero_infinity=True
        )
        return (_LOST * (1 - torch.exp(-losses / _LOST))).sum() / lengths.sum()

    def _distance(self, lines: Sequence[Line]) -> Tensor:
        """Kullback-Leibler divergence of what is said now from what was said before, per column that is no padding."""
        batch = batch_of([worn(line.pixels, self._chance) for line in lines])
        all_weights, all_biases = self.network.head
        weight = all_weights.index_copy(1, self._chosen, self._weight)
        bias = all_biases.index_copy(0, self._chosen, self._bias)
        now = (self._features(self.network, batch.pixels) @ weight + bias).log_softmax(-1)
        with torch.no_grad():
            weight, bias = self._before.head
            before = (self._features(self._before, batch.pixels) @ weight + bias).log_softmax(-1)
        counts = torch.arange(now.shape[1])[None, :] < torch.tensor(batch.columns)[:, None]
        return ((before.exp() * (before - now)).sum(-1) * counts).sum() / counts.sum()


def between(before: Network, tuned: Network, share: float) -> dict[str, np.ndarray]:
    """Weights on the way from one network (0) to the other (1)."""
    old, new = before.arrays(), tuned.arrays()
    return {name: value + np.float32(share) * (new[name] - value) for name, value in old.items()}
