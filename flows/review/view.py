"""Turns a document, its schema and the state of its form into what the templates draw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from flows.review.evidence import suggested
from flows.review.formstate import FormState, join
from flows.review.wording import label, plain_words, value_words
from schemas.extraction import ExtractedField
from schemas.tree import NUMERIC, ArrayNode, Kind, Leaf, Node, ObjectNode

BLANK_TOKEN = "n__row__"
WIDE, NARROW = 52, 20
"""Characters that fit in one line of a field, and of a table's cell; longer texts get more lines."""

ABSENT = ("not on the document", "–")

_INPUT_MODES = {Kind.INTEGER: "numeric", Kind.DECIMAL: "decimal"}
_EXAMPLES = {
    Kind.DATE: "YYYY-MM-DD",
    Kind.DATETIME: "YYYY-MM-DD hh:mm",
    Kind.TIME: "hh:mm",
    Kind.CURRENCY: "EUR",
}


@dataclass(frozen=True, slots=True)
class FieldView:
    """One leaf with its input.

    ``known`` says that the model answered it (added rows have no answer). ``claim`` is where a reviewer took its text
    from (`places.Claim`), ``candidates`` what else it could be, both as JSON.
    """

    path: str
    label: str
    description: str
    text: str
    original: str
    nullable: bool
    essential: bool
    numeric: bool
    rows: int
    input_mode: str
    placeholder: str
    choices: tuple[tuple[str, str], ...]
    known: bool
    raw: str | None
    page: int | None
    probability: str
    notes: tuple[str, ...]
    details: tuple[str, ...]
    suggestions: tuple[tuple[str, str], ...]
    error: str
    claim: str
    candidates: str

    is_list: ClassVar[bool] = False
    is_object: ClassVar[bool] = False

    @property
    def id(self) -> str:
        """The path as it stands in element ids."""
        return self.path

    @property
    def long(self) -> bool:
        """Whether the text needs more than one line."""
        return self.rows > 1

    @property
    def doubtful(self) -> bool:
        """Whether there is a reason to look at this field."""
        return bool(self.notes)

    @property
    def choice_values(self) -> frozenset[str]:
        """The values that the select offers."""
        return frozenset(value for value, _ in self.choices)


@dataclass(frozen=True, slots=True)
class ObjectView:
    """A nested object: a group of fields."""

    path: str
    label: str
    description: str
    children: tuple[NodeView, ...]

    is_list: ClassVar[bool] = False
    is_object: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class RowView:
    """One item of a list. ``cells`` are set for flat lists (tables), ``children`` for all."""

    token: str
    children: tuple[NodeView, ...]
    cells: tuple[FieldView, ...] = ()

    @property
    def has_notes(self) -> bool:
        """Whether there is something to say about any cell."""
        return any(cell.notes or cell.details for cell in self.cells)


@dataclass(frozen=True, slots=True)
class ListView:
    """A list; ``flat`` when its items have leaves only and are shown as rows of a table."""

    path: str
    label: str
    description: str
    flat: bool
    columns: tuple[FieldView, ...]
    rows: tuple[RowView, ...]
    blank: RowView
    token_mark: str
    error: str

    is_list: ClassVar[bool] = True
    is_object: ClassVar[bool] = False

    @property
    def id(self) -> str:
        """The path as it stands in element ids."""
        return self.path

    @property
    def uniform_probability(self) -> str:
        """What stands for the probability of every cell, when it is the same word for all."""
        words = {cell.probability for row in self.rows for cell in row.cells if cell.known}
        return words.pop() if words == {"uncalibrated"} else ""


NodeView = FieldView | ObjectView | ListView


