"""The scripted backend where no label is a word that it knows: pairs by their form, boxes, captions, what is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.backends.scripted.labels import goal_of
from extractors.backends.scripted.likeness import asked_of, explains, rarity_of
from schemas.tree import Kind, Leaf
from tests.backends.asked import read


def test_numbered_boxes_are_labels_and_their_numbers_no_values() -> None:
    found = read(
        """\
8. Job title             9. Height (cm)         10. Weight (kg)
Systems analyst          172                    60

11. Allergies            12. Medicines          13. Dated
Nickel                   Bisoprolol 2.5 mg      24/07/2012
""",
        height_cm="Height in centimetres.",
        weight_kg="Weight in kilograms.",
        medication="Current medication as written.",
        date_signed="Date of the signature.",
    )
    assert found == {
        "height_cm": "172",
        "weight_kg": "60",
        "medication": "Bisoprolol 2.5 mg",
        "date_signed": "24/07/2012",
    }


@pytest.mark.parametrize(
    ("text", "field", "description", "value"),
    [
        ("Est. No.   88240\nFlight     June", "estimate_number", "Number of the agency's estimate.", "88240"),
        ("Validated by    Dr. Arin Jain", "validated_by", "Who validated the results.", "Dr. Arin Jain"),
        ("Validated by:\nDr. Arin Jain", "validated_by", "Who validated the results.", "Dr. Arin Jain"),
        ("Plot size : 400 m", "plot_size", "Size of the plot.", "400 m"),
        ("Ridership class      Commuter", "class", "Ridership class.", "Commuter"),
        ("Vessel: Northern Star", "ship", "Name of the vessel.", "Northern Star"),
        ("Garden: roses", "vessel", "Name of the vessel.", None),
        ("No.: 4711", "vessel_number", "Number of the vessel.", None),
        ("Tel. 555 0199", "vessel_number", "Number of the vessel.", None),
    ],
)
def test_a_label_that_says_what_a_field_says_gives_its_value(
    text: str, field: str, description: str, value: str | None
) -> None:
    assert read(text, **{field: description}) == {field: value}


def test_a_field_takes_the_label_that_says_most_of_it_and_no_two_take_one_value() -> None:
    found = read(
        "Loading berth: 14 North\nBerth: 3\n",
        loading_berth="Berth where the goods are loaded.",
        unloading_berth="Berth where the goods leave.",
    )
    assert found["loading_berth"] == "14 North"
    assert found["unloading_berth"] in (None, "3")


def test_captions_stand_under_their_boxes_where_they_are_nearer_to_these() -> None:
    found = read(
        """\
FYEG22194105        Sophieshire
Waybill no.         Place of loading

Graemeside          GBTS6716237
Port of discharge   Container no.

128,950.00          30/09/2007
Value for customs   Dated
""",
        document_number="Number of the waybill.",
        place_of_loading="Place or port of loading.",
        place_of_delivery="Port of discharge.",
        container="Container number.",
    )
    assert found == {
        "document_number": "FYEG22194105",
        "place_of_loading": "Sophieshire",
        "place_of_delivery": "Graemeside",
        "container": "GBTS6716237",
    }


def test_a_caption_ends_an_address() -> None:
    found = read(
        """\
3. Home address
12 Mill Lane, 40150 Greenville
5. Health insurer
Sunrise Mutual
""",
        address="The patient's home address.",
    )
    assert found == {"address": "12 Mill Lane, 40150 Greenville"}


def test_a_block_hangs_to_the_right_under_a_heading_that_has_its_line_to_itself() -> None:
    found = read(
        """\
Supplier
                    Oak Timber Ltd
                    12 Mill Lane
                    40150 Greenville
""",
        supplier_name="Name of the supplier.",
    )
    assert found == {"supplier_name": "Oak Timber Ltd"}


def test_the_last_label_of_a_sort_is_for_the_last_field_of_it() -> None:
    one = read("1. NAME IN FULL\nAlison Peacock\n", taxpayer="Full name of the taxpayer.")
    assert one == {"taxpayer": "Alison Peacock"}
    two = read(
        "1. NAME IN FULL\nAlison Peacock\n",
        taxpayer="Full name of the taxpayer.",
        spouse="Full name of the taxpayer's husband or wife.",
    )
    assert two == {"taxpayer": None, "spouse": None}


def test_a_year_is_no_tax_and_no_number() -> None:
    fields = {"tax_year": "Calendar year of the income."}
    assert read("1. CALENDAR YEAR       2. TAXPAYER ID\n2011                   411-68-9147\n", **fields) == {
        "tax_year": "2011"
    }
    assert read("Tax withheld: 1,204.10\nYear-end code: FW4424664\n", **fields) == {"tax_year": None}


def test_rows_of_a_table_are_no_pairs() -> None:
    found = read(
        """\
Berth       Tonnage     Crew
4           1,200       18
5           3,400       21
6           2,100       12
""",
        leader="Who leads the crews.",
    )
    assert found == {"leader": None}


def test_a_mail_is_asked_for_and_a_sentence_given_is_none() -> None:
    found = read(
        "Privacy notice: this information is required by law and statements are public\nE-mail    a@example.net\n",
        email="The applicant's e-mail address; information about the applicant.",
    )
    assert found == {"email": "a@example.net"}


def test_a_heading_of_a_party_says_nothing_of_the_sums_under_it() -> None:
    found = read(
        """\
Customer
Luke Porter
NET TOTAL      RM 1,843.95
GST 6%         RM 110.64
GRAND TOTAL    RM 1,954.59
""",
        net_total="Sum before tax.",
        total="Sum including tax.",
    )
    assert found == {"net_total": "1,843.95", "total": "1,954.59"}


WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


@given(word=WORDS, name=st.lists(WORDS, min_size=1, max_size=4), about=st.lists(WORDS, max_size=8))
def test_a_word_is_explained_by_a_share_and_by_a_word_of_the_field(
    word: str, name: list[str], about: list[str]
) -> None:
    leaf = Leaf(Kind.TEXT, True, " ".join(about), "string")
    one = asked_of(goal_of("_".join(name), leaf, 0))
    share, by = explains(word, one)
    assert 0.0 <= share <= 1.0
    assert (share == 0.0) == (by == "")
    assert not by or by in (*one.name, *one.about)
    assert all(tells > 0 for tells in rarity_of([one]).values())
