"""Words of documents in the languages that they are made in: ``terms.txt`` and ``commerce.txt`` as one table."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pl")


@cache
def all_terms() -> dict[str, tuple[tuple[str, ...], ...]]:
    """By key the alternatives in each of `LANGUAGES`."""
    folder = Path(__file__).parent
    files = (folder / "terms.txt", folder / "commerce.txt")
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    rows = (line.split("|") for line in lines if line and not line.startswith("#"))
    return {key: tuple(tuple(cell.split(";")) for cell in cells) for key, *cells in rows}


class Terms:
    """One document's words: of several alternatives the first that was drawn is kept."""

    def __init__(self, chance: random.Random, locale: str) -> None:
        self.language = locale[:2]
        self._chance = chance
        self._at = LANGUAGES.index(self.language)
        self._drawn: dict[str, str] = {}

    def __call__(self, key: str) -> str:
        """What the document calls ``key``."""
        if key not in self._drawn:
            self._drawn[key] = self._chance.choice(all_terms()[key][self._at])
        return self._drawn[key]

    def every(self, key: str) -> tuple[str, ...]:
        """All alternatives, for lists of things such as goods."""
        return all_terms()[key][self._at]
