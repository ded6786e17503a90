"""What is shaped like a number, date, time, currency, address of the net: where each begins and ends, whole.

Every function takes printed text in its `plain` view and gives pairs of offsets. All of them take time in proportion
to the text, whatever it says: repetitions have bounds, or do not go back.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator

Offsets = Iterator[tuple[int, int]]

_NARROW = str.maketrans(
    {
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF21, 0xFF5B) if chr(wide).isalpha()},
        # No brackets: around a figure in full-width text they are brackets, not a minus.
        **dict(zip("－／：＄￥￡\u066b\u066c", "-/:$¥£.'", strict=True)),
    }
)
_WIDE_MARK = re.compile(r"(?<=[０-９])[．，](?=[０-９])")
"""Between digits of its own width a separator; between others the comma of a Chinese sentence."""

_UNSPACED = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
"""Scripts that put no space between a word and a figure: 共100元, 合計300円."""
_NO_CODE = rf"(?!(?!{_UNSPACED})[^\W\d]*+\d)"
_GROUPS = rf"[1-9]\d{{0,2}}(?: \d{{3}}(?!\d)){{1,7}}(?:[.,]\d{{1,4}}+)?(?![.,'’]?\d){_NO_CODE}"
"""Thousands apart by one space, which must be no gap between cells (there the ruled text has a tab)."""
_NUMBER = re.compile(
    # After a word character only where that ends a currency mark: RM9.00 is 9.00, A12 is no number.
    r"(?:(?<![\w.,])(?<!\d['’])|(?<=\bRM)|(?<=\bRs)|(?<=\bRs\.)|(?<=\bEUR)|(?<=\bUSD)|(?<=\bGBP)|(?<=\bCHF)|(?<=\bMYR)"
    rf"|(?<={_UNSPACED}))"
    r"(?P<open>[-−–(]\s?)?(?P<sign>[$€£¥₹]\s?[-−]?)?"
    rf"(?>{_GROUPS}|\d(?:[\d.,'’]*\d)?)(?P<close>\s?\)|[-−](?![\w]))?{_NO_CODE}"
)
_MONTH = (
    r"(?:jan|feb|fev|fév|mar|mär|mae|mrt|apr|abr|avr|may|mai|mei|maj|jun|jui|jul|lug|aug|aoû|aou|ago|sep|set|okt|oct|ott"
    r"|nov|dec|dez|déc|dic|ene|gen|giu|mag|maa)[^\W\d_]{0,7}"
)
_DATE = re.compile(
    r"(?<!\d)(?<!\d[.,/-])(?:"
    r"\d{4}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,2}"
    # As stamps and some countries have it: 2008 JUN 30, 2011-Jan-03. "May 2008, June 30, 2009" has another one.
    rf"|(?:19|20)\d{{2}}[\s.,/-]{{0,2}}{_MONTH}[\s.,/-]{{0,2}}\d{{1,2}}(?:st|nd|rd|th)?(?![\s.,/'’-]{{1,3}}\d{{4}})"
    r"|\d{1,2}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?(?:(?:19|20)\d{2}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|º)?[\s./-]{{0,2}}(?:de\s)?{_MONTH}[\s.,/'’-]{{0,3}}(?:de\s)?(?:\d{{4}}|\d{{2}})"
    rf"|{_MONTH}[\s./-]{{0,2}}\d{{1,2}}(?:st|nd|rd|th)?(?:[\s.,/'’-]{{1,3}}\d{{4}}|[\s.,/'’]{{1,3}}\d{{2}})"
    r"|\d{4}年\s?\d{1,2}月\s?\d{1,2}日"
    r"|(?:19|20)\d{6}|\d{4}(?:19|20)\d{2}"
    # A recogniser glues the time to the date (26/02/1808:28): the date ends where a clock time begins.
    r")(?:(?!\d)(?![-/.]\d)|(?=\d{1,2}:\d{2}))",
    re.IGNORECASE,
)
_PLAIN_DATE = r"\d{1,2}([/.])\d{1,2}\%d(?:\d{4}|\d{2})"
_RANGE = re.compile(
    rf"(?<!\d)(?<!\d[.,/-])({_PLAIN_DATE % 2})[-–]({_PLAIN_DATE % 4})(?!\d)(?![-/.]\d)", re.IGNORECASE
)
"""Two dates that a dash without spaces joins; either alone looks like a piece of a longer one."""
_CLOCK = (
    r"(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\d{1,2}[.:]\d{2}(?=\s?uhr)|\d{1,2}\s?h\s?\d{2})"
    r"(?:\s?[ap]\.?\s?m\b\.?)?(?:\s?uhr\b|\s?hrs?\b)?(?:\s?(?:z\b|utc\b|gmt\b|\+\d{2}:?\d{2}\b|-\d{4}\b"
    r"|(?<=:\d\d:\d\d)-\d{2}:\d{2}\b(?!:)))?(?![\d:])"
)
_TIME = re.compile(rf"(?<!\w)(?<!\d[:.,]){_CLOCK}", re.IGNORECASE)
_TIME_AFTER = re.compile(rf"(?:\s?(?:[,/|-]|at|um|kl\.?|à|t)?\s?){_CLOCK}", re.IGNORECASE)
_DATE_AFTER = re.compile(r"\s?[,/|-]?\s?(?=\S)")
_CURRENCY = re.compile(r"[$€£¥₹]|(?<![^\W\d_])(?:[A-Z]{3}|RM|S\$|US\$|kr|Kč|zł|Ft)(?![^\W\d_])")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w-])", re.IGNORECASE)
_URI = re.compile(
    r"(?<![\w@.-])(?:(?:https?|ftp)://[^\s<>\"]{1,2000}+"
    r"|(?:[a-z0-9][a-z0-9-]{0,62}\.){1,6}[a-z]{2,24}(?![\w@-])(?:[/?#][^\s<>\"]{0,2000}+)?)",
    re.IGNORECASE,
)
_UUID = re.compile(r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w)(?!\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f:.]{2,45}+(?<!\.)(?![\w:])", re.IGNORECASE)
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}(?![a-z])){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)


def plain(text: str) -> str:
    """``text`` with digits of every script as 0-9 and full-width forms as ASCII, each character in its place.

    For finding only: what is found is copied from the text as printed.
    """
    if text.isascii():
        return text
    text = _WIDE_MARK.sub(lambda mark: "." if mark.group() == "．" else ",", text)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text.translate(_NARROW))


def numbers(ruled: str) -> Offsets:
    """Whole numbers, with their sign, brackets and currency sign.

    Args:
        ruled: text in which a tab stands for each space between cells: ``1 234,56`` is one number, and two where
            the digits stand in cells of their own.
    """
    for match in _NUMBER.finditer(ruled):
        start, end = match.span()
        opened = (match["open"] or "").startswith("(")
        closed = ")" in (match["close"] or "")
        if opened and not closed:
            start += len(match["open"])
        elif closed and not opened:
            end = match.start("close")
        yield start, end


def dates(text: str) -> Offsets:
    """What is shaped like a whole date."""
    ranged = [(m.span(1), m.span(3)) for m in _RANGE.finditer(text)]
    for first, second in ranged:
        yield from (first, second)
    yield from (m.span() for m in _DATE.finditer(text))


def times(text: str) -> Offsets:
    """Times of day; also one that is glued to its date."""
    yield from (m.span() for m in _TIME.finditer(text))
    for _, end in dates(text):
        if (found := _TIME_AFTER.match(text, end)) and not text[end].isspace():
            shift = re.match(r"[^\d]*", found.group())
            yield end + (shift.end() if shift else 0), found.end()


def datetimes(text: str) -> Offsets:
    """Dates with the time beside them; dates that have none, alone."""
    starts = {end: start for start, end in times(text)}
    for start, end in dates(text):
        if after := _TIME_AFTER.match(text, end):
            yield start, after.end()
            continue
        gaps = (end_of for end_of in range(start - 3, start + 1) if end_of in starts)
        before = next(
            (at for at in gaps if (gap := _DATE_AFTER.match(text, at)) and gap.end() == start), None
        )
        yield (start if before is None else starts[before]), end


def currencies(text: str) -> Offsets:
    """Currency signs, and codes of three capitals."""
    return (m.span() for m in _CURRENCY.finditer(text))


def _emails(text: str) -> Offsets:
    return (m.span() for m in _EMAIL.finditer(text))


def _uris(text: str) -> Offsets:
    for match in _URI.finditer(text):
        found = match.group().rstrip(".,;:!?'*")
        while found.endswith((")", "]")) and found.count("(") + found.count("[") < found.count(
            ")"
        ) + found.count("]"):
            found = found[:-1].rstrip(".,;:!?'*")
        yield match.start(), match.start() + len(found)


def _uuids(text: str) -> Offsets:
    return (m.span() for m in _UUID.finditer(text))


def _addresses(pattern: re.Pattern[str]) -> Callable[[str], Offsets]:
    def found(text: str) -> Offsets:
        for match in pattern.finditer(text):
            try:
                ipaddress.ip_address(match.group())
            except ValueError:
                continue
            if any(map(str.isalnum, match.group())):
                yield match.span()

    return found


def _ibans(text: str) -> Offsets:
    """Account numbers; words behind them that look like more of it are told by the check digits."""
    for match in _IBAN.finditer(text):
        whole = match.group()
        ends = [i for i in range(15, len(whole) + 1) if i == len(whole) or whole[i] == " "]
        right = [i for i in ends if is_iban(whole[:i])]
        yield match.start(), match.start() + (right[0] if right else len(whole))


def is_iban(text: str) -> bool:
    """Whether the check digits of an account number are right: the remainder of ISO 13616."""
    packed = text.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in packed[4:] + packed[:4])) % 97 == 1


FORMAT_READERS: dict[str, Callable[[str], Offsets]] = {
    "email": _emails,
    "uri": _uris,
    "uuid": _uuids,
    "ipv4": _addresses(_IPV4),
    "ipv6": _addresses(_IPV6),
    "iban": _ibans,
}
"""By the name in `schemas.tree.FORMATS`."""
