"""What a share may as well be, given so many hits among so many trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from extractors.confidence.certify import binomial_tail

LEVEL = 0.95
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Share:
    """A measured share with its exact interval at `LEVEL`."""

    hits: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; 0 of none."""
        return self.hits / self.trials if self.trials else 0.0


def exact_share(hits: int, trials: int, level: float = LEVEL) -> Share:
    """The interval of Clopper and Pearson (1934): each end is what leaves half of the rest on its side."""
    if trials <= 0:
        return Share(0, 0, 0.0, 1.0)
    rest = (1 - level) / 2
    low = 0.0 if hits == 0 else _root(lambda p: 1 - binomial_tail(hits - 1, trials, p), rest, rising=True)
    high = 1.0 if hits >= trials else _root(lambda p: binomial_tail(hits, trials, p), rest, rising=False)
    return Share(hits, trials, low, high)


def _root(function: Callable[[float], float], target: float, *, rising: bool) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (function(middle) < target) is rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2
