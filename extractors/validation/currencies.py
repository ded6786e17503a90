"""Printed currency signs, codes and names to ISO 4217 codes, by the CLDR data of babel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale
from babel.numbers import list_currencies

from extractors.validation.problems import UntypableError, shown
from extractors.validation.text import fold_signs

_NAME_LOCALES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl")
_NO_MONEY = {"XXX", "XTS"}
PLAIN_CODES = frozenset(
    [
        *("USD", "EUR", "GBP", "CHF", "JPY", "CNY", "AUD", "NZD", "SGD", "HKD", "MYR", "INR", "SEK", "NOK"),
        *("DKK", "PLN", "CZK", "HUF", "RON", "ZAR", "AED", "THB", "IDR", "KRW", "TWD", "MXN", "BRL"),
    ]
)
"""Codes that are no words of their own."""
_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "BRL", "XCD", "CLP", "COP", "ARS")

# Signs as printed at home, which CLDR's English data does not list or gives to one currency only.
_SIGNS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",),
    "$": _DOLLARS,
    "£": ("GBP",),
    "¥": ("JPY", "CNY"),
    "円": ("JPY",),
    "元": ("CNY",),
    "₹": ("INR",),
    "rm": ("MYR",),
    "us$": ("USD",),
    "u$s": ("USD",),
    "c$": ("CAD",),
    "can$": ("CAD",),
    "cad$": ("CAD",),
    "au$": ("AUD",),
    "s$": ("SGD",),
    "rmb": ("CNY",),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON", "MDL"),
    "лв": ("BGN",),
    "₽": ("RUB",),
    "руб": ("RUB",),
    "₺": ("TRY",),
    "tl": ("TRY",),
    "₴": ("UAH",),
    "rp": ("IDR",),
    "฿": ("THB",),
    "rs": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "r": ("ZAR",),
    "euros": ("EUR",),
    "dollar": _DOLLARS,
    "dollars": _DOLLARS,
}
_US_ADDRESS = re.compile(
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT"
    r"|V[AT]|W[AIVY])[ ,.]+\d{5}(?:-\d{4})?\b"
)
_WORD = re.compile(r"[^\W\d_]*[^\w\s.,'()%+*/:;-]|[^\W\d_]+")


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(list_currencies()) - _NO_MONEY


@lru_cache(maxsize=1)
def _signs() -> dict[str, tuple[str, ...]]:
    """Sign or name, case folded, to the currencies that use it; our own list wins over CLDR's."""
    found: dict[str, set[str]] = {}
    for name in _NAME_LOCALES:
        locale = Locale.parse(name)
        for table in (locale.currency_symbols, locale.currencies):
            for code, sign in table.items():
                if code in _codes() and sign != code:
                    found.setdefault(fold_signs(str(sign)).casefold().rstrip("."), set()).add(code)
    return {sign: tuple(sorted(codes)) for sign, codes in found.items()} | _SIGNS


def currencies_of(token: str) -> tuple[str, ...]:
    """The currencies that ``token`` can stand for: a code (``EUR``), a sign (``€``, ``RM``) or a name.

    A three-letter word is a code only in capitals or as written by CLDR: ``all`` is no Albanian lek.
    """
    if token in _codes():
        return (token,)
    return _signs().get(token.casefold().rstrip("."), ())


def parse_currency(text: str, seen: frozenset[str] = frozenset()) -> str:
    """The ISO 4217 code of a printed currency; an amount beside it is passed over.

    Args:
        text: ``EUR``, ``€``, ``RM``, ``US Dollar``, ``$ 12.50`` ...
        seen: currencies that the document names elsewhere (`currencies_seen`). A sign that several use
            (``$``, ``kr``, ``¥``) is read as the one of them that is seen, and as none without that: a
            Canadian invoice must not land in US dollars because most invoices do.

    Raises:
        UntypableError: it is no currency, or cannot be told which.
    """
    folded = fold_signs(text)
    whole = folded.rstrip(".")
    candidates = currencies_of(whole) or currencies_of(whole.upper() if len(whole) == 3 else whole)
    if not candidates:
        found = [codes for token in _WORD.findall(folded) if (codes := currencies_of(token))]
        candidates = (
            tuple(code for code in found[0] if all(code in codes for codes in found)) if found else ()
        )
    if not candidates:
        raise UntypableError(f"{shown(text)} names no currency, or several.")
    if len(candidates) > 1:
        narrowed = [code for code in candidates if code in seen]
        if len(narrowed) != 1:
            raise UntypableError(
                f"{shown(text)} may be {', '.join(candidates[:4])}{' …' if len(candidates) > 4 else ''}; "
                "no code on the document tells which."
            )
        candidates = (narrowed[0],)
    return candidates[0]


def currencies_seen(words: Iterable[str]) -> frozenset[str]:
    """Codes that a document names without doubt: ISO codes and unmistakable signs; USD by a US address.

    Some codes are words as well (``PEN``, ``TOP``, ``CAD design``): such a one counts beside a figure or a sign, or
    behind a word that speaks of currency.
    """
    listed = list(words)
    beside = {
        word
        for i, word in enumerate(listed)
        if not word.strip(".,:;()[]").isalpha()
        or any(_figures(one) for one in (*listed[max(i - 1, 0) : i], *listed[i + 1 : i + 2]))
        or (i > 0 and _speaks_of_currency(listed[i - 1]))
    }
    seen: set[str] = set()
    for word in set(listed):
        for token in (word.strip(".,:;()[]"), *(_WORD.findall(word) if not word.isalpha() else ())):
            if token in _codes():
                if word in beside or token in PLAIN_CODES:
                    seen.add(token)
            elif token and not token.isalnum() and len(codes := currencies_of(token)) == 1:
                seen.add(codes[0])
    if not seen.intersection(_DOLLARS) and _US_ADDRESS.search(" ".join(listed)):
        seen.add("USD")
    return frozenset(seen)


def _figures(word: str) -> bool:
    """Whether a word is a figure, a sign, or a code itself."""
    bare = word.strip(".,:;()[]-")
    return any(c.isdigit() for c in word) or bare in PLAIN_CODES or not any(c.isalnum() for c in bare)


def _speaks_of_currency(word: str) -> bool:
    """Whether a label for the currency ends with the word: ``Währung:``, ``Currency (ISO)``."""
    key = word.casefold().rstrip(":.")
    return key == "in" or key.startswith(
        ("curr", "währ", "waehr", "devise", "moneda", "valut", "monnaie", "munt")
    )
