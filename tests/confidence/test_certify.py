"""An error budget is kept as often as was promised, and nothing is accepted on too little evidence."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.confidence.certify import (
    SPARE,
    THRESHOLDS,
    Accepted,
    Budget,
    LabelledDocument,
    LabelledValue,
    Unit,
    binomial_tail,
    certify,
    minimum_documents,
    p_value,
    upper_bound,
)
from extractors.confidence.features import FEATURES
from extractors.confidence.fit import JudgedDocument, fit
from schemas.errors import UsageError
from tests.confidence.worlds import world


def document(risk: float, values: int = 4, wrong: int = 0, *, eligible: bool = True) -> LabelledDocument:
    return LabelledDocument(tuple(LabelledValue(risk, i < wrong, eligible) for i in range(values)))


def clean(count: int, risk: float = 0.0) -> list[LabelledDocument]:
    return [document(risk)] * count


@pytest.mark.parametrize("unit", ["values", "documents"])
@pytest.mark.parametrize(("error", "needed"), [(0.02, 149), (0.01, 299)])
def test_without_errors_149_documents_certify_2_percent_and_299_certify_1(
    error: float, needed: int, unit: Unit
) -> None:
    budget = Budget(error, 0.95, unit)
    assert minimum_documents(budget) == needed
    assert certify(clean(needed), budget).threshold == THRESHOLDS[-1]
    refused = certify(clean(needed - 1), budget)
    assert (refused.threshold, refused.documents, refused.needed) == (None, needed - 1, needed)
    assert not refused.accepts(0.0)


def test_the_binomial_tail_is_exact() -> None:
    assert binomial_tail(2, 10, 0.5) == pytest.approx(56 / 1024)
    assert binomial_tail(10, 10, 0.3) == pytest.approx(1)
    # Clopper-Pearson, one-sided 95 %, 1 of 100 (tables: 0.0466)
    bound = upper_bound([Accepted(1, 1), *[Accepted(1, 0)] * 99], Budget(0.1))
    assert bound == pytest.approx(0.0466, abs=5e-5)


def test_a_document_wrong_altogether_can_be_borne_by_many_right_ones() -> None:
    assert certify([document(0, 4, 4), *clean(149)], Budget(0.02)).threshold is None
    assert certify([document(0, 4, 4), *clean(600)], Budget(0.02)).threshold is not None


def test_one_value_of_a_document_costs_less_than_the_document() -> None:
    sample = [document(0, 4, 1), *clean(185)]
    assert certify(sample, Budget(0.02, unit="documents")).threshold is None
    found = certify(sample, Budget(0.02))
    assert (found.wrong_documents, found.wrong, found.values) == (1, 1, 744)
    assert found.bound <= 0.02


def test_what_has_other_reasons_is_no_evidence() -> None:
    others = [document(0, eligible=False)] * 500
    assert certify([*clean(100), *others], Budget(0.02)).threshold is None
    assert certify([*clean(200), *others], Budget(0.02)).coverage == pytest.approx(2 / 7)


def test_risky_values_are_left_to_people_and_the_sure_ones_beside_them_land() -> None:
    mixed = LabelledDocument((LabelledValue(0.004, False), LabelledValue(0.5, True)))
    found = certify([mixed] * 200, Budget(0.02))
    assert found.threshold is not None
    assert 0.004 <= found.threshold < 0.5
    assert (found.values, found.coverage) == (200, 0.5)
    assert found.accepts(0.004)
    assert not found.accepts(0.5)
    assert not found.accepts(float("nan"))


def test_the_sequence_begins_with_evidence_to_spare() -> None:
    """149 documents of the least risk and one error among them do not end it: they are not yet tested."""
    sample = [*clean(149, 0.0), document(0.0, 4, 1), *clean(400, 0.01)]
    assert SPARE * 149 > 150
    assert certify(sample, Budget(0.02)).threshold is not None


def test_documents_drawn_with_other_chances_count_by_their_weight() -> None:
    heavy = [LabelledDocument(document(0).values, 10.0)]
    budget = Budget(0.02)
    assert certify([*heavy, *clean(200)], budget, 10.0).threshold is None  # 200 light ones are 21 heavy ones
    assert certify([*heavy * 149, *clean(200)], budget, 10.0).threshold is not None
    assert certify([LabelledDocument(one.values, 7.0) for one in clean(149)], budget).threshold == 1


def test_light_documents_say_nothing_of_heavy_ones_that_were_not_drawn() -> None:
    """Half of a population heavy and wrong, and none of it drawn: only the largest weight there can be tells."""
    assert certify(clean(200), Budget(0.02)).threshold is not None
    assert certify(clean(200), Budget(0.02), 100.0).threshold is None
    mixed = [*clean(10), LabelledDocument(document(0).values, 2.0)]
    with pytest.raises(UsageError, match="largest weight is not known"):
        certify(mixed, Budget(0.02))
    with pytest.raises(UsageError, match="over the largest"):
        certify(mixed, Budget(0.02), 1.5)


def test_by_documents_only_those_that_are_accepted_whole_count() -> None:
    """Easy values of documents that wait for another value do not vouch for documents that land."""
    waiting = LabelledDocument((LabelledValue(0.0, False), LabelledValue(0.9, True, False)))
    budget = Budget(0.02, unit="documents")
    assert certify([waiting] * 400, Budget(0.02)).threshold is not None
    assert certify([waiting] * 400, budget).threshold is None
    landing = [*[document(0.0)] * 91, *[document(0.0, 4, 1)] * 9]
    assert certify([*[waiting] * 400, *landing], budget).threshold is None


samples = st.lists(
    st.builds(
        lambda risks, share: LabelledDocument(
            tuple(LabelledValue(risk, i < share * len(risks)) for i, risk in enumerate(risks))
        ),
        st.lists(st.floats(0, 1), min_size=1, max_size=5),
        st.sampled_from([0.0] * 30 + [0.3, 1.0]),
    ),
    max_size=60,
)
units = st.sampled_from(["values", "documents"])


@given(samples, st.floats(0.05, 0.4), st.floats(0.5, 0.95), units)
def test_nothing_is_certified_below_the_least_evidence_nor_beyond_the_budget(
    sample: list[LabelledDocument], error: float, confidence: float, unit: Unit
) -> None:
    found = certify(sample, Budget(error, confidence, unit))
    if found.threshold is None:
        assert (found.coverage, found.bound) == (0, 1)
        return
    assert found.threshold in THRESHOLDS
    accepted = [[one for one in doc.values if found.accepts(one.risk)] for doc in sample]
    if unit == "documents":  # these land whole, or not at all
        accepted = [kept for kept, doc in zip(accepted, sample, strict=True) if len(kept) == len(doc.values)]
    losses = [sum(one.wrong for one in values) / len(values) for values in accepted if values]
    if unit == "documents":
        losses = [float(loss > 0) for loss in losses]
    assert found.documents == len(losses) >= found.needed
    assert found.bound <= error
    assert sum(losses) / len(losses) < error


@given(samples.filter(bool), st.floats(0.05, 0.4), units)
def test_an_error_more_is_never_better_evidence(
    sample: list[LabelledDocument], error: float, unit: Unit
) -> None:
    budget = Budget(error, 0.9, unit)
    found = [Accepted(len(doc.values), sum(one.wrong for one in doc.values)) for doc in sample]
    worse = [Accepted(found[0].values, found[0].values), *found[1:]]
    assert p_value(worse, error, budget) >= p_value(found, error, budget)


@pytest.mark.parametrize("unit", ["values", "documents"])
def test_the_budget_is_kept_in_95_of_100_draws(unit: Unit) -> None:
    """Populations of known error: the threshold that a sample gives, held against the truth."""
    draw, draws, broken, given_out = random.Random(5), 500, 0, 0
    budget = Budget(0.1, 0.95, unit)

    def chance(risk: float) -> float:  # no calibrated risk: what is certified must not rest on that
        return 4 * risk**2

    grid = [i / 2000 for i in range(1000)]  # risks are uniform up to 0.5
    for _ in range(draws):
        sample = []
        for _ in range(200):
            risk = draw.random() / 2
            wrong = 4 * (draw.random() < chance(risk))  # the hardest law: all values or none
            sample.append(document(risk, 4, wrong))
        found = certify(sample, budget)
        if found.threshold is not None:
            given_out += 1
            inside = [chance(risk) for risk in grid if risk <= found.threshold]
            broken += sum(inside) / len(inside) > budget.error
    assert given_out > draws / 2  # else there was nothing to break
    assert broken / draws <= 0.05 + 2 * (0.05 * 0.95 / draws) ** 0.5


def with_noise(documents: list[JudgedDocument], seed: int) -> list[JudgedDocument]:
    """Their values, with a dozen features that say nothing and that a fit may take for something."""
    draw = random.Random(seed)
    return [
        replace(
            one,
            fields=tuple(
                replace(f, features={**f.features, **{name: draw.gauss(0, 1) for name in FEATURES[8:20]}})
                for f in one.fields
                if not f.null
            ),
        )
        for one in documents
    ]


@pytest.mark.slow
def test_fit_and_certificate_as_a_whole_keep_the_budget() -> None:
    """Risks from folds, penalties and threshold from the same 80 documents, beside others of another world."""
    budget, draws = Budget(0.1), 40
    borrowed = [replace(one, borrowed=True) for one in with_noise(world(60, 999, fingerprint="bb"), 5)]
    to_come = with_noise(world(1000, 12345, shift=1.8), 6)
    given_out = broken = 0
    for seed in range(draws):
        made = fit([*borrowed, *with_noise(world(80, seed, shift=1.8), seed + 7)])
        found = certify(made.scored[len(borrowed) :], budget)
        if found.threshold is None:
            continue
        given_out += 1
        losses = []
        for one in to_come:
            landed = [
                f.right
                for f in one.fields
                if 1 - made.values.probability(f.features, ("aa", f"aa/{f.path}")) <= found.threshold
            ]
            if landed:
                losses.append(1 - sum(landed) / len(landed))
        broken += sum(losses) > budget.error * len(losses)
    assert given_out >= 5  # else there was nothing to break
    assert broken <= 5  # of 40 at 5% each, six have a chance of under 2%


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1, 2, float("nan")])
def test_budgets_that_are_none_are_refused(wrong: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        Budget(wrong)
    with pytest.raises(UsageError, match="between 0 and 1"):
        Budget(0.02, wrong)


@pytest.mark.parametrize("risk", [1.5, -0.1, math.nan, math.inf])
def test_risks_that_are_none_are_refused(risk: float) -> None:
    with pytest.raises(UsageError, match="cannot have a risk"):
        LabelledValue(risk, wrong=False)


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_weights_that_are_none_are_refused(weight: float) -> None:
    with pytest.raises(UsageError, match="cannot have a weight"):
        LabelledDocument((), weight)
