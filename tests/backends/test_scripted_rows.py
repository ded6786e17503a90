"""The scripted backend on rows: tables in lists, heads in unknown words, till slips, tables of several lists."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import from_json_schema
from tests.validation.paper import paper

TEXT: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": ["number", "null"]}
DATE: dict[str, Any] = {"type": ["string", "null"], "format": "date"}


def rows(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": fields}}


def read(*pages: str, **fields: dict[str, Any]) -> dict[str, Any]:
    schema = from_json_schema({"title": "paper", "type": "object", "properties": fields}, "paper")
    (answer,) = ScriptedBackend().answer([paper(*pages)], schema)
    return dict(answer.data)


def columns(found: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in found]


POSTINGS = rows(date=DATE, description=TEXT, amount=NUMBER)
ACCOUNTS = rows(account_number=TEXT, currency=TEXT, transactions=POSTINGS)
FIRST = """Oak Bank

Account number: 12-3456        Currency: EUR

Date          Description              Amount
01.02.2024    Rent                     900.00
03.02.2024    Salary                 2,500.00

Closing balance                      1,600.00
"""
SECOND = """
Account number: 77-0001        Currency: USD

Date          Description              Amount
05.02.2024    Books                     19.90
09.02.2024    Tea and cake               8.50
"""
MORE = """Account number: 77-0001        Currency: USD

Date          Description              Amount
12.02.2024    Shoes                     49.00
"""


def test_each_account_has_the_table_under_its_number_and_the_next_page_goes_on_with_it() -> None:
    found = read(FIRST + SECOND, MORE, accounts=ACCOUNTS)["accounts"]
    assert columns(found, "account_number", "currency") == [("12-3456", "EUR"), ("77-0001", "USD")]
    names = [[row["description"] for row in account["transactions"]] for account in found]
    assert names == [["Rent", "Salary"], ["Books", "Tea and cake", "Shoes"]]


def test_tables_without_heads_are_of_one_item() -> None:
    (account,) = read(FIRST, accounts=ACCOUNTS)["accounts"]
    assert (account["account_number"], len(account["transactions"])) == ("12-3456", 2)


def test_groups_in_groups() -> None:
    inner = rows(panel=TEXT, results=rows(test=TEXT, value=NUMBER, unit=TEXT))
    text = """LAB REPORT

Panel: Blood count

Test              Value     Unit
Haemoglobin       14.1      g/dl
Leukocytes        6.2       G/l

Panel: Liver

Test              Value     Unit
ALT               31        U/l
AST               28        U/l
"""
    (patient,) = read(text, patients=rows(panels=inner))["patients"]
    assert [panel["panel"] for panel in patient["panels"]] == ["Blood count", "Liver"]
    assert columns(patient["panels"][1]["results"], "test", "value", "unit") == [
        ("ALT", "31", "U/l"),
        ("AST", "28", "U/l"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        "Bu-Tag        Vorgang                   Belastung     Haben    Kontostand",
        "Gizmo         Whatsit                   Blah          Bleh     Blih      ",
    ],
)
def test_columns_go_by_what_stands_in_them_where_nobody_knows_their_heads(head: str) -> None:
    text = f"""{head}
12.04.2024    Versicherung Oak          96.55                    766.01
13.04.2024    Gehalt der Firma Elm                  330.10     1,096.11
16.04.2024    Miete                    226.25                    869.86
17.04.2024    Karte, Laden              26.25                    843.61
"""
    found = read(text, transactions=POSTINGS)["transactions"]
    assert columns(found, "date", "description", "amount") == [
        ("12.04.2024", "Versicherung Oak", "96.55"),
        ("13.04.2024", "Gehalt der Firma Elm", "330.10"),
        ("16.04.2024", "Miete", "226.25"),
        ("17.04.2024", "Karte, Laden", "26.25"),
    ]


def test_days_without_a_year_are_given_as_printed() -> None:
    text = """Datum     Vorgang           Betrag
23.04.    Gehalt            900.00
24.04.    Miete             371.50
25.04.    Versicherung       81.97
"""
    found = read(text, transactions=POSTINGS)["transactions"]
    assert columns(found, "date", "amount") == [
        ("23.04.", "900.00"), ("24.04.", "371.50"), ("25.04.", "81.97"),
    ]  # fmt: skip


def test_what_was_measured_its_range_and_a_flag_that_no_head_names() -> None:
    text = """Badanie         Wynik    Norma
