"""Fitting the probability that a field is right (scikit-learn), by cross-fitting over documents.

Two logistic regressions, for values and for nulls, over standardised features and over indicators of the schema and of
the field; and two of their own for schemas that the model was not trained under, where scores say something else, once
there are fields enough of both sorts. Two ridge penalties draw the terms of one towards nothing, one what features
weigh, the other what a schema or a field adds, the more the fewer documents speak for it, so that evidence is pooled
where it is thin. They are those with the least log loss on folds of documents, of which those of one group are never
parted; where enough documents are somebody's own, on these alone, beside what a model brings along. The risks of the
evidence come from the fold's fit that has not seen the document.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from extractors.confidence.calibrator import LinearFit, groups_of
from extractors.confidence.certify import LabelledDocument, LabelledValue
from extractors.confidence.features import FEATURES, NULL_FEATURES, UNKNOWN, Features, vector
from extractors.validation.paths import pattern_of
from schemas.errors import UsageError

FOLDS = 5
WAYS = 3
PENALTIES = (1e-5, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Inverse strengths that are tried for features; by the first, they say next to nothing."""
LEVELS = (0.03, 0.3, 3.0)
"""The same for what schemas and fields add: the variance, in log-odds, that is expected of it."""
LEAST_ALIKE = 2
"""Documents without which a schema or a field is no indicator: no fold could tell what a single one of them adds."""
LEAST_DOCUMENTS = 10
LEAST_FIELDS = 20
"""Fields for a fit of their own, of `LEAST_DOCUMENTS` documents and `FOLDS` groups: with penalties under which features
say nothing, so few have a level of their own."""
FLOOR = 1e-6
"""Log losses are cut here, as scikit-learn does."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedField:
    """A field of a labelled document: its features, whether it is right, whether only its risk is against it."""

    path: str
    features: Features
    null: bool
    right: bool
    eligible: bool


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """The judged fields of a document under a schema.

    ``weight`` is the inverse of its chance of being drawn, ``largest`` the most that it could have been. ``group``: of
    documents that tell of one another, as the same page asked about twice does, or those of one sender where others are
    to come; folds never part them. Without one it stands for itself. ``borrowed``: of other papers than those to come.
    It teaches, but which penalties are best the others say, where there are enough of them.
    """

    fingerprint: str
    fields: tuple[JudgedField, ...]
    weight: float = 1.0
    largest: float = 1.0
    group: str = ""
    borrowed: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """The fits, and each document with the risks that it was given without having been learnt from.

    ``unknown``: for values and nulls under schemas that the model was not trained under, where these have fits of their
    own.
    """

    values: LinearFit
    nulls: LinearFit
    scored: tuple[LabelledDocument, ...]
    unknown: tuple[LinearFit, LinearFit] | None = None


def fit(documents: Sequence[JudgedDocument]) -> Fitted:
    """Fits both regressions and scores every document by a fit on the others.

    Args:
        documents: drawn as their weights say; of one model. Those of one set should be in random order.

    Raises:
        UsageError: too few documents.
    """
    if len(documents) < LEAST_DOCUMENTS:
        raise UsageError(
            f"{len(documents)} labelled documents are too few to fit a probability on.",
            remedy=f"Label at least {LEAST_DOCUMENTS}; a certificate for 2 % takes 149.",
        )
    risks: dict[tuple[int, int], float] = {}
    values, unknown_values = _fit_sort(documents, False, FEATURES, risks)
    nulls, unknown_nulls = _fit_sort(documents, True, NULL_FEATURES, risks)
    scored = tuple(
        LabelledDocument(
            tuple(
                LabelledValue(risks[d, f], not field.right, field.eligible)
                for f, field in enumerate(document.fields)
            ),
            document.weight,
        )
        for d, document in enumerate(documents)
    )
    apart = unknown_values is not values or unknown_nulls is not nulls
    return Fitted(values, nulls, scored, (unknown_values, unknown_nulls) if apart else None)


def _is_unknown(document: JudgedDocument) -> bool:
    return any(field.features[UNKNOWN] for field in document.fields)


def _fit_sort(
    documents: Sequence[JudgedDocument],
    null: bool,
    names: tuple[str, ...],
    risks: dict[tuple[int, int], float],
) -> tuple[LinearFit, LinearFit]:
    """The fits for values or nulls, under schemas that the model knows and under others; ``risks`` gets theirs.

    One for both where either sort has too few fields, or too few documents with any, for a fit of its own.
    """
    sides: tuple[list[int], list[int]] = ([], [])
    for d, document in enumerate(documents):
        sides[_is_unknown(document)].append(d)
    rows = [_Rows(documents, side, null, names) for side in sides]
    if not all(one.suffice() for one in rows):
        rows = [_Rows(documents, range(len(documents)), null, names)]
    fits = []
    for one in rows:
        made, scores = _fit_rows(one)
        fits.append(made)
        risks.update(zip(one.places, (float(1 - score) for score in scores), strict=True))
    return fits[0], fits[-1]


class _Rows:
    """One row for each field of one sort: features and indicators, whether it is right, its weight and its document."""

    def __init__(
        self, documents: Sequence[JudgedDocument], chosen: Sequence[int], null: bool, names: tuple[str, ...]
    ) -> None:
        self.names = names
        self.places = [
            (d, f) for d in chosen for f, field in enumerate(documents[d].fields) if field.null == null
        ]
        fields = [documents[d].fields[f] for d, f in self.places]
        self.right = np.array([field.right for field in fields], dtype=bool)
        self.document = np.array([d for d, _ in self.places], dtype=int)
        first: dict[str | int, int] = {}
        self.group = np.array(
            [first.setdefault(documents[d].group or d, d) for d, _ in self.places], dtype=int
        )
        self.weight = np.array([documents[d].weight for d, _ in self.places], dtype=float)
        columns = [(d, pattern_of(documents[d].fields[f].path)) for d, f in self.places]
        together = Counter(columns)
        # The rows of one column are right or wrong together: of n of them root n is learnt, and not n times as much.
        self.teaches = self.weight / np.sqrt([together[column] for column in columns])
        own = np.array([not documents[d].borrowed for d, _ in self.places], dtype=bool)
        enough = own.sum() >= LEAST_FIELDS and len(np.unique(self.document[own])) >= LEAST_DOCUMENTS
        self.judging = own if enough and self.of_both_kinds(own) else np.ones_like(own)
        self.plain = np.array([vector(field.features, names) for field in fields], dtype=float).reshape(
            len(fields), len(names)
        )
        groups = [groups_of(documents[d].fingerprint, documents[d].fields[f].path) for d, f in self.places]
        seen: dict[str, set[int]] = {}
        for (d, _), pair in zip(self.places, groups, strict=True):
            for group in pair:
                seen.setdefault(group, set()).add(d)
        self.groups = sorted(group for group, those in seen.items() if len(those) >= LEAST_ALIKE)
        number = {group: i for i, group in enumerate(self.groups)}
        self.indicators = np.zeros((len(fields), len(self.groups)))
        for row, pair in enumerate(groups):
            for group in pair:
                if group in number:
                    self.indicators[row, number[group]] = 1.0

    def suffice(self) -> bool:
        """Whether there are enough for a fit of their own."""
        documents, groups = len(np.unique(self.document)), len(np.unique(self.group))
        return len(self.places) >= LEAST_FIELDS and documents >= LEAST_DOCUMENTS and groups >= FOLDS

    def of_both_kinds(self, chosen: Floats | slice = slice(None)) -> bool:
        """Whether some are right and some wrong among them."""
        return len(np.unique(self.right[chosen])) == 2


def _fit_rows(rows: _Rows) -> tuple[LinearFit, Floats]:
    """The fit, and the score of each row by the fold's fit that has not seen its document."""
    if not rows.of_both_kinds():
        made = _constant(rows.right)
        return made, np.full(len(rows.right), made.probability({}, ()))
    # One way to part a few hundred documents favours another penalty than the next: several have their say.
    ways = [_folds(rows, seed) for seed in range(WAYS)]

    @cache
    def loss(ridge: Ridge) -> float:
        return sum(_log_loss(_cross_fitted(rows, folds, ridge), rows) for folds in ways)

    best = _least(loss, of_groups=bool(rows.groups))
    return _regress(rows, np.arange(len(rows.right)), best), _cross_fitted(rows, ways[0], best)


