"""Is this such a document at all? Told by the words of the page and of the schema, whatever a model makes of it.

A receipt's schema finds a company, a date and a total on any contract: that all fields are filled says little. What
tells is that the page speaks of advertisers, spots and flights, and not of cash and change. Words are weighed by how
often each kind of document has them (`kinds.json`, fitted on documents that were made up, in seven languages, by
`extractors.training.synthesis.fit_kinds`); the schema's kind is told the same way from its title, keys and
descriptions. A schema of a kind that is not known, and a page with few known words, say nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import sqrt
from pathlib import Path

from extractors.validation.text import text_key
from schemas.document import ReadDocument
from schemas.registry import LoadedSchema
from schemas.tree import leaves

FILE = Path(__file__).with_name("kinds.json")
LOWEST, HIGHEST = -1.0, 3.0
"""Bounds of what one word can say for or against a kind (natural logarithm)."""
PAGES = 5
"""A document shows what it is on its first pages."""
MARGIN = 5.0
"""Another kind must lead the schema's by so much, in roots of the number of words that were weighed."""
MARGIN_NAMED = 7.0
"""The same where the page has the name of a kind that is meant: what calls itself an invoice seldom is an order."""
_MIN_WORDS = 8
_SCHEMA_LEAD = 10.0
_SCHEMA_SHARE = 0.25
"""A schema is of a kind if that leads by `_SCHEMA_LEAD`, with so much for each of its words."""
_NEAR = 0.4
"""A kind that has this share of the leading one's score is meant by the schema too."""
_TITLE_WEIGHT = 5
# What is also called so: whoever asks for one may well be given the other.
_KIN = {
    "invoice": ("utility_bill",),
    "contract": ("ad_order", "insurance_certificate"),
    "application_form": ("registration_form", "medical_form"),
    "registration_form": ("application_form",),
    "tax_form": ("payslip",),
}
_CALLED = {"order": "purchase_order", "statement": "bank_statement", "bill": "utility_bill", "cv": "resume"}
"""What the choices of a schema may call a kind for short."""
_PLAIN = {"ad_order": "advertising order", "resume": "résumé"}
_PART = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

Scores = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The fitted weights: by word, one for each kind; and by kind, what such documents are called."""

    kinds: tuple[str, ...]
    pages: dict[str, Scores]
    schemas: dict[str, Scores]
    names: dict[str, frozenset[str]]


@cache
def table() -> Table:
    """The weights of `FILE`."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    step = (HIGHEST - LOWEST) / 25
    letters = {chr(ord("a") + n): LOWEST + n * step for n in range(26)}

    def weights(coded: dict[str, str]) -> dict[str, Scores]:
        return {word: tuple(letters[letter] for letter in code) for word, code in coded.items()}

    names = {kind: frozenset(called) for kind, called in data["names"].items()}
    return Table(tuple(data["kinds"]), weights(data["pages"]), weights(data["schemas"]), names)


def page_words(document: ReadDocument) -> frozenset[str]:
    """The words of the first pages, folded; without numbers and what is shorter than three letters."""
    texts = (word.text for page in islice(document.pages, PAGES) for word in page.words)
    return frozenset(key for text in texts if len(key := text_key(text)) >= 3 and key.isalpha())


def schema_words(text: str) -> list[str]:
    """The words of a key or a description, folded."""
    parts = _PART.findall(_CAMEL.sub(" ", text))
    return [key for part in parts if len(key := text_key(part)) >= 3]


def kinds_of_schema(schema: LoadedSchema) -> frozenset[str]:
    """The kinds of documents that a schema means; empty when it is none of those known."""
    words = _TITLE_WEIGHT * schema_words(f"{schema.name} {schema.description}")
    named: set[str] = set()
    for path, leaf in leaves(schema.tree):
        words += sorted(set(schema_words(f"{path} {leaf.description}")))
        named.update(text_key(choice) for choice in leaf.choices or ())
    known = table()
    scores = _sums((known.schemas[word] for word in words if word in known.schemas), len(known.kinds))
    ranked = sorted(scores, reverse=True)
    if not words or ranked[0] - ranked[1] < _SCHEMA_LEAD or ranked[0] < _SCHEMA_SHARE * len(words):
        return frozenset()
    meant = {k for k, score in zip(known.kinds, scores, strict=True) if score >= _NEAR * ranked[0]}
    # A choice such as invoice or order says which kinds the schema takes.
    meant |= {kind for kind in known.kinds if text_key(kind) in named}
    meant |= {kind for choice, kind in _CALLED.items() if choice in named}
    return frozenset(meant.union(*(_KIN.get(kind, ()) for kind in meant)))


def other_kind(schema: LoadedSchema, document: ReadDocument) -> str | None:
    """Why the document seems to be of another kind than the schema is for; ``None`` if nothing says so."""
    meant = kinds_of_schema(schema)
    if not meant:
        return None
    words = page_words(document)
    kind, lead = leading_kind(words, meant)
    named = any(words & table().names[name] for name in meant)
    if kind in meant or lead < (MARGIN_NAMED if named else MARGIN):
        return None
    return f"its words are those of {_a(kind)}, not of {_a(_first(meant, schema))}"


def leading_kind(words: Iterable[str], meant: frozenset[str]) -> tuple[str, float]:
    """The likeliest kind by the words, and by how much the likeliest other one leads all that are meant.

    In roots of the number of words weighed: what a word says varies, and a sum of many wanders by the root of their
    number. Negative when one that is meant leads, minus infinity when too few words are known.
    """
    known = table()
    found = [known.pages[word] for word in words if word in known.pages]
    if len(found) < _MIN_WORDS:
        return "", float("-inf")
    scores = dict(zip(known.kinds, _sums(found, len(known.kinds)), strict=True))
    others = max((score for kind, score in scores.items() if kind not in meant), default=float("-inf"))
    own = max(score for kind, score in scores.items() if kind in meant)
    return max(scores, key=lambda kind: scores[kind]), (others - own) / sqrt(len(found))


def _sums(rows: Iterable[Scores], width: int) -> list[float]:
    sums = [0.0] * width
    for row in rows:
        sums = [a + b for a, b in zip(sums, row, strict=True)]
    return sums


def _first(meant: frozenset[str], schema: LoadedSchema) -> str:
    """Of the kinds that are meant, the one that the schema names, else the first by name."""
    words = set(schema_words(f"{schema.name} {schema.description}"))
    return min(meant, key=lambda kind: (-len(words & set(schema_words(kind))), kind))


def _a(kind: str) -> str:
    name = _PLAIN.get(kind, kind.replace("_", " "))
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
