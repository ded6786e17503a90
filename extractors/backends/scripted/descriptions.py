"""What the description of a field says beyond its name: words of its label, the form of its value, whose it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from extractors.backends.scripted.concepts import STOP, concepts_of, parts_of
from extractors.validation.text import text_key
from schemas.tree import Kind, Leaf

_OTHERS = re.compile(
    r"[;(]|[,.]?\s+(?:but |and )?(?:not|nor|neither|rather than|instead of|as opposed to|null|nicht|sondern|non|et non"
    r"|no)\b",
    re.IGNORECASE,
)
"""Behind this a description tells what the field is not."""
_BARE = re.compile(r"\bwithout (?:the |its |a |any )?(?:currency|sign|units?)\b", re.IGNORECASE)
_DAY = frozenset(["day", "tag", "jour", "dia", "giorno", "dzien", "dag"])
_LEAST_LETTERS = 4
_OR = frozenset({"or", "oder", "ou"})
_NAME_OF = re.compile(r"(?:the )?(?:full |complete )?name of\b", re.IGNORECASE)
_MADE_UP = re.compile(r"[a-z]{1,6}_?\d{1,4}(?:_\d+)?|[a-z]_?[a-f0-9]{4,}", re.IGNORECASE)
"""A key that says nothing: ``f_32``, ``col7``, ``field_12_2``."""
_VAGUE_WORDS = """
first last full whole total given printed stated shown named called other this that these those such each every
one two more most least than then there here also only just still will would should must have been being does
under over above below with from into onto upon about between their them they your ours what whom whose while
where whether because kind type form part side line page text word letter
"""
_VAGUE = frozenset(_VAGUE_WORDS.split())
"""Words that tell no field from another."""
_ISSUERS = """
insurer carrier laboratory lab organiser organizer organisation organization bank hospital clinic school university
landlord airline provider sender employer utility authority broadcaster publisher lender lessor practice
versicherer labor veranstalter arbeitgeber absender anbieter assureur laboratoire organisateur employeur
assicuratore laboratorio organizzatore datore mittente aseguradora organizador empleador verzekeraar werkgever
ubezpieczyciel pracodawca
"""
_ISSUER_WORDS = frozenset(_ISSUERS.split())
_ADDRESSEES = """
holder accountholder policyholder client insured member patient subscriber recipient addressee employee tenant
borrower taxpayer debtor versicherter versicherungsnehmer kontoinhaber mitarbeiter patientin mieter empfaenger
titulaire titolare titular assure dipendente paziente empleado paciente verzekerde rekeninghouder werknemer
"""
_ADDRESSEE_WORDS = frozenset(_ADDRESSEES.split())
_ISSUES = re.compile(
    r"letter ?head|\bthat (?:issue[sd]|bills?|sends?|delivers)\b|\bissuing\b|whose (?:form|letter|document) this is"
    r"|\bwho (?:issue[sd]|bills?|sends?)\b",
    re.IGNORECASE,
)


def asked_for(description: str) -> str:
    """What a description asks for, without what it says that the field is not."""
    found = _OTHERS.search(description)
    return description[: found.start()] if found and found.start() > 3 else description


def says_nothing(key: str) -> bool:
    """Whether a field's name is made up, so that only its description tells what is meant."""
    return bool(_MADE_UP.fullmatch(key)) and not any(concepts_of(part) for part in parts_of(key))


def alternatives(description: str) -> dict[str, frozenset[str]]:
    """By word (folded) of what is asked for, the words that "or" joins it to: ``contract or order``."""
    found: dict[str, set[str]] = {}
    parts = [text_key(part) for part in parts_of(asked_for(description))]
    for i in range(1, len(parts) - 1):
        if parts[i] in _OR:
            one, other = parts[i - 1], parts[i + 1]
            found.setdefault(one, set()).add(other)
            found.setdefault(other, set()).add(one)
    return {word: frozenset(words) for word, words in found.items()}


def told_words(descriptions: Sequence[str]) -> list[frozenset[str]]:
    """For each description the words that no other has and that may stand in the label: what is asked for, folded."""
    said = [
        {
            key
            for part in parts_of(asked_for(one))
            if len(key := text_key(part)) >= _LEAST_LETTERS
            and not key.isdigit()
            and key not in STOP
            and key not in _VAGUE
            and not concepts_of(part)
        }
        for one in descriptions
    ]
    often = Counter(word for words in said for word in words)
    return [frozenset(word for word in words if often[word] == 1) for words in said]


def tells_day(description: str) -> bool:
    """Whether a description speaks of a day."""
    return any(text_key(part) in _DAY for part in parts_of(asked_for(description)))


def is_bare_number(leaf: Leaf) -> bool:
    """Whether a text is to be a number: without its currency, sign or unit."""
    return leaf.kind is Kind.TEXT and bool(_BARE.search(leaf.description))


def is_issuer(path: str, leaf: Leaf) -> bool:
    """Whether a field is the name of whose document it is."""
    named = any(text_key(part) in _ISSUER_WORDS for part in parts_of(path.rpartition(".")[2]))
    return leaf.kind is Kind.TEXT and (bool(_ISSUES.search(leaf.description)) or named)


def is_addressee(path: str) -> bool:
    """Whether a field is named after whom a document goes to."""
    return any(text_key(part) in _ADDRESSEE_WORDS for part in parts_of(path.rpartition(".")[2]))


def is_name(leaf: Leaf) -> bool:
    """Whether a description asks for a name."""
    return bool(_NAME_OF.match(leaf.description))
