"""From an error budget to a threshold: which documents may land without a person, and what is then promised.

The documents of a labelled sample are the units, since values of one document go wrong together. A document has a
*risk* (its estimated share of wrong values, by which it is accepted) and a *loss* (the share that is wrong in truth).
Promised, with the asked confidence over the drawing of the sample: among documents drawn like the sample's, the mean
loss of those accepted is at most the budget. Each accepted document counts the same, however many values it has.

Thresholds are tried from the strictest on, and the last one before the first failure is taken: fixed sequence testing,
as in Learn then Test (Angelopoulos et al. 2021, arXiv:2110.01052). The grid of thresholds is fixed beforehand. Those
under which too few documents are accepted for any rejection are passed over; that needs one assumption: documents
beyond the first threshold that breaks the budget are, band by band, no better than the budget. Proof: let j be that
threshold. If it is tested, it must be rejected, which has a chance of at most 1 - confidence, given the count of its
documents. If it is passed over, what is tested first holds its documents, which are drawn from a law whose mean is
over the budget, and others whose mean is no lower: the same bound holds.

Two tests. Losses of 0 and 1: the exact binomial one (Clopper and Pearson 1934). Shares: a bet against the budget, whose
capital multiplies by ``1 + stake * (budget - loss)`` with every document. Its expectation is at most 1 when the mean
loss is over the budget, so by Markov's inequality it reaches 1 / (1 - confidence) with a chance of at most
1 - confidence (Waudby-Smith and Ramdas 2024, arXiv:2010.09686), whatever the law of the losses. Without any
error both need the same evidence: 149 documents for 2 %, 299 for 1 %, at 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.errors import UsageError

Unit = Literal["values", "documents"]

THRESHOLDS: tuple[float, ...] = tuple(0.0005 * 1.15**i for i in range(55))
"""Risks up to which documents may be accepted, the strictest first; fixed, so that no sample chooses them."""
GROSS_SHARE = 0.1
"""Of documents with an error, this share is planned to be wrong altogether: a stake that none of them ruins."""
STAKES = 64


@dataclass(frozen=True, slots=True)
class Budget:
    """What a user allows: ``error`` of the landed values (or documents) wrong, and how sure that must be.

    ``unit``: ``values`` bounds the mean share of wrong values of an accepted document; ``documents`` the share of
    accepted documents with any wrong value.
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
class Evidence:
    """A labelled document. ``wrong`` of its ``values`` are wrong; ``risk`` is the share that was expected.

    ``eligible``: nothing but its risk speaks against it; what has other reasons for review is never accepted.
    """

    risk: float
    values: int
    wrong: int
    eligible: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.risk <= 1 or not 0 <= self.wrong <= self.values or self.values < 1:
            raise UsageError(
                f"A labelled document cannot have risk {self.risk:g} and {self.wrong} of {self.values} wrong.",
                remedy="Give documents with at least one labelled value and a risk from 0 to 1.",
            )


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a sample proves about a budget.

    Attributes:
        threshold: documents of at most this risk may land; ``None``: none may, for want of evidence.
        documents: how many were accepted under it (or, without one, could have been at most).
        wrong_documents: accepted ones with an error.
        values: their values; ``wrong`` of them wrong.
        bound: what the mean loss is at most, at the confidence asked, were this threshold the only one tried; 1 when
            nothing was accepted. For information: the promise is the budget.
        coverage: share of all documents of the sample that were accepted.
        needed: accepted documents that would do if none had an error.
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
        """Whether a document of that risk may land; one whose risk is no number may not."""
        return self.threshold is not None and risk <= self.threshold


def certify(sample: Sequence[Evidence], budget: Budget) -> Certificate:
    """The most lenient threshold under which the budget is certain to hold.

    Args:
        sample: documents drawn uniformly, each scored without having been learnt from.
        budget: what is asked.
    """
    needed = minimum_documents(budget)
    kept: list[Evidence] = []
    threshold: float | None = None
    for candidate in THRESHOLDS:
        accepted = [one for one in sample if one.eligible and one.risk <= candidate]
        if len(accepted) < needed:
            continue
        if p_value(accepted, budget.error, budget) > 1 - budget.confidence:
            break
        threshold, kept = candidate, accepted
    could = sum(one.eligible for one in sample)
    return Certificate(
        budget,
        threshold,
        documents=len(kept) if threshold is not None else could,
        wrong_documents=sum(one.wrong > 0 for one in kept),
        values=sum(one.values for one in kept),
        wrong=sum(one.wrong for one in kept),
        bound=min(upper_bound(kept, budget), budget.error) if kept else 1.0,
        coverage=len(kept) / len(sample) if sample else 0.0,
        needed=needed,
    )


def minimum_documents(budget: Budget) -> int:
    """How many documents without any error it takes: the least n with ``(1 - error)**n <= 1 - confidence``."""
    return math.ceil(math.log(1 - budget.confidence) / math.log1p(-budget.error) - 1e-9)


def p_value(accepted: Sequence[Evidence], error: float, budget: Budget) -> float:
    """How likely losses as low as these are at most, were their mean over ``error``."""
    if not accepted:
        return 1.0
    if _by_documents(accepted, budget):
        return binomial_tail(sum(one.wrong > 0 for one in accepted), len(accepted), error)
    stake = _stake(len(accepted), error, budget.confidence)
    factors = [1 + stake * (error - one.wrong / one.values) for one in accepted]
    if min(factors) <= 0:
        return 1.0
    return math.exp(min(-math.fsum(map(math.log, factors)), 0.0))


def upper_bound(accepted: Sequence[Evidence], budget: Budget) -> float:
    """The lowest mean loss found, by bisection, that these documents rule out at the confidence of the budget."""
    alpha, low, high = 1 - budget.confidence, 0.0, 1.0
    if not accepted:
        return 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if p_value(accepted, middle, budget) <= alpha:
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


def _by_documents(accepted: Sequence[Evidence], budget: Budget) -> bool:
    """Whether the exact binomial test is meant; where each document has one value, both promises are the same."""
    return budget.unit == "documents" or all(one.values == 1 for one in accepted)


def _stake(documents: int, error: float, confidence: float) -> float:
    """How much is bet with each document: by their number and the budget alone, never by their losses.

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
