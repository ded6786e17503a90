"""How much words of a page say what a field's name and description say: the same, of one stem or concept, in short."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from extractors.backends.scripted.concepts import STOP, concepts_of, parts_of
from extractors.backends.scripted.descriptions import asked_for
from extractors.backends.scripted.labels import Goal
from extractors.validation.text import text_key

_STEM = 4
_STEM_SHARE = 0.5
_SAID, _ABOUT = 1.0, 0.8
"""What a word of the name explains of a label, and one of the description."""
_ALIKE = 0.85
"""What a word of the same stem, or one in short, explains of that."""
_FIELDS = 12
"""As many fields a schema is taken to have at least, so that its words tell as much as those of a longer one."""
_COMMON = frozenset(
    {"number", "id", "reference", "name", "date", "amount", "address", "line", "time", "description"}
)
"""What most labels say; none of it alone makes a label a field's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a field: those of its name, and those of what its description asks for; folded."""

    goal: Goal
    name: tuple[str, ...]
    about: tuple[str, ...]


def asked_of(goal: Goal) -> Asked:
    """The words of a field; of the objects that it is in, those that mean something: ``buyer.name`` is the buyer's."""
    groups, _, own = goal.path.rpartition(".")
    parents = tuple(word for word in _said(groups) if concepts_of(word))
    name = (*parents, *(() if goal.made_up else _said(own)))
    return Asked(
        goal, name, tuple(word for word in _said(asked_for(goal.leaf.description)) if word not in name)
    )


def _said(text: str) -> Iterator[str]:
    return (key for part in parts_of(text) if len(key := text_key(part)) > 1 and key not in STOP)


def rarity_of(asked: Sequence[Asked]) -> Mapping[str, float]:
    """How much a word tells: less, the more fields say it (nats)."""
    often = Counter(word for one in asked for word in {*one.name, *one.about})
    fields = max(len(asked), _FIELDS)
    return {word: math.log((1 + fields) / count) for word, count in often.items()}


def are_common(words: Iterable[str]) -> bool:
    """Whether words mean no more than most labels do."""
    return all(concepts_of(word) and concepts_of(word) <= _COMMON for word in words)


def explains(word: str, one: Asked) -> tuple[float, str]:
    """How much of a label's word a field says, and by which of its own."""
    best = (0.0, "")
    for own, share in ((one.name, _SAID), (one.about, _ABOUT)):
        for said in own:
            alike = 1.0 if word.rstrip(".") == said else _ALIKE * _are_alike(word, said)
            best = max(best, (share * alike, said if alike else ""))
    return best


def _are_alike(word: str, said: str) -> bool:
    """Whether two words have a stem or a concept in common, or one is short for the other."""
    bare = word.rstrip(".")
    if concepts_of(bare) & concepts_of(said):
        return True
    if word.endswith(".") and len(bare) > 1 and said.startswith(bare):
        return True
    common = next(
        (i for i, (a, b) in enumerate(zip(bare, said, strict=False)) if a != b), min(len(bare), len(said))
    )
    return common >= max(_STEM, math.ceil(_STEM_SHARE * max(len(bare), len(said))))
