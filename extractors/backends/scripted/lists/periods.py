"""Periods and years of an entry: ``03/2019 - present``, ``April 2020 – May 2021``, ``since 2019``, ``(2015)``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractors.backends.scripted.sheet import Line, Piece, cut
from extractors.validation.months import months, name_key
from extractors.validation.text import text_key

_SEASONS = frozenset(
    ["spring", "summer", "autumn", "fall", "winter", "fruhjahr", "fruhling", "sommer", "herbst", "printemps", "ete",
     "automne", "hiver", "primavera", "estate", "autunno", "inverno", "verano", "otono", "invierno", "lente", "zomer",
     "herfst", "wiosna", "lato", "jesien", "zima", "verao", "outono"]
)  # fmt: skip
_PRESENT_WORDS = (
    r"present|current|currently|now|today|ongoing|to date|heute|jetzt|aktuell|laufend|dato|pr[ée]sent|aujourd['’]hui"
    r"|actuel|actuellement|oggi|presente|attuale|in corso|actualidad|actualmente|hoy|la fecha|heden|nu|vandaag"
    r"|obecnie|teraz|nadal|atual|atualmente|o momento|hoje"
)
_WORD = r"[^\W\d_]{3,12}\.?"
_YEAR = r"(?:19|20)\d{2}"
_DATE = (
    rf"(?:\d{{1,2}}\.?\s+(?:de\s+)?{_WORD}\s+(?:de\s+)?{_YEAR}|{_WORD},?\s+(?:\d{{1,2}},?\s+|de\s+)?{_YEAR}"
    rf"|(?:\d{{1,2}}[./-])?\d{{1,2}}[./-]{_YEAR}|{_YEAR}[./-]\d{{2}}(?:[./-]\d{{2}})?(?!\d)|{_YEAR})"
)
_BARE = rf"(?:(?:\d{{1,2}}[./-])?\d{{1,2}}[./-]{_YEAR}|{_YEAR}[./-]\d{{2}}(?:[./-]\d{{2}})?(?!\d)|{_YEAR})"
"""A date without a word, which may be of the text before it."""
_DASH = r"(?:[-–—−]|\b(?:to|until|till|through|bis|au|à|al|a|tot|t/m|do|até|hasta|fino a)\b)"


def _range(begins: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w./-])(?:(?:from|von|vom|de|du|dal|dall['’]|da|desde|van|od)\s+)?"
        rf"(?P<start>{begins})\s*{_DASH}\s*(?P<end>{_DATE}|\d{{2}}(?!\d)|(?:{_PRESENT_WORDS})\b)(?![\w/])",
        re.IGNORECASE,
    )


def _single(date: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-])(?P<end>{date})(?![\w/]|[-–.]\d)", re.IGNORECASE)


_PERIODS = (_range(_DATE), _range(_BARE))
_SINGLES = (_single(_DATE), _single(_BARE))
_SINCE = re.compile(
    rf"(?<!\w)(?:since|seit|depuis|dal|desde|sinds|od)\s+(?P<start>{_DATE})(?![\w/])"
    rf"|(?<![\w./-])(?P<open>{_DATE})\s*[-–—−](?=\s*$)",
    re.IGNORECASE,
)
_PRESENT = re.compile(rf"(?:{_PRESENT_WORDS})", re.IGNORECASE)
_OPENERS = "([,|·•–—-:"


@dataclass(frozen=True)
class Period:
    """Where a period stands on a line, and its two ends; of a single date only the second."""

    whole: Piece
    start: Piece | None
    end: Piece | None
    lasts: bool = False
    """Whether it goes on to this day."""

    @property
    def is_range(self) -> bool:
        """Whether it says when something began."""
        return self.start is not None


def period_of(line: Line) -> Period | None:
    """The period that a line tells; else the year or date at one of its ends or in brackets."""
    text = line.text
    found = next((one for form in _PERIODS for one in _usable(form.finditer(text))), None)
    if found is not None:
        end = found["end"]
        return Period(
            cut(line, *found.span()),
            cut(line, *found.span("start")),
            cut(line, *found.span("end")),
            bool(_PRESENT.fullmatch(end)),
        )
    since = next(_usable(_SINCE.finditer(text)), None)
    if since is not None:
        name = "start" if since["start"] else "open"
        return Period(
            cut(line, *since.span()),
            cut(line, *since.span(name)),
            None,
            True,
        )
    single = [one for form in _SINGLES for one in _usable(form.finditer(text)) if _apart(one, line)]
    if single:
        whole = cut(line, *single[0].span())
        return Period(whole, None, whole)
    return None


def _usable(found: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Those whose words are months or seasons."""
    for one in found:
        groups = [text for text in one.groupdict().values() if text]
        words = [
            word for text in groups for word in re.findall(r"[^\W\d_]+", text) if not _PRESENT.fullmatch(text)
        ]
        if all(_is_month(word) for word in words if word.casefold() != "de"):
            yield one


def _is_month(word: str) -> bool:
    return name_key(word) in months() or text_key(word) in _SEASONS


def _apart(found: re.Match[str], line: Line) -> bool:
    """Whether a date stands by itself: at an end of the line or of a cell, or between marks."""
    text = line.text
    before, after = text[: found.start()].rstrip(), text[found.end() :].strip()
    first, last = line.token_at(found.start()), line.token_at(found.end() - 1)
    opens = not before or before[-1] in _OPENERS
    begins = first > 0 and line.starts[first] == found.start()
    opens |= begins and line.tokens[first].cell != line.tokens[first - 1].cell
    closes = not after or after[0] in ")],|·•–—-:." or text[found.end() : found.end() + 1] in ")],.;"
    closes |= last + 1 < len(line.tokens) and line.tokens[last].cell != line.tokens[last + 1].cell
    return (opens and closes) or (not after and len(text.split()) > 1) or (not before and closes)
