"""How well lines are read: with onnxruntime, as the reader does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnxruntime import InferenceSession, SessionOptions
from rapidfuzz.distance import Levenshtein

from extractors.training.recogniser.batches import batch_of
from extractors.training.recogniser.lines import Line

_TOGETHER = 6
"""Lines of a batch, as RapidOCR has it: what they are padded to depends on their neighbours."""


@dataclass(frozen=True, slots=True)
class Score:
    """Of some lines: how many are read without a wrong letter or digit, and the share of wrong ones."""

    lines: int
    right: float
    wrong_letters: float

    def __str__(self) -> str:
        return f"{self.lines} lines, {self.right:.2%} right, {self.wrong_letters:.2%} of letters wrong"


def readings(model: bytes, characters: Sequence[str], lines: Sequence[Line], threads: int = 1) -> list[str]:
    """What a model reads: the best character of each column, repeats and blanks left out."""
    options = SessionOptions()
    options.intra_op_num_threads = threads
    session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (source,) = (one.name for one in session.get_inputs())
    order = sorted(range(len(lines)), key=lambda at: lines[at].width)
    found = [""] * len(lines)
    for start in range(0, len(order), _TOGETHER):
        places = order[start : start + _TOGETHER]
        batch = batch_of([lines[at].pixels for at in places])
        (shares,) = session.run(None, {source: batch.pixels.contiguous().numpy()})
        for at, best in zip(places, np.asarray(shares).argmax(-1), strict=True):
            kept = (best != 0) & np.append(True, best[1:] != best[:-1])
            found[at] = "".join(characters[one] for one in best[kept])
    return found


def score(read: Sequence[str], lines: Sequence[Line]) -> Score:
    """Compares readings with the targets of lines, by their letters and digits and without case."""
    pairs = [(_letters(text), _letters(line.target or "")) for text, line in zip(read, lines, strict=True)]
    wrong = sum(Levenshtein.distance(text, wanted) for text, wanted in pairs)
    letters = sum(len(wanted) for _, wanted in pairs)
    right = sum(text == wanted for text, wanted in pairs)
    return Score(len(pairs), right / max(len(pairs), 1), wrong / max(letters, 1))


def same(one: Sequence[str], other: Sequence[str]) -> float:
    """The share of lines that two models read alike, to the last mark."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / max(len(one), 1)


def _letters(text: str) -> str:
    return "".join(char for char in text.upper() if char.isalnum())
