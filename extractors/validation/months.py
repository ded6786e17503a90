"""Names of months and weekdays in the languages of the documents, from the CLDR data of babel."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from babel import Locale

_LOCALE_NAMES = """
en en_AU de de_AT fr fr_CA es es_MX it nl pt da sv nb nn fi is et lv lt pl cs sk sl hr sr_Latn sr bs ro hu tr
az sq el bg mk ru uk be ca gl eu ga cy mt id ms vi th hi fil af sw he ar fa ja zh ko
"""
_LOCALES = _LOCALE_NAMES.split()
_FIRST = _LOCALES[:15]
"""Languages whose meaning of a name wins when another language uses the same name for another month."""

_EXTRA = {
    "sept": 9,
    "sep": 9,
    "jän": 1,
    "jaen": 1,
    "jänner": 1,
    "feber": 2,
    "maerz": 3,
    "mrz": 3,
    "mrt": 3,
    "fev": 2,
    "aout": 8,
    "ene": 1,
    "dic": 12,
    "mei": 5,
    "mac": 3,
    "ogos": 8,
    "ogs": 8,
    "okt": 10,
    "des": 12,
    "dis": 12,
}


def name_key(name: str) -> str:
    """Case, diacritics and a full stop at the end do not tell months apart."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).strip(" .")


@lru_cache(maxsize=1)
def months() -> dict[str, frozenset[int]]:
    """Month names to their numbers; more than one where languages disagree (``listopad``: 10 and 11)."""
    found: dict[str, set[int]] = {}
    settled: dict[str, int] = {name_key(name): number for name, number in _EXTRA.items()}
    for identifier in _LOCALES:
        calendar = Locale.parse(identifier).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in calendar[context][width].items():
                    key = name_key(str(name))
                    if len(key) < 2 or not all(c.isalpha() or unicodedata.combining(c) for c in key):
                        continue
                    found.setdefault(key, set()).add(int(number))
                    if identifier in _FIRST:
                        settled.setdefault(key, int(number))
    found.update({key: {number} for key, number in settled.items()})
    return {key: frozenset(numbers) for key, numbers in found.items()}


@lru_cache(maxsize=1)
def weekdays() -> frozenset[str]:
    """Names of weekdays, full and short; they stand beside a date and say nothing new."""
    names: set[str] = set()
    for identifier in _LOCALES:
        calendar = Locale.parse(identifier).days
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated", "short"):
                for name in calendar[context].get(width, {}).values():
                    names.update(name_key(part) for part in str(name).split("-"))
    return frozenset(name for name in names if name)
