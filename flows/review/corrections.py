"""What a reviewer wrote, typed and held against the schema: the data to land, or what is wrong and where."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.validation.conform import conform
from extractors.validation.currencies import currencies_seen
from extractors.validation.paths import pattern_of
from extractors.validation.rules import confirmed, fields_of, violations
from extractors.validation.validate import json_value
from extractors.validation.values import DocumentStyle, parse_leaf
from flows.ledger.records import DocumentRecord, FieldChange
from flows.review.evidence import same_place
from flows.review.formstate import FormState, is_original, join, leaf_paths, state_of, value_at
from flows.review.places import Place, Places
from schemas.errors import UsageError
from schemas.extraction import ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema
from schemas.tree import NUMERIC, ArrayNode, Leaf, Node, ObjectNode

_HOW_TO_WRITE = {
    ReviewReason.AMBIGUOUS_NUMBER: "Write it without thousands marks, with a dot before the decimals; "
    "1.234 as 1.2340 or as 1234.",
    ReviewReason.AMBIGUOUS_DATE: "Write it as YYYY-MM-DD.",
}


class IncompleteFormError(UsageError):
    """The browser sent fewer inputs than the page had; from a missing one nothing may be concluded."""


@dataclass(frozen=True, slots=True)
class Current:
    """What a document says now: the model's answer, or what a person made of it since."""

    data: dict[str, Any]
    fields: Mapping[str, ExtractedField]
    decided: bool

    @classmethod
    def of(cls, record: DocumentRecord) -> Current | None:
        """The present data of a document; ``None`` when nothing was extracted."""
        for decision in reversed(record.decisions):
            if decision.action != "reject" and decision.data is not None:
                return cls(decision.data, {f.path: f for f in decision.fields}, True)
        extraction = record.extraction
        if extraction is None or extraction.data is None:
            return None
        return cls(extraction.data, {f.path: f for f in extraction.fields}, False)

    def state(self, schema: LoadedSchema) -> FormState:
        """What stands in the inputs before anybody writes into them."""
        return state_of(schema.tree, self.data, self.fields)


@dataclass(slots=True)
class Corrected:
    """A form, read. With ``errors`` nothing may be stored; ``violated`` rules a person may overrule.

    Attributes:
        data: valid against the schema when there are no errors.
        fields: evidence for each leaf, in the order of the form.
        changes: what differs from before.
        errors: by token path; ``""`` is the document as a whole.
        violated: rules between fields that do not hold, in words.
        broken: the same with the token paths of the fields that they speak of; with errors elsewhere, too.
        borne_out: token paths of numbers that a sum or product confirms.
        typed: the value of each input, by token path; of what has an error, ``None``.
        pointed: token paths whose value stays as it was, with a place that the reviewer showed.
    """

    data: dict[str, Any] = field(default_factory=dict)
    fields: list[ExtractedField] = field(default_factory=list)
    changes: list[FieldChange] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    violated: list[str] = field(default_factory=list)
    broken: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    borne_out: frozenset[str] = frozenset()
    typed: dict[str, Any] = field(default_factory=dict)
    pointed: list[str] = field(default_factory=list)

    @property
    def altered(self) -> bool:
        """Whether anything is to be stored that was not there before: a value, an order, or a place."""
        return bool(self.changes or self.pointed)

    @property
    def violated_mark(self) -> str:
        """Names exactly these violations: overruling them does not overrule others."""
        return hashlib.sha256("\n".join(self.violated).encode()).hexdigest()[:16] if self.violated else ""


def read_form(
    state: FormState,
    current: Current,
    schema: LoadedSchema,
    reviewer: str,
    places: Places | None = None,
) -> Corrected:
    """Types and validates all inputs of a form.

    Args:
        state: of the form.
        current: what is stored.
        schema: of the document.
        reviewer: who wrote it.
        places: looks up what the reviewer pointed at; without, nothing that was pointed at gets a place.

    Raises:
        IncompleteFormError: an input of the schema is missing.
    """
    return _Reader(state, current, schema, reviewer, places).read()


