"""Whether a value that a person wrote still stands where the model found its own."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from extractors.validation.currencies import currencies_of
from extractors.validation.numbers import NumberStyle
from extractors.validation.text import fold_signs, text_key
from extractors.validation.values import DocumentStyle, parse_leaf
from schemas.extraction import ExtractedField
from schemas.tree import Kind, Leaf

_ALIKE = 0.6
"""Two texts with this ratio (difflib, letters and digits only) are spellings of one, such as an OCR error."""


def readings(raw: str, leaf: Leaf) -> list[str | int | bool]:
    """Every value that a printed text can stand for, whichever way dates and separators are read."""
    found: list[str | int | bool] = []
    signs = currencies_of(fold_signs(raw)) if leaf.kind is Kind.CURRENCY else ()
    styles = [DocumentStyle(NumberStyle("."), True), DocumentStyle(NumberStyle(","), False)]
    styles += [DocumentStyle(currencies=frozenset({code})) for code in signs[:6]]
    for style in styles:
        parsed = parse_leaf(raw, leaf, style)
        if parsed.value is not None and parsed.value not in found:
            found.append(parsed.value)
    return found


def same_place(known: ExtractedField, leaf: Leaf, value: Any) -> bool:
    """Whether ``value`` is what stands at the place of ``known``.

    It is when the text there can be read as the value, when the text there could not be read at all (then the
    reviewer read it), or when two texts are spellings of one another. Another number or date is another
    place.
    """
    if not known.raw or not known.boxes:
        return False
    if known.value is None or str(value) in [str(v) for v in readings(known.raw, leaf)]:
        return True
    if leaf.kind is not Kind.TEXT:
        return False
    mine, theirs = text_key(str(value)), text_key(known.raw)
    return bool(mine) and (mine in theirs or SequenceMatcher(None, mine, theirs).ratio() >= _ALIKE)


def choices_of(text: str, leaf: Leaf) -> list[str]:
    """The values that a text can stand for, each written so that it has one reading: ``1.2340`` for ``1.234``."""
    values = [str(value) for value in readings(text, leaf)]
    return [f"{v}0" if leaf.kind is Kind.DECIMAL and parse_leaf(v, leaf).reasons else v for v in values]


def suggested(known: ExtractedField | None, leaf: Leaf) -> list[str]:
    """For a text with no single reading: the values that it can stand for, to choose among."""
    if known is None or known.value is not None or not known.raw:
        return []
    return choices_of(known.raw, leaf)
