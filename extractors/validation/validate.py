"""An answer, checked: typed, held against schema, rules and page, with every reason for review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import isnan
from typing import Any

from extractors.backends.base import Answer, LeafAnswer
from extractors.confidence.features import UNFITTED, AnsweredField, DocumentFacts, Features, features_of
from extractors.confidence.judge import Judge
from extractors.options import ExtractOptions
from extractors.validation import checks
from extractors.validation.conform import Finding, conform
from extractors.validation.kinds import other_kind
from extractors.validation.paths import ABSENT, concrete_leaves, get, pattern_of, steps_of
from extractors.validation.rules import confirmed, violations
from extractors.validation.values import DocumentStyle, document_style, parse_leaf
from schemas.document import ReadDocument
from schemas.extraction import Calibration, Candidate, ExtractedField
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema
from schemas.tree import ArrayNode, Leaf, Node, ObjectNode

MAX_CANDIDATES = 9
"""So many other candidates of a field are kept: one for each digit key of a reviewer."""


@dataclass(frozen=True, slots=True)
class Validated:
    """A checked answer.

    ``reasons`` are those of the document and of all its fields, each once; ``document_reasons`` those of no field.
    ``features``, by path, are what a field's probability of being right is worked out from.
    """

    data: dict[str, Any]
    fields: list[ExtractedField]
    reasons: list[ReviewReason]
    messages: list[str]
    document_reasons: frozenset[ReviewReason] = frozenset()
    features: dict[str, Features] = field(default_factory=dict)


@dataclass(slots=True)
class _Checked:
    """One leaf on its way: the answer, its value, and the notes gathered so far."""

    leaf: Leaf
    answer: LeafAnswer
    value: Any = None
    notes: list[checks.Note] = field(default_factory=list)
    probability: float | None = None
    calibration: Calibration = "uncalibrated"

    @property
    def reasons(self) -> frozenset[ReviewReason]:
        return frozenset(reason for reason, _ in self.notes)

    def note(self, reason: ReviewReason, message: str = "") -> None:
        if (reason, message) not in self.notes:
            self.notes.append((reason, message))

    def field(self) -> ExtractedField:
        page, boxes = checks.place_of(self.answer.span)
        return ExtractedField(
            path=self.answer.path,
            raw=self.answer.raw,
            value=self.value,
            page=page,
            boxes=boxes,
            probability=self.probability,
            calibration=self.calibration,
            log_probability=None if isnan(self.answer.log_probability) else self.answer.log_probability,
            log_mass=self.answer.log_mass,
            grounding=self.leaf.grounding,
            reasons=list(dict.fromkeys(reason for reason, _ in self.notes)),
            messages=[message for _, message in self.notes if message],
            others=_candidates(self.answer),
        )


def _candidates(answer: LeafAnswer) -> list[Candidate]:
    """The other candidates of a leaf with their places; each text once, where it is likeliest."""
    found: dict[str, Candidate] = {}
    for raw, span in answer.others:
        if raw != answer.raw and raw not in found and len(found) < MAX_CANDIDATES:
            page, boxes = checks.place_of(span)
            found[raw] = Candidate(raw=raw, page=page, boxes=boxes)
    return list(found.values())


def validate(
    answer: Answer,
    schema: LoadedSchema,
    document: ReadDocument,
    options: ExtractOptions,
    judge: Judge | None = None,
) -> Validated:
    """Types every leaf and gathers every reason why a person should look.

    Args:
        answer: of the model.
        schema: what was asked.
        document: as it was read.
        options: when an uncalibrated score is a reason.
        judge: gives fields their probability of being right, and holds it against the error budget.

    Returns:
        Nested data that is valid against the schema wherever that is possible (refused values are null), the
        fields with places and reasons, and the reasons of the whole document.
    """
    seen = _Seen()
    style = document_style(seen.texts(document))
    pages = set(seen.heights)
    checked = {leaf.answer.path: leaf for leaf in _checked_leaves(answer, schema, pages, options, style)}
    data = _nested(schema.tree, answer.data, checked, schema.model is not None, ())
    conformed = conform(data, schema)
    general = _document_notes(answer, schema, document, checked)
    general += _apply(conformed.findings, checked)
    if conformed.valid:
        _take_over(conformed.data, checked, schema)
    values = {path: leaf.value for path, leaf in checked.items()}
    for violation in violations(schema.rules, values):
        general.append((ReviewReason.RULE_VIOLATED, violation.message))
        for path in violation.paths:
            checked[path].note(ReviewReason.RULE_VIOLATED, violation.message)
    borne_out = confirmed(schema.rules, values)
    facts = DocumentFacts(seen.words, seen.heights, answer.truncated)
    answered = [
        AnsweredField(one.leaf, one.answer, one.value, one.reasons, path in borne_out)
        for path, one in checked.items()
    ]
    features = features_of(answered, facts)
    if judge is not None:
        general += _judged(judge, checked, features)
    return _assemble(conformed.data, checked, general, features)


class _Seen:
    """What is noted of the pages on the one way through them: those of a long document are fetched anew each time."""

    def __init__(self) -> None:
        self.heights: dict[int, float] = {}
        self.words = 0

    def texts(self, document: ReadDocument) -> Iterator[str]:
        """Every word's text."""
        for page in document.pages:
            self.heights[page.number] = page.height
            self.words += len(page.words)
            yield from (word.text for word in page.words)


