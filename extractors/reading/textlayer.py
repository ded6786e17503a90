"""What the characters of a text layer alone tell about it: garbage, letters outside the page."""

from __future__ import annotations

from extractors.reading.chars import Layer
from schemas.document import Doubt
from schemas.errors import foreign
from schemas.outcome import ReviewReason

MIN_LETTERS = 3
"""Fewer hidden letters than this carry no value; editors leave such scraps behind."""
_SHOWN = 80


def layer_doubts(layer: Layer) -> list[Doubt]:
    """Reasons to look at a page because of what its text layer holds."""
    doubts = []
    if layer.garbled:
        what = "1 word has" if layer.garbled == 1 else f"{layer.garbled} words have"
        doubts.append(Doubt(f"{what} characters that cannot be told.", ReviewReason.GARBLED_TEXT))
    if len(layer.outside) >= MIN_LETTERS:
        doubts.append(hidden("Text outside the page was left out", layer.outside))
    return doubts


def hidden(what: str, text: str) -> Doubt:
    """A doubt about text that nobody sees, with its beginning."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return Doubt(f"{what}: {foreign(shown)}", ReviewReason.HIDDEN_TEXT)
