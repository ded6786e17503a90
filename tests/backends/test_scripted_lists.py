"""The scripted backend and lists that are no tables with figures, under schemas that nobody foresaw."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.base import Answer
from extractors.backends.scripted import ScriptedBackend
from schemas.registry import from_json_schema
from tests.validation.paper import paper

TEXT = {"type": ["string", "null"]}


def texts(description: str = "", **item: Any) -> dict[str, Any]:
    """A list of single values."""
    return {"type": "array", "description": description, "items": {"type": "string", **item}}


def rows(description: str = "", **fields: Any) -> dict[str, Any]:
    """A list of objects with these fields: descriptions, or schemas."""
    properties = {
        name: {**TEXT, "description": said} if isinstance(said, str) else said
        for name, said in fields.items()
    }
    return {
        "type": "array",
        "description": description,
        "items": {"type": "object", "properties": properties},
    }


def answered(text: str, **lists: dict[str, Any]) -> Answer:
    schema = from_json_schema({"title": "paper", "type": "object", "properties": lists}, "paper")
    (answer,) = ScriptedBackend().answer([paper(text)], schema)
    for leaf in answer.leaves:  # nothing is invented, and everything has its place
        if leaf.raw is not None and leaf.raw not in ("true", "false"):
            assert leaf.span is not None and leaf.span.words
            shown = "".join(word.text for _, word in leaf.span.words)
            assert leaf.raw.replace(" ", "") in shown.replace(" ", "")
    return answer


def read(text: str, **lists: dict[str, Any]) -> dict[str, Any]:
    return dict(answered(text, **lists).data)


CARD = """\
Jane Doe
Tel: 030 1234567   Mobile: +49 170 1234567   Fax: 030 99999999   Order: 001056091951
jane@x.org, other@y.com     www.janedoe.de     linkedin.com/in/jane
IBAN: DE89 3704 0044 0532 0130 00
jane@x.org     bad@x.orghttp://y/
"""


@pytest.mark.parametrize(
    ("name", "item", "found"),
    [
        ("emails", {}, ["jane@x.org", "other@y.com"]),
        ("contact", {"format": "email"}, ["jane@x.org", "other@y.com"]),
        ("phone_numbers", {}, ["030 1234567", "+49 170 1234567"]),
        ("faxes", {}, ["030 99999999"]),
        ("links", {"format": "uri"}, ["www.janedoe.de", "linkedin.com/in/jane"]),
        ("ibans", {}, ["DE89 3704 0044 0532 0130 00"]),
        ("codes", {"pattern": "^\\d{12}$"}, ["001056091951"]),
        ("supplier_emails", {}, []),  # whose they are no form tells
        ("skills", {}, []),
    ],
)
def test_values_of_a_clear_form_are_found_wherever_they_stand_and_each_once(
    name: str, item: dict[str, Any], found: list[str]
) -> None:
    assert read(CARD, **{name: texts(**item)})[name] == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "Languages: English (fluent, spoken), German and French",
            ["English (fluent, spoken)", "German", "French"],
        ),
        ("Sprachen: Deutsch; Englisch", ["Deutsch", "Englisch"]),
        ("Langues      français / anglais", ["français", "anglais"]),
        ("Lingue: italiano • inglese • tedesco", ["italiano", "inglese", "tedesco"]),
        ("Idiomas: español | portugués", ["español", "portugués"]),
        ("Języki: polski", ["polski"]),
        ("Taste: salty, sweet", []),
    ],
)
def test_values_behind_a_label_in_many_languages(line: str, found: list[str]) -> None:
    text = f"Person: Jane Doe\n{line}\nPlace: Bonn, Berlin\n"
    assert read(text, languages=texts("Languages that the person speaks."))["languages"] == found


def test_values_below_a_heading_by_bullets_by_separators_or_line_by_line() -> None:
    found = read(
        """\
KEY SKILLS
• Python, also for data
• Writing of long
  reports

HOBBIES
Chess, Reading