def _judged(judge: Judge, checked: dict[str, _Checked], features: dict[str, Features]) -> list[checks.Note]:
    """Gives the fields their probabilities and what follows from them; gives back what is said of the document."""
    for path, one in checked.items():
        one.probability = judge.probability(path, features[path], null=one.answer.raw is None)
        one.calibration = judge.calibration
        if judge.in_force:
            one.notes = [note for note in one.notes if note[0] not in UNFITTED]
        if doubt := judge.refuses(path, one.probability):
            one.note(ReviewReason.LOW_PROBABILITY, doubt)
    wanting = judge.evidence_wanting()
    return [(ReviewReason.TOO_LITTLE_EVIDENCE, wanting)] if wanting else []


def route(validated: Validated, options: ExtractOptions) -> bool:
    """Whether the document lands without a person: only when nothing at all speaks against it."""
    return not validated.reasons and not any(f.reasons for f in validated.fields)


def _checked_leaves(
    answer: Answer, schema: LoadedSchema, pages: set[int], options: ExtractOptions, style: DocumentStyle
) -> list[_Checked]:
    given = {leaf.path: leaf for leaf in answer.leaves}
    found = []
    for path, leaf in concrete_leaves(schema.tree, answer.data):
        raw = get(answer.data, steps_of(path))
        reply = given.get(path) or LeafAnswer(path, raw if isinstance(raw, str) else None, float("nan"))
        if checks.is_blank(reply.raw):
            # What else is known of it stays: it says how far the null is right, and what else it could be.
            reply = replace(reply, raw=None, span=None)
        item = _Checked(leaf, reply)
        item.notes = list(checks.leaf_notes(reply, leaf, pages, options))
        if reply.raw is not None:
            parsed = parse_leaf(reply.raw, leaf, style)
            item.value = parsed.value
            for reason in parsed.reasons:
                item.note(reason, parsed.message)
        elif leaf.essential:
            item.note(ReviewReason.MISSING_REQUIRED, "not found on the document")
        found.append(item)
    return found


def _nested(node: Node, raw: Any, checked: dict[str, _Checked], plain: bool, steps: tuple[Any, ...]) -> Any:
    """The typed data in the shape of the raw answer."""
    match node:
        case Leaf():
            return json_value(checked[".".join(map(str, steps))].value, node, plain)
        case ObjectNode():
            if not isinstance(raw, dict):
                return None
            return {
                name: _nested(child, raw.get(name), checked, plain, (*steps, name))
                for name, child in node.fields
            }
        case ArrayNode():
            if not isinstance(raw, list):
                return None if node.nullable else []
            return [_nested(node.item, item, checked, plain, (*steps, i)) for i, item in enumerate(raw)]


def json_value(value: Any, leaf: Leaf, decimals_as_text: bool) -> Any:
    """A parsed value as the schema wants it in JSON.

    Args:
        value: what `parse_leaf` gave.
        leaf: its ``json_type`` decides.
        decimals_as_text: for a Pydantic class, which reads exact decimals from strings.
    """
    if value is None or isinstance(value, bool):
        return value
    if leaf.json_type == "string":
        return str(value)
    if decimals_as_text and not leaf.choices:
        return value
    if isinstance(value, str):
        try:
            number = Decimal(value)
        except ArithmeticError:
            return value
        if leaf.json_type == "integer" or "." not in value:
            return int(number) if number == number.to_integral_value() else float(number)
        return float(number)
    return value


def _document_notes(
    answer: Answer, schema: LoadedSchema, document: ReadDocument, checked: dict[str, _Checked]
) -> list[checks.Note]:
    notes: list[checks.Note] = []
    found = {
        pattern_of(path)
        for path, leaf in checked.items()
        if leaf.answer.raw is not None
        and leaf.leaf.grounding != "choice"
        and all(reason is not ReviewReason.INVALID_VALUE for reason, _ in leaf.notes)
    }
    for reason in (checks.wrong_type(schema, found), other_kind(schema, document)):
        if reason:
            notes.append((ReviewReason.WRONG_DOCUMENT_TYPE, reason))
    if answer.truncated:
        notes.append((ReviewReason.ANSWER_TRUNCATED, "the answer reached its length limit"))
    return notes + checks.reading_notes(document)


def _apply(findings: list[Finding], checked: dict[str, _Checked]) -> list[checks.Note]:
    """Puts the findings at their fields; gives back those of no field. A refused value is no value."""
    general = []
    for finding in findings:
        leaf = checked.get(finding.path)
        if leaf is None:
            where = f"{finding.path}: " if finding.path else ""
            general.append((finding.reason, f"{where}{finding.message}"))
            continue
        if finding.reason is ReviewReason.INVALID_VALUE:
            leaf.value = None
        known = any(reason is finding.reason for reason, _ in leaf.notes)
        untypable = finding.reason is ReviewReason.MISSING_REQUIRED and leaf.answer.raw is not None
        if not known and not (untypable and leaf.notes):
            leaf.note(finding.reason, finding.message)
    return general


def _take_over(data: dict[str, Any], checked: dict[str, _Checked], schema: LoadedSchema) -> None:
    """A model's own validators may change a value (strip, upper-case): then the field shows theirs."""
    if schema.model is None:
        return
    for path, leaf in checked.items():
        value = get(data, steps_of(path))
        if value is ABSENT or value is None or leaf.value is None or isinstance(value, float):
            continue
        leaf.value = value


def _assemble(
    data: dict[str, Any],
    checked: dict[str, _Checked],
    general: list[checks.Note],
    features: dict[str, Features],
) -> Validated:
    fields = [leaf.field() for leaf in checked.values()]
    reasons = [reason for reason, _ in general] + [reason for f in fields for reason in f.reasons]
    messages = [message for _, message in general if message]
    messages += [f"{f.path}: {m}" for f in fields for m in f.messages if m not in messages]
    whole = frozenset(reason for reason, _ in general)
    return Validated(data, fields, list(dict.fromkeys(reasons)), messages, whole, features)
