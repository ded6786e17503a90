"""Which words exist, and how common they are: some 770,000 of 26 languages in Latin letters (origin: README.md here).

Only hashes are kept (40 bits: one word in a million that does not exist passes for one that does), so that a child
has the lexicon within milliseconds and in 10 MB.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

_FILE = Path(__file__).with_name("words.npz")
_HASH_BYTES = 5
_STEPS = 10
"""Per factor of ten: the fineness in which frequencies are kept."""


class Lexicon:
    """Known words. A word's case does not count, its accents do."""

    def __init__(self, hashes: NDArray[np.int64], rarity: NDArray[np.uint8]) -> None:
        self._hashes, self._rarity = hashes, rarity

    @classmethod
    def load(cls, file: Path | IO[bytes] = _FILE) -> Lexicon:
        """Reads the file that `packed` made."""
        with np.load(file, allow_pickle=False) as stored:
            return cls(np.cumsum(stored["steps"], dtype=np.int64), stored["rarity"])

    def frequency(self, word: str) -> float | None:
        """Decimal logarithm of a word's share of all words in the language where it is most common."""
        key = _hash(word)
        at = int(np.searchsorted(self._hashes, key))
        if at == len(self._hashes) or self._hashes[at] != key:
            return None
        return -float(self._rarity[at]) / _STEPS

    def __len__(self) -> int:
        return len(self._hashes)


def packed(frequencies: Mapping[str, float]) -> bytes:
    """The lexicon as a file.

    Args:
        frequencies: decimal logarithm of each word's share of all words, at most 0.
    """
    best: dict[int, float] = {}
    for word, frequency in frequencies.items():
        key = _hash(word)
        best[key] = max(best.get(key, frequency), frequency)
    hashes = sorted(best)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        steps=np.diff(np.array(hashes, dtype=np.int64), prepend=0),
        rarity=np.array([min(round(-best[h] * _STEPS), 255) for h in hashes], dtype=np.uint8),
    )
    return file.getvalue()


def _hash(word: str) -> int:
    folded = unicodedata.normalize("NFC", word).casefold()
    return int.from_bytes(blake2b(folded.encode(), digest_size=_HASH_BYTES).digest(), "big")