CERTIFICATIONS & TRAINING
Driving licence
First aid

PROFILE
I am a person, and I like, as many do, what other people like very much.
""",
        skills=texts(),
        interests=texts(),
        certifications=texts(),
        summary_points=texts(),
    )
    assert found == {
        "skills": ["Python, also for data", "Writing of long reports"],
        "interests": ["Chess", "Reading"],
        "certifications": ["Driving licence", "First aid"],
        "summary_points": [],
    }


STATEMENT = """\
INVOICE                        Open items
Invoice No.        Date              Amount
R-100              01.02.2024         12.00
R-101              05.02.2024         14.00
Total                                 26.00
Due dates: 01.03.2024, 02.04.2024
"""


def test_a_column_or_a_label_with_values_of_its_kind() -> None:
    dates = texts(format="date")
    numbers = {"type": "array", "items": {"type": "number"}}
    found = read(STATEMENT, invoice_numbers=texts(), amounts=numbers, due_dates=dates, order_numbers=texts())
    assert found == {
        "invoice_numbers": ["R-100", "R-101"],
        "amounts": ["12.00", "14.00"],
        "due_dates": ["01.03.2024", "02.04.2024"],
        "order_numbers": [],
    }


def test_the_authors_of_a_paper_stand_below_its_title_with_marks_that_are_no_part_of_them() -> None:
    found = read(
        """\
On the Reading of Paper

Jane Doe1, A. B. Smith2 and Maria de la Cruz1
1University of Somewhere, 2Elsewhere

Abstract
We read paper, and paper reads us.
""",
        authors=rows(name="Name of the author.", affiliation="Where the author works."),
        keywords=texts(),
    )
    assert [row["name"] for row in found["authors"]] == ["Jane Doe", "A. B. Smith", "Maria de la Cruz"]
    assert found["keywords"] == []


RESUME = """\
Jane Doe

PROFESSIONAL EXPERIENCE
Marketing Manager | Velocity Brands Ltd | Portland, OR
April 2020 - Present
• Led initiatives that made
  a million
• Managed a budget

Analyst | Horizon Bank
June 2017 - March 2020
• Wrote reports

EDUCATION
BSc Computer Science            2016
Crestview University

LANGUAGES
English, German
"""
STATIONS = {
    "title": "Title of the position.",
    "employer": "Name of the employer.",
    "start": "Begin as printed.",
    "end": "End as printed.",
}


def test_stations_are_told_apart_by_their_periods_and_their_fields_by_what_they_look_like() -> None:
    found = read(
        RESUME,
        work_experience=rows(
            **STATIONS,
            location="Town.",
            is_current={"type": "boolean"},
            bullets=texts("What was done."),
        ),
        education=rows(degree="Degree.", institution="School.", year={"type": ["integer", "null"]}),
    )
    assert found["work_experience"] == [
        {
            "title": "Marketing Manager", "employer": "Velocity Brands Ltd", "start": "April 2020", "end": "Present",
            "location": "Portland, OR", "is_current": "true",
            "bullets": ["Led initiatives that made a million", "Managed a budget"],
        },
        {
            "title": "Analyst", "employer": "Horizon Bank", "start": "June 2017", "end": "March 2020",
            "location": None, "is_current": "false", "bullets": ["Wrote reports"],
        },
    ]  # fmt: skip
    assert found["education"] == [
        {"degree": "BSc Computer Science", "institution": "Crestview University", "year": "2016"}
    ]


@pytest.mark.parametrize(
    ("heading", "period", "title", "firm"),
    [
        ("Berufserfahrung", "03/2019 – heute", "Sachbearbeiter", "Muster GmbH"),
        ("Expérience professionnelle", "2015 - 2018", "chef de projet", "Martin SARL"),
        ("Doświadczenie zawodowe", "02.2013 – 01.2014", "Kierownik", "Firma Sp. z o.o."),
        ("Werkervaring", "mrt 1997 - heden", "Adviseur", "Klaas BV"),
    ],
)
def test_stations_in_other_languages(heading: str, period: str, title: str, firm: str) -> None:
    text = f"{heading}\n\n{title}                    {period}\n{firm}\n"
    begins, _, ends = period.replace("–", "-").partition(" - ")
    found = read(text, experience=rows("Stations of work.", **STATIONS))["experience"]
    assert found == [{"title": title, "employer": firm, "start": begins, "end": ends}]


def test_an_end_is_null_where_the_schema_wants_it_so_and_dates_are_whole_dates_only() -> None:
    fields = {
        "title": "Title.",
        "from": {"type": ["string", "null"], "format": "date"},
        "until": "End; null if current.",
    }
    found = read(RESUME, experience=rows("Work experience.", **fields))["experience"]
    assert [row["until"] for row in found] == [None, "March 2020"]
    assert [row["from"] for row in found] == [None, None]


def test_works_are_read_by_the_order_of_a_reference() -> None:
    found = read(
        """\