@dataclass(frozen=True, slots=True)
class Form:
    """All that the fields of a form are drawn from."""

    state: FormState
    initial: FormState
    fields: Mapping[str, ExtractedField]
    errors: Mapping[str, str] = field(default_factory=dict)

    def children(self, node: ObjectNode, path: str = "", in_table: bool = False) -> tuple[NodeView, ...]:
        """The views of an object's children, in the order of the schema."""
        return tuple(self._node(child, join(path, name), name, in_table) for name, child in node.fields)

    def _node(self, node: Node, path: str, name: str, in_table: bool = False) -> NodeView:
        match node:
            case Leaf():
                return self._field(node, path, name, in_table)
            case ObjectNode():
                return ObjectView(path, label(name), node.description, self.children(node, path))
            case ArrayNode():
                return self._list(node, path, name)

    def _list(self, node: ArrayNode, path: str, name: str) -> ListView:
        item = node.item
        flat = isinstance(item, Leaf) or (
            isinstance(item, ObjectNode) and all(isinstance(child, Leaf) for _, child in item.fields)
        )
        mark = f"{BLANK_TOKEN}{path.count('.')}_"
        blank = self._row(item, path, mark, name, flat)
        rows = tuple(self._row(item, path, token, name, flat) for token in self.state.rows.get(path, ()))
        return ListView(
            path,
            label(name),
            node.description,
            flat,
            blank.cells,
            rows,
            blank,
            mark,
            self.errors.get(path, ""),
        )

    def _row(self, item: Node, path: str, token: str, name: str, flat: bool) -> RowView:
        here = join(path, token)
        if isinstance(item, ObjectNode):
            children = self.children(item, here, flat)
        else:
            children = (self._node(item, here, name, flat),)
        return RowView(
            token, children, tuple(c for c in children if isinstance(c, FieldView)) if flat else ()
        )

    def _field(self, leaf: Leaf, path: str, name: str, in_table: bool) -> FieldView:
        found = self.fields.get(path)  # added rows have tokens that no extracted path has
        text = self.state.texts.get(path, "")
        error = self.errors.get(path, "")
        return FieldView(
            path=path,
            label=label(name),
            description=leaf.description,
            text=text,
            original=self.initial.texts.get(path, ""),
            nullable=leaf.nullable,
            essential=leaf.essential or not leaf.nullable,
            numeric=leaf.kind in NUMERIC,
            rows=min(1 + len(text) // (NARROW if in_table else WIDE), 8) if leaf.kind is Kind.TEXT else 1,
            input_mode=_INPUT_MODES.get(leaf.kind, "text"),
            placeholder=ABSENT[in_table] if leaf.nullable else _EXAMPLES.get(leaf.kind, "needed"),
            choices=_choices(leaf),
            known=found is not None,
            raw=found.raw if found else None,
            page=found.page if found and found.boxes else None,
            probability=probability_words(found) if found else "",
            notes=tuple(dict.fromkeys(plain_words(reason) for reason in found.reasons)) if found else (),
            details=_details(found, error) if found else (),
            suggestions=tuple((value, value_words(value, leaf)) for value in suggested(found, leaf)),
            error=error,
            claim=self.state.claims.get(path, ""),
            candidates=_candidates(found),
        )


@dataclass(frozen=True, slots=True)
class BoxView:
    """One rectangle over a page, in points."""

    path: str
    label: str
    x: float
    y: float
    width: float
    height: float
    doubtful: bool


def boxes_by_page(fields: Sequence[ExtractedField], labels: Mapping[str, str]) -> dict[int, list[BoxView]]:
    """The boxes to draw over each page; a hair wider than the words, so that they stay legible."""
    air = 1.5
    found: dict[int, list[BoxView]] = {}
    for item in fields:
        for x0, y0, x1, y1 in (box for box in item.boxes if len(box) == 4):
            found.setdefault(item.page or 1, []).append(
                BoxView(
                    path=item.path,
                    label=labels.get(item.path, item.path),
                    x=round(x0 - air, 2),
                    y=round(y0 - air, 2),
                    width=round(x1 - x0 + 2 * air, 2),
                    height=round(y1 - y0 + 2 * air, 2),
                    doubtful=bool(item.reasons),
                )
            )
    return found


def probability_words(found: ExtractedField) -> str:
    """The calibrated probability of being right; a raw model score is never shown as one."""
    if found.calibration == "uncalibrated" or found.probability is None:
        return "uncalibrated"
    # 99.96 % must not be shown as certainty.
    shown = f"{min(found.probability * 100, 99.9):.1f} %"
    return f"about {shown}" if found.calibration == "pooled" else shown


def _details(found: ExtractedField, error: str) -> tuple[str, ...]:
    """What is particular to the reasons of a field; not again what an error beside it says."""
    if not found.reasons:
        return ()
    messages = (message[:1].upper() + message[1:] for message in found.messages)
    return tuple(dict.fromkeys(m for m in messages if m.rstrip(".") not in error))


def _candidates(found: ExtractedField | None) -> str:
    """The other candidates as JSON, for the page's script; empty when there are none."""
    if found is None or not found.others:
        return ""
    return json.dumps([c.model_dump() for c in found.others], ensure_ascii=False)


def _choices(leaf: Leaf) -> tuple[tuple[str, str], ...]:
    if leaf.kind is Kind.BOOLEAN:
        return (("true", "yes"), ("false", "no"))
    return tuple((choice, choice) for choice in leaf.choices)
