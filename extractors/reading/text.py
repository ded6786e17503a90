"""Text as the rest of the pipeline sees it: NFC, printable, one line, no white space but single spaces."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character is on the page but could not be told."""

_SPACES = re.compile(r"\s+")
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_LIGATURES = re.compile(
    "[\N{LATIN SMALL LIGATURE FF}-\N{LATIN SMALL LIGATURE ST}"
    "\N{ARMENIAN SMALL LIGATURE MEN NOW}-\N{ARMENIAN SMALL LIGATURE MEN XEH}]"
)
_MISREAD = re.compile(r"\d[tlIiOo|'!]{1,2}\d")
_MIN_MISREAD = 3
_MISREAD_SHARE = 0.03
_DROPPED = frozenset({"Cc", "Cf", "Cs"})
_UNKNOWN = frozenset({"Co", "Cn"})


def normalise_text(text: str) -> str:
    """Puts text into the one form that prompts, grammars and comparisons use.

    NFC; ligatures spelled out; soft hyphens, zero-width and control characters dropped; private-use
    characters and ``(cid:7)`` marks become U+FFFD (a character stands there, so it must not vanish from a
    number); every run of white space becomes one space; none at the ends.
    """
    if text.isascii() and text.isprintable() and "(cid:" not in text:
        return _SPACES.sub(" ", text).strip()
    text = _UNMAPPED.sub(REPLACEMENT, text)
    text = _LIGATURES.sub(lambda m: unicodedata.normalize("NFKC", m.group()), text)
    text = _SPACES.sub(" ", text)
    text = "".join(filter(None, map(_printable, text)))
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _printable(char: str) -> str:
    category = unicodedata.category(char)
    if category in _DROPPED:
        return ""
    if category in _UNKNOWN:
        return REPLACEMENT
    return " " if category.startswith("Z") else char


def says_nothing(word: str) -> bool:
    """Whether a word is made of unknown characters only."""
    return not word.strip(REPLACEMENT)


def is_misread(words: list[str]) -> bool:
    """Whether numbers were misread, as old scanners do: ``06t02t20`` for 06/02/20, ``05lo4l20``.

    Meant for text layers of scanned pages only: in print, letters between digits are part of a code.
    """
    with_digits = [word for word in words if sum(char.isdigit() for char in word) >= 3]
    misread = sum(bool(_MISREAD.search(word)) for word in with_digits)
    return misread >= _MIN_MISREAD and misread >= _MISREAD_SHARE * len(with_digits)


def is_garbled(words: list[str]) -> bool:
    """Whether a text layer is useless: mostly unknown characters, or hardly a letter or digit in it.

    Fonts without a usable encoding give ``(cid:…)``, replacement and private-use characters, or shifted codes
    that come out as punctuation and odd symbols.
    """
    text = "".join(words)
    if not text:
        return False
    unknown = text.count(REPLACEMENT)
    if unknown > 0.3 * len(text):
        return True
    telling = sum(char.isalnum() or unicodedata.combining(char) > 0 for char in text)
    fillers = sum(char in "._-–—=*•·…|/" for char in text)
    rest = len(text) - fillers
    return rest >= 30 and telling < 0.4 * rest
