"""Folding of printed text, so that the readers of values see one form of each sign."""

from __future__ import annotations

import re
import unicodedata

# Everything printed as a minus or dash, an apostrophe, a decimal or a grouping mark of other scripts.
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u02b9\u00b4`\uff07\u2032", "'"),
        "\u066b": ".",
        "\u066c": "'",
        "\uff0e": ".",
        "\uff0c": ",",
        "\uff0f": "/",
        "\uff1a": ":",
        "\u2044": "/",
        "\uff08": "(",
        "\uff09": ")",
        "\uff05": "%",
        "\uff0b": "+",
        "\uff04": "$",
        "\uffe5": "\u00a5",
        "\uffe1": "\u00a3",
    }
)
_SPACES = re.compile(r"\s+")


def fold_spaces(text: str) -> str:
    """Control and format characters out, every run of white space one space, NFC."""
    kept = (" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", "".join(kept))).strip()


def fold_signs(text: str) -> str:
    """`fold_spaces`, with digits of every script as 0-9 and dashes, apostrophes and separators as ASCII.

    Superscript digits stay as they are: ``12¹`` is a footnote, not 121.
    """
    folded = fold_spaces(text).translate(_SIGNS)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)


def text_key(text: str) -> str:
    """Letters and digits only, case folded, diacritics gone: what two spellings of a text have in common."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in decomposed if c.isalnum())
