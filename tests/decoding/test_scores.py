"""Near ties are settled by closer scores, and nothing else is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from extractors.decoding.scores import Scores

ASKED: list[tuple[int, list[int]]] = []


def closer(position: int, tokens: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """Token 7 is a little better than all others."""
    ASKED.append((position, tokens.tolist()))
    return np.where(tokens == 7, 20.06, 19.99).astype(np.float32)


def test_a_tie_is_settled_among_those_that_are_near() -> None:
    ASKED.clear()
    scores = np.array([20.0, 3.0, 20.0, 19.9], dtype=np.float32)
    Scores(torch.zeros(2, 9), closer, first=5).settle(1, np.array([2, 4, 7, 8]), scores)
    assert ASKED == [(6, [2, 7, 8])]
    assert scores.argmax() == 2
    assert scores[1] == 3.0


def test_a_clear_choice_needs_nothing_closer() -> None:
    ASKED.clear()
    scores = np.array([20.0, 3.0, -5.0], dtype=np.float32)
    Scores(torch.zeros(1, 9), closer).settle(0, np.array([1, 2, 3]), scores)
    assert ASKED == []
    assert scores.tolist() == [20.0, 3.0, -5.0]


def test_without_closer_scores_all_stays_as_it_is() -> None:
    scores = np.array([20.0, 20.0], dtype=np.float32)
    Scores(torch.zeros(1, 9)).settle(0, np.array([1, 2]), scores)
    assert scores.tolist() == [20.0, 20.0]


def test_scores_are_of_the_vocabulary_that_the_grammar_knows() -> None:
    logits = torch.arange(20, dtype=torch.bfloat16).reshape(2, 10)
    assert Scores(logits).at(1, 4).tolist() == [10.0, 11.0, 12.0, 13.0]
