"""Whether a document is of the schema's kind at all, by words."""

from __future__ import annotations

import math

import pytest

from extractors.backends.scripted import ScriptedBackend
from extractors.options import ExtractOptions
from extractors.training.synthesis.fit_kinds import coded, names, page_table, schema_table
from extractors.training.synthesis.kinds import KINDS
from extractors.validation.kinds import (
    HIGHEST,
    LOWEST,
    MARGIN,
    MARGIN_NAMED,
    kinds_of_schema,
    leading_kind,
    other_kind,
    page_words,
    table,
)
from extractors.validation.validate import route, validate
from schemas.outcome import ReviewReason
from schemas.registry import from_json_schema, load_schema
from tests.tiny import document_of

CONTRACT = [
    "KQRS-TV   CONTRACT",
    "Contract / Revision   2291874",
    "Advertiser   Dana Whitlow for Clerk",
    "Agency   Blue Heron Media",
    "Contract Dates   09/14/26 - 10/04/26",
    "Line   Start Date   End Date   Spots/Week   Rate   Amount",
    "1   09/14/26   09/20/26   10   $85.00   $850.00",
    "Gross Amount   $850.00",
    "Agency Commission   $127.50",
    "Net Amount   $722.50",
    "Total   $850.00",
]
RECEIPT = [
    "OLIVE AND EMBER KITCHEN",
    "14 Harbour Street",
    "RECEIPT",
    "Date: 14/02/2026   Cashier: Ana",
    "Qty   Item   Price",
    "2   Lamb shoulder   23.50",
    "Subtotal   47.00",
    "GST   2.82",
    "Rounding   0.00",
    "TOTAL   49.82",
    "Cash   50.00",
    "Change   0.18",
    "Thank you, please come again",
]


def test_a_receipt_schema_on_a_contract_goes_to_review_with_its_values() -> None:
    schema, document = load_schema("receipt"), document_of(CONTRACT)
    answer = ScriptedBackend().answer([document], schema)[0]
    validated = validate(answer, schema, document, ExtractOptions())
    assert ReviewReason.WRONG_DOCUMENT_TYPE in validated.reasons
    assert "its words are those of an advertising order, not of a receipt" in validated.messages
    assert not route(validated, ExtractOptions())
    # A value that stands there is shown to the reviewer, not taken away.
    assert {f.path: f.raw for f in validated.fields}["total"] == "$850.00"


@pytest.mark.parametrize(("lines", "name"), [(CONTRACT, "ad_buy"), (RECEIPT, "receipt")])
def test_the_right_schema_is_not_doubted(lines: list[str], name: str) -> None:
    assert other_kind(load_schema(name), document_of(lines)) is None


@pytest.mark.parametrize(
    ("lines", "name"),
    [(CONTRACT, "receipt"), (CONTRACT, "invoice"), (RECEIPT, "ad_buy"), (RECEIPT, "invoice")],
)
def test_the_wrong_one_is(lines: list[str], name: str) -> None:
    assert other_kind(load_schema(name), document_of(lines))


def test_schemas_of_known_kinds_and_others() -> None:
    assert kinds_of_schema(load_schema("receipt")) == {"receipt"}
    assert kinds_of_schema(load_schema("ad_buy")) == {"ad_order"}
    assert "invoice" in kinds_of_schema(load_schema("invoice"))
    stars = {
        "star": "Name of the star.",
        "magnitude": "Apparent magnitude.",
        "parallax": "In milliarcseconds.",
    }
    schema = from_json_schema(
        {
            "title": "star_catalogue",
            "description": "Stars and how bright they are.",
            "type": "object",
            "properties": {name: {"type": "string", "description": text} for name, text in stars.items()},
        },
        "stars",
    )
    assert kinds_of_schema(schema) == frozenset()
    assert other_kind(schema, document_of(CONTRACT)) is None


def test_choices_tell_what_a_schema_takes() -> None:
    json_schema = dict(load_schema("invoice").json_schema)
    kind = {"enum": ["invoice", "order"], "description": "Kind of document."}
    json_schema["properties"] = {**json_schema["properties"], "kind": kind}
    assert {"invoice", "purchase_order"} <= kinds_of_schema(from_json_schema(json_schema, "invoice"))


@pytest.mark.parametrize("lines", [[], ["4711 09/14/26"], ["Total   12.50"], ["Σύνολο   12,50"] * 20])
def test_a_page_that_says_little_is_not_doubted(lines: list[str]) -> None:
    assert other_kind(load_schema("receipt"), document_of(lines)) is None


def test_a_page_that_bears_the_name_of_its_kind_is_doubted_less() -> None:
    schema, lines = load_schema("invoice"), [*RECEIPT[:-1], "Thank you"]
    meant = kinds_of_schema(schema)
    for more, doubted in (([], True), (["Invoice"], False)):
        document = document_of([*lines, *more])
        assert MARGIN < leading_kind(page_words(document), meant)[1] < MARGIN_NAMED
        assert bool(other_kind(schema, document)) == doubted


def test_only_the_first_pages_are_looked_at() -> None:
    document = document_of(*[RECEIPT] * 5, CONTRACT)
    assert "advertiser" not in page_words(document)


def test_the_table_is_whole() -> None:
    known = table()
    assert set(known.kinds) == set(KINDS)
    for weights in (known.pages, known.schemas):
        assert len(weights) > 500
        assert all(len(row) == len(known.kinds) for row in weights.values())
        assert all(LOWEST <= value <= HIGHEST for row in weights.values() for value in row)


def test_no_words_lead_nowhere() -> None:
    assert leading_kind([], frozenset({"receipt"})) == ("", -math.inf)


def test_fitting_counts_documents() -> None:
    made = [(kind, frozenset({"common", *(("cashier",) if kind == "receipt" else ())})) for kind in KINDS] * 6
    weights = page_table(made)
    place = list(KINDS).index("receipt")
    assert weights["cashier"][place] == max(weights["cashier"]) > 2
    assert max(map(abs, weights["common"])) < 1e-9
    assert set(coded(weights)) == {"cashier"}  # what all documents have says nothing
    assert coded({"w": [-9.0, -1.0, 3.0, 9.0]}) == {"w": "aazz"}


def test_the_kept_weights_of_schemas_are_those_of_the_kinds() -> None:
    """Whoever adds a kind or renames its fields fits anew."""
    from json import loads

    from extractors.validation.kinds import FILE

    kept = loads(FILE.read_text(encoding="utf-8"))
    assert (kept["schemas"], kept["names"]) == (coded(schema_table()), names())
