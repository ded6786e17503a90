"""Where schemas come from: the catalog by name, JSON Schema files by path; code only from the catalog."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import catalog
from schemas.errors import SchemaError
from schemas.hints import SumRule
from schemas.registry import MAX_FILE_BYTES, catalog_names, load_schema
from schemas.tree import leaves

NOTE: dict[str, Any] = {
    "title": "Delivery Note",
    "type": "object",
    "properties": {"number": {"type": "string", "description": "Its number."}},
}

RECEIPT = {"company", "date", "address", "total"}
AD_BUY = {"advertiser", "contract_num", "flight_from", "flight_to", "gross_amount"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose Python files are in the catalog."""
    known = set(sys.modules)
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path)])
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith("schemas.catalog."):
            del sys.modules[name]


def save(path: Path, schema: Any) -> Path:
    path.write_text(json.dumps(schema), encoding="utf-8")
    return path


def test_the_catalog_loads() -> None:
    assert {"receipt", "ad_buy", "invoice"} <= set(catalog_names())
    for name in catalog_names():
        schema = load_schema(name)
        assert schema.name == name
        assert schema.model is not None
        assert schema.description
        for path, leaf in leaves(schema.tree):
            assert leaf.description, f"{name}: the model is told nothing about {path}"


def test_field_names_that_users_rely_on() -> None:
    assert {path for path, _ in leaves(load_schema("receipt").tree)} == RECEIPT
    assert {path for path, _ in leaves(load_schema("ad_buy").tree)} == AD_BUY
    items = {path for path, _ in leaves(load_schema("invoice").tree) if path.startswith("line_items[].")}
    assert items == {
        f"line_items[].{name}" for name in ("description", "quantity", "unit_price", "line_total")
    }


def test_rules_and_key_fields_name_fields_of_their_schema() -> None:
    for name in catalog_names():
        schema = load_schema(name)
        paths = {path.replace("[]", "") for path, _ in leaves(schema.tree)}
        assert set(schema.hints.key_fields) <= paths
        for rule in schema.rules:
            if isinstance(rule, SumRule):
                named = [rule.items] if isinstance(rule.items, str) else rule.items
                assert {*named, rule.equals} <= paths


def test_a_version_may_be_named() -> None:
    assert load_schema("invoice@1").qualified_name == "invoice@1"
    with pytest.raises(SchemaError, match="The catalog has invoice@1"):
        load_schema("invoice@7")


def test_a_json_schema_file_is_a_schema(tmp_path: Path) -> None:
    schema = load_schema(save(tmp_path / "any.json", NOTE))
    assert (schema.name, schema.model) == ("delivery_note", None)


def test_a_title_that_is_no_name_still_gives_one(tmp_path: Path) -> None:
    schema = load_schema(save(tmp_path / "s.json", {**NOTE, "title": "../../納品書"}))
    assert schema.name.isidentifier()
    assert "/" not in schema.name


def test_the_fingerprint_follows_the_content_not_the_order_of_keys(tmp_path: Path) -> None:
    one = load_schema(save(tmp_path / "a.json", NOTE))
    two = load_schema(save(tmp_path / "b.json", dict(reversed(NOTE.items()))))
    assert one.fingerprint == two.fingerprint
    more = {**NOTE["properties"], "day": {"type": "string", "format": "date"}}
    assert load_schema(save(tmp_path / "c.json", {**NOTE, "properties": more})).fingerprint != one.fingerprint


def test_a_new_file_in_the_catalog_is_all_it_takes(folder: Path) -> None:
    (folder / "visit_card.py").write_text(
        "from pydantic import BaseModel, Field\n"
        "class VisitCard(BaseModel):\n"
        "    '''A card.'''\n"
        "    name: str | None = Field(description='Name on the card.')\n"
    )
    assert "visit_card" in catalog_names()
    assert load_schema("visit_card").description == "A card."


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import no_such_module_anywhere\n", "No module named"),
        ("def (:\n", "SyntaxError"),
        ("raise SystemError('boom')\n", "boom"),
        ("x = 1\n", "no model class named after the file"),
    ],
)
def test_a_broken_file_of_the_catalog_is_told_by_name(folder: Path, code: str, complaint: str) -> None:
    (folder / "broken_one.py").write_text(code)
    with pytest.raises(SchemaError) as caught:
        load_schema("broken_one")
    assert "schemas/catalog/broken_one.py" in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.remedy


def test_python_outside_the_catalog_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / "evil.py"
    path.write_text(f"open({str(trace)!r}, 'w')\n")
    with pytest.raises(SchemaError, match="runs only from schemas/catalog/"):
        load_schema(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"not json", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[]", "no object"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"type": "object", "properties": {"x": {"type": "poem"}}}', "#/properties/x"),
        (b'{"type": "object", "x-parquetry": {"rules": [{"kind": "magic"}]}}', "x-parquetry: rules.0"),
        (b" " * (MAX_FILE_BYTES + 1), "larger than"),
    ],
    ids=["text", "utf-16", "list", "deep", "type", "rule", "large"],
)
def test_wrong_files_are_refused_by_name(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(SchemaError) as caught:
        load_schema(path)
    assert "wrong.json" in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.remedy


def test_what_does_not_exist_is_told_with_what_does(tmp_path: Path) -> None:
    with pytest.raises(SchemaError) as caught:
        load_schema("invioce")
    assert "invoice" in caught.value.remedy
    with pytest.raises(SchemaError, match=r"gone\.json"):
        load_schema(tmp_path / "gone.json")


def test_a_schema_in_an_envelope(tmp_path: Path) -> None:
    inner = {"type": "object", "properties": {"total": {"type": "number"}}}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"name": "Till slip", "description": "From a till.", "schema": inner}))
    schema = load_schema(path)
    assert (schema.name, schema.description) == ("till_slip", "From a till.")
    assert [p for p, _ in leaves(schema.tree)] == ["total"]
