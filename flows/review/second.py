"""Which decisions need a second pair of eyes: of high amounts, and a random share of all."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.prompting.meant import as_meant
from extractors.validation.values import DocumentStyle, parse_leaf
from flows.ledger.records import DocumentRecord, SecondLook
from flows.review.formstate import value_at
from schemas.registry import LoadedSchema
from schemas.tree import NUMERIC, Kind, Leaf, ObjectNode


@dataclass(frozen=True, slots=True)
class SecondLookRule:
    """``amount``: from this on, in whatever currency; ``share``: of all documents; ``secret`` draws them."""

    amount: float | None = None
    share: float = 0.0
    secret: bytes = b""

    def asks(
        self, record: DocumentRecord, data: dict[str, Any] | None, schema: LoadedSchema
    ) -> SecondLook | None:
        """Why a decision on a document needs a second one, if it does; ``data`` as it was decided."""
        if self.amount is not None and any(
            found is not None and abs(found) >= Decimal(str(self.amount))
            for found in (largest(schema, said) for said in (data, _proposed(record)))
        ):
            return SecondLook.AMOUNT
        return SecondLook.RANDOM if self._drawn(record.document_id) else None

    def _drawn(self, document_id: str) -> bool:
        """By lot, the same for each try: nobody can decide again until it is not asked for."""
        if self.share <= 0:
            return False
        lot = hashlib.sha256(b"second look\0" + self.secret + document_id.encode()).hexdigest()[:13]
        return int(lot, 16) / 16**13 < self.share


def largest(schema: LoadedSchema, data: dict[str, Any] | None) -> Decimal | None:
    """The largest sum of money outside lists, whatever its sign; ``None`` when the schema has none, or no value."""
    found: list[Decimal] = []
    for path, leaf in _money(as_meant(schema).tree):
        value = value_at(data, path)
        parsed = parse_leaf(value, leaf, DocumentStyle()).value if isinstance(value, str) else value
        with suppress(InvalidOperation):  # nothing there, or a text that is no number
            found.append(Decimal(str(parsed)))
    return max(found, key=abs, default=None)


def _proposed(record: DocumentRecord) -> dict[str, Any] | None:
    """What the model said: lowering an amount must not take the second look away."""
    return record.extraction.data if record.extraction is not None else None


def _money(node: ObjectNode, path: str = "") -> list[tuple[str, Leaf]]:
    found: list[tuple[str, Leaf]] = []
    for name, child in node.fields:
        here = f"{path}.{name}" if path else name
        if isinstance(child, ObjectNode):
            found += _money(child, here)
        elif isinstance(child, Leaf) and child.kind in NUMERIC and child.kind is not Kind.INTEGER:
            found.append((here, child))
    return found
