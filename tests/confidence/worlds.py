"""Judged documents of made-up worlds, in which the chance of every field to be right is known."""

from __future__ import annotations

import math
import random

from extractors.confidence.features import FEATURES, NULL_FEATURES
from extractors.confidence.fit import JudgedDocument, JudgedField

NOTHING = dict.fromkeys((*FEATURES, *NULL_FEATURES), 0.0)


def world(count: int, seed: int, *, fingerprint: str = "aa", shift: float = 0.0) -> list[JudgedDocument]:
    """Values whose log-odds of being right are 2 + score + shift; nulls with 0.8 throughout."""
    chance = random.Random(seed)
    documents = []
    for _ in range(count):
        fields = []
        for name in ("a", "b", "c"):
            score = -chance.expovariate(0.5)
            right = chance.random() < 1 / (1 + math.exp(-(2 + score + shift)))
            fields.append(JudgedField(name, NOTHING | {"score": score}, False, right, True))
        fields.append(JudgedField("d", NOTHING, True, chance.random() < 0.8, True))
        documents.append(JudgedDocument(fingerprint, tuple(fields)))
    return documents
