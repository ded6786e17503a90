"""From an error budget to a threshold: which values may land without a person, and what is then promised.

The documents of a labelled sample are the units, since values of one document go wrong together. Each value has a
*risk* (1 - its fitted probability of being right). Under a threshold, the values of at most that risk are accepted, and
a document's *loss* is the share of wrong ones among its accepted values. Promised, with the asked confidence over the
drawing of the sample: among documents drawn like the sample's that have an accepted value, the mean loss is at most the
budget. Each such document counts the same, however many values of it were accepted. (By documents: one is accepted
with all of its values or not at all, and its loss is whether any is wrong.)

The risks of the sample come from fits that had not seen the document; what is used later is one fit to all of them. The
promise takes the two for equally good, as cross-fitting does: the later fit has seen more. The penalties of these fits
are chosen on the sample as well, by log loss and not by any threshold; made-up samples that were fitted and certified
as a whole keep the promise (`tests/confidence/test_certify.py`).

Thresholds are tried from the strictest on, and the last one before the first failure is taken: fixed sequence testing,
as in Learn then Test (Angelopoulos et al. 2021, arXiv:2110.01052). The grid of thresholds is fixed beforehand. Those
under which too few documents have an accepted value are passed over; that needs one assumption: from the first
threshold on that breaks the budget, documents have a mean loss of at least the budget, whichever threshold first
accepts a value of theirs. Proof: let j be that threshold. If it is tested, it must be rejected, which has a chance of
at most 1 - confidence, given the count of its documents. If it is passed over, the counts decide what is tested first;
given the counts, each document accepted there has an expected loss of at least the budget: the same bound holds.

Two tests. Losses of 0 and 1: the exact binomial one (Clopper and Pearson 1934). Shares: a bet against the budget, whose
capital multiplies by ``1 + stake * (budget - loss)`` with every document. Its expectation is at most 1 when the mean
loss is over the budget, so by Markov's inequality it reaches 1 / (1 - confidence) with a chance of at most
1 - confidence (Waudby-Smith and Ramdas 2024, arXiv:2010.09686), whatever the law of the losses. Without any
error both need the same evidence: 149 documents for 2 %, 299 for 1 %, at 95 %.

Documents that were not drawn with equal chances carry the inverse of theirs as a weight; a document's bet is then
``stake * weight / largest weight`` (Horvitz and Thompson 1952), and the evidence that it takes grows accordingly. The
largest weight is that which *any* document could have had, known beforehand: the largest that was drawn says nothing
of a rare kind of document that was not.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from schemas.errors import UsageError

Unit = Literal["values", "documents"]

THRESHOLDS: tuple[float, ...] = (*(0.0005 * 1.15**i for i in range(54)), 1.0)
"""Risks up to which values may be accepted, the strictest first; fixed, so that no sample chooses them."""
SPARE = 1.3
"""Times the least evidence, with which the sequence begins."""
GROSS_SHARE = 0.1
"""Of documents with an error, this share is planned to be wrong altogether: a stake that none of them ruins."""
STAKES = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """What a user allows: ``error`` of the landed values (or documents) wrong, and how sure that must be.

    ``unit``: ``values`` bounds the mean share of wrong ones among a document's accepted values, whether it lands or
    waits for another value; ``documents`` the share with any wrong value among documents that are accepted whole.
    """

    error: float
    confidence: float = 0.95
    unit: Unit = "values"

    def __post_init__(self) -> None:
        for name, value in (("error budget", self.error), ("confidence", self.confidence)):
            if not 0 < value < 1:  # also refuses NaN
                raise UsageError(
                    f"The {name} {value:g} does not lie between 0 and 1.", remedy="Write 0.02 for 2 %."
                )
        if self.unit not in ("values", "documents"):
            raise UsageError(f"There is no unit {self.unit!r}.", remedy="One of: values, documents.")


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A value whose truth is known.

    Attributes:
        risk: 1 - the probability of being right that it was given without having been learnt from.
        wrong: whether it is.
        eligible: nothing but its risk speaks against it; what has other reasons for review is never accepted.
    """

    risk: float
    wrong: bool
    eligible: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.risk <= 1:  # also refuses NaN
            raise UsageError(
                f"A labelled value cannot have a risk of {self.risk:g}.", remedy="Give risks from 0 to 1."
            )


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """The labelled values of a document; ``weight`` is the inverse of its chance of being drawn, up to a factor."""

    values: tuple[LabelledValue, ...]
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise UsageError(
                f"A labelled document cannot have a weight of {self.weight:g}.",
                remedy="Give the inverse of its chance of being drawn.",
            )


