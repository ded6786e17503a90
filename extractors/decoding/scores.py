"""What the model says may come next, at the positions of one row that were asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

Closer = Callable[[int, npt.NDArray[np.intp]], npt.NDArray[np.float32]]
TIE = 2**-5
"""Share of the best score by which another may lie below it and yet be the better one: bf16 rounds scores by up to
2**-9 of themselves, twice, and what they are computed from as well."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Logits of some positions.

    Attributes:
        logits: (positions, vocabulary), in the model's number format.
        closer: gives scores of a few tokens in float32, where the format is coarser; ``None``: there is nothing closer.
        first: the number that ``closer`` knows the first position by.
    """

    logits: torch.Tensor
    closer: Closer | None = None
    first: int = 0

    def at(self, position: int, vocabulary: int) -> npt.NDArray[np.float32]:
        """Scores of the first ``vocabulary`` tokens at a position."""
        # numpy, because torch starts its threads for every row, and they wait for one another.
        scores: npt.NDArray[np.float32] = self.logits[position, :vocabulary].float().numpy()
        return scores

    def settle(self, position: int, tokens: npt.NDArray[np.intp], scores: npt.NDArray[np.float32]) -> None:
        """Puts closer scores, in place, for those that rounding might have made best.

        Args:
            position: where.
            tokens: that may come.
            scores: of each.
        """
        peak = scores.max()
        near = np.flatnonzero(scores >= peak - abs(peak) * TIE)
        if self.closer is not None and len(near) > 1:
            scores[near] = self.closer(self.first + position, tokens[near])
