"""Lines that mean to steer the reader: on the page, of no field's answer, and different every time."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.prompting.window import windows_of
from extractors.training.dataset import examples_of
from extractors.training.injected import ORDERS, injected
from schemas.document import ReadDocument
from schemas.registry import load_schema
from tests.tiny import document_of

SCHEMA = load_schema("receipt")
LINES = ["Blue Harbour Books Ltd", "", "Date 25/12/2018   No 77", "", "", "Total   1,234.50"]
TRUTH = {"company": "Blue Harbour Books Ltd", "date": "25/12/2018", "total": "1,234.50", "address": None}


def count(texts: object) -> list[int]:
    return [len(text.split()) for text in texts]  # type: ignore[attr-defined]


def text_of(document: ReadDocument) -> str:
    return "\n".join(window.text for window in windows_of(document, 10_000, count))


@given(st.integers(0, 10_000))
@settings(deadline=None)
def test_the_line_is_shown_and_changes_no_answer(seed: int) -> None:
    plain = document_of(LINES)
    twin = injected(plain, SCHEMA.tree, random.Random(seed))
    new = twin.pages[0].words[len(plain.pages[0].words) :]
    assert new and twin.pages[0].words[: len(plain.pages[0].words)] == plain.pages[0].words
    shown = text_of(twin).replace("\t", " ")
    assert " ".join(word.text for word in new) in shown
    for line in text_of(plain).splitlines():
        assert line in text_of(twin)  # no line of the document's own is torn apart
    (before,) = examples_of(plain, TRUTH, SCHEMA, 10_000, count)
    (after,) = examples_of(twin, TRUTH, SCHEMA, 10_000, count)
    assert after.answer == before.answer


def test_wordings_and_places_vary_and_the_same_seed_is_the_same_line() -> None:
    made = [injected(document_of(LINES), SCHEMA.tree, random.Random(seed)) for seed in range(60)]
    assert len({text_of(one) for one in made}) > 40
    assert made[7] == injected(document_of(LINES), SCHEMA.tree, random.Random(7))


def test_wordings_are_others_than_those_that_measure() -> None:
    from benchmarks.adversaries.attacks import ORDERS as MEASURED

    assert not set(ORDERS) & set(MEASURED.values())


def test_a_document_without_words_is_left_alone() -> None:
    blank = document_of([])
    assert injected(blank, SCHEMA.tree, random.Random(0)) == blank
