"""How well probabilities keep their word: reliability by bins of equal mass, calibration error, Brier score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

BINS = 10
DRAWS = 400
"""Samples of verdicts that say how far exact probabilities seem off by chance."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Values of like probability: how many, their mean probability, the share that is right."""

    count: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of a sample of (probability, right): its bins, its expected calibration error and its Brier score (0..1).

    ``ece_by_chance``: the error that exact probabilities would show on so few values, on average; what is not above it
    is not measured. Values of one document go wrong together, so that the truth is rather more.
    """

    bins: tuple[Bin, ...]
    ece: float
    brier: float
    ece_by_chance: float

    @property
    def count(self) -> int:
        """Values in all."""
        return sum(one.count for one in self.bins)

    @property
    def right(self) -> float:
        """Share of right values."""
        return sum(one.count * one.right for one in self.bins) / self.count if self.count else 0.0

    @property
    def probability(self) -> float:
        """Mean probability."""
        return sum(one.count * one.probability for one in self.bins) / self.count if self.count else 0.0


def reliability(scored: Sequence[tuple[float, bool]], bins: int = BINS) -> Reliability:
    """Measures probabilities against verdicts.

    The expected calibration error is the mean, over values, of how far a bin's mean probability is off its share of
    right values (Naeini et al. 2015), with bins of equal numbers of values.

    Args:
        scored: probability and verdict of each value.
        bins: at most so many; each has at least one value.
    """
    ranked = sorted(scored)
    total = len(ranked)
    count = min(bins, total)
    cuts = [round(i * total / count) for i in range(count + 1)] if count else [0]
    made = []
    for start, end in pairwise(cuts):
        part = ranked[start:end]
        made.append(
            Bin(len(part), sum(p for p, _ in part) / len(part), sum(right for _, right in part) / len(part))
        )
    ece = sum(one.count * abs(one.probability - one.right) for one in made) / total if total else 0.0
    brier = sum((p - right) ** 2 for p, right in ranked) / total if total else 0.0
    return Reliability(tuple(made), ece, brier, _by_chance([p for p, _ in ranked], cuts))


def _by_chance(probabilities: Sequence[float], cuts: Sequence[int]) -> float:
    """The mean expected calibration error over verdicts that are drawn as the probabilities say."""
    if not probabilities:
        return 0.0
    exact, chance = np.array(probabilities), np.random.default_rng(0)
    off = (
        np.add.reduceat((chance.random(exact.size) < exact) - exact, cuts[:-1]) for _ in range(DRAWS)
    )  # one draw at a time: of a hundred thousand values all at once would be gigabytes
    return float(np.mean([np.abs(one).sum() for one in off]) / exact.size)


def draw_reliability(curves: dict[str, Reliability], path: Path) -> None:
    """A picture of reliability curves, one for each name: points below the diagonal are promised too much."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 5.4), dpi=120)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, linestyle="--", label="as promised")
    for name, curve in curves.items():
        axes.plot(
            [one.probability for one in curve.bins],
            [one.right for one in curve.bins],
            marker="o",
            markersize=4,
            linewidth=1.2,
            label=f"{name}: {curve.count} values, ECE {curve.ece:.3f}",
        )
    axes.set(
        xlabel="probability of being right", ylabel="share that is right", xlim=(0, 1.01), ylim=(0, 1.01)
    )
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