References

[1] Rossi, I. & Smith, H. (2016). "Beyond Borders: Art
    between two Lands." *Art Bulletin*, 12(3), 4-5.
[2] Albert Gu and Tri Dao. Linear Time. In Proceedings of
    Something, 2023.
[3] Miller, A., Bauer, B. and Shaw, C. D. (1999). Plain Title. Press.
""",
        citations=rows(
            title="Title of the work.",
            year={"type": ["integer", "null"]},
            journal="Where it appeared.",
            authors=texts("Its authors."),
        ),
    )["citations"]
    assert found == [
        {"title": "Beyond Borders: Art between two Lands", "year": "2016", "journal": "Art Bulletin",
         "authors": ["Rossi, I.", "Smith, H."]},
        {"title": "Linear Time", "year": "2023", "journal": "Proceedings of Something",
         "authors": ["Albert Gu", "Tri Dao"]},
        {"title": "Plain Title", "year": "1999", "journal": "Press",
         "authors": ["Miller, A.", "Bauer, B.", "Shaw, C. D."]},
    ]  # fmt: skip


def test_the_same_labels_again_are_the_next_item_and_the_head_of_each_page_is_none() -> None:
    vehicles = rows("Insured vehicles.", make="Make.", model="Model.", plate="Plate.")
    again = """\
Vehicle 1
Make: Opel          Model: Corsa
Plate: HH-AB 1
Vehicle 2
Make: Fiat          Model: Panda
Plate: HH-CD 2
"""
    assert read(again, vehicles=vehicles)["vehicles"] == [
        {"make": "Opel", "model": "Corsa", "plate": "HH-AB 1"},
        {"make": "Fiat", "model": "Panda", "plate": "HH-CD 2"},
    ]
    assert read("Make: Opel\nModel: Corsa\n\nMake: Opel\nModel: Corsa\n", vehicles=vehicles)["vehicles"] == []


def test_a_table_of_words_under_its_heads() -> None:
    found = read(
        """\
Minutes

Name               Company            Role
Jane Doe           Alpha Ltd          Chair
John Smith         Beta Inc           Member

Next meeting: 01.02.2025
""",
        participants=rows(name="Name.", company="Company.", role="Role."),
    )
    assert found["participants"] == [
        {"name": "Jane Doe", "company": "Alpha Ltd", "role": "Chair"},
        {"name": "John Smith", "company": "Beta Inc", "role": "Member"},
    ]


def test_where_no_heading_and_no_label_names_a_list_it_stays_empty() -> None:
    asked = {
        "experience": rows("Work experience.", **STATIONS),
        "coverages": rows("Coverages of the policy.", name="Name.", limit="Limit."),
        "references": rows(name="Name.", company="Company.", phone="Telephone."),
        "keywords": texts("Topics."),
        "languages": texts(),
    }
    letter = """\
Muster GmbH
Dear Jane, we met from 2015 to 2018, in Bonn, Berlin and Rome.
languages]
Date: 01.02.2024     Total: 12.00
Yours, John
"""
    assert read(letter, **asked) == {name: [] for name in asked}
