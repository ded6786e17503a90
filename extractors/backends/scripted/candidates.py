"""Which runs of tokens on a line can be a value of a kind: dates, numbers, currencies, codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from extractors.backends.scripted.sheet import Line, Piece, Token, piece
from extractors.grammar.spans import GROUP_GAP
from extractors.validation.currencies import PLAIN_CODES, currencies_of
from extractors.validation.months import months, name_key, weekdays
from extractors.validation.values import DocumentStyle, parse_leaf
from schemas.outcome import ReviewReason
from schemas.tree import NUMERIC, Kind, Leaf

_PROBES = {kind: Leaf(kind, True, "", "string") for kind in Kind}
_MAX_DATE_TOKENS = 5
_AMBIGUOUS = (ReviewReason.AMBIGUOUS_DATE, ReviewReason.AMBIGUOUS_NUMBER)
_GROUP_HEAD = re.compile(r"^[-(+]?[^\w\s]?\d{1,3}$")
_GROUP_TAIL = re.compile(r"^\d{3}(?:[.,]\d+)?[^\w\s]*$")
_NO_DATE = re.compile(r"\d{1,2} \d{1,2} \d{1,2}|\d+(?:[./]\d+)?, ?\d+(?:, ?\d+)?")
"""Pairs of digits held apart by spaces, which are a telephone number; a list of numbers (*10.2, 11*)."""
_ARTICLE = re.compile(r"[A-Z]{1,3}\d{1,4}(?!\d)")
"""How the number of an article begins (*TU21 - 6/72*), which a date does not."""
_FIGURES = re.compile(r"\d+")
_ODD = 0.6
"""A date in figures whose two marks differ (*4.24 81*) is more often something else."""
_RARE = 0.4
"""Letters before bare digits (``BEF 12345``, ``OR 97123``) are more often those of a number than a currency."""
_BARE_DIGITS = re.compile(r"\d{4,}(?:-\d{4})?")
_SIGN = 0.97
"""A sign of a currency says a little less than its code."""
_DOTTED = re.compile(r"(?:[01]?\d|2[0-3])\.[0-5]\d")
"""A time as some countries write it, and an amount as all do."""
_CENTS = re.compile(r"\d[.,]\d{2}(?!\d)")
_SIGN_IN_WORD = re.compile(
    r"[^\W\d_]{0,2}[^\w\s.,'()%+*/:;#&@\-]"  # a sign: €, US$
    r"|^[A-Z]{2,3}(?=-?\d[\d.,' ]*$)|(?<=\d)[A-Z]{3}$"  # letters glued to an amount: RM12.50, 12.50EUR
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plausible value. ``strength`` (0..1): how typical its form is of the kind, ``12.50`` over ``12``."""

    piece: Piece
    strength: float = 1.0
    percent: bool = False


def candidates(line: Line, kind: Kind, style: DocumentStyle) -> list[Candidate]:
    """All values of a kind on a line, left to right. Text has none here: it goes by its label."""
    if kind in NUMERIC:
        return list(_numbers(line, kind, style))
    if kind in (Kind.DATE, Kind.DATETIME, Kind.TIME):
        return list(_dates(line, kind, style))
    if kind is Kind.CURRENCY:
        return list(_currencies(line, style))
    return []


def _plausible(text: str, kind: Kind, style: DocumentStyle) -> bool:
    parsed = parse_leaf(text, _PROBES[kind], style)
    return parsed.value is not None or any(reason in _AMBIGUOUS for reason in parsed.reasons)


def _numbers(line: Line, kind: Kind, style: DocumentStyle) -> Iterator[Candidate]:
    i = 0
    while i < len(line.tokens):
        token = line.tokens[i]
        end = i + 1
        if not any(c.isdigit() for c in token.text) or line.numbers_cell(i):
            i += 1
            continue
        text = token.text
        while end < len(line.tokens) and _continues(line.tokens[end - 1], line.tokens[end], text):
            text = f"{text} {line.tokens[end].text}"
            end += 1
        stripped = text.rstrip(",;:").lstrip("*=:")
        if _plausible(stripped, kind, style):
            following = line.tokens[end].text if end < len(line.tokens) else ""
            percent = stripped.endswith("%") or following.startswith("%")
            money = bool(_CENTS.search(stripped)) or _beside_currency(line, i, end)
            found = piece(line, i, end, _bare(stripped))
            zero = not any(c in "123456789" for c in stripped)
            yield Candidate(found, (1.0 if money or percent else 0.6) * (0.8 if zero else 1.0), percent)
        i = end


def _bare(text: str) -> str:
    """The number without brackets that do not belong to it (``(19`` of ``(19 %)``)."""
    if text.count("(") != text.count(")"):
        return text.strip("()")
    return text


