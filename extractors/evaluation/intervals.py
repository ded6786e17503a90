"""Intervals of figures by the bootstrap over documents: values of one document go wrong together.

Documents are drawn with replacement as often as there are documents (Efron 1979); the interval is between percentiles.
Two models are compared on the same draws of the same documents, so that what makes a document hard for both cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 2000
LEVEL = 0.95
_AT_ONCE = 200
"""Draws worked out together: memory for a thousand documents stays small."""

Counted = Sequence[tuple[int, int, int]]
"""Right, wrong and missed leaves of each document."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and what it may as well have been, at `LEVEL`."""

    value: float
    low: float
    high: float


def f1_interval(counts: Counted, draws: int = DRAWS) -> Interval:
    """The micro F1 of documents, with its interval; 0 where nothing is labelled or given."""
    rows = _rows(counts)
    drawn = _drawn_f1([rows], draws)[0]
    return Interval(float(_f1(rows.sum(axis=0))), *_bounds(drawn))


def share_interval(shares: Sequence[tuple[float, float]], draws: int = DRAWS) -> Interval:
    """A share with its interval, of each document's (part, whole): sum of the parts by sum of the wholes."""
    rows = np.array(shares, dtype=float).reshape(-1, 2)
    found = []
    for weights in _weights(len(rows), draws):
        parts, wholes = (weights @ rows).T
        found.append(np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0))
    whole = float(rows[:, 1].sum())
    return Interval(float(rows[:, 0].sum()) / whole if whole else 0.0, *_bounds(np.concatenate(found)))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the first is than the second, with its interval, and in what share of draws it is better."""

    value: float
    low: float
    high: float
    better: float


def f1_difference(one: Counted, other: Counted, draws: int = DRAWS) -> Difference:
    """Micro F1 of one model less that of another, on the same documents in the same order."""
    rows, others = _rows(one), _rows(other)
    if len(rows) != len(others):
        raise ValueError("the two models must have answered the same documents")
    first, second = _drawn_f1([rows, others], draws)
    apart = first - second
    low, high = _bounds(apart)
    value = float(_f1(rows.sum(axis=0)) - _f1(others.sum(axis=0)))
    better = float(((apart > 0) + 0.5 * (apart == 0)).mean()) if len(apart) else 0.5
    return Difference(value, low, high, better)


def _rows(counts: Counted) -> NDArray[np.float64]:
    return np.array(counts, dtype=float).reshape(-1, 3)


def _drawn_f1(models: Sequence[NDArray[np.float64]], draws: int) -> list[NDArray[np.float64]]:
    """F1 of each draw, the same draws for each model."""
    found: list[list[NDArray[np.float64]]] = [[] for _ in models]
    for weights in _weights(len(models[0]), draws):
        for place, rows in enumerate(models):
            found[place].append(_f1((weights @ rows).T))
    return [np.concatenate(one) for one in found]


def _weights(documents: int, draws: int) -> list[NDArray[np.float64]]:
    """How often each document is in each draw; always the same draws."""
    if not documents:
        return [np.zeros((1, 0))]
    chance = np.random.default_rng(0)
    even = np.full(documents, 1 / documents)
    sizes = [min(_AT_ONCE, draws - start) for start in range(0, draws, _AT_ONCE)]
    return [chance.multinomial(documents, even, size).astype(float) for size in sizes]


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    right, wrong, missed = counts
    whole = 2 * right + wrong + missed
    found: NDArray[np.float64] = np.divide(2 * right, whole, out=np.zeros_like(whole), where=whole > 0)
    return found


def _bounds(drawn: NDArray[np.float64]) -> tuple[float, float]:
    rest = (1 - LEVEL) / 2
    low, high = np.quantile(drawn, [rest, 1 - rest])
    return float(low), float(high)