Potas           3.8      3.5 - 5.1
Cholesterol     238      120 - 200       H
Leukocyty       9.3      4.0 - 11.0
"""
    results = rows(test=TEXT, result=TEXT, reference_range=TEXT)
    assert columns(read(text, results=results)["results"], "test", "result", "reference_range") == [
        ("Potas", "3.8", "3.5 - 5.1"),
        ("Cholesterol", "238", "120 - 200"),
        ("Leukocyty", "9.3", "4.0 - 11.0"),
    ]


ARTICLE = {**TEXT, "description": "Code of the item."}


@pytest.mark.parametrize(
    "head", ["Item code     Item              Qty", "Article       Item              Qty"]
)
def test_codes_are_told_from_names(head: str) -> None:
    text = f"""{head}
DG-2987       Oak chair           4
SK-6066       Lamp               12
"""
    items = rows(article=ARTICLE, description=TEXT, quantity=NUMBER)
    assert columns(read(text, items=items)["items"], "article", "description", "quantity") == [
        ("DG-2987", "Oak chair", "4"),
        ("SK-6066", "Lamp", "12"),
    ]


def test_codes_under_a_head_that_nobody_knows() -> None:
    text = """#     Gizmo         Whatsit           Qty
1     DG-2987       Oak chair           4
2     SK-6066       Lamp               12
3     DU-6541       Green tea           7
"""
    items = rows(article=ARTICLE, description=TEXT, quantity=NUMBER)
    assert columns(read(text, items=items)["items"], "article", "description", "quantity") == [
        ("DG-2987", "Oak chair", "4"),
        ("SK-6066", "Lamp", "12"),
        ("DU-6541", "Green tea", "7"),
    ]


SLIP = rows(article=ARTICLE, description=TEXT, quantity=NUMBER, unit_price=NUMBER, line_total=NUMBER)
MILK, TEA = ("Milk 1L", "2", "1.50", "3.00"), ("Green tea", "1", "4.00", "4.00")


@pytest.mark.parametrize(
    "text",
    [
        "Milk 1L\n2 x 1.50          3.00\nGreen tea\n1 x 4.00          4.00\nTotal      7.00\n",
        "2 x RM 1.50    RM 3.00\nMilk 1L\n1 x RM 4.00    RM 4.00\nGreen tea\nTotal   RM 7.00\n",
        "Milk 1L     2 @ 1.50     3.00\nGreen tea   1 @ 4.00     4.00\nTotal      7.00\n",
        "Milk 1L       2    1.50     3.00\nGreen tea     1    4.00     4.00\nTotal         7.00\n",
    ],
)
def test_a_slip_multiplies_over_under_and_beside_what_was_bought(text: str) -> None:
    found = read(text, items=SLIP)["items"]
    assert columns(found, "description", "quantity", "unit_price", "line_total") == [MILK, TEA]
    assert {row["article"] for row in found} == {None}


def test_a_code_before_the_name_is_its_own_field_and_a_wrong_product_no_item() -> None:
    text = "4KE792 Milk 1L\n2 x 1.50       3.00\nZUX502 Lamp\n2 x 3.00      11.00\nTotal      14.00\n"
    assert columns(read(text, items=SLIP)["items"], "article", "description") == [("4KE792", "Milk 1L")]


@pytest.mark.parametrize(
    ("first", "second"),
    [("Earnings", "Deductions"), ("Gains", "Retenues"), ("Ups", "Downs")],  # named, in French, in no language
)
def test_one_table_of_two_lists_is_parted_by_its_headings(first: str, second: str) -> None:
    text = f"""{first}
Item                Amount
Basic salary      3,050.00
Overtime            250.07

{second}
Item                Amount
Income tax          458.71
Pension             277.53
"""
    pay = rows(description=TEXT, amount=NUMBER)
    found = read(text, earnings=pay, deductions=pay)
    assert [row["description"] for row in found["earnings"]] == ["Basic salary", "Overtime"]
    assert [row["description"] for row in found["deductions"]] == ["Income tax", "Pension"]


def test_a_part_of_the_table_with_one_other_head_goes_on_with_it() -> None:
    text = """Payments          Amount       YTD
Basic salary    3,050.00  9,150.00
Item              Amount       YTD
Income tax        458.71  1,376.13
"""
    found = read(text, lines=rows(description=TEXT, amount=NUMBER))["lines"]
    assert columns(found, "description", "amount") == [("Basic salary", "3,050.00"), ("Income tax", "458.71")]


@pytest.mark.parametrize("heading", ["Deliver to", "Ship to:", "Delivery address"])
def test_an_address_stands_under_whose_it_is_and_ends_with_its_town(heading: str) -> None:
    text = f"""Oak Foods Ltd
1 Mill Lane
10115 Elmstead

{heading}
Lamp Works GmbH
Hauptstrasse 7
20097 Hamburg
We confirm the following details today.
"""
    data = read(text, sender_address=TEXT, delivery_address=TEXT)
    assert data["delivery_address"] == "Hauptstrasse 7 20097 Hamburg"
