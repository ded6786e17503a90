"""What a list asks for, and how well a label or a heading names it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractors.backends.scripted.concepts import concepts_of, label_concepts, parts_of
from extractors.backends.scripted.descriptions import asked_for, says_nothing
from extractors.backends.scripted.labels import Goal, goal_of
from extractors.backends.scripted.lists.topics import fills, folded, same_word, topics_of
from schemas.tree import ArrayNode, Kind, Leaf

NAMED = 0.6
"""A label or heading that names a list at least so well is its."""
_BY_DESCRIPTION = 0.65
"""What only the description says is a little above that; a name says it better."""
_OF_TWO = 0.9
"""What heads two things (*Certifications & Training*) names each a little less."""
_HALVES = re.compile(r"\s+(?:&|and|und|et|y|e|i|en|\+)\s+|\s*/\s*", re.IGNORECASE)
_MOST_WORDS = 8
_COARSE = frozenset(["line", "time", "unit", "description", "name", "amount"])
"""Concepts that hold too much to tell one list from another."""
_OWNERS = frozenset(["buyer", "seller", "insurer", "employer", "carrier", "bank", "shipper", "consignee"])


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a list's name with what it may mean."""

    key: str
    topics: frozenset[str]
    concepts: frozenset[str]

    def is_said(self, part: str) -> bool:
        """Whether a printed word says the same."""
        key = folded(part)
        if same_word(self.key, key) or self.topics & topics_of(part):
            return True
        return bool(self.concepts & label_concepts(part))


@dataclass(frozen=True)
class Wanted:
    """A list that is to be found.

    Attributes:
        path: in the schema.
        node: the list.
        goals: fields of its items; none of a list of single values.
        words: telling words of its name, of its description where the name is made up.
        told: words of the description that are topics.
        single: a list of single values as the goal of one of them.
    """

    path: str
    node: ArrayNode
    goals: tuple[Goal, ...]
    words: tuple[Word, ...]
    told: tuple[Word, ...]
    single: Goal | None

    @property
    def leaf(self) -> Leaf | None:
        """The item of a list of single values."""
        return self.node.item if isinstance(self.node.item, Leaf) else None

    @property
    def topics(self) -> frozenset[str]:
        """What its name speaks of; what its description does where the name does not."""
        found = frozenset[str]().union(*(word.topics for word in self.words))
        return found or frozenset[str]().union(*(word.topics for word in self.told))

    @property
    def owned(self) -> bool:
        """Whether its name says whose the values are: not all of their form are meant."""
        return any(word.concepts & _OWNERS for word in self.words)

    def named(self, text: str) -> float:
        """How well a label or heading names the list, 0 to 1."""
        parts = [part for part in parts_of(text) if folded(part)]
        if not 0 < len(parts) <= _MOST_WORDS:
            return 0.0
        best = max(
            _named(self.words, parts), _BY_DESCRIPTION * (_named(self.told, parts, any_of=True) == 1.0)
        )
        halves = _HALVES.split(text, maxsplit=1) if best < _OF_TWO else []
        return max(best, *(_OF_TWO * self.named(half) for half in halves)) if len(halves) > 1 else best


def _named(words: Sequence[Word], parts: Sequence[str], any_of: bool = False) -> float:
    """The share of the name that is said, times the share of what is said that is of the name."""
    telling = [part for part in parts if not fills(part)] or list(parts)
    said = [part for part in telling if any(word.is_said(part) for word in words)]
    if not said:
        return 0.0
    covered = 1.0 if any_of else sum(any(word.is_said(part) for part in parts) for word in words) / len(words)
    return covered * len(said) / len(telling)


def wanted_of(path: str, node: ArrayNode, goals: Sequence[Goal]) -> Wanted:
    """What a list asks for; ``goals`` are those of its items' fields."""
    name = path.rpartition(".")[2]
    leaf = node.item if isinstance(node.item, Leaf) else None
    said = " ".join(filter(None, (node.description, leaf.description if leaf is not None else "")))
    made_up = says_nothing(name)
    words = _words(asked_for(said) if made_up else name)
    told = tuple(word for word in _words(asked_for(said)) if word.topics)
    single = None
    if leaf is not None:
        about = replace(leaf, description=said)
        single = replace(goal_of(_one(name), about, 0), leaf=leaf)
        if leaf.kind is Kind.TEXT and single.kind is not Kind.DATE:
            single = replace(single, kind=Kind.TEXT)
    return Wanted(path, node, tuple(goals), words, () if made_up else told, single)


def _words(text: str) -> tuple[Word, ...]:
    """The words of a name that tell it from others; if none does, all of them."""
    parts = [part for part in parts_of(text) if folded(part)]
    telling = [part for part in parts if not fills(part)] or parts
    return tuple(Word(folded(part), topics_of(part), concepts_of(part) - _COARSE) for part in telling)


def _one(name: str) -> str:
    """The name of a list as that of one of its items: ``due_dates`` as ``due_date``."""
    for end, one in (("sses", "ss"), ("xes", "x"), ("ies", "y"), ("s", "")):
        if name.endswith(end) and len(name) > len(end) + 1 and not name.endswith("ss"):
            return name[: -len(end)] + one
    return name
