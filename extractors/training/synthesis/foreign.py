"""Fields that a document does not have: taken from other kinds, where nothing of the document could answer them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from extractors.training.synthesis.contract import DocumentKind, FieldSpec

_COMMON = frozenset((
    "account", "address", "agency", "agent", "alternate", "amount", "applicant", "application", "authority",
    "balance", "bank", "begin", "bic", "bill", "birth", "block", "booking", "born", "broker", "business",
    "buyer", "carriage", "carrier", "cash", "change", "charges", "city", "client", "closing", "code",
    "commission", "company", "consignee", "consigner", "consignor", "contact", "container", "contract",
    "country", "credits", "currency", "current", "customer", "date", "day", "debits", "declared", "deductions",
    "delivery", "description", "destination", "discount", "document", "due", "effective", "email", "emergency",
    "employee", "employer", "end", "estimate", "event", "experience", "fee", "firm", "first", "from", "full",
    "goods", "gross", "holder", "iban", "id", "income", "incoterm", "incoterms", "interest", "invoice", "issue",
    "issued", "issuer", "item", "items", "kind", "languages", "last", "line", "lines", "loading", "mail",
    "member", "method", "monthly", "name", "net", "no", "note", "notes", "nr", "number", "of", "office",
    "opening", "order", "organisation", "organization", "origin", "owner", "packages", "page", "paid", "paying",
    "payment", "period", "person", "phone", "place", "position", "previous", "price", "principal", "product",
    "provider", "purpose", "quantity", "quote", "receipt", "received", "recipient", "ref", "reference",
    "refund", "registrant", "registration", "remarks", "requested", "reservation", "rounding", "row", "seller",
    "sender", "ship", "signature", "signed", "social", "stamped", "start", "statement", "station", "status",
    "subject", "subtotal", "sum", "supplier", "supply", "tax", "taxpayer", "terms", "the", "ticket", "time",
    "title", "to", "total", "transaction", "transactions", "type", "unit", "until", "valid", "value", "vat",
    "vendor", "weight",
))  # fmt: skip
"""Words that many documents could answer to: what such words alone name may be there under another name, or as one of
the distractors that nobody asks for (a contact, terms of payment, a place of delivery)."""


def foreign_fields(kind: DocumentKind, others: Sequence[DocumentKind]) -> list[FieldSpec]:
    """Fields of other kinds whose truth on a document of this kind is null, beyond doubt.

    Only texts, dates, numbers and choices to be copied from print whose key has a word of its own: one that is not
    common to many documents and that no key, name or description of this kind's fields has.
    """
    known = _vocabulary(kind)
    found: dict[str, FieldSpec] = {}
    for other in others:
        if other.name == kind.name:
            continue
        for spec in other.fields:
            if spec.pixels or spec.type not in ("text", "date", "number", "integer", "list"):
                continue
            own = set(spec.key.split("_")) - _COMMON
            if own and not own & known:
                found.setdefault(spec.key, spec)
    return [found[key] for key in sorted(found)]


@cache
def _vocabulary(kind: DocumentKind) -> frozenset[str]:
    """All words that name or describe a kind's fields, in the singular and the plural."""
    words: set[str] = set()
    stack = list(kind.fields)
    while stack:
        spec = stack.pop()
        stack += spec.fields
        text = " ".join((spec.key, *spec.names, *spec.descriptions, *spec.choices))
        text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
        words |= set(re.findall(r"[a-zà-ÿ]+", text.lower()))
    words |= set(re.findall(r"[a-zà-ÿ]+", " ".join((kind.name, *kind.titles)).lower().replace("_", " ")))
    return frozenset(words | {word.removesuffix("s") for word in words} | {word + "s" for word in words})
