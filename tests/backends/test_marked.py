"""What marks answer: the rules from the marks of a page, and the model's answer where they are clear."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.base import Answer, LeafAnswer
from extractors.backends.marked import CLEAR, decided_by_marks
from extractors.backends.scripted import MARK, ScriptedBackend
from schemas.document import Box, DocumentRef, Mark, Page, ReadDocument, Word
from schemas.registry import LoadedSchema, load_schema


def schema_of(folder: Path, **fields: dict[str, Any]) -> LoadedSchema:
    schema = {
        "title": "form",
        "type": "object",
        "additionalProperties": False,
        "properties": fields,
        "required": list(fields),
    }
    path = folder / "form.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    return load_schema(path)


def words_of(*lines: tuple[float, str]) -> list[Word]:
    """Lines of words from given heights; ``|`` leaves room for a box of 10 points, ``_`` is a wide gap."""
    words = []
    for y, text in lines:
        x = 40.0
        for part in text.split():
            if part in "|_":
                x += 15
                continue
            words.append(Word(part, Box(x, y, x + 6 * len(part), y + 10)))
            x += 6 * len(part) + 5
    return words


def boxes_of(ticked: str, *lines: tuple[float, str]) -> tuple[Mark, ...]:
    """The boxes at the ``|`` of the same lines: ``x`` for a ticked one, ``-`` for an empty one, in order."""
    marks = []
    signs = iter(ticked)
    for y, text in lines:
        x = 40.0
        for part in text.split():
            if part in "|_":
                if part == "|":
                    marks.append(Mark("checkbox", Box(x, y, x + 10, y + 10), 0.95, next(signs) == "x"))
                x += 15
                continue
            x += 6 * len(part) + 5
    return tuple(marks)


def document_of(words: list[Word], marks: tuple[Mark, ...], *, sought: bool = True) -> ReadDocument:
    page = Page(1, 600, 800, "text_layer", tuple(words), marks=marks, marks_sought=sought)
    return ReadDocument(DocumentRef("form.pdf", "0" * 64, 1, "application/pdf"), (page,), 1)


def answers(document: ReadDocument, schema: LoadedSchema) -> dict[str, LeafAnswer]:
    return {leaf.path: leaf for leaf in ScriptedBackend().answer([document], schema)[0].leaves}


BOOLEAN = {"type": ["boolean", "null"]}


def test_a_box_answers_the_field_that_its_label_names(tmp_path: Path) -> None:
    lines = ((100.0, "| Send me the newsletter"), (120.0, "| Direct debit agreed"))
    schema = schema_of(tmp_path, newsletter=BOOLEAN, direct_debit=BOOLEAN, smoker=BOOLEAN)
    found = answers(document_of(words_of(*lines), boxes_of("x-", *lines)), schema)
    assert (found["newsletter"].raw, found["direct_debit"].raw) == ("true", "false")
    assert MARK not in found["smoker"].signals
    place = found["newsletter"].span
    assert place is not None and place.words[0] == (1, Word("☒", Box(40, 100, 50, 110)))
    assert found["newsletter"].signals[MARK] > CLEAR


def test_labels_may_stand_to_the_left(tmp_path: Path) -> None:
    lines = ((100.0, "Smoker? _ yes | _ no |"), (120.0, "Dangerous goods: _ yes | _ no |"))
    schema = schema_of(tmp_path, smoker=BOOLEAN, dangerous_goods=BOOLEAN)
    found = answers(document_of(words_of(*lines), boxes_of("x--x", *lines)), schema)
    assert (found["smoker"].raw, found["dangerous_goods"].raw) == ("true", "false")


def test_neither_ticked_is_null_and_both_are_no_answer(tmp_path: Path) -> None:
    line = (100.0, "Smoker: _ | yes _ | no")
    schema = schema_of(tmp_path, smoker=BOOLEAN)
    neither = answers(document_of(words_of(line), boxes_of("--", line)), schema)["smoker"]
    assert neither.raw is None and neither.signals[MARK] > CLEAR
    assert MARK not in answers(document_of(words_of(line), boxes_of("xx", line)), schema)["smoker"].signals


def test_of_a_row_of_boxes_the_ticked_label_is_the_choice(tmp_path: Path) -> None:
    line = (100.0, "Marital status: | single _ | married _ | divorced _ | widowed")
    choices = {"type": ["string", "null"], "enum": ["single", "married", "divorced", "widowed", None]}
    schema = schema_of(tmp_path, marital_status=choices)
    assert (
        answers(document_of(words_of(line), boxes_of("--x-", line)), schema)["marital_status"].raw
        == "divorced"
    )
    german = (100.0, "Familienstand: | ledig _ | verheiratet _ | geschieden _ | verwitwet")
    found = answers(document_of(words_of(german), boxes_of("-x--", german)), schema)["marital_status"]
    assert found.raw == "married" and found.span is not None
    two = answers(document_of(words_of(line), boxes_of("x-x-", line)), schema)["marital_status"]
    assert MARK not in two.signals


def test_signed_and_stamped_come_from_their_marks(tmp_path: Path) -> None:
    words = [*words_of((300.0, "Signature")), Word("PAID", Box(210, 110, 250, 125), 0.9)]
    signature = Mark("signature", Box(40, 270, 130, 298), 0.9)
    stamp = Mark("stamp", Box(200, 100, 260, 140), 0.9)
    schema = schema_of(
        tmp_path,
        is_signed=BOOLEAN,
        stamped_paid={**BOOLEAN, "description": "Whether a stamp says paid."},
        stamped_copy={**BOOLEAN, "description": "Whether a stamp says copy."},
    )
    found = answers(document_of(words, (signature, stamp)), schema)
    assert [found[path].raw for path in ("is_signed", "stamped_paid", "stamped_copy")] == [
        "true",
        "true",
        "false",
    ]
    assert found["is_signed"].span is not None and found["is_signed"].span.words[0][1].box == signature.box
    none = answers(document_of(words[:1], ()), schema)
    assert none["is_signed"].raw == "false"
    assert none["is_signed"].span is not None and none["is_signed"].span.words[0][1].text == "Signature"
    unseen = answers(document_of(words[:1], (), sought=False), schema)
    assert all(MARK not in leaf.signals for leaf in unseen.values())


def test_of_two_signatures_each_line_has_its_own(tmp_path: Path) -> None:
    words = [Word("Signature", Box(40, 300, 90, 310)), Word("Signature", Box(340, 300, 390, 310))]
    schema = schema_of(tmp_path, sender_signed=BOOLEAN, receiver_signed=BOOLEAN)
    found = answers(document_of(words, (Mark("signature", Box(350, 270, 430, 296), 0.9),)), schema)
    assert (found["sender_signed"].raw, found["receiver_signed"].raw) == ("false", "true")


def test_the_lines_to_sign_on_of_a_row_are_in_order_on_a_page_askew(tmp_path: Path) -> None:
    words = [Word("Signature", Box(40, 306, 90, 316)), Word("Signature", Box(340, 298, 390, 308))]
    schema = schema_of(tmp_path, sender_signed=BOOLEAN, receiver_signed=BOOLEAN)
    found = answers(document_of(words, (Mark("signature", Box(350, 268, 430, 294), 0.9),)), schema)
    assert (found["sender_signed"].raw, found["receiver_signed"].raw) == ("false", "true")


def test_writing_elsewhere_is_no_signature_where_a_line_asks_for_one(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, signed=BOOLEAN)
    asks = words_of((600.0, "Signature"))
    weak, strong = (Mark("signature", Box(200, 100, 260, 115), score) for score in (0.64, 0.9))
    found = answers(document_of(asks, (weak,)), schema)["signed"]
    assert found.raw == "false" and found.signals[MARK] < CLEAR
    assert answers(document_of(asks, (strong,)), schema)["signed"].raw == "true"
    assert answers(document_of([], (weak,)), schema)["signed"].raw == "true"


def test_choices_that_are_written_alike_are_told_apart(tmp_path: Path) -> None:
    line = (100.0, "Sex: | Male _ | Female")
    schema = schema_of(tmp_path, sex={"type": ["string", "null"], "enum": ["MALE", "FEMALE", None]})
    assert answers(document_of(words_of(line), boxes_of("-x", line)), schema)["sex"].raw == "FEMALE"
    polish = (100.0, "Fracht: | Opłacone _ | Nieopłacone")
    freight = schema_of(tmp_path, freight={"type": ["string", "null"], "enum": ["PREPAID", "COLLECT", None]})
    assert answers(document_of(words_of(polish), boxes_of("x-", polish)), freight)["freight"].raw == "PREPAID"


def test_a_misread_yes_beside_a_no_is_one(tmp_path: Path) -> None:
    line = (100.0, "Dangerous goods: | Sc _ | No")
    schema = schema_of(tmp_path, dangerous_goods=BOOLEAN)
    found = answers(document_of(words_of(line), boxes_of("x-", line)), schema)
    assert found["dangerous_goods"].raw == "true"


def test_a_label_before_its_box_is_whole_in_typewriter_print(tmp_path: Path) -> None:
    prose = [(200.0 + 12 * row, "some words of the form that stand here") for row in range(4)]
    words = [
        Word(text, Box(40 + 13 * n * 3, y, 40 + 13 * n * 3 + 32, y + 10))
        for y, line in (*prose, (100.0, "I agree to the processing of my data"))
        for n, text in enumerate(line.split())
    ]
    box = Mark("checkbox", Box(40 + 39 * 7 + 38, 100, 40 + 39 * 7 + 48, 110), 0.95, True)
    schema = schema_of(tmp_path, consent=BOOLEAN)
    assert answers(document_of(words, (box,)), schema)["consent"].raw == "true"


def test_a_yes_and_a_no_that_are_only_printed_answer_nothing(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, fasting=BOOLEAN)
    assert answers(document_of(words_of((100.0, "Fasting: yes no")), ()), schema)["fasting"].raw is None
    assert answers(document_of(words_of((100.0, "Fasting: yes")), ()), schema)["fasting"].raw == "true"


def test_a_stamp_of_which_a_letter_was_misread_still_says_what_it_says(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, is_copy={**BOOLEAN, "description": "Whether a stamp says copy."})
    stamp = Mark("stamp", Box(200, 100, 260, 140), 0.9, text="ROPIE")
    assert answers(document_of(words_of((300.0, "Text")), (stamp,)), schema)["is_copy"].raw == "true"


def test_a_clear_mark_takes_the_place_of_the_models_choice(tmp_path: Path) -> None:
    line = (100.0, "| Send me the newsletter")
    schema = schema_of(tmp_path, newsletter=BOOLEAN, name={"type": ["string", "null"]})
    by_rules = ScriptedBackend().answer([document_of(words_of(line), boxes_of("x", line))], schema)[0]
    data: dict[str, Any] = {"newsletter": False, "name": "Ann"}
    mine = [LeafAnswer("newsletter", "false", -0.7), LeafAnswer("name", "Ann", -0.1)]
    found = decided_by_marks(schema.tree, data, mine, by_rules)
    assert data == {"newsletter": True, "name": "Ann"}
    assert found[0].raw == "true" and found[0].span is not None and found[0].log_probability > -0.2
    assert found[1] is mine[1]


@given(st.floats(0, 1), st.sampled_from(["true", "Ann", None]))
def test_no_mark_ever_changes_a_text_a_number_or_a_date(
    tmp_path_factory: Any, score: float, raw: str | None
) -> None:
    fields: dict[str, dict[str, Any]] = {
        "name": {"type": ["string", "null"]},
        "total": {"type": ["number", "null"]},
        "day": {"type": ["string", "null"], "format": "date"},
    }
    schema = schema_of(tmp_path_factory.mktemp("schema"), **fields)
    data: dict[str, Any] = {"name": "Bob", "total": "3.00", "day": "1 May 2020"}
    mine = [LeafAnswer(path, text, -1.0) for path, text in data.items()]
    rules = Answer({}, tuple(LeafAnswer(path, raw, -0.1, signals={MARK: score}) for path in data))
    before = dict(data)
    assert decided_by_marks(schema.tree, data, mine, rules) == mine
    assert data == before


def test_an_unclear_mark_changes_nothing(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, signed=BOOLEAN)
    data: dict[str, Any] = {"signed": True}
    rules = Answer({}, (LeafAnswer("signed", "false", -0.4, signals={MARK: CLEAR - 0.01}),))
    mine = [LeafAnswer("signed", "true", -0.1)]
    assert decided_by_marks(schema.tree, data, mine, rules) == mine and data == {"signed": True}