@dataclass(frozen=True, slots=True)
class Accepted:
    """What of a document is accepted: ``wrong`` of its ``values`` are wrong."""

    values: int
    wrong: int
    weight: float = 1.0

    @property
    def loss(self) -> float:
        """Share of wrong values."""
        return self.wrong / self.values


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a sample proves about a budget.

    Attributes:
        threshold: values of at most this risk may land; ``None``: none may, for want of evidence.
        documents: how many had an accepted value (or, without a threshold, could have had one).
        wrong_documents: those with a wrong one.
        values: the accepted values; ``wrong`` of them wrong.
        bound: what the mean loss is at most, at the confidence asked, were this threshold the only one tried; 1 when
            nothing was accepted. For information: the promise is the budget.
        coverage: share of all values of the sample that were accepted.
        needed: documents with accepted values that would do if none was wrong.
    """

    budget: Budget
    threshold: float | None
    documents: int
    wrong_documents: int
    values: int
    wrong: int
    bound: float
    coverage: float
    needed: int

    def accepts(self, risk: float) -> bool:
        """Whether a value of that risk may land; one whose risk is no number may not."""
        return self.threshold is not None and risk <= self.threshold


def certify(sample: Sequence[LabelledDocument], budget: Budget, largest: float | None = None) -> Certificate:
    """The most lenient threshold under which the budget is certain to hold.

    Args:
        sample: documents drawn as their weights say, each scored without having been learnt from.
        budget: what is asked.
        largest: the largest weight that a document could have had; ``None``: all chances were equal.

    Raises:
        UsageError: a document weighs more than the largest weight, or the weights differ and none is given.
    """
    weights = {one.weight for one in sample}
    if largest is None and len(weights) > 1:
        raise UsageError(
            "The documents were drawn with different chances, and the largest weight is not known.",
            remedy='Say in sampling.json what the smallest chance was: "largest": its inverse.',
        )
    most = largest if largest is not None else max(weights, default=1.0)
    if any(weight > most * (1 + 1e-9) for weight in weights):
        raise UsageError(
            f"A document weighs {max(weights):g}, over the largest weight {most:g}.",
            remedy="Correct sampling.json.",
        )
    needed = minimum_documents(budget)
    begin = math.ceil(
        SPARE * needed
    )  # a sequence that begins with a test that a single error fails ends there
    columns = [_Column(one, whole=budget.unit == "documents") for one in sample]
    # The thresholds that are tested: from the first that has evidence to spare on; or the last alone.
    counts = [sum(column.first <= one for column in columns) for one in THRESHOLDS]
    least = begin if counts[-1] >= begin else needed
    kept: list[Accepted] = []
    threshold: float | None = None
    for candidate, count in zip(THRESHOLDS, counts, strict=True):
        if count < least or (least < begin and candidate != THRESHOLDS[-1]):
            continue
        accepted = [one for column in columns if (one := column.accepted(candidate)) is not None]
        if p_value(accepted, budget.error, budget, most) > 1 - budget.confidence:
            break
        threshold, kept = candidate, accepted
    every = sum(len(one.values) for one in sample)
    values = sum(one.values for one in kept)
    return Certificate(
        budget,
        threshold,
        documents=len(kept) if threshold is not None else counts[-1],
        wrong_documents=sum(one.wrong > 0 for one in kept),
        values=values,
        wrong=sum(one.wrong for one in kept),
        bound=min(upper_bound(kept, budget, most), budget.error) if kept else 1.0,
        coverage=values / every if every else 0.0,
        needed=needed,
    )


class _Column:
    """A document's eligible values, the least risk first; ``whole``: it is accepted with all its values or not."""

    def __init__(self, document: LabelledDocument, *, whole: bool) -> None:
        ranked = sorted((one.risk, one.wrong) for one in document.values if one.eligible)
        if whole and len(ranked) < len(document.values):
            ranked = []
        self.risks = [risk for risk, _ in ranked]
        self.wrong = [0, *accumulate(int(wrong) for _, wrong in ranked)]
        self.weight = document.weight
        self.first = self.risks[-1 if whole else 0] if self.risks else math.inf

    def accepted(self, threshold: float) -> Accepted | None:
        count = bisect_right(self.risks, threshold) if threshold >= self.first else 0
        return Accepted(count, self.wrong[count], self.weight) if count else None


