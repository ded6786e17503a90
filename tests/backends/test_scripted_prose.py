"""The scripted backend on running text: what a date or a sum is, the words of its sentence and the heading say."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import from_json_schema
from tests.validation.paper import paper

TEXT: dict[str, Any] = {"type": ["string", "null"]}
FIELDS = {
    "effective_date": {
        **TEXT,
        "description": "Date on which it takes effect, neither that of an offer nor of signature.",
    },
    "end_date": {**TEXT, "description": "Last day of the term; null if no end is stated."},
    "fee": {**TEXT, "description": "The agreed fee without currency; no cap on liability."},
    "notice_period": {**TEXT, "description": "Period of notice as worded."},
    "governing_law": {**TEXT, "description": "State whose law applies."},
}
CONTRACT = """\
1. Commencement
This Agreement takes effect on 11/10/2019, notwithstanding that the offer of
01/06/2019 contemplated an earlier start.

2. Fees
In consideration of the services the Client shall pay a fee of EUR 744,800.00, exclusive of
tax, within 45 days of receipt of an invoice. Expenses above EUR 13,150.00 need prior
approval.

3. Term
Unless terminated earlier, this Agreement remains in force until 12/08/2021.

4. Termination
Either party may terminate this Agreement by giving thirty (30) days' written notice.
Material breach that is not remedied within 45 days entitles the other party to terminate.

5. Governing law
This Agreement is governed by the laws of the State of New York, and its courts decide.
"""


def read(text: str, *names: str) -> dict[str, Any]:
    properties = {name: FIELDS[name] for name in names or FIELDS}
    schema = from_json_schema({"title": "contract", "type": "object", "properties": properties}, "contract")
    (answer,) = ScriptedBackend().answer([paper(text)], schema)
    return dict(answer.data)


def test_sentences_and_their_headings_tell_what_a_value_is() -> None:
    assert read(CONTRACT) == {
        "effective_date": "11/10/2019",
        "end_date": "12/08/2021",
        "fee": "744,800.00",
        "notice_period": "thirty (30) days'",
        "governing_law": "New York",
    }


@pytest.mark.parametrize(
    ("sentence", "length"),
    [
        ("The notice to be given by either of the parties is sixty days.", "sixty days"),
        ("The notice to be given by either of the parties is 90 calendar days.", "90 calendar days"),
        ("Die Frist für die Kündigung (notice) beträgt für beide Seiten sechs Wochen.", "sechs Wochen"),
        ("Le préavis (notice) à donner par chacune des parties est de trois mois.", "trois mois"),
        ("The notice to be given by either of the parties is reasonable.", None),
        ("The days of the notice to be given are counted by the clerk.", None),
    ],
)
def test_a_length_of_time_is_given_as_worded(sentence: str, length: str | None) -> None:
    assert read(sentence, "notice_period") == {"notice_period": length}


@pytest.mark.parametrize(
    ("sentence", "place"),
    [
        ("This Agreement is governed by the laws of Ontario.", "Ontario"),
        ("This Agreement is governed by the laws of England and Wales.", "England and Wales"),
        ("This Agreement is governed by the law of the Republic of Malta, always.", "Malta"),
        ("This Agreement is governed by the laws of nature and of reason alone.", None),
    ],
)
def test_whose_law_holds(sentence: str, place: str | None) -> None:
    assert read(sentence, "governing_law") == {"governing_law": place}


def test_a_sentence_that_speaks_of_nothing_asked_gives_nothing() -> None:
    text = "Expenses of the Provider above EUR 13,150.00 need the approval of the Client on 01/02/2020."
    assert read(text, "fee", "end_date") == {"fee": None, "end_date": None}


def test_values_in_sentences_are_spelled_by_their_words() -> None:
    (answer,) = ScriptedBackend().answer(
        [paper(CONTRACT)],
        from_json_schema({"title": "contract", "type": "object", "properties": FIELDS}, "contract"),
    )
    for leaf in answer.leaves:
        assert leaf.raw and leaf.span
        assert " ".join(word.text for _, word in leaf.span.words) == leaf.raw
