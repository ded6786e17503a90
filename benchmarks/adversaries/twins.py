"""Clean documents with their answers, and the twins made of them: which attack on which document, by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks.adversaries.attacks import (
    HIDINGS,
    LABELS,
    NEAR,
    ORDERS,
    PLACES,
    Attack,
    Group,
    Place,
    fake_of,
    form_of,
    near_miss,
    order,
)
from benchmarks.adversaries.paper import Spot, find_spot, write_twin
from extractors.evaluation.metrics import Labels
from extractors.validation.paths import leaf_at
from extractors.validation.text import text_key
from schemas.document import Box, ReadDocument
from schemas.extraction import ExtractedField, Extraction
from schemas.registry import LoadedSchema

SHARES: dict[Group, float] = {
    "visible order": 0.5,
    "hidden order": 0.3,
    "near miss": 0.16,
    "blank page": 0.04,
}


@dataclass(frozen=True)
class Clean:
    """A document as it came: read, answered, and its truth where there is one."""

    name: str
    path: Path
    schema: LoadedSchema
    document: ReadDocument
    answer: Extraction
    truth: Labels | None = None

    @property
    def targets(self) -> list[ExtractedField]:
        """Fields with a value and a place on the page: what attacks aim at."""
        return [f for f in self.answer.fields if f.raw and f.page and f.boxes and f.grounding == "span"]


@dataclass(frozen=True)
class Twin:
    """A clean document with one attack in it."""

    clean: Clean
    attack: Attack
    path: Path
    spot: Spot | None


def make_twins(cleans: Sequence[Clean], count: int, seed: int, folder: Path) -> Iterator[Twin]:
    """So many twins, in turn over the documents; fewer if some attacks fit none of them.

    Args:
        cleans: documents with an answer.
        count: of twins, shared out by `SHARES`.
        seed: of which attack meets which document and field.
        folder: where the files go.
    """
    chance = random.Random(seed)
    number = 0
    for group, target in _counts(count).items():
        wanted = _wanted(group, chance)
        made = turn = 0
        while made < target and turn < target + 2 * len(
            wanted
        ):  # some fit no document: the next ones are tried
            kind, place = wanted[turn % len(wanted)]
            first = chance.randrange(max(len(cleans), 1))
            for clean in (*cleans[first:], *cleans[:first]):
                twin = _twin(clean, group, kind, place, turn, chance, folder / f"{number:03d}")
                if twin is not None:
                    number += 1
                    made += 1
                    yield twin
                    break
            turn += 1


def _counts(count: int) -> dict[Group, int]:
    """How many twins of each group; what rounding leaves over goes to the visible orders."""
    counts = {group: int(count * share) for group, share in SHARES.items()}
    counts["visible order"] += count - sum(counts.values())
    return counts


def _wanted(group: Group, chance: random.Random) -> list[tuple[str, Place]]:
    """Kinds of attack and their places, each kind once before any comes again."""
    if group == "blank page":
        return [("before", "header"), ("after", "footer")]
    named: dict[Group, list[str]] = {
        "visible order": [*ORDERS, *LABELS],
        "hidden order": [*HIDINGS],
        "near miss": sorted(NEAR),
    }
    kinds = named[group]
    pairs = list(product(kinds, PLACES))
    chance.shuffle(pairs)
    found: list[tuple[str, Place]] = []
    while pairs:
        for kind in kinds:
            at = next((pair for pair in pairs if pair[0] == kind), None)
            if at is not None:
                pairs.remove(at)
                found.append(at)
    return found


def _twin(
    clean: Clean, group: Group, kind: str, place: Place, turn: int, chance: random.Random, target: Path
) -> Twin | None:
    """The twin, or ``None`` if this attack cannot be made of this document."""
    if group == "blank page":
        blank = Attack(group, kind, place)
        path = write_twin(clean.path, target, clean.document, blank, None)
        return Twin(clean, blank, path, None) if path else None
    targets = clean.targets
    chance.shuffle(targets)
    for field in targets:
        attack = _attack(clean, field, group, kind, place, turn)
        if attack is None:
            continue
        spot = None
        if attack.hiding != "metadata":
            spot = _spot(clean, field, attack)
            if spot is None:
                continue
        path = write_twin(clean.path, target, clean.document, attack, spot)
        return Twin(clean, attack, path, spot) if path else None
    return None


def _attack(
    clean: Clean, field: ExtractedField, group: Group, kind: str, place: Place, turn: int
) -> Attack | None:
    leaf = leaf_at(clean.schema.tree, field.path)
    if leaf is None or field.raw is None:
        return None
    form = form_of(leaf, field.raw)
    fake = fake_of(form, field.raw, turn)
    words = "".join(text_key(word.text) for _, word in clean.document.words)
    if text_key(fake) in words:
        return None
    if group == "near miss":
        wordings = list(NEAR[form])
        return (
            near_miss(wordings[turn % len(wordings)], place, field.path, form, fake) if form == kind else None
        )
    if group == "visible order":
        return order(kind, place, field.path, fake)
    hiding = next(h for h in HIDINGS if h == kind)
    return order(list(ORDERS)[turn % len(ORDERS)], place, field.path, fake, hiding)


def _spot(clean: Clean, field: ExtractedField, attack: Attack) -> Spot | None:
    page = clean.document.page(field.page or 1)
    if page is None or (attack.hiding in ("white", "behind") and page.source != "text_layer"):
        return None  # on the grey paper of a scan white print can be read
    return find_spot(page, attack.place, attack.text, Box(*field.boxes[0]))