def minimum_documents(budget: Budget) -> int:
    """How many documents without any error it takes: the least n with ``(1 - error)**n <= 1 - confidence``."""
    return math.ceil(math.log(1 - budget.confidence) / math.log1p(-budget.error) - 1e-9)


def p_value(accepted: Sequence[Accepted], error: float, budget: Budget, largest: float = 1.0) -> float:
    """How likely losses as low as these are at most, were their mean over ``error``.

    Args:
        accepted: by document.
        error: the mean that is to be ruled out.
        budget: says what a loss is, and how much is staked.
        largest: weight that a document could have had.
    """
    if not accepted:
        return 1.0
    losses = [float(one.wrong > 0) if budget.unit == "documents" else one.loss for one in accepted]
    alike = all(one.weight == largest for one in accepted)
    if alike and (budget.unit == "documents" or all(one.values == 1 for one in accepted)):
        return binomial_tail(round(sum(losses)), len(losses), error)
    shares = [one.weight / largest for one in accepted]
    stake = _stake(sum(shares), error, budget.confidence)
    factors = [1 + stake * share * (error - loss) for share, loss in zip(shares, losses, strict=True)]
    if min(factors) <= 0:
        return 1.0
    return math.exp(min(-math.fsum(map(math.log, factors)), 0.0))


def upper_bound(accepted: Sequence[Accepted], budget: Budget, largest: float = 1.0) -> float:
    """The lowest mean loss found, by bisection, that these documents rule out at the confidence of the budget."""
    alpha, low, high = 1 - budget.confidence, 0.0, 1.0
    if not accepted:
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if p_value(accepted, middle, budget, largest) <= alpha:
            high = middle
        else:
            low = middle
    return high


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """P(X <= successes) for X binomial of that many trials, summed in logarithms."""
    if not 0 < chance < 1:
        return 1.0 if chance <= 0 or successes >= trials else 0.0
    yes, no = math.log(chance), math.log1p(-chance)
    whole = math.lgamma(trials + 1)
    terms = (
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * yes + (trials - k) * no)
        for k in range(min(successes, trials) + 1)
    )
    return min(math.fsum(terms), 1.0)


def _stake(documents: float, error: float, confidence: float) -> float:
    """How much is bet with each document: by their weight in all and the budget alone, never by their losses.

    The largest stake, 1 / (1 - error), needs the fewest documents but is lost to one that is wrong altogether. The
    more documents there are, the more can be held back: of a fixed set of stakes, the one that bears most errors.
    """
    largest = 1 / (1 - error)
    need = -math.log(1 - confidence)
    best, most = largest, 0.0
    for step in range(1, STAKES):
        stake = largest * step / STAKES
        gain = math.log1p(stake * error)
        spare = documents * gain - need
        if spare <= 0:
            continue
        quarter, gross = math.log1p(stake * (error - 0.25)), math.log1p(stake * (error - 1))
        cost = gain - (1 - GROSS_SHARE) * quarter - GROSS_SHARE * gross
        if spare / cost > most:
            best, most = stake, spare / cost
    return best
