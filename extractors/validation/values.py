"""A printed text to the typed value of a schema leaf: the door to the readers of dates, numbers, currencies.

``parse_leaf`` never raises and never guesses: it gives the value, or none and the reason for review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from extractors.validation.currencies import currencies_seen, parse_currency
from extractors.validation.dates import day_order, parse_date, parse_datetime, parse_time
from extractors.validation.numbers import UNKNOWN_STYLE, NumberStyle, number_style, parse_number, plain
from extractors.validation.problems import UntypableError, shown
from extractors.validation.text import fold_spaces, text_key
from schemas.outcome import ReviewReason
from schemas.patterns import matcher_of
from schemas.tree import Kind, Leaf

LONGEST_RAW = 4000

_TRUE_WORDS = "true yes y ja j oui o si sì sim da tak x 1 on checked ☒ ☑ ✓ ✔ ✗ ✘"
_FALSE_WORDS = "false no n nein non nee não nej ne nie 0 off unchecked ☐ □"
_TRUE, _FALSE = frozenset(_TRUE_WORDS.split()), frozenset(_FALSE_WORDS.split())


@dataclass(frozen=True, slots=True)
class DocumentStyle:
    """How a document writes, learnt from all its words: what decides readings that a text alone leaves open.

    Attributes:
        numbers: the decimal separator.
        day_first: the order of day and month in its numeric dates.
        currencies: the currencies it names without doubt.
    """

    numbers: NumberStyle = UNKNOWN_STYLE
    day_first: bool | None = None
    currencies: frozenset[str] = field(default_factory=frozenset)


NO_STYLE = DocumentStyle()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A typed value in JSON form (ISO dates, decimals as plain strings, integers, booleans), or why not."""

    value: str | int | bool | None
    reasons: tuple[ReviewReason, ...] = ()
    message: str = ""


def document_style(words: Iterable[str]) -> DocumentStyle:
    """The style of a document, from the texts of its words in reading order."""
    known: dict[str, str] = {}
    listed = [
        known.setdefault(word, word) for word in words
    ]  # each text once: a long document has half a million
    return DocumentStyle(number_style(listed), day_order(listed), currencies_seen(listed))


@lru_cache(maxsize=16_384)
def parse_leaf(raw: str, leaf: Leaf, style: DocumentStyle = NO_STYLE) -> Parsed:
    """Types ``raw``, the text as printed, as ``leaf`` asks.

    Args:
        raw: the text; blank text is an absent value, without a reason.
        leaf: what the schema wants.
        style: what the rest of the document tells (`document_style`).

    Returns:
        The value without reasons; or no value, the reason, and a message that names the text.
    """
    text = fold_spaces(raw[: LONGEST_RAW + 1])
    if not text:
        return Parsed(None)
    if len(raw) > LONGEST_RAW:
        return Parsed(None, (ReviewReason.INVALID_VALUE,), f"{shown(text)} is too long for a value.")
    try:
        return Parsed(_PARSERS[leaf.kind](text, leaf, style))
    except UntypableError as problem:
        return Parsed(None, (problem.reason,), str(problem))


def _text(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    if len(text) > leaf.max_chars:
        raise UntypableError(f"{shown(text)} is longer than {leaf.max_chars} characters.")
    if leaf.pattern and not matcher_of(leaf.pattern)(text):
        raise UntypableError(f"{shown(text)} does not match the pattern {leaf.pattern}.")
    return text


def _integer(text: str, leaf: Leaf, style: DocumentStyle) -> int:
    if text in leaf.choices:
        return int(text)
    return int(parse_number(text, style.numbers, whole=True))


def _decimal(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    if text in leaf.choices:
        return plain(Decimal(text))
    return plain(parse_number(text, style.numbers))


def _date(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    return parse_date(text, leaf.day_first, style.day_first).isoformat()


def _datetime(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    return parse_datetime(text, leaf.day_first, style.day_first)


def _time(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    return parse_time(text)


def _currency(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    return parse_currency(text, style.currencies)


def _boolean(text: str, leaf: Leaf, style: DocumentStyle) -> bool:
    word = text.casefold().strip(" .[]()")
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise UntypableError(f"{shown(text)} says neither yes nor no.")


def _enum(text: str, leaf: Leaf, style: DocumentStyle) -> str:
    if text in leaf.choices:
        return text
    key = text_key(text)
    same = [choice for choice in leaf.choices if key and text_key(choice) == key]
    if len(same) != 1:
        raise UntypableError(f"{shown(text)} is none of: {', '.join(leaf.choices[:10])}.")
    return same[0]


_PARSERS: dict[Kind, Callable[[str, Leaf, DocumentStyle], str | int | bool]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.TIME: _time,
    Kind.CURRENCY: _currency,
    Kind.BOOLEAN: _boolean,
    Kind.ENUM: _enum,
}