class _Reader:
    def __init__(
        self,
        state: FormState,
        current: Current,
        schema: LoadedSchema,
        reviewer: str,
        places: Places | None,
    ) -> None:
        self.state = state
        self.current = current
        self.schema = schema
        self.reviewer = reviewer
        self.places = places
        self.initial = current.state(schema)
        # Signs that several currencies share are read as on the document. Numbers are not: the page shows
        # them with a decimal dot, so a figure with two readings must be written clearly, whatever is printed.
        raws = (f.raw for f in current.fields.values() if f.raw)
        self.style = DocumentStyle(currencies=currencies_seen(word for raw in raws for word in raw.split()))
        self.values: dict[str, Any] = {}
        self.final: dict[str, str] = {}
        self.lists: dict[str, str] = {}
        self.out = Corrected()

    def read(self) -> Corrected:
        for path, leaf in leaf_paths(self.schema.tree, self.state):
            self.values[path] = self._value(path, leaf)
        shaped = self._shape(self.schema.tree, "", "")
        conformed = conform(shaped, self.schema)
        tokens = {final: token for token, final in self.final.items()}
        for finding in conformed.findings:
            place = tokens.get(finding.path, finding.path)
            needed = finding.reason is ReviewReason.MISSING_REQUIRED
            self.out.errors.setdefault(place, "This is needed." if needed else _sentence(finding.message))
        self.out.data = conformed.data
        leaves = [pair for pair in leaf_paths(self.schema.tree, self.state) if pair[0] in self.final]
        if not self.out.errors:
            self._compare(leaves)
        self.out.typed = {p: None if p in self.out.errors else self.values[p] for p, _ in leaves}
        self._hold_against_rules(leaves, tokens)
        return self.out

    def _hold_against_rules(self, leaves: list[tuple[str, Leaf]], tokens: Mapping[str, str]) -> None:
        """The rules between fields; of those that speak of a value which cannot be read, nothing is said."""
        present = {self.final[path]: value_at(self.out.data, self.final[path]) for path, _ in leaves}
        unread = {pattern_of(self.final.get(path, path)) for path in self.out.errors}
        told = [rule for rule in self.schema.rules if unread.isdisjoint(map(pattern_of, fields_of(rule)))]
        found = violations(told, present)
        self.out.broken = [(v.message, tuple(tokens.get(path, path) for path in v.paths)) for v in found]
        self.out.borne_out = frozenset(tokens.get(path, path) for path in confirmed(told, present))
        if not self.out.errors:
            self.out.violated = [v.message for v in found]

    def _value(self, path: str, leaf: Leaf) -> Any:
        """The value of one input, in the JSON form of the schema."""
        if path not in self.state.texts:
            raise IncompleteFormError(f"The form came without {path}.", remedy="Load the document again.")
        text = self.state.texts[path]
        before = value_at(self.current.data, path)
        if before is not None and text.split() == self.initial.texts.get(path, "").split():
            return before
        parsed = parse_leaf(text, leaf, self.style)
        if parsed.reasons:
            advice = [_HOW_TO_WRITE[reason] for reason in parsed.reasons if reason in _HOW_TO_WRITE]
            self.out.errors[path] = " ".join([_sentence(parsed.message), *advice])
            return None
        value = json_value(parsed.value, leaf, self.schema.model is not None)
        return before if _same(before, value, leaf) else value

    def _shape(self, node: Node, token: str, final: str) -> Any:
        """The nested data of the form. Rows in which nothing stands are dropped."""
        match node:
            case Leaf():
                self.final[token] = final
                return self.values[token]
            case ObjectNode():
                made = {name: self._shape(c, join(token, name), join(final, name)) for name, c in node.fields}
                absent = node.nullable and value_at(self.current.data, token) is None
                return None if token and absent and not _says(made) else made
            case ArrayNode():
                items: list[Any] = []
                self.lists[token] = final
                for row in self.state.rows.get(token, ()):
                    here = join(token, row)
                    if self._row_says(node.item, here):
                        items.append(self._shape(node.item, here, join(final, len(items))))
                absent = node.nullable and value_at(self.current.data, token) is None
                return None if absent and not items else items

    def _row_says(self, item: Node, token: str) -> bool:
        """Whether anything stands in a row: a value, or a text that could not be read and must be told of."""
        paths = [path for path, _ in leaf_paths(item, self.state, token)]
        return any(self.values[path] is not None or path in self.out.errors for path in paths)

    def _compare(self, leaves: list[tuple[str, Leaf]]) -> None:
        """Changes and evidence, leaf by leaf; then the rows that are gone."""
        for token, leaf in leaves:
            final = self.final[token]
            before = value_at(self.current.data, token)
            after = value_at(self.out.data, final)
            known = self.current.fields.get(token)
            changed = not _same(before, after, leaf)
            if changed:
                self.out.changes.append(FieldChange(path=final, before=before, after=after))
            place = self._place(token, leaf, known, after)
            if known is None and not changed and place is None:
                continue
            if place is not None and not changed:
                self.out.pointed.append(token)
            self.out.fields.append(self._evidence(known, leaf, final, after, changed, place))
        self.out.changes += self._gone(self.schema.tree, self.current.data, "")
        self.out.changes += self._moved()

    def _place(self, token: str, leaf: Leaf, known: ExtractedField | None, after: Any) -> Place | None:
        """Where the reviewer took the value from; ``None`` also when it is the place that is known."""
        claim = self.state.claims.get(token, "")
        if not claim or self.places is None:
            return None
        found = self.places.find(claim, after, leaf, known)
        same = (
            found is not None and known is not None and (found.page, found.boxes) == (known.page, known.boxes)
        )
        return None if same else found

    def _moved(self) -> list[FieldChange]:
        """Lists whose rows of before stand in another order now."""
        found = []
        for path, tokens in self.state.rows.items():
            kept = [int(token) for token in tokens if is_original(token)]
            before = value_at(self.current.data, path)
            if kept != sorted(kept) and path in self.lists:
                after = value_at(self.out.data, self.lists[path])
                found.append(FieldChange(path=self.lists[path], before=before, after=after))
        return found

    def _evidence(
        self,
        known: ExtractedField | None,
        leaf: Leaf,
        path: str,
        after: Any,
        changed: bool,
        place: Place | None,
    ) -> ExtractedField:
        if place is not None:
            said = [f"{'Taken from the page' if changed else 'Place shown'} by {self.reviewer}."]
            others = known.others if known is not None else []
            return ExtractedField(
                path=path, raw=place.raw, value=after, page=place.page, boxes=place.boxes,
                grounding=leaf.grounding, messages=said, others=others,
            )  # fmt: skip
        if known is not None and not changed:
            return known.model_copy(update={"path": path})
        said = [f"Written by {self.reviewer}."]
        if known is not None and after is not None and same_place(known, leaf, after):
            # The place was right, the reading of it was not.
            return ExtractedField(
                path=path, raw=known.raw, value=after, page=known.page, boxes=known.boxes,
                grounding=known.grounding, messages=said, others=known.others,
            )  # fmt: skip
        others = known.others if known is not None else []
        return ExtractedField(path=path, value=after, grounding="free", messages=said, others=others)

    def _gone(self, node: Node, data: Any, path: str) -> list[FieldChange]:
        """Rows that the document had and the form has not, by the place they had."""
        match node:
            case ObjectNode() if isinstance(data, Mapping):
                return [c for name, n in node.fields for c in self._gone(n, data.get(name), join(path, name))]
            case ArrayNode() if isinstance(data, list):
                kept = {row for row in self.state.rows.get(path, ()) if is_original(row)}
                found = []
                for index, item in enumerate(data):
                    here = join(path, index)
                    if str(index) in kept and self._row_says(node.item, here):
                        found += self._gone(node.item, item, here)
                    else:
                        found.append(FieldChange(path=here, before=item, after=None))
                return found
        return []


def _says(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_says(v) for v in value.values())
    return value is not None and value != []


def _same(before: Any, after: Any, leaf: Leaf) -> bool:
    """Whether two values of a leaf are equal; ``12.5`` and ``12.50`` are."""
    if before is None or after is None or leaf.kind not in NUMERIC:
        return bool(before == after and type(before) is type(after))
    try:
        return Decimal(str(before)) == Decimal(str(after))
    except InvalidOperation:
        return bool(before == after)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
