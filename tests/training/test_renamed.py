"""Other names on training documents: on the page and in the labels alike, and nothing else of the page."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from extractors.prompting.meant import as_meant
from extractors.prompting.window import windows_of
from extractors.training.checkpoint import Position
from extractors.training.config import LabelledSet, TrainConfig
from extractors.training.dataset import examples_of
from extractors.training.renamed import Renamer
from extractors.training.stream import ExampleStream
from schemas.document import ReadDocument
from schemas.registry import load_schema
from tests.tiny import document_of

SCHEMA = load_schema("receipt")
TREE = as_meant(SCHEMA).tree
LINES = [
    "BLUE HARBOUR BOOKS LTD",
    "12, Market Street, Oldtown",
    "",
    "Date 25/12/2018   No 77",
    "",
    "Total   1,234.50",
]
TRUTH: dict[str, Any] = {
    "company": "BLUE HARBOUR BOOKS LTD",
    "address": "12, MARKET STREET, OLDTOWN",
    "date": "25/12/2018",
    "total": "1,234.50",
}
OTHERS: list[dict[str, Any]] = [
    {"company": f"{name} Trading", "address": f"{number} {name} Street"}
    for number, name in enumerate(("Falcon", "Meadow", "Quarry"), 1)
]


def count(texts: object) -> list[int]:
    return [len(text.split()) for text in texts]  # type: ignore[attr-defined]


def text_of(document: ReadDocument) -> str:
    return "\n".join(window.text for window in windows_of(document, 10_000, count))


@given(st.integers(0, 10_000))
@example(1178)  # draws a name's own self from the pool
@settings(deadline=None)
def test_page_and_labels_say_the_same_under_other_names(seed: int) -> None:
    plain = document_of(LINES)
    other, truth = Renamer([TRUTH, *OTHERS]).renamed(plain, TRUTH, TREE, random.Random(seed))
    (before,) = examples_of(plain, TRUTH, SCHEMA, 10_000, count)
    (after,) = examples_of(other, truth, SCHEMA, 10_000, count)
    old, new = json.loads(before.answer), json.loads(after.answer)
    assert old.keys() == new.keys() and None not in (new["company"], new["address"])
    assert old["company"] != new["company"] and old["address"] != new["address"]
    assert (old["date"], old["total"]) == (new["date"], new["total"])
    assert new["company"] in text_of(other)
    assert [w.box for w in plain.pages[0].words] == [w.box for w in other.pages[0].words]


def test_what_many_labels_share_and_short_words_stay() -> None:
    _, truth = Renamer([TRUTH, *OTHERS]).renamed(document_of(LINES), TRUTH, TREE, random.Random(1))
    assert truth["company"].endswith(" LTD")
    words = truth["address"].split()
    assert words[0] == "12," and words[2] == "Street,", truth  # as printed: the label was in capitals


def test_a_name_is_the_same_everywhere_on_the_page_in_its_own_case() -> None:
    page = document_of([*LINES, "", "Thank you from all at Harbour", "harbour@books.example"])
    other, _ = Renamer([TRUTH, *OTHERS]).renamed(page, TRUTH, TREE, random.Random(4))
    words = [word.text for word in other.pages[0].words]
    name = words[1]
    assert name != "HARBOUR" and name.isupper()
    assert name.title() in words and any(word.startswith(f"{name.lower()}@") for word in words)
    assert "harbour" not in text_of(other).casefold()


def test_words_of_dates_choices_and_of_the_schema_stay() -> None:
    truth = {**TRUTH, "company": "TOTAL AUGUST LTD", "date": "25 August 2018"}
    page = document_of(["TOTAL AUGUST LTD", "", "Date 25 August 2018", "", "Total   1,234.50"])
    assert Renamer([truth]).renamed(page, {**truth, "address": None}, TREE, random.Random(2)) == (
        page,
        {**truth, "address": None},
    )


def test_long_numbers_in_texts_become_others_and_sums_do_not() -> None:
    schema = load_schema("ad_buy")
    truth = {"contract_num": "26795339", "gross_amount": "12345.00"}
    page = document_of(["Contract 26795339", "", "Gross   12345.00"])
    other, relabelled = Renamer([truth]).renamed(page, truth, as_meant(schema).tree, random.Random(3))
    number = relabelled["contract_num"]
    assert number != "26795339" and number.isdecimal() and len(number) == 8
    assert number in text_of(other) and "12345.00" in text_of(other)
    assert relabelled["gross_amount"] == truth["gross_amount"]


def test_a_label_that_was_misread_is_renamed_as_it_was_read() -> None:
    page = document_of(["BLUE HARB0UR BOOKS LTD", "", "Total   1,234.50"])
    truth = {"company": "BLUE HARBOUR BOOKS LTD", "total": "1,234.50"}
    other, relabelled = Renamer([truth, *OTHERS]).renamed(page, truth, TREE, random.Random(5))
    assert relabelled["company"] in text_of(other)
    assert not relabelled["company"].startswith("BLUE HARB0UR")


def test_a_document_without_names_is_left_alone() -> None:
    page = document_of(["Total   1,234.50"])
    truth = {"company": None, "total": "1,234.50"}
    assert Renamer([truth]).renamed(page, truth, TREE, random.Random(0)) == (page, truth)


def test_a_share_of_training_is_renamed_and_development_never_is(tmp_path: Path) -> None:
    for name in ("docs", "truth"):
        (tmp_path / name).mkdir()
    for identity in ("a", "b"):
        (tmp_path / "docs" / f"{identity}.pdf").write_bytes(b"")
        (tmp_path / "truth" / f"{identity}.json").write_text(json.dumps(TRUTH))
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["a"], "dev": ["b"]}))

    def companies(share: float) -> tuple[list[str], str]:
        config = TrainConfig(
            sets=[LabelledSet(folder=tmp_path, schemas=["receipt"])],
            output=tmp_path / "run",
            renamed_share=share,
            injected_share=0.0,
        )
        stream = ExampleStream(config, lambda path: document_of(LINES), count)
        taken = islice(stream.examples(Position()), 40)
        (dev,) = stream.dev(1)
        return [json.loads(one.answer)["company"] for one in taken], json.loads(dev.answer)["company"]

    for share, fewest, most in ((0.0, 0, 0), (0.5, 8, 32), (1.0, 40, 40)):
        trained, dev = companies(share)
        renamed = sum(company != TRUTH["company"] for company in trained)
        assert fewest <= renamed <= most, share
        assert dev == TRUTH["company"]
