"""How schemas ask for marks: names and descriptions in many words, and the answers to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from extractors.backends.scripted.meanings import meanings_of, stamp_says
from schemas.document import Box, Mark, Word
from tests.backends.test_marked import BOOLEAN, answers, boxes_of, document_of, schema_of, words_of

SIGNATURE = Mark("signature", Box(40, 270, 130, 298), 0.9)


def stamp_of(text: str) -> Mark:
    return Mark("stamp", Box(200, 100, 260, 140), 0.9, text=text)


def said(folder: Path, marks: tuple[Mark, ...], name: str, description: str, **more: Any) -> str | None:
    field = {**BOOLEAN, "description": description, **more}
    document = document_of(words_of((300.0, "Signature")), marks)
    return answers(document, schema_of(folder, **{name: field}))[name].raw


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("countersigned", "Is it executed by hand?"),
        ("assinado", "O documento está assinado?"),
        ("is_signed", "Whether a signature is present (handwritten, digital, or stamp)."),
        ("f_07", "Yes if a signature stands above the line; no if the line is blank."),
    ],
)
def test_signatures_are_asked_for_in_many_words(tmp_path: Path, name: str, description: str) -> None:
    assert said(tmp_path, (SIGNATURE,), name, description) == "true"
    assert said(tmp_path, (), name, description) == "false"


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("unsigned", "The form lacks a signature."),
        ("signature_missing", "True when nobody signed."),
        ("unterschrift_fehlt", "Wahr, wenn die Unterschrift fehlt."),
        ("sans_signature", "Vrai si la signature manque."),
    ],
)
def test_a_question_turned_round_is_answered_the_other_way(
    tmp_path: Path, name: str, description: str
) -> None:
    assert said(tmp_path, (SIGNATURE,), name, description) == "false"
    assert said(tmp_path, (), name, description) == "true"


def test_states_are_a_yes_and_a_no(tmp_path: Path) -> None:
    states = {"type": "string", "enum": ["present", "absent"]}
    assert said(tmp_path, (SIGNATURE,), "signature", "Of the client.", **states) == "present"
    states = {"type": "string", "enum": ["signed", "not signed"]}
    assert said(tmp_path, (), "signature", "Of the client.", **states) == "not signed"


def test_what_a_description_says_of_other_stamps_is_not_asked_for(tmp_path: Path) -> None:
    description = "True if a stamp says that it is settled; a copy stamp does not count."
    assert said(tmp_path, (stamp_of("PAID"),), "f_3", description) == "true"
    assert said(tmp_path, (stamp_of("COPY"),), "f_3", description) == "false"


def test_an_example_of_a_stamp_is_not_the_one_that_is_asked_for(tmp_path: Path) -> None:
    description = "Whether an ink stamp, such as a date of receipt or of a notary, is on the page."
    assert said(tmp_path, (stamp_of("DISTRICT OFFICE"),), "stamped", description) == "true"
    assert said(tmp_path, (), "stamped", description) == "false"


def test_a_stamp_says_which_choice_it_is(tmp_path: Path) -> None:
    choices = {"type": ["string", "null"], "enum": ["received", "approved", "paid", None]}
    assert said(tmp_path, (stamp_of("EINGEGANGEN 3. MAI"),), "stamp", "Its word.", **choices) == "received"


def test_a_box_left_empty_says_yes_to_a_question_turned_round(tmp_path: Path) -> None:
    line = (100.0, "| Newsletter _ | No advertising")
    schema = schema_of(
        tmp_path,
        newsletter_declined={**BOOLEAN, "description": "True if the newsletter box was left blank."},
        no_advertising={**BOOLEAN, "description": "Is the box 'no advertising' ticked?"},
    )
    found = answers(document_of(words_of(line), boxes_of("-x", line)), schema)
    assert (found["newsletter_declined"].raw, found["no_advertising"].raw) == ("true", "true")


def test_words_that_only_hold_a_phrase_mean_something_else() -> None:
    assert "signature" not in meanings_of("designed and assigned")
    assert "stamp" not in meanings_of("timestamp")
    assert "paid" in meanings_of("ZAPŁACONO") and "paid" not in meanings_of("prepaid")
    assert stamp_says("BEZAHLT") and not stamp_says("Payment received by the undersigned")


def test_a_stamp_that_a_recogniser_read_as_print_counts_by_its_size(tmp_path: Path) -> None:
    lines = [
        Word(text, Box(40, y, 90, y + 10), 0.95) for y, text in ((60, "Invoice"), (80, "of"), (100, "May"))
    ]
    field = {**BOOLEAN, "description": "Is there a stamp that says paid?"}
    for height, expected in ((18.0, "true"), (10.0, "false")):
        words = [*lines, Word("PAID", Box(200, 60, 260, 60 + height), 0.95)]
        found = answers(document_of(words, ()), schema_of(tmp_path, paid=field))
        assert found["paid"].raw == expected


def strike_at(word: Word) -> Mark:
    return Mark("strike", word.box, 0.85)


def test_what_no_line_goes_through_is_the_choice(tmp_path: Path) -> None:
    words = words_of((100.0, "Plan _ basic _ standard _ premium"), (130.0, "Smoker _ yes _ no"))
    by_text = {word.text: word for word in words}
    plan = {"type": ["string", "null"], "enum": ["basic", "standard", "premium", None]}
    schema = schema_of(tmp_path, plan=plan, smoker=BOOLEAN)
    marks = tuple(strike_at(by_text[text]) for text in ("basic", "premium", "yes"))
    found = answers(document_of(words, marks), schema)
    assert (found["plan"].raw, found["smoker"].raw) == ("standard", "false")
    one = answers(document_of(words, marks[:1]), schema)
    assert one["plan"].raw is None  # two are left


def test_words_under_a_line_may_be_misread(tmp_path: Path) -> None:
    words = [
        Word(text, Box(x, 100, x + 40, 110), 0.9)
        for text, x in (("Freight", 40), ("Rrepoid", 110), ("Collect", 180))
    ]
    choices = {"type": ["string", "null"], "enum": ["prepaid", "collect", None]}
    found = answers(document_of(words, (strike_at(words[1]),)), schema_of(tmp_path, freight=choices))
    assert found["freight"].raw == "collect"


def test_printed_options_are_no_answer(tmp_path: Path) -> None:
    words = words_of((100.0, "Plan _ basic _ standard"), (130.0, "Smoker _ yes _ no"))
    yes_or_no = {"type": ["string", "null"], "enum": ["yes", "no", None]}
    plan = {"type": ["string", "null"], "enum": ["basic", "standard", None]}
    found = answers(document_of(words, ()), schema_of(tmp_path, plan=plan, smoker=yes_or_no))
    assert (found["plan"].raw, found["smoker"].raw) == (None, None)


def test_where_nobody_signed_two_lines_are_both_empty(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, buyer_signed=BOOLEAN, seller_signed=BOOLEAN)
    found = answers(document_of(words_of((300.0, "Signature")), ()), schema)
    assert {leaf.raw for leaf in found.values()} == {"false"}
