"""What is known about an answered field that says how probable it is to be right: numbers by name.

A fitted probability is a function of these and of nothing else. Their list is closed and ordered; a fit names the list
that it was made with (`VERSION`), and one of another list is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from extractors.backends.base import LeafAnswer
from extractors.backends.scripted import RULES
from extractors.options import ExtractOptions, ReadOptions
from extractors.validation.text import text_key
from schemas.outcome import ReviewReason
from schemas.tree import NUMERIC, Kind, Leaf

VERSION = 2
CIRCUMSTANCES = 3
"""Raised with every change of validation that moves features or verdicts."""
KNOTS = (-0.003, -0.01, -0.03, -0.1, -0.3, -1.0)
"""Scores (nats) at which the weight of a score may change; near 0 a tenth of a nat says much, far off nothing."""
LEAST = -8.0
"""Scores below this are all the same."""
UNFITTED: frozenset[ReviewReason] = frozenset(
    {ReviewReason.MODEL_UNSURE, ReviewReason.LOW_OCR_CONFIDENCE, ReviewReason.WINDOWS_DISAGREE}
)
"""Reasons that a fitted probability has weighed already: under a certified threshold they do not speak again."""

FEATURES: tuple[str, ...] = (
    "score", *(f"score_over_{-knot:g}" for knot in KNOTS), "weakest", "mass",
    "number", "date", "choice", "free", "in_list",
    "length", "digits",
    "places_many", "label", "said_elsewhere",
    "windows_same", "windows_other", "windows_null",
    "rules_same", "rules_other", "rules_sure", "taken", "unknown_schema",
    "recognised", "recognised_least", "recognised_mean",
    "page", "height",
    "doubts", "refused", "rule_broken", "rule_holds",
    "others_score", "others_weakest", "others_null", "others_doubts",
    "truncated", "words", "pages",
)  # fmt: skip
"""Of a value. Shares are 0..1, scores in nats from `LEAST` to 0, counts as log(1 + n), the rest 0 or 1.

Of the rules beside a model: whether they found the same or another value, how sure they are of it (``rules_sure``,
0..1), whether the value is theirs (``taken``). ``unknown_schema``: the model was not trained under it.
"""
NULL_FEATURES: tuple[str, ...] = (
    "score", *(f"score_over_{-knot:g}" for knot in KNOTS), "mass",
    "number", "date", "choice", "in_list",
    "windows_null", "rules_other", "rules_sure", "given_up", "unknown_schema",
    "doubts",
    "others_score", "others_weakest", "others_null", "others_doubts",
    "truncated", "words", "pages",
)  # fmt: skip
"""Of a null: what it says about a text that is not there cannot be known.