class Ridge(NamedTuple):
    """Inverse strengths of the two penalties: on what features weigh, and on what a schema or a field adds."""

    features: float
    levels: float


def _least(loss: Callable[[Ridge], float], *, of_groups: bool) -> Ridge:
    """The penalties with the least loss, one of the two at a time until neither changes."""
    best = Ridge(PENALTIES[0], LEVELS[len(LEVELS) // 2])
    while True:
        before = best
        best = min((best._replace(features=one) for one in PENALTIES), key=loss)
        if of_groups:
            best = min((best._replace(levels=one) for one in LEVELS), key=loss)
        if best == before:
            return best


def _cross_fitted(rows: _Rows, folds: Sequence[tuple[Any, Any]], ridge: Ridge) -> Floats:
    """The score of each row by the fit of the folds that it is not in."""
    scores = np.empty(len(rows.right))
    for inside, outside in folds:
        scores[outside] = _scores(_regress(rows, inside, ridge), rows, outside)
    return scores


def _constant(right: NDArray[np.bool_]) -> LinearFit:
    """Where all are right, or all wrong, or none is there: one probability for all, by the rule of succession."""
    share = (float(right.sum()) + 1) / (len(right) + 2)
    return LinearFit(
        features=(), means=(), scales=(), weights=(), intercept=float(np.log(share / (1 - share)))
    )


def _folds(rows: _Rows, seed: int) -> list[tuple[Any, Any]]:
    from sklearn.model_selection import GroupKFold

    apart = rows.group if len(np.unique(rows.group)) > 1 else rows.document
    count = min(FOLDS, len(np.unique(apart)))
    if count < 2:
        everything = np.arange(len(rows.right))
        return [(everything[:0], everything)]  # a lone document is scored by what nothing has taught
    folds = GroupKFold(count, shuffle=True, random_state=seed).split(rows.plain, rows.right, apart)
    return [(inside, outside) for inside, outside in folds]


def _regress(rows: _Rows, chosen: Any, ridge: Ridge) -> LinearFit:
    from sklearn.linear_model import LogisticRegression

    if not rows.of_both_kinds(chosen):
        return _constant(rows.right[chosen])
    plain = rows.plain[chosen]
    means, scales = plain.mean(axis=0), plain.std(axis=0)
    scales[scales < 1e-9] = 1.0  # a feature that never varies weighs nothing
    # One strength for all columns is what it takes: an indicator that stands larger is drawn to nothing less.
    size = math.sqrt(ridge.levels / ridge.features)
    columns = np.hstack([(plain - means) / scales, rows.indicators[chosen] * size])
    model = LogisticRegression(C=ridge.features, solver="newton-cholesky", max_iter=200)
    model.fit(columns, rows.right[chosen], sample_weight=_even(rows.teaches[chosen]))
    weights = model.coef_[0]
    split = len(rows.names)
    return LinearFit(
        features=rows.names,
        means=tuple(map(float, means)),
        scales=tuple(map(float, scales)),
        weights=tuple(map(float, weights[:split])),
        intercept=float(model.intercept_[0]),
        groups={
            group: float(weight) * size for group, weight in zip(rows.groups, weights[split:], strict=True)
        },
    )


def _even(weights: Floats) -> Floats:
    even: Floats = weights / weights.mean()
    return even


def _scores(made: LinearFit, rows: _Rows, chosen: Any) -> Floats:
    odds = np.full(len(chosen), made.intercept)
    if made.features:
        odds = odds + ((rows.plain[chosen] - made.means) / made.scales) @ np.array(made.weights)
    if made.groups:
        odds = odds + rows.indicators[chosen] @ np.array([made.groups[g] for g in rows.groups])
    scores: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return scores


def _log_loss(scores: Floats, rows: _Rows) -> float:
    chance = np.clip(np.where(rows.right, scores, 1 - scores), FLOOR, 1)[rows.judging]
    return float(-(np.log(chance) * _even(rows.weight[rows.judging])).mean())
