"""The scripted backend under schemas that nobody foresaw: what names and descriptions of fields are enough for."""

from __future__ import annotations

import pytest

from extractors.backends.scripted import ScriptedBackend
from extractors.backends.scripted.descriptions import alternatives, asked_for, says_nothing, told_words
from schemas.registry import from_json_schema
from tests.backends.asked import read
from tests.validation.paper import paper


def test_labels_over_their_values_although_the_next_cell_is_text_as_well() -> None:
    found = read(
        """\
E-ticket

Show                     Location
Night of the Owls        Lyon Opera

Begins                   Seat no.
19.00                    41
""",
        event="Name of the event as printed.",
        venue="Name of the venue, without its address.",
        start_time="Time of the beginning as printed.",
        seat="Seat as printed.",
    )
    assert found == {"event": "Night of the Owls", "venue": "Lyon Opera", "start_time": "19.00", "seat": "41"}


def test_labels_beside_their_values_are_no_heads_though_the_next_row_stands_like_them() -> None:
    found = read(
        """\
Employee                 William Byrne
Employee no.             4711
""",
        employee="Name of the employee.",
        employee_number="Number of the employee.",
    )
    assert found == {"employee": "William Byrne", "employee_number": "4711"}


def test_a_caption_in_brackets_stands_under_what_was_filled_in() -> None:
    found = read(
        """\
TONY MASON               S$ 6,110.00
(NAME OF APPLICANT)      (MONTHLY INCOME)
12 High Street
(HOME ADDRESS)
""",
        applicant="Full name of the applicant as filled in.",
        monthly_income="Monthly income, without currency.",
    )
    assert found["applicant"] == "TONY MASON"
    assert found["monthly_income"] in ("S$ 6,110.00", "6,110.00")


def test_a_column_of_figures_ends_with_its_sum_and_one_without_a_sum_is_no_total() -> None:
    schema = {"gross_amount": "Gross amount of the whole order.", "net_amount": "Net amount of the order."}
    found = read(
        """\
Month            Spots      Gross Amount      Net Amount
January              4           $120.00         $102.00
February             6           $180.50         $153.43
Total               10           $300.50         $255.43
""",
        **schema,
    )
    assert found == {"gross_amount": "$300.50", "net_amount": "$255.43"}


@pytest.mark.parametrize(
    ("label", "value", "name", "description"),
    [
        ("Contract account:", "00 9076 5326", "account_number", "Contract or account number."),
        ("Registration no.:", "680 FHP", "registration_number", "License plate of the vehicle."),
        ("BIC:", "SVXHSGNE", "bic", "BIC of the bank if printed."),
        ("Bank account:", "5228111197", "iban", "IBAN or account number for debits."),
        ("Order #:", "GR-17437", "contract_number", "The number of the contract or order."),
        ("Doctor:", "Dr. Ann Page", "physician", "Doctor who requested the tests; not who signed."),
        ("Date of birth:", "26/03/1984", "f_32", "Date of birth of the patient."),
        ("Expiration:", "09/01/2015", "valid_to", "Last day of cover."),
        ("E-mail", "ann@example.org", "email", "The e-mail address."),
    ],
)
def test_a_value_behind_a_label_that_only_the_description_tells(
    label: str, value: str, name: str, description: str
) -> None:
    assert read(f"{label}     {value}\n", **{name: description}) == {name: value}


def test_a_period_is_beginning_and_end_for_texts_whose_description_speaks_of_days() -> None:
    found = read(
        "Billing period:   22/03/2008 - 19/04/2008\n",
        period_start="First day of the period that is billed.",
        period_end="Last day of the period that is billed.",
    )
    assert found == {"period_start": "22/03/2008", "period_end": "19/04/2008"}


def test_whose_document_it_is_stands_at_the_head_and_a_title_is_no_name() -> None:
    text = """\
Statement of Account
First Clarehaven Bank
12 High Street
Leeds LS1 4AP

Statement number: 4711
"""
    assert read(text, bank_name="Bank that issued the statement.") == {"bank_name": "First Clarehaven Bank"}
    assert read(text, branch="Name of the branch, if printed.") == {"branch": None}


def test_lists_of_numbers_and_small_words_are_no_dates() -> None:
    found = read(
        "Weeks: 11, 12, 13\nEffective on 23/01/2014\n", effective_date="Day on which the contract begins."
    )
    assert found == {"effective_date": "23/01/2014"}


def test_what_a_description_says_that_a_field_is_not_is_not_asked_for() -> None:
    assert asked_for("Number of the ticket, not the reference of the order.") == "Number of the ticket"
    assert asked_for("The sum; null when absent") == "The sum"
    assert asked_for("not printed") == "not printed"  # nothing would be left
    assert told_words(["Vet who asked, not the owner.", "Name of the owner."])[1] == {"owner"}
    assert alternatives("Contract or order number") == {
        "contract": {"order"},
        "order": {"contract"},
    }


@pytest.mark.parametrize(
    ("key", "made_up"),
    [("f_32", True), ("col7", True), ("f_54_2", True), ("total", False), ("tax_7", False), ("name", False)],
)
def test_a_name_that_says_nothing(key: str, made_up: bool) -> None:
    assert says_nothing(key) is made_up


def test_rows_under_names_that_say_nothing() -> None:
    item = {
        "type": "object",
        "properties": {
            "item": {"type": ["string", "null"], "description": "Text of the charge as printed."},
            "f_99": {
                "type": ["number", "null"],
                "description": "Give: amount of the charge before tax as printed.",
            },
        },
    }
    schema = from_json_schema(
        {"title": "paper", "type": "object", "properties": {"f_5": {"type": "array", "items": item}}}, "paper"
    )
    text = """\
Description                  Amount
Usage charge                 650.66
Standing charge                9.64
"""
    (found,) = ScriptedBackend().answer([paper(text)], schema)
    assert [row["f_99"] for row in found.data["f_5"]] == ["650.66", "9.64"]


def test_a_persons_paper_begins_with_the_name_also_where_groups_have_names_of_their_own() -> None:
    properties = {"fullName": {"type": ["string", "null"], "description": "Full name of the candidate."}}
    schema = from_json_schema(
        {
            "title": "paper",
            "type": "object",
            "properties": {"personalInfo": {"type": "object", "properties": properties}},
        },
        "paper",
    )
    text = """\
Jennifer Walsh
Portland, OR 97201
PROFESSIONAL SUMMARY
Dynamic marketing professional with years of experience
"""
    (found,) = ScriptedBackend().answer([paper(text)], schema)
    assert found.data == {"personalInfo": {"fullName": "Jennifer Walsh"}}
