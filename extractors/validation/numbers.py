"""Printed numbers to exact decimals, whichever separators were used.

The digits decide wherever they can: ``1.234,56`` and ``12,50`` have one reading. One separator before exactly
three digits (``1,000``) has two; then the other numbers of the same document decide (`number_style`), else a
currency beside it that has no thousandths (``$1,000``), else nobody: the number is ambiguous. No step goes
through binary floating point.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from babel.numbers import get_currency_precision

from extractors.validation.currencies import currencies_of
from extractors.validation.problems import UntypableError, shown
from extractors.validation.text import fold_signs
from schemas.outcome import ReviewReason

MAX_DIGITS = 30
"""More digits than this are a code or a bar, not an amount."""

Separator = Literal[".", ","]


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """Which sign is the decimal separator of a document; ``None`` when its numbers do not tell."""

    decimal: Separator | None = None


UNKNOWN_STYLE = NumberStyle()

_NUMBER = re.compile(r"[.,]?\d(?:[\d.,' ]*\d)?")
_BEFORE = re.compile(r"[^\W\d]+\.?\$?|\S")
_AFTER = re.compile(r"[^\W\d]+[.²³]?|\S")
_ZERO_CENTS = re.compile(r"^[.,] ?-{1,2}(?!\d)")
_TAX_CODE = re.compile(r"^ ?(?!(?:[KMBT]|MM|MN|BN|CR)$)[A-Z]{1,2}$")
"""A tax code printed behind an amount with two decimals: ``12.50 SR``, ``3,99 A``; no word that scales it."""
_SCALES = frozenset({"K", "M", "B", "T", "MM", "MN", "BN"})
"""In capitals behind money: thousands to trillions, and no metres or tonnes."""
_PLAIN_GROUPS = re.compile(r"\d{1,3}(?:\D\d{3})+")
_INDIAN_GROUPS = re.compile(r"\d{1,2}(?:\D\d{2})*\D\d{3}")
_IN_WORD = re.compile(r"(?<![\w.,/:'-])[-(+]?[^\W\d_]{0,3}[^\w\s]?(\d[\d.,']*\d)(?![\d/:])")

# Units that stand behind quantities, and words that belong to an amount without changing it. Words that scale
# an amount (million, k, lakh) are missing on purpose: such a text is refused, not read a thousandfold wrong.
_UNIT_WORDS = """
kg g mg t to lb lbs oz l ml cl m m2 m3 m² m³ cm mm km ft in sqm qm lfm h hr hrs hour hours std stunde stunden
min tag tage day days d woche wochen week weeks monat monate month months year years jahr jahre jours heures
stk stck stück stuck st pc pcs pce pz pza pièce pièces unit units unité unités ud uds ea each x pack pkg paar
pr pair box boxes ctn set sets rolle kwh mwh wh kw pers person personen item items nos qty psch pauschal hur
c62 h87 dr net netto brutto gross
"""
_UNITS = frozenset(_UNIT_WORDS.split())


def parse_number(text: str, style: NumberStyle = UNKNOWN_STYLE, *, whole: bool = False) -> Decimal:
    """The number that ``text`` shows.

    Understood besides digits: either decimal separator; thousands by comma, dot, apostrophe, any space,
    Indian groups; a currency sign, code or name on either side; a unit or ``%`` behind; minus before or
    behind, brackets, ``CR``; ``12,-``. The scale is kept as printed (``2.50``).

    Args:
        text: as printed.
        style: what the other numbers of the document say, see `number_style`.
        whole: the field takes integers only, so a reading with decimals other than zeros does not count.

    Raises:
        UntypableError: no single number (``INVALID_VALUE``), or one with two readings (``AMBIGUOUS_NUMBER``).
    """
    folded = fold_signs(text)
    match = _NUMBER.search(folded)
    if match is None:
        raise UntypableError(f"{shown(text)} has no digits.")
    body, before, after = match[0], folded[: match.start()], folded[match.end() :]
    if body[0] in ".," and before[-1:].isalpha():  # "Rs.500": the dot abbreviates the word
        body, before = body[1:], before + body[0]
    if sum(c.isdigit() for c in body) > MAX_DIGITS:
        raise UntypableError(f"{shown(text)} has too many digits for a number.")
    after = _ZERO_CENTS.sub("", after)
    if re.search(r"[.,]\d\d$", body):
        after = _TAX_CODE.sub("", after)
    negative = _sign(before, after, text)
    if style.decimal is None and _is_money(before + " " + after):
        style = _grouping_style(body)
    number = _read_body(_close_gap(body), style, whole, text)
    if whole and number != number.to_integral_value():
        raise UntypableError(f"{shown(text)} is no whole number.")
    return number.copy_negate() if negative and number else number


def plain(number: Decimal) -> str:
    """``number`` without exponent, grouping or a sign before zero."""
    return format(number if number else abs(number), "f")


def number_style(texts: Iterable[str]) -> NumberStyle:
    """The decimal separator that the words of a document agree on.

    Amounts with two decimals or with both separators count first; only without any do other numbers. A fifth
    of dissenting votes (dates, times, section numbers, recognition errors) is tolerated; more leaves it open.
    """
    strong: Counter[Separator] = Counter()
    weak: Counter[Separator] = Counter()
    unsettled: set[str] = set()  # separators of 12.000, which may be either
    for text in texts:
        if "." not in text and "," not in text:
            continue
        for match in _IN_WORD.finditer(fold_signs(text)):
            body = match[1]
            try:
                separator = _decimal_separator(body)
            except UntypableError:
                continue
            if separator is None:
                unsettled.update({".", ","} & set(body))
            else:
                tail = body.rpartition(separator)[2] if separator in body else ""
                clear = len(tail) == 2 or ("." in body and "," in body) or not tail
                (strong if clear else weak)[separator] += 1
    votes = strong or weak
    if votes:
        separator, count = votes.most_common(1)[0]
        # Section numbers and quantities alone do not say what 12.000 is.
        if count >= 0.8 * votes.total() and (strong or separator not in unsettled):
            return NumberStyle(separator)
    return UNKNOWN_STYLE


def _sign(before: str, after: str, text: str) -> bool:
    """Whether the number is negative, by what stands around it; refuses what does not belong to a number."""
    minus = opened = closed = credit = 0
    for token in _BEFORE.findall(before):
        if token == "-":
            minus += 1
        elif token in "(<":
            opened += 1
        elif token not in "+*=:#" and not currencies_of(token):
            raise UntypableError(f"{shown(text)}: {token!r} does not belong before a number.")
    for token in _AFTER.findall(after):
        word = token.casefold()
        if token == "-":
            minus += 1
        elif token in ")>":
            closed += 1
        elif word.rstrip(".") == "cr":
            credit += 1
        elif token in _SCALES and _is_money(before):
            raise UntypableError(f"{shown(text)}: {token!r} may scale the number.")
        elif (
            token not in "%*/.,:"
            and word not in _UNITS
            and word.rstrip(".") not in _UNITS
            and not currencies_of(token)
        ):
            raise UntypableError(f"{shown(text)}: {token!r} does not belong behind a number.")
    if opened != closed or opened > 1:
        raise UntypableError(f"{shown(text)}: brackets do not match.")
    if minus > 1 or credit > 1 or (credit and (minus or opened)):
        raise UntypableError(f"{shown(text)} has more than one sign.")
    return bool(minus or opened or credit)


def _is_money(around: str) -> bool:
    """Whether a currency that is counted in hundredths at most stands beside the number."""
    return any(
        all(get_currency_precision(code) <= 2 for code in codes)
        for token in _BEFORE.findall(around)
        if (codes := currencies_of(token))
    )


def _grouping_style(body: str) -> NumberStyle:
    """The style in which the only separator of ``body`` groups thousands."""
    return NumberStyle("." if "," in body else ",")


def _close_gap(body: str) -> str:
    """``5. 50`` and ``5 .50`` (a recogniser's gap) as ``5.50``; ``1, 2`` stays as it is and is refused."""
    return re.sub(r" ?([.,]) ?(?=\d{2}$)", r"\1", body)


def _decimal_separator(body: str) -> Separator | None:
    """Which sign the digits themselves show to be the decimal separator; ``None`` when they leave it open.

    Raises:
        UntypableError: the separators make no number.
    """
    dots, commas = body.count("."), body.count(",")
    if not dots and not commas:
        return None
    if dots and commas:
        last: Separator = "." if body.rfind(".") > body.rfind(",") else ","
        head = body.rpartition(last)[0]
        if last in head or not _grouped(head):
            raise UntypableError(f"{shown(body)}: the separators make no number.")
        return last
    sign: Separator = "." if dots else ","
    other: Separator = "," if dots else "."
    head, _, tail = body.rpartition(sign)
    if dots + commas > 1:
        if not _grouped(body):
            raise UntypableError(f"{shown(body)}: the separators make no number.")
        return other
    if "'" in tail or " " in tail:
        raise UntypableError(f"{shown(body)}: the separators make no number.")
    if "'" in head or " " in head:
        if not _grouped(head):
            raise UntypableError(f"{shown(body)}: the separators make no number.")
        return sign
    if len(tail) != 3 or not head or len(head) > 3 or head[0] == "0":
        return sign
    return None


def _grouped(digits: str) -> bool:
    """Plain digits, or groups of three (or Indian: two, two, three) held apart by one and the same sign."""
    signs = {c for c in digits if not c.isdigit()}
    if not signs:
        return bool(digits)
    return len(signs) == 1 and bool(_PLAIN_GROUPS.fullmatch(digits) or _INDIAN_GROUPS.fullmatch(digits))


def _read_body(body: str, style: NumberStyle, whole: bool, text: str) -> Decimal:
    separator = _decimal_separator(body)
    one_sign = "." in body or "," in body
    if separator is None and one_sign:
        sign: Separator = "." if "." in body else ","
        as_group, as_decimal = Decimal(body.replace(sign, "")), Decimal(body.replace(sign, "."))
        if style.decimal is not None:
            return as_decimal if style.decimal == sign else as_group
        if whole and as_decimal != as_decimal.to_integral_value():
            return as_group
        raise UntypableError(
            f"{shown(text)} may be {plain(as_group)} or {plain(as_decimal)}; "
            "no other number on the document tells which.",
            ReviewReason.AMBIGUOUS_NUMBER,
        )
    head, _, tail = body.rpartition(separator) if separator and separator in body else (body, "", "")
    if not _grouped(head) and head:
        raise UntypableError(f"{shown(text)}: the separators make no number.")
    if not tail.isdigit() and tail:
        raise UntypableError(f"{shown(text)}: the separators make no number.")
    digits = re.sub(r"\D", "", head) or "0"
    return Decimal(f"{digits}.{tail}" if tail else digits)
