"""Finds schemas: Pydantic classes of the catalog by name, JSON Schema files by path.

A Python file is code and runs only from ``schemas/catalog/``. A JSON Schema file is data.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from schemas import catalog
from schemas.errors import SchemaError
from schemas.hints import HINTS_KEY, DocumentHints, Rule
from schemas.tree import ObjectNode, tree_and_notes

MAX_FILE_BYTES = 1_000_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class LoadedSchema:
    """A schema ready for use.

    Attributes:
        name: names the lake folder: ``lake/<name>/``.
        version: from the hints; part of ``qualified_name`` (``invoice@1``).
        fingerprint: SHA-256 over the JSON Schema; a changed schema is another one to the ledger.
        json_schema: the JSON Schema it came from.
        tree: its closed tree.
        model: the Pydantic class, or ``None`` for a JSON Schema file.
        notes: what of it is not extracted, each a sentence with the place in the schema.
    """

    name: str
    version: int
    description: str
    fingerprint: str
    json_schema: dict[str, Any]
    tree: ObjectNode
    hints: DocumentHints
    model: type[BaseModel] | None = field(default=None, compare=False)
    notes: tuple[str, ...] = ()

    @property
    def qualified_name(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def rules(self) -> list[Rule]:
        return self.hints.rules


_ENVELOPES = ("schema", "schema_definition", "json_schema", "parameters")


def catalog_names() -> list[str]:
    """The names of all catalog modules, sorted."""
    return sorted(m.name for m in pkgutil.iter_modules(catalog.__path__) if not m.name.startswith("_"))


def load_schema(name_or_file: str | Path) -> LoadedSchema:
    """Loads a catalog schema by name (``invoice``, ``invoice@1``) or a JSON Schema file by path.

    Raises:
        SchemaError: it does not exist, is no valid schema, or is a Python file outside the catalog.
    """
    text = str(name_or_file)
    name, _, version = text.partition("@")
    if name in catalog_names():
        schema = from_model(_catalog_model(name), name)
        if version and version != str(schema.version):
            raise SchemaError(
                f"The catalog has {schema.qualified_name}, not {text}.", remedy=f"Use --schema {name}."
            )
        return schema
    path = Path(text)
    if path.suffix == ".py":
        raise SchemaError(
            f"{text}: a Python file is code and runs only from schemas/catalog/.",
            remedy="Move it there and give its name, or pass a JSON Schema file.",
        )
    if path.suffix == ".json" or path.exists():
        return _from_file(path)
    raise SchemaError(
        f"No schema named {text!r}.",
        remedy=f"Known: {', '.join(catalog_names())}; or pass the path of a JSON Schema file.",
    )


def from_model(model: type[BaseModel], name: str) -> LoadedSchema:
    """A `LoadedSchema` of a Pydantic class (validation mode of its JSON Schema)."""
    schema = from_json_schema(model.model_json_schema(mode="validation"), name)
    return LoadedSchema(
        name=schema.name,
        version=schema.version,
        description=schema.description,
        fingerprint=schema.fingerprint,
        json_schema=schema.json_schema,
        tree=schema.tree,
        hints=schema.hints,
        model=model,
        notes=schema.notes,
    )


def _catalog_model(name: str) -> type[BaseModel]:
    try:
        module = importlib.import_module(f"schemas.catalog.{name}")
    except Exception as error:  # the user's own file: whatever is wrong in it becomes a clear error
        raise SchemaError(
            f"schemas/catalog/{name}.py cannot be imported: {type(error).__name__}: {error}",
            remedy="Correct the file.",
        ) from error
    own = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, BaseModel) and c.__module__ == module.__name__
    ]
    wanted = name.replace("_", "")
    for candidate in own:
        if candidate.__name__.lower() == wanted:
            return candidate
    raise SchemaError(
        f"schemas/catalog/{name}.py has no model class named after the file.",
        remedy=f"Name the class {''.join(p.title() for p in name.split('_'))}.",
    )


def _from_file(path: Path) -> LoadedSchema:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SchemaError(f"{path} is larger than {MAX_FILE_BYTES} bytes.", remedy="Is it a schema?")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SchemaError(f"{path}: {error.strerror or error}.", remedy="Give an existing file.") from error
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{path} is not JSON: {error}.", remedy="Pass a JSON Schema file.") from error
    if not isinstance(data, dict):
        raise SchemaError(f"{path} is not a JSON Schema: no object.", remedy="Pass a JSON Schema file.")
    data, named = _unwrapped(data)
    title = str(data.get("title") or named or path.stem)
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    if not _NAME.fullmatch(name):
        name = "schema_" + hashlib.sha256(title.encode()).hexdigest()[:8]
    try:
        return from_json_schema(data, name)
    except SchemaError as error:
        raise SchemaError(f"{path}: {error}", remedy=error.remedy) from error


def _unwrapped(data: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The schema inside an envelope ``{"name": ..., "schema": {...}}`` as tools pass it around, and its name."""
    if not {"type", "properties", "$ref", "anyOf", "oneOf", "allOf"} & data.keys():
        for key in _ENVELOPES:
            inner = data.get(key)
            if isinstance(inner, dict) and {"type", "properties", "$ref"} & inner.keys():
                about = {"description": data["description"]} if "description" in data else {}
                return {**about, **inner}, str(data.get("name") or "")
    return data, ""


def from_json_schema(data: dict[str, Any], name: str) -> LoadedSchema:
    """A `LoadedSchema` of a JSON Schema given as data, without a Pydantic class.

    Raises:
        SchemaError: a hint is unknown, or the schema cannot be expressed.
    """
    try:
        hints = DocumentHints.model_validate(data.get(HINTS_KEY) or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise SchemaError(
            f"{HINTS_KEY}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            remedy="See schemas/hints.py for the hints a schema may have.",
        ) from error
    tree, notes = tree_and_notes(data, day_first=hints.day_first)
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return LoadedSchema(
        name=name,
        version=hints.version,
        description=str(data.get("description") or ""),
        fingerprint=hashlib.sha256(canonical.encode()).hexdigest(),
        json_schema=data,
        tree=tree,
        hints=hints,
        notes=notes,
    )
