"""A form while it is being written: how each text is read, what is wrong, and whether the fields agree."""

from __future__ import annotations

import re
from typing import Any

from extractors.validation.paths import pattern_of
from flows.ledger.records import DocumentRecord
from flows.review.corrections import Corrected, Current, read_form
from flows.review.evidence import choices_of, same_place
from flows.review.formstate import FormState, as_text, leaf_paths, state_from_form
from flows.review.site import Site
from flows.review.wording import path_label, value_words
from schemas.errors import UsageError
from schemas.tree import Kind, Leaf
from schemas.tree import leaves as schema_leaves

_MAX_SUGGESTED = 6
_MAX_CHECKS = 50
_PATH = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


def check(site: Site, record: DocumentRecord, items: list[tuple[str, str]]) -> dict[str, Any]:
    """Reads a form as a decision would, and stores nothing.

    Returns:
        ``fields``: by token path what is worth saying, each with ``reads`` (the typed value in words), ``error`` and
        ``suggest`` (values and their words that an ambiguous text may stand for). ``checks``: rules between fields
        that do not hold, each with ``text`` and ``paths``. ``borne_out``: token paths of numbers that a rule confirms.
        ``placeless``: token paths whose value is no longer what stands at the place that is known of it.
        ``document``: what is wrong with no field. ``rules``: how many rules the schema has.

    Raises:
        UsageError: the document has nothing to decide on, or the form lacks inputs.
    """
    schema, current = site.schema_of(record), Current.of(record)
    if schema is None or current is None:
        raise UsageError(f"{record.uri} has nothing to decide on.", remedy="Go back to the queue.")
    state = state_from_form(items)
    read = read_form(state, current, schema, "")
    leaves = dict(leaf_paths(schema.tree, state))
    names = {pattern_of(path) for path, _ in schema_leaves(schema.tree)}
    fields = {path: _said(path, leaf, state, read) for path, leaf in leaves.items()}
    return {
        "fields": {path: said for path, said in fields.items() if said is not None},
        "checks": [
            {"text": _in_words(text, names), "paths": paths} for text, paths in read.broken[:_MAX_CHECKS]
        ],
        "borne_out": sorted(read.borne_out),
        "placeless": [path for path, leaf in leaves.items() if _is_placeless(path, leaf, current, read)],
        "document": [
            f"{path_label(path)}: {text}" if path else text
            for path, text in read.errors.items()
            if path not in leaves
        ],
        "rules": len(schema.rules),
    }


def _is_placeless(path: str, leaf: Leaf, current: Current, read: Corrected) -> bool:
    known = current.fields.get(path)
    if known is None or not known.boxes or path in read.errors:
        return False
    value = read.typed.get(path)
    return value is None or not (as_text(value) == as_text(known.value) or same_place(known, leaf, value))


def _said(path: str, leaf: Leaf, state: FormState, read: Corrected) -> dict[str, Any] | None:
    """What there is to say of a field; ``None`` when it is read as it is written."""
    text = " ".join(state.texts.get(path, "").split())
    if error := read.errors.get(path):
        found = choices_of(text, leaf)[:_MAX_SUGGESTED] if text else []
        return {
            "reads": "",
            "error": error,
            "suggest": [[value, value_words(value, leaf)] for value in found],
        }
    value = read.typed.get(path)
    if value is None:
        return None
    words = value_words(as_text(value), leaf)
    plain = text == words or (text == as_text(value) and leaf.kind not in (Kind.DATE, Kind.DATETIME))
    return None if plain or leaf.choices else {"reads": words, "error": "", "suggest": []}


def _in_words(text: str, names: set[str]) -> str:
    """The sentence of a rule with the names of fields as the form shows them."""

    def named(match: re.Match[str]) -> str:
        path = match[0]
        return path_label(path) if ("_" in path or "." in path) and pattern_of(path) in names else path

    return _PATH.sub(named, text)
