"""What a form notes as true is what will be drawn."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.training.synthesis.filling import Form, spec
from extractors.training.synthesis.terms import Terms

FIELDS = (
    spec("name", "text", "name a b c", "one", "two", "three"),
    spec("member", "boolean", "member a b c", "one", "two", "three", pixels=True),
)
seeds = st.integers(0, 2**32)


HAND = range(200)  # seeds, of which some make blank forms


def form(seed: int, locale: str = "en_GB", bilingual: bool = False) -> Form:
    return Form(random.Random(seed), locale, FIELDS, bilingual=bilingual)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_truth_is_what_stands_behind_its_label_or_nothing(seed: int) -> None:
    one = form(seed)
    said = one.put("name", "name", "Ann Example", keep=0.5)
    values = [entry.value for entry in one.entries]
    assert one.truth["name"] == (said or None)
    assert values in ([], [said]) if not said else values == ["Ann Example"]


def test_a_blank_form_has_its_labels_and_no_answers() -> None:
    blank = [
        one for one in (Form(random.Random(seed), "en_GB", FIELDS, hand=True) for seed in HAND) if one.blank
    ]
    assert 0 < len(blank) < len(HAND) / 5
    for one in blank:
        one.put("name", "name", "Ann Example", 1.0)
        one.ask("member", "smoker")
        assert one.truth == {"name": None, "member": None}
        assert [
            (entry.label in ("Name", "Full name", "Name in full"), entry.value) for entry in one.entries
        ] == [(True, "")]
        assert not one.sign("", share=1.0)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_sign_is_printed_and_no_part_of_the_truth(seed: int) -> None:
    one = form(seed)
    one.put("name", "amount", "12.50", 1.0, "EUR")
    assert one.truth["name"] == "12.50"
    assert one.entries[0].value in ("EUR 12.50", "12.50 EUR")


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_yes_and_no_are_marked_as_the_truth_says(seed: int) -> None:
    one = form(seed)
    said = one.ask("member", "smoker", keep=0.7)
    marked = dict(one.checks[0].options)
    assert marked == {"Yes": said is True, "No": said is False}
    if said is None:
        assert one.checks[0].style != "strike"  # both struck out would be an answer


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_another_stamp_is_not_the_one_that_is_asked_for(seed: int) -> None:
    one = form(seed)
    one.eye_stamp("member", "paid_stamp", 0.5, ("copy_stamp", "approved_stamp"))
    assert one.truth["member"] is any(stamp.lines == ("PAID",) for stamp in one.stamps)
    assert all(stamp.pixels for stamp in one.stamps)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_signature_is_drawn_if_the_truth_says_so(seed: int) -> None:
    one = form(seed)
    assert one.sign("member", "Ann Example", 0.5) is one.truth["member"]
    assert (one.signatures[0].curve is not None) is one.truth["member"]


def test_labels_that_cross_borders_are_repeated_in_english() -> None:
    label = form(1, "de_DE", bilingual=True).label("consignee")
    assert label.startswith("Empfänger / ")
    assert label.split(" / ")[1] in ("Consignee", "Receiver")
    assert form(1, bilingual=True).label("carrier") == "Carrier"


def test_a_document_keeps_to_one_word_for_a_thing() -> None:
    words = Terms(random.Random(3), "fr_FR")
    assert len({words("employer") for _ in range(20)}) == 1
    drawn = {Terms(random.Random(seed), "fr_FR")("employer") for seed in range(20)}
    assert drawn == {"Employeur", "Entreprise"}
