"""Fitted probabilities are those of the world that the documents came from, and of documents nobody had seen."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from extractors.confidence.calibrator import LinearFit
from extractors.confidence.features import FEATURES, NULL_FEATURES, UNKNOWN
from extractors.confidence.fit import JudgedDocument, JudgedField, fit
from schemas.errors import UsageError
from tests.confidence.worlds import NOTHING, world


def odds(made: LinearFit, score: float, fingerprint: str = "aa", name: str = "a") -> float:
    p = made.probability(NOTHING | {"score": score}, (fingerprint, f"{fingerprint}/{name}"))
    return math.log(p / (1 - p))


def test_the_probabilities_are_those_of_the_world() -> None:
    made = fit(world(800, 1))
    for score in (-0.5, -2.0, -4.0):
        assert odds(made.values, score) == pytest.approx(2 + score, abs=0.35)
    assert odds(made.nulls, 0.0, name="d") == pytest.approx(math.log(4), abs=0.3)


def unknown(documents: list[JudgedDocument]) -> list[JudgedDocument]:
    """The same under a schema that the model was not trained under."""
    return [
        replace(one, fields=tuple(replace(f, features={**f.features, UNKNOWN: 1.0}) for f in one.fields))
        for one in documents
    ]


def test_schemas_that_the_model_does_not_know_have_fits_of_their_own() -> None:
    known, others = world(500, 7), unknown(world(500, 8, fingerprint="bb", shift=-2.0))
    made, alone = fit([*known, *others]), fit(known)
    assert made.unknown is not None and alone.unknown is None
    assert made.values == alone.values and made.nulls == alone.nulls
    for score in (-0.5, -2.0):
        assert odds(made.unknown[0], score, "new") == pytest.approx(score, abs=0.5)
    assert len(made.scored) == 1000
    assert made.scored[:500] == alone.scored


def test_too_few_of_one_sort_are_fitted_with_the_rest() -> None:
    made = fit([*world(50, 7), *unknown(world(9, 8, fingerprint="bb"))])
    assert made.unknown is None and len(made.scored) == 59
    wide = [replace(one, fields=one.fields * 20) for one in world(9, 8, fingerprint="bb")]
    made = fit([*world(50, 7), *unknown(wide)])  # 540 values of too few documents
    assert made.unknown is None
    made = fit([*world(500, 7), *unknown(world(15, 8, fingerprint="bb"))])  # 45 values, 15 nulls
    assert made.unknown is not None
    assert made.unknown[0] != made.values and made.unknown[1] == made.nulls


def test_every_document_is_scored_by_a_fit_that_has_not_seen_it() -> None:
    """Labels at random: a fit on the same rows would find something, one on others finds nothing."""
    chance = random.Random(2)
    documents = []
    for _ in range(60):
        noise = NOTHING | {name: chance.gauss(0, 1) for name in FEATURES}
        documents.append(JudgedDocument("aa", (JudgedField("a", noise, False, chance.random() < 0.5, True),)))
    scored = [one.values[0] for one in fit(documents).scored]
    found = [abs(one.risk - one.wrong) for one in scored]
    assert 0.4 < sum(found) / len(found) < 0.65


def test_a_schema_with_much_evidence_has_its_own_level_and_one_with_little_the_common_one() -> None:
    many = [*world(600, 3), *world(600, 4, fingerprint="bb", shift=-2.0)]
    few = [*world(600, 3), *world(3, 4, fingerprint="bb", shift=-2.0)]
    of_many, of_few = fit(many).values, fit(few).values
    apart = odds(of_many, -1.0) - odds(of_many, -1.0, "bb")
    near = odds(of_few, -1.0) - odds(of_few, -1.0, "bb")
    assert apart == pytest.approx(2, abs=0.5)
    assert abs(near) < 0.75 * apart
    assert odds(of_many, -1.0, "bb") < odds(of_many, -1.0, "cc") < odds(of_many, -1.0)


def test_what_a_field_adds_is_learnt_where_features_say_nothing() -> None:
    """Twenty nulls of each of two fields, one nearly always right and one hardly ever; the features are noise."""
    chance = random.Random(6)
    documents = []
    for number in range(20):
        noise = [NOTHING | {name: chance.gauss(0, 1) for name in NULL_FEATURES} for _ in range(2)]
        often = JudgedField("often", noise[0], True, number != 7, True)
        seldom = JudgedField("seldom", noise[1], True, number == 13, True)
        documents.append(JudgedDocument("aa", (often, seldom)))
    nulls = fit(documents).nulls
    assert nulls.probability(NOTHING, ("aa", "aa/often")) > 0.8
    assert nulls.probability(NOTHING, ("aa", "aa/seldom")) < 0.2


def test_own_documents_say_how_far_features_are_to_be_believed() -> None:
    """In 400 borrowed documents scores tell all; in 30 of one's own they tell nothing, three of four are right."""
    chance = random.Random(8)
    borrowed = [replace(one, borrowed=True) for one in world(400, 3, shift=1.0)]
    own = []
    for _ in range(30):
        fields = [
            JudgedField(
                name, NOTHING | {"score": -chance.expovariate(0.5)}, False, chance.random() < 0.75, True
            )
            for name in "abc"
        ]
        own.append(JudgedDocument("bb", tuple(fields)))
    alike = fit([*[replace(one, borrowed=False) for one in borrowed], *own]).values
    made = fit([*borrowed, *own]).values
    loss = {}
    for name, one in (("alike", alike), ("own", made)):
        chances = [
            one.probability(field.features, ("bb", f"bb/{field.path}")) for doc in own for field in doc.fields
        ]
        rights = [field.right for doc in own for field in doc.fields]
        loss[name] = -sum(math.log(p if right else 1 - p) for p, right in zip(chances, rights, strict=True))
    assert loss["own"] < 0.9 * loss["alike"]


