"""What came of one labelled document, leaf by leaf: everything that a report is made of, as a line of JSON.

Reports can be made again, and compared, from these lines without asking a model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractors.evaluation.ceiling import reachable, span_index
from extractors.evaluation.metrics import Guess, Labels, aligned, flatten, is_right, row_alignment, same_value
from extractors.evaluation.spelled import is_spelled
from extractors.prompting.meant import as_meant
from extractors.validation.paths import leaf_at, pattern_of
from schemas.document import ReadDocument
from schemas.extraction import ExtractedField, Extraction, PageShape
from schemas.registry import LoadedSchema
from schemas.tree import NUMERIC, Kind, Leaf

VERSION = 2

Verdict = Literal["right", "wrong", "missed", "invented", "rightly_null"]
TypedError = Literal["day_and_month", "power_of_ten", "other"]

_DATES = {Kind.DATE, Kind.DATETIME, Kind.TIME}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LeafResult(_Record):
    """A leaf that was answered, labelled, or both.

    Attributes:
        path: of the answer; of the truth where nothing was answered.
        pattern: without row numbers.
        kind: of the leaf, such as ``date``.
        typed: of a right number or date, whether its typed value is right too.
        typed_error: what is wrong with a typed number or date.
        reachable: whether the truth stands in the words that were read; ``None``: nobody looked, or no truth.
        placed: of a value that must stand on the page, whether it has a place.
        spelled: whether the words in that place spell the value; ``None``: it has none, or nobody looked.
        landed: no reason speaks against it, nor against the document as a whole.
    """

    path: str
    pattern: str
    kind: str
    verdict: Verdict
    truth: Any = None
    raw: str | None = None
    value: Any = None
    typed: bool | None = None
    typed_error: TypedError | None = None
    reachable: bool | None = None
    placed: bool | None = None
    spelled: bool | None = None
    probability: float | None = None
    log_probability: float | None = None
    page: int | None = None
    boxes: list[list[float]] = Field(default_factory=list)
    landed: bool = False


class RowResult(_Record):
    """The rows of a list: ``matched`` of the truth's ``labelled`` have a row, ``invented`` match none."""

    labelled: int
    given: int
    matched: int
    cells: int
    cells_right: int

    @property
    def missed(self) -> int:
        """Rows of the truth that no row of the answer matches."""
        return self.labelled - self.matched

    @property
    def invented(self) -> int:
        """Rows of the answer that match none of the truth's."""
        return self.given - self.matched


class DocumentResult(_Record):
    """One labelled document. ``slices``: what it is told apart by, such as ``{"source": "scan"}``."""

    version: int = VERSION
    name: str
    model: str
    outcome: str
    accepted: bool = False
    truncated: bool = False
    reasons: list[str] = Field(default_factory=list)
    leaves: list[LeafResult] = Field(default_factory=list)
    rows: dict[str, RowResult] = Field(default_factory=dict)
    slices: dict[str, str] = Field(default_factory=dict)
    pages: list[PageShape] = Field(default_factory=list)
    timings: dict[str, float] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def claims(self) -> list[LeafResult]:
        """The leaves that count: nulls that are right do not."""
        return [leaf for leaf in self.leaves if leaf.verdict != "rightly_null"]

    @property
    def perfect(self) -> bool:
        """Whether every labelled leaf is right and nothing was invented."""
        return self.outcome == "extracted" and all(leaf.verdict == "right" for leaf in self.claims)