def _continues(left: Token, right: Token, text: str) -> bool:
    """Whether a space groups thousands here: ``1 234,50`` printed as two words close together."""
    if not _GROUP_TAIL.match(right.text) or not (_GROUP_HEAD.match(text) or " " in text):
        return False
    height = max(left.word.box.y1 - left.word.box.y0, 1.0)
    return right.word.box.x0 - left.word.box.x1 <= GROUP_GAP * height


def _beside_currency(line: Line, start: int, end: int) -> bool:
    beside = line.tokens[max(start - 1, 0) : start] + line.tokens[end : end + 1]
    text = line.tokens[start].text
    glued = any(currencies_of(sign) for sign in _SIGN_IN_WORD.findall(text))
    return glued or any(currencies_of(t.text.strip("()")) for t in beside)


def _dates(line: Line, kind: Kind, style: DocumentStyle) -> Iterator[Candidate]:
    i = 0
    while i < len(line.tokens):
        found = _date_at(line, i, kind, style) if _starts_date(line.tokens[i].text) else None
        if found is None:
            i += 1
            continue
        yield found
        i = found.piece.end


def _starts_date(text: str) -> bool:
    if any(c.isdigit() for c in text):
        return True
    if len(text) < 3 and text.islower():
        return False  # "on", "to", "di": days of the week somewhere, and words of the sentence here
    key = name_key(text.rstrip(".,"))
    return key in months() or key in weekdays()


def _date_at(line: Line, start: int, kind: Kind, style: DocumentStyle) -> Candidate | None:
    text = ""
    if _ARTICLE.match(line.tokens[start].text) and not _starts_word(line.tokens[start].text):
        return None
    cell = line.tokens[start].cell
    for end in range(start + 1, min(start + _MAX_DATE_TOKENS, len(line.tokens)) + 1):
        token = line.tokens[end - 1]
        if token.cell != cell or (token.ends_label and not any(c.isdigit() for c in token.text)):
            break
        text = f"{text} {token.text}".strip()
        trimmed = text.rstrip(",;.:)").lstrip("(:")
        if _NO_DATE.fullmatch(trimmed):
            continue
        if kind is Kind.TIME and _DOTTED.fullmatch(trimmed):
            return Candidate(piece(line, start, end, trimmed), 0.7)
        if any(c.isdigit() for c in trimmed) and _plausible(trimmed, kind, style):
            strength = 0.5 if trimmed.isdigit() else _ODD if _is_odd(trimmed) else 1.0
            return Candidate(piece(line, start, end, trimmed), strength)
    return None


def _starts_word(text: str) -> bool:
    """Whether a text begins with a month or a day of the week: ``DEC25``, ``MON3``."""
    letters = name_key(re.match(r"[^\W\d_]*", text)[0])  # type: ignore[index]
    return letters in months() or letters in weekdays()


def _is_odd(text: str) -> bool:
    """Whether two different marks stand between the three numbers of a date."""
    marks = [mark.strip() for mark in _FIGURES.split(text)[1:-1]]
    return len(marks) == 2 and marks[0] != marks[1] and not any(map(str.isalpha, "".join(marks)))


def _currencies(line: Line, style: DocumentStyle) -> Iterator[Candidate]:
    for i, token in enumerate(line.tokens):
        text = token.text.strip("()[].,:;")
        if text.isdigit() or not text:
            continue
        signs = [text] if text.isalpha() and text.isupper() and len(text) <= 3 else []
        signs += [sign for sign in _SIGN_IN_WORD.findall(text) if sign not in signs]
        for sign in signs:
            if currencies_of(sign) and _plausible(sign, Kind.CURRENCY, style):
                beside = any(c.isdigit() for c in token.text) or _number_beside(line, i)
                # Codes that begin with X are gold, bonds and tests; FR is a country.
                code = sign.isalpha() and len(sign) == 3 and not sign.startswith("X")
                if (beside and sign != "FR") or code or not sign.isalpha():
                    strength = 1.0 if beside else 0.7 if code else 0.5
                    if sign.isalpha() and sign not in PLAIN_CODES and _begins_number(line, i, sign):
                        strength *= _RARE
                    yield Candidate(piece(line, i, i + 1, sign), strength * (1.0 if code else _SIGN))
                    break


def _begins_number(line: Line, i: int, sign: str) -> bool:
    """Whether letters begin the number of an article or tax payer, or a post code: bare digits, no word of money."""
    rest = line.tokens[i].text.strip("()[].,:;").removeprefix(sign)
    following = rest or next((token.text for token in line.tokens[i + 1 : i + 2]), "")
    money = any(
        token.concepts & {"amount", "price", "net", "gross", "due", "payment"} for token in line.tokens
    )
    return bool(_BARE_DIGITS.fullmatch(following)) and not money


def _number_beside(line: Line, i: int) -> bool:
    beside = line.tokens[max(i - 1, 0) : i] + line.tokens[i + 1 : i + 2]
    return any(t.text[:1].isdigit() or t.text[-1:].isdigit() for t in beside)
