"""The scripted backend on contracts: parties by the words that stand for them, numbers in running text."""

from __future__ import annotations

from typing import Any

import pytest

from extractors.backends.scripted import ScriptedBackend
from schemas.registry import from_json_schema
from tests.validation.paper import paper

TEXT: dict[str, Any] = {"type": ["string", "null"]}
FIELDS = {
    "contract_number": {**TEXT, "description": "Number of the agreement."},
    "provider": {**TEXT, "description": "Name of the party that provides the services."},
    "provider_address": {**TEXT, "description": "Address of the provider."},
    "client": {**TEXT, "description": "Name of the party that pays."},
}


def read(text: str) -> dict[str, Any]:
    schema = from_json_schema({"title": "contract", "type": "object", "properties": FIELDS}, "contract")
    (answer,) = ScriptedBackend().answer([paper(text)], schema)
    return dict(answer.data)


def test_the_opening_names_the_parties_and_the_number() -> None:
    assert read("""Framework Agreement

This agreement no. YS05660 is entered into between Oak, Elm and Lamp Ltd, Unit 7
Mill Lane, Elmstead 16361 (hereinafter the "Provider"), and Book Store Ltd, 9 High
Street, Lampton (the "Client").
""") == {
        "contract_number": "YS05660",
        "provider": "Oak, Elm and Lamp Ltd",
        "provider_address": "Unit 7 Mill Lane, Elmstead 16361",
        "client": "Book Store Ltd",
    }


def test_one_word_that_is_known_tells_the_other_party_too() -> None:
    found = read("""Rahmenvertrag

Zwischen Buche AG, Lindenweg 56, 48990 Ulmen (nachfolgend „Auftragnehmer“), und
Eiche OG, Via Roma, 72, 2019 Baden (nachfolgend „Auftraggeber“), wird unter der
Vertragsnummer 4116-89 Folgendes vereinbart:
""")
    assert (found["provider"], found["client"], found["contract_number"]) == (
        "Buche AG",
        "Eiche OG",
        "4116-89",
    )
    assert found["provider_address"] == "Lindenweg 56, 48990 Ulmen"


@pytest.mark.parametrize(
    "text",
    [
        'Terms\n\nThe station ("Station") will on behalf of the one who orders (the "Client") send it.\n',
        'Terms\n\nA split between the sums that somebody owes (the "Client") is possible.\n',
    ],
)
def test_terms_that_are_defined_elsewhere_are_no_parties(text: str) -> None:
    assert read(text)["client"] is None