def result_of(
    name: str,
    truth: Labels,
    extraction: Extraction,
    schema: LoadedSchema,
    *,
    skip: frozenset[str] = frozenset(),
    document: ReadDocument | None = None,
    slices: Mapping[str, str] | None = None,
) -> DocumentResult:
    """Judges one document, leaf by leaf.

    Args:
        name: of the document in its set.
        truth: nested labels.
        extraction: what was made of it.
        schema: under which it was asked. A text that is named after a date or a sum is judged by its day or amount, as
            it was asked for (`as_meant`): ``RM 5.00`` is ``5.00``.
        skip: top-level fields whose labels are known to be wrong.
        document: as it was read, where ceilings and places are wanted too.
        slices: what the set says of it.
    """
    tree = as_meant(schema).tree
    labels = {field: value for field, value in truth.items() if field not in skip}
    wanted = dict(flatten(labels))
    answered = {f.path: f for f in extraction.fields if f.path.partition(".")[0] in labels}
    if extraction.data is None:
        answered = {}
    guesses = {path: Guess(f.raw, f.value) for path, f in answered.items()}
    own = aligned(wanted, guesses, tree)
    known = reachable(truth, span_index(document), tree, skip) if document is not None else {}
    whole = set(extraction.reasons) - {reason for f in extraction.fields for reason in f.reasons}
    leaves = []
    for path, at in own.items():
        leaf, field = leaf_at(schema.tree, path), answered[path]
        leaves.append(
            LeafResult(
                **_judged(wanted.get(at), guesses[path], leaf, leaf_at(tree, path)),
                path=path,
                pattern=pattern_of(path),
                kind=leaf.kind.value if leaf else "",
                truth=wanted.get(at),
                raw=field.raw,
                value=field.value,
                reachable=known.get(at),
                placed=bool(field.boxes) if field.grounding == "span" and field.raw is not None else None,
                spelled=_spelled(field, document),
                probability=field.probability,
                log_probability=field.log_probability,
                page=field.page,
                boxes=field.boxes,
                landed=not field.reasons and not whole,
            )
        )
    given = set(own.values())
    for path, value in wanted.items():
        if path not in given:
            missing = leaf_at(schema.tree, path)
            kind = missing.kind.value if missing else ""
            leaves.append(
                LeafResult(
                    path=path,
                    pattern=pattern_of(path),
                    kind=kind,
                    verdict="missed",
                    truth=value,
                    reachable=known.get(path),
                )
            )
    return DocumentResult(
        name=name,
        model=extraction.model,
        outcome=extraction.outcome,
        accepted=extraction.accepted,
        truncated="answer_truncated" in extraction.reasons,
        reasons=[str(reason) for reason in extraction.reasons],
        leaves=leaves,
        rows={prefix: RowResult(**row) for prefix, row in row_alignment(wanted, guesses, tree).items()},
        slices={**_slices(extraction), **(slices or {})},
        pages=extraction.pages,
        timings=extraction.timings,
        counts=extraction.counts,
    )


def _spelled(field: ExtractedField, document: ReadDocument | None) -> bool | None:
    if (
        document is None
        or field.grounding != "span"
        or not field.raw
        or field.page is None
        or not field.boxes
    ):
        return None
    return is_spelled(field.raw, document, field.page, field.boxes)


def _judged(truth: Any, guess: Guess, leaf: Leaf | None, meant: Leaf | None) -> dict[str, Any]:
    """Verdict by what is meant, and what can be said of the typed value, where the schema has one."""
    if guess.empty:
        return {"verdict": "rightly_null" if truth is None else "missed"}
    if truth is None:
        return {"verdict": "invented"}
    right = is_right(truth, guess, meant)
    found: dict[str, Any] = {"verdict": "right" if right else "wrong"}
    if leaf is None or leaf.kind not in NUMERIC | _DATES:
        return found
    typed = same_value(truth, guess.value, leaf)
    if right:
        found["typed"] = typed
    if not typed:
        found["typed_error"] = _typed_error(truth, guess.value, leaf)
    return found


def _typed_error(truth: Any, value: Any, leaf: Leaf) -> TypedError:
    if leaf.kind in _DATES:
        day, other = str(truth)[:10].split("-"), str(value)[:10].split("-")
        if len(day) == len(other) == 3 and day != other and day == [other[0], other[2], other[1]]:
            return "day_and_month"
        return "other"
    try:
        one, two = Decimal(str(truth)), Decimal(str(value))
    except InvalidOperation:
        return "other"
    if not one or not two or not (one.is_finite() and two.is_finite()):
        return "other"
    power = math.log10(abs(one / two))
    return "power_of_ten" if abs(power) > 0.5 and abs(power - round(power)) < 1e-9 else "other"


def _slices(extraction: Extraction) -> dict[str, str]:
    """What can be told of a document from its extraction alone."""
    if extraction.outcome != "extracted":
        return {}
    scanned, digital = (extraction.counts.get(f"pages_{name}", 0) for name in ("ocr", "text_layer"))
    source = "mixed" if scanned and digital else "scan" if scanned else "digital" if digital else "blank"
    count = extraction.page_count
    return {"source": source, "pages": "1" if count <= 1 else "2 to 5" if count <= 5 else "6 and more"}
