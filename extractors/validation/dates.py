"""Printed dates and times to ISO 8601, by what is printed and nothing else.

Nothing is invented and nothing depends on today or on the machine's locale: a month without a year, a
weekday, ``yesterday`` are no dates here. (General date libraries fill the gaps from the clock, which is why
none is used for this; the names of months come from babel.) Day and month of ``03/04/2020`` are told apart,
in this order, by

1. the digits (``25/12`` has one reading, whatever a hint says),
2. the schema's ``day_first`` hint,
3. the other dates of the document (`day_order`),
4. dots: no locale of the CLDR writes the month first with dots;

otherwise the date is ambiguous. A two-digit year is 19xx from 70 on, else 20xx.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from extractors.validation.months import months, name_key, weekdays
from extractors.validation.problems import UntypableError, shown
from extractors.validation.text import fold_signs
from schemas.outcome import ReviewReason

YEARS = range(1800, 2200)
_PIVOT = 70
_COMPACT_YEARS = range(1900, 2100)

_TIME = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2})(?:(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?)"
    r"|(?:[.:](?P<minute_uhr>\d{2})(?= ?uhr))|(?: ?h ?(?P<minute_h>\d{2})(?!\d)))"
    r"(?: ?(?P<half>[ap])\.? ?m\b\.?)?(?: ?(?:uhr|hrs?|h)\b)?"
    # A dash before a time is that of a range (09:00-12:30), behind seconds it may be an offset.
    r"(?P<zone> ?(?:z\b|utc\b|gmt\b|\+\d{2}:?\d{2}\b|-\d{4}\b|(?<=:\d\d:\d\d)-\d{2}:\d{2}\b(?!:)))?"
)
_GLUED_TIME = re.compile(r"^(\D*\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2})(?=\d{1,2}:\d{2})")
_LABEL = re.compile(r"^[^\W\d][^\d:]{0,30}: ?(?=\S)")
_TOKEN = re.compile(r"\d+|(?:[^\W\d_][\u0300-\u036f]*)+|\S")
_CJK = re.compile(r"(\d{4}) ?[年년] ?(\d+) ?[月월] ?(\d+) ?[日일]")
_FILLER_WORDS = (
    "of de del den der the le la el il am d dated st nd rd th er ste e o a an ta г года р року m gada"
)
_FILLERS = frozenset(_FILLER_WORDS.split())
_MARKS = frozenset("/.-,'|\\()[]ºª°:")
_NUMERIC_MARKS = frozenset("/.-'|\\,")
_LONGEST = 80


def parse_date(text: str, day_first: bool | None = None, seen_day_first: bool | None = None) -> dt.date:
    """The one date that ``text`` shows; a time beside it is passed over.

    Args:
        text: as printed.
        day_first: the schema's hint for 03/04/2020; ``None``: there is none.
        seen_day_first: what other dates of the document show, see `day_order`.

    Raises:
        UntypableError: no complete, existing date (``INVALID_VALUE``), or one with two readings
            (``AMBIGUOUS_DATE``).
    """
    return _date_in(_split_time(text)[0], text, day_first, seen_day_first)


def parse_time(text: str) -> str:
    """The time of day as ``HH:MM:SS``, with an offset when one is printed.

    Raises:
        UntypableError: there is no time in it.
    """
    rest, match = _split_time(text)
    if match is None or any(c.isdecimal() for c in rest):
        raise UntypableError(f"{shown(text)} is no time of day.")
    return _iso_time(match, text)


def parse_datetime(text: str, day_first: bool | None = None, seen_day_first: bool | None = None) -> str:
    """Date and time as ``YYYY-MM-DDTHH:MM:SS``, with an offset when one is printed.

    Raises:
        UntypableError: the date or the time is missing; midnight is not made up.
    """
    rest, match = _split_time(text)
    date = _date_in(rest, text, day_first, seen_day_first)
    if match is None:
        raise UntypableError(f"{shown(text)} has a date but no time.")
    return f"{date.isoformat()}T{_iso_time(match, text)}"


def day_order(words: Iterable[str]) -> bool | None:
    """Whether a document's numeric dates put the day first; ``None`` when they do not tell or disagree."""
    orders = set()
    for word in words:
        for match in _NUMERIC_DATE.finditer(word):
            if match[2] == "-" and len(match[4]) == 2:
                continue  # as a sort code or a part of a number is printed
            first, second, year = (int(group) for group in match.group(1, 3, 4))
            day_leads, month_leads = _valid(_year(year), second, first), _valid(_year(year), first, second)
            told = (day_leads is None) != (month_leads is None)
            # With dots the day always leads, so such a date says nothing about those with slashes.
            if told and not (match[2] == "." and day_leads):
                orders.add(day_leads is not None)
    return orders.pop() if len(orders) == 1 else None