def test_a_few_documents_of_ones_own_decide_nothing_alone() -> None:
    borrowed = [replace(one, borrowed=True) for one in world(200, 3)]
    few = world(9, 4, fingerprint="bb", shift=-2.0)
    assert fit([*borrowed, *few]) == fit([*[replace(one, borrowed=False) for one in borrowed], *few])


def test_what_a_lone_document_has_is_no_group() -> None:
    made = fit([*world(30, 3), *world(1, 4, fingerprint="bb")])
    assert set(made.values.groups) == {"aa", "aa/a", "aa/b", "aa/c"}


def test_rows_of_one_column_do_not_outvote_the_documents() -> None:
    """One table of 400 wrong cells beside 40 right values: 400 of 440 fields are wrong, of 41 columns one is."""
    right = [JudgedDocument("aa", (JudgedField("rows.0.a", NOTHING, False, True, True),)) for _ in range(40)]
    cells = tuple(JudgedField(f"rows.{row}.a", NOTHING, False, False, True) for row in range(400))
    made = fit([*right, JudgedDocument("aa", cells)])
    assert 0.5 < made.values.probability(NOTHING, ("aa", "aa/rows.a")) < 0.8


def test_values_that_are_all_right_get_one_probability_below_one() -> None:
    documents = [
        JudgedDocument("aa", (JudgedField("a", NOTHING | {"score": -i / 50}, False, True, True),))
        for i in range(48)
    ]
    made = fit(documents)
    assert made.values.probability(NOTHING, ("aa", "aa/a")) == pytest.approx(49 / 50)
    assert {round(one.values[0].risk, 6) for one in made.scored} == {0.02}
    assert made.nulls.probability(NOTHING, ("aa", "aa/a")) == 0.5  # nothing is known of nulls


def test_documents_that_were_rarely_drawn_weigh_more() -> None:
    sure = [JudgedDocument("aa", (JudgedField("a", NOTHING, False, True, True),)) for _ in range(30)]
    wrong = [JudgedDocument("aa", (JudgedField("a", NOTHING, False, False, True),), 9.0) for _ in range(30)]
    assert fit([*sure, *wrong]).values.probability(NOTHING, ("aa", "aa/a")) == pytest.approx(0.1, abs=0.03)


def test_a_handful_of_documents_is_refused() -> None:
    with pytest.raises(UsageError, match="9 labelled documents are too few"):
        fit(world(9, 1))


def test_order_and_eligibility_come_back_as_they_were() -> None:
    documents = world(40, 5)
    first = documents[0].fields[0]
    odd = JudgedField(first.path, first.features, first.null, first.right, False)
    documents[0] = JudgedDocument("aa", (odd, *documents[0].fields[1:]))
    scored = fit(documents).scored
    assert [one.wrong for doc in scored for one in doc.values] == [
        not one.right for doc in documents for one in doc.fields
    ]
    assert [one.eligible for one in scored[0].values] == [False, True, True, True]


def test_documents_of_one_group_are_never_parted() -> None:
    # Each page is asked about three times, and what is right about it no feature tells: whoever has seen it knows.
    pages = []
    for number, one in enumerate(world(60, 5)):
        marked = tuple(
            replace(field, features={**field.features, "words": float(number % 7), "height": float(number)})
            for field in one.fields
        )
        pages += [replace(one, fields=marked, group=f"page {number}")] * 3
    of_groups = {page.group: set[tuple[float, ...]]() for page in pages}
    for page, scored in zip(pages, fit(pages).scored, strict=True):
        of_groups[page.group].add(tuple(value.risk for value in scored.values))
    assert all(len(risks) == 1 for risks in of_groups.values())  # one fold, hence one fit, for all three


def test_features_that_say_nothing_are_not_listened_to() -> None:
    chance = random.Random(3)
    documents = []
    for _ in range(200):
        noise = {name: chance.gauss(0, 1) for name in NULL_FEATURES if name != UNKNOWN}
        empty = JudgedField("d", NOTHING | noise, True, chance.random() < 0.5, True)
        documents.append(JudgedDocument("aa", (empty,)))
    made = fit(documents).nulls
    risks = [made.probability(one.fields[0].features, ()) for one in documents]
    assert max(risks) - min(risks) < 0.25