``given_up``: the model guessed a value that is but a candidate now.
"""

UNKNOWN = "unknown_schema"
"""The feature that says whether the model was not trained under the schema, and with it which fit is to be asked."""

Features = Mapping[str, float]


def judged_as(model_id: str, options: ExtractOptions, read: ReadOptions) -> str:
    """The model together with all else that features and verdicts hang on: rules, thresholds, how pages are read.

    A calibration that was made under others says nothing of these answers.
    """
    under = [CIRCUMSTANCES, RULES, options.min_field_log_probability, options.min_ocr_confidence]
    digest = hashlib.sha256(json.dumps([*under, read.ocr, read.image_side_px]).encode()).hexdigest()[:8]
    return f"{model_id}/{digest}"


@dataclass(frozen=True, slots=True)
class AnsweredField:
    """A leaf, what was answered, its typed value, and the reasons for review that were found so far.

    ``rules_hold``: a rule between fields speaks of it and is kept.
    """

    leaf: Leaf
    answer: LeafAnswer
    value: Any
    reasons: frozenset[ReviewReason] = frozenset()
    rules_hold: bool = False


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """Of the whole document: words, pages, heights (points) by page number, whether the answer was cut off."""

    words: int
    heights: Mapping[int, float]
    truncated: bool


def features_of(fields: Sequence[AnsweredField], facts: DocumentFacts) -> dict[str, Features]:
    """The features of every field of a document, by concrete path."""
    texts = Counter(_text(one.answer) for one in fields if one.answer.raw is not None)
    around = _Around(fields)
    # Of the schema, hence of all its fields: those that validation adds no backend has told it of.
    unknown = max((one.answer.signals.get(UNKNOWN, 0.0) for one in fields), default=0.0)
    return {
        one.answer.path: {
            **_of_answer(one.answer),
            UNKNOWN: unknown,
            **_of_leaf(one.leaf, one.answer.path),
            **_of_text(one.answer, texts),
            **_of_place(one.answer, facts),
            **_of_reasons(one),
            **around.without(number),
            "truncated": float(facts.truncated),
            "words": math.log1p(facts.words),
            "pages": math.log1p(len(facts.heights)),
        }
        for number, one in enumerate(fields)
    }


def score_of(answer: LeafAnswer) -> float:
    """The log-probability, from `LEAST` to 0; `LEAST` where there is none."""
    return _bounded(answer.log_probability)


def _bounded(score: float | None) -> float:
    return LEAST if score is None or math.isnan(score) else min(max(score, LEAST), 0.0)


def _of_answer(answer: LeafAnswer) -> dict[str, float]:
    score, signals = score_of(answer), answer.signals
    return {
        "score": score,
        **{f"score_over_{-knot:g}": max(score - knot, 0.0) / -knot for knot in KNOTS},
        "weakest": _bounded(signals.get("weakest", score)),
        "mass": 0.0 if answer.log_mass is None else _bounded(answer.log_mass),
        "places_many": math.log(max(signals.get("places", 1.0), 1.0)),
        "label": signals.get("label", 0.0),
        "windows_same": math.log1p(max(signals.get("windows_same", 1.0), 0.0)),
        "windows_other": math.log1p(signals.get("windows_other", 0.0)),
        "windows_null": math.log1p(signals.get("windows_null", 0.0)),
        "rules_same": signals.get("rules_same", 0.0),
        **{name: signals.get(name, 0.0) for name in ("rules_other", "rules_sure", "taken", "given_up")},
    }


def _of_leaf(leaf: Leaf, path: str) -> dict[str, float]:
    return {
        "number": float(leaf.kind in NUMERIC),
        "date": float(leaf.kind in {Kind.DATE, Kind.DATETIME, Kind.TIME}),
        "choice": float(leaf.grounding == "choice"),
        "free": float(leaf.grounding == "free"),
        "in_list": float(any(step.isdigit() for step in path.split("."))),
    }


def _of_text(answer: LeafAnswer, texts: Counter[str]) -> dict[str, float]:
    raw = answer.raw or ""
    return {
        "length": math.log1p(len(raw)),
        "digits": sum(c.isdigit() for c in raw) / len(raw) if raw else 0.0,
        "said_elsewhere": float(answer.raw is not None and texts[_text(answer)] > 1),
    }


def _text(answer: LeafAnswer) -> str:
    raw = answer.raw or ""
    return text_key(raw) or raw


def _of_place(answer: LeafAnswer, facts: DocumentFacts) -> dict[str, float]:
    words = answer.span.words if answer.span is not None else ()
    sure = [word.confidence for _, word in words if word.confidence is not None]
    page, first = words[0] if words else (1, None)
    height = facts.heights.get(page, 0.0)
    return {
        "recognised": float(bool(sure)),
        "recognised_least": 1.0 - min(sure, default=1.0),
        "recognised_mean": 1.0 - (fmean(sure) if sure else 1.0),
        "page": math.log1p(page - 1),
        "height": min(max(first.box.y0 / height, 0.0), 1.0) if first is not None and height > 0 else 0.5,
    }


_BROKEN = frozenset({ReviewReason.RULE_VIOLATED})
_REFUSED = frozenset({ReviewReason.INVALID_VALUE, ReviewReason.NOT_ON_PAGE, ReviewReason.MISSING_REQUIRED})


def _of_reasons(one: AnsweredField) -> dict[str, float]:
    return {
        "doubts": float(len(one.reasons - _BROKEN - _REFUSED)),
        "refused": float(bool(one.reasons & _REFUSED)),
        "rule_broken": float(bool(one.reasons & _BROKEN)),
        "rule_holds": float(one.rules_hold),
    }


class _Around:
    """The other fields of a document, for each field: how sure the model was of them, and what speaks against them."""

    def __init__(self, fields: Sequence[AnsweredField]) -> None:
        self.scores = [score_of(one.answer) for one in fields]
        self.nulls = [float(one.answer.raw is None) for one in fields]
        self.doubts = [float(bool(one.reasons)) for one in fields]
        self.weakest = sorted(range(len(fields)), key=lambda i: self.scores[i])[:2]
        self.sums = [math.fsum(figures) for figures in (self.scores, self.nulls, self.doubts)]

    def without(self, number: int) -> dict[str, float]:
        """The figures of all fields but this one."""
        weakest = next((self.scores[i] for i in self.weakest if i != number), 0.0)
        others = max(len(self.scores) - 1, 1)
        score, nulls, doubts = (
            (whole - figures[number]) / others
            for whole, figures in zip(self.sums, (self.scores, self.nulls, self.doubts), strict=True)
        )
        return {
            "others_score": score,
            "others_weakest": weakest,
            "others_null": nulls,
            "others_doubts": doubts,
        }


def vector(features: Features, names: Iterable[str]) -> list[float]:
    """The features of these names, in their order."""
    return [float(features[name]) for name in names]