_NUMERIC_DATE = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-]\d)")


def _split_time(text: str) -> tuple[str, re.Match[str] | None]:
    """The text without its time of day, folded to lower case; and the match of that time."""
    folded = fold_signs(text)
    if len(folded) > _LONGEST:
        raise UntypableError(f"{shown(text)} is too long for a date.")
    folded = _CJK.sub(r"\1-\2-\3 ", folded)
    lowered = _GLUED_TIME.sub(r"\1 ", folded.casefold())
    lowered = re.sub(r"(?<=\d)t(?=\d{1,2}:)", " ", lowered)  # ISO's T between date and time
    match = _TIME.search(lowered)
    if match is None:
        return lowered, None
    return f"{lowered[: match.start()]} {lowered[match.end() :]}", match


def _iso_time(match: re.Match[str], text: str) -> str:
    hour = int(match["hour"])
    minute = int(match["minute"] or match["minute_uhr"] or match["minute_h"] or 0)
    second = int(match["second"] or 0)
    if match["half"] and hour <= 12:
        if hour == 0:
            raise UntypableError(f"{shown(text)}: hour 0 has no half of the day.")
        hour = hour % 12 + (12 if match["half"] == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise UntypableError(f"{shown(text)} has no valid time of day.")
    zone = (match["zone"] or "").strip().upper()
    if zone in ("Z", "UTC", "GMT"):
        zone = "Z"
    elif zone and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{hour:02}:{minute:02}:{second:02}{zone}"


def _date_in(lowered: str, text: str, hint: bool | None, seen: bool | None) -> dt.date:
    """The date in text whose time of day is already gone."""
    body = _LABEL.sub("", lowered.strip())
    tokens = list(_clean(_TOKEN.findall(body), text))
    numbers = [(i, token) for i, token in enumerate(tokens) if token.isdecimal()]
    names = [token for token in tokens if token in months()]
    digits = [token for _, token in numbers]
    if len(names) == 1 and len(digits) == 2:
        apart = tokens[numbers[0][0] + 1 : numbers[1][0]]
        if names[0] not in apart and "-" in apart and all(len(one) < 4 for one in digits):
            raise UntypableError(f"{shown(text)} may be a range of days.")
        apostrophe = numbers[0][0] > 0 and tokens[numbers[0][0] - 1] == "'"
        return _named(names[0], digits, apostrophe, text)
    if not names and len(digits) == 3:
        between = set(tokens[numbers[0][0] : numbers[2][0]]) - set(digits)
        if between <= _NUMERIC_MARKS:
            return _numeric(digits, between, hint, seen, text)
    if not names and len(digits) == 1 and len(digits[0]) in (6, 8) and _has_no_word(body):
        return _compact(digits[0], hint if hint is not None else seen, text)
    if len(names) == 1 and len(digits) == 1:
        raise UntypableError(f"{shown(text)} has a month, but day or year is missing.")
    raise UntypableError(f"{shown(text)} is no complete date.")


def _has_no_word(body: str) -> bool:
    """Whether nothing but a weekday stands beside digits without separators: 201283-M is a number, not a date."""
    return all(name_key(token) in weekdays() for token in _TOKEN.findall(body) if token.isalpha())


def _clean(tokens: list[str], text: str) -> Iterator[str]:
    """Drops weekdays and fillers, keeps numbers, month names and marks, refuses any other word."""
    words = [name_key(token) for token in tokens]
    named = sum(word in months() for word in words)
    for i, (token, word) in enumerate(zip(tokens, words, strict=True)):
        if token.isdecimal() or token in _MARKS:
            yield token
        elif word in weekdays() and (word not in months() or (named > 1 and word not in words[i + 1 :])):
            named -= word in months()  # French "mar. 4 mars": the first is a Tuesday
        elif word in months():
            yield word
        elif word not in _FILLERS:
            raise UntypableError(f"{shown(text)}: {token!r} does not belong to a date.")


def _named(name: str, digits: list[str], apostrophe_first: bool, text: str) -> dt.date:
    """Day, month name and year in any order; of two short numbers the last is the year."""
    first, second = digits
    year_first = len(first) == 4 or apostrophe_first or (len(first) <= 2 and int(first) > 31)
    year, day = (first, second) if year_first else (second, first)
    if len(year) not in (2, 4) or len(day) > 2:
        raise UntypableError(f"{shown(text)} is no complete date.")
    found = {
        date for month in months()[name] if (date := _valid(_year(int(year), len(year)), month, int(day)))
    }
    return _only(found, text)


def _numeric(digits: list[str], marks: set[str], hint: bool | None, seen: bool | None, text: str) -> dt.date:
    first, second, third = (int(d) for d in digits)
    lengths = [len(d) for d in digits]
    if max(lengths) > 4 or 3 in lengths or sum(n == 4 for n in lengths) > 1 or lengths[1] == 4:
        raise UntypableError(f"{shown(text)} is no complete date.")
    if lengths[0] == 4:
        return _only({d for d in [_valid(first, second, third)] if d}, text)
    if lengths[2] == 1:
        raise UntypableError(f"{shown(text)} is no complete date.")
    year = _year(third, lengths[2])
    day_leads, month_leads = _valid(year, second, first), _valid(year, first, second)
    if day_leads and month_leads and day_leads != month_leads:
        dotted = True if marks == {"."} else None
        order = next((o for o in (hint, seen, dotted) if o is not None), None)
        if order is not None:
            return day_leads if order else month_leads
    found = {d for d in (day_leads, month_leads) if d}
    if not found and lengths == [2, 2, 2]:  # 98-12-25: the year can only lead
        found = {d for d in [_valid(_year(first), second, third)] if d}
    return _only(found, text)


def _compact(digits: str, day_first: bool | None, text: str) -> dt.date:
    """Eight or six digits without separators: every reading that the hint allows must be the same date."""
    width = len(digits) - 4
    day_month = int(digits[:2]), int(digits[2:4])
    last = _year(int(digits[4:]), width)
    readings = [_valid(_year(int(digits[:width]), width), int(digits[width:-2]), int(digits[-2:]))]
    by_day, by_month = _valid(last, day_month[1], day_month[0]), _valid(last, *day_month)
    if day_first is None or not (by_day and by_month):
        readings += [by_day, by_month]
    else:
        readings.append(by_day if day_first else by_month)
    return _only({d for d in readings if d and d.year in _COMPACT_YEARS}, text)


def _only(found: set[dt.date], text: str) -> dt.date:
    if not found:
        raise UntypableError(f"{shown(text)} is no date of the calendar.")
    if len(found) > 1:
        readings = " or ".join(d.isoformat() for d in sorted(found))
        raise UntypableError(
            f"{shown(text)} may be {readings}; day and month cannot be told apart.",
            ReviewReason.AMBIGUOUS_DATE,
        )
    return found.pop()


def _year(number: int, digits: int = 0) -> int:
    if digits == 4 or number > 99:
        return number
    return number + (1900 if number >= _PIVOT else 2000)


def _valid(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year in YEARS else None
    except ValueError:
        return None
