"""The scripted backend on forms with empty fields: what stands below an empty one is not its value."""

from __future__ import annotations

import pytest

from tests.backends.asked import read


def test_what_has_a_label_of_its_own_is_not_the_value_of_the_empty_field_above() -> None:
    found = read("Born:\nDesired start: 20-07-2006\n", birth_date="Date of birth.")
    assert found == {"birth_date": None}


@pytest.mark.parametrize(
    ("text", "field", "description", "value"),
    [
        ("Amount due\nEUR: 125.00\n", "amount_due", "Amount still to be paid.", "125.00"),
        ("Subject:\nRe Policy: renewal of cover\n", "subject", "Subject of the letter.", "Re Policy: renewal of cover"),
        ("Customer\nJensen Ltd      Order 17\n12 High Street  Date 3 May 2020\n", "customer_name",
         "Name of the customer.", "Jensen Ltd"),
        ("Project\nBridge north     Leeds\nBridge south     York\n", "project", "Name of the project.", "Bridge north"),
        ("Class\n2. Motor\n", "class", "Class of the policy.", "2. Motor"),
        ("Customer reference: 7\n", "customer_reference", "Reference of the customer.", "7"),
    ],
)  # fmt: skip
def test_these_are_values_all_the_same(text: str, field: str, description: str, value: str) -> None:
    assert read(text, **{field: description}) == {field: value}


def test_the_next_label_of_a_column_is_no_value() -> None:
    found = read(
        """\
WAYBILL NO.           ZZSB53101592
COUNTRY OF ORIGIN
VALUE FOR CUSTOMS     $ 39.00
BROKER
PORT OF LOADING       East Hannahtown
PORT OF DISCHARGE     Phillipston
""",
        origin_country="Country that the goods come from.",
        broker="Name of the broker.",
        port_of_loading="Port where the goods are loaded.",
    )
    assert found == {"origin_country": None, "broker": None, "port_of_loading": "East Hannahtown"}


def test_numbered_labels_are_no_values() -> None:
    found = read(
        """\
Form A-6

1. Taxpayer ID         2. Full name
570-53-1015            Donald Morgan

3. Home address        4. Employer
                       Page Ltd
5. Plan                6. Annual premium
""",
        home_address="Home address of the taxpayer.",
        plan="Plan that was chosen.",
        employer="Name of the employer.",
    )
    assert found == {"home_address": None, "plan": None, "employer": "Page Ltd"}


@pytest.mark.parametrize(
    ("block", "address"),
    [
        ("Studio 4\nCarpenter Glens\nSouth Oliver\nDE7 4LL", "Studio 4 Carpenter Glens South Oliver DE7 4LL"),
        ("448 Bates Green\nGeraldineborough\nTN7X 8RJ", "448 Bates Green Geraldineborough TN7X 8RJ"),
        (
            "579 Stefanie Radial\nPO Box 2729\nPort Eugene, CO 09102",
            "579 Stefanie Radial PO Box 2729 Port Eugene, CO 09102",
        ),
    ],
)
def test_a_street_need_not_be_called_one(block: str, address: str) -> None:
    found = read(
        f"Consignee:\nJensen Ltd\n{block}\n\nDate: 3 May 2020\n",
        consignee="Name of the consignee.",
        consignee_address="Address of the consignee.",
    )
    assert found == {"consignee": "Jensen Ltd", "consignee_address": address}


def test_what_a_description_says_a_field_is_not_is_no_hint_for_it() -> None:
    found = read(
        """\
6. Tax withheld        7. Social security wages      8. Social security tax withheld
33,804.68              111,957.33                    6,607.08
""",
        tax_withheld="Income tax withheld, not the social security tax.",
        social_tax="What was withheld for social security.",
    )
    assert found == {"tax_withheld": "33,804.68", "social_tax": "6,607.08"}


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("BEF 12345\nTotal: 12.50 EUR", "EUR"),
        ("Portland, OR 97123\nTotal: $ 12.50", "$"),
        ("Total CAD 1250", "CAD"),
        ("Total: VND 150,000", "VND"),
        ("CAD 1 250.00", "CAD"),
        ("Total: BEF 1250.00", "BEF"),
        ("Total: RM 12", "RM"),
    ],
)
def test_letters_before_bare_digits_are_no_currency(text: str, currency: str) -> None:
    assert read(text, currency="Currency of the amounts.")["currency"] == currency


def test_the_date_behind_pay_by_is_when_it_is_due() -> None:
    found = read(
        "Date of bill:   13.06.2017\nPay by:   27.06.2017\n",
        bill_date="Date of the bill.",
        due_date="Date by which to pay.",
    )
    assert found == {"bill_date": "13.06.2017", "due_date": "27.06.2017"}


def test_paid_by_is_not_pay_by_and_a_shop_that_is_open_is_not_due() -> None:
    due = {"amount_due": "Amount still to be paid.", "due_date": "Date by which to pay."}
    none = {"amount_due": None, "due_date": None}
    assert read("Shop Ltd\nOpen daily 9.00 - 22.00\nTotal 12.50\n", **due) == none
    assert read("Shop Ltd\nPaid by card 12.50\nPaid by card: 04.05.2021\n", **due) == none
