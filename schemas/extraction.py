"""What was extracted from a document: typed data, and for every field where it comes from."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.outcome import FailureReason, ReviewReason

Calibration = Literal["uncalibrated", "pooled", "calibrated"]
Grounding = Literal["span", "choice", "free"]


class Candidate(BaseModel):
    """What else a field could be: a text of the page, with page and boxes as in `ExtractedField`."""

    model_config = ConfigDict(frozen=True)

    raw: str
    page: int | None = None
    boxes: list[list[float]] = Field(default_factory=list)


class ExtractedField(BaseModel):
    """One leaf of the answer.

    Attributes:
        path: dotted, list items by index: ``line_items.0.quantity``.
        raw: the text as printed (white space folded), ``None`` when not on the document.
        value: the typed value in JSON form: ISO dates, decimals as plain strings, integers, booleans.
        page: 1-based page of the first box; ``None`` when there is no place.
        boxes: ``[x0, y0, x1, y1]`` in points of the upright page, one per line of text.
        probability: P(value is right); ``None`` while ``calibration`` is ``uncalibrated``.
        calibration: ``calibrated`` on documents of this schema; ``pooled``: on those of other schemas only.
        log_probability: sum of token log-probabilities under the grammar (natural log), a score, not a
            probability of being right.
        log_mass: the same sum over the shares of the model's probability that the grammar allowed: 0 when the model
            wanted nothing but text of the page; ``None`` where no model answered.
        reasons: why a person should look at this field.
        others: what else it could be, the likeliest first; for reviewers, not part of what lands.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    raw: str | None = None
    value: Any = None
    page: int | None = None
    boxes: list[list[float]] = Field(default_factory=list)
    probability: float | None = None
    calibration: Calibration = "uncalibrated"
    log_probability: float | None = None
    log_mass: float | None = None
    grounding: Grounding = "span"
    reasons: list[ReviewReason] = Field(default_factory=list)
    messages: list[str] = Field(default_factory=list)
    others: list[Candidate] = Field(default_factory=list)


class PageShape(BaseModel):
    """An upright page as `schemas.document.Page` has it: size in points, and what was turned to get there."""

    model_config = ConfigDict(frozen=True)

    number: int
    width: float
    height: float
    rotation: int = 0


class Extraction(BaseModel):
    """One document against one schema: what landed, what waits, or why there is nothing.

    ``data`` is the nested JSON form of the typed values. With ``outcome`` other than ``extracted`` it is
    ``None`` and ``failure`` says why. ``reasons`` are those of the document and of all its fields, each once.
    ``timings`` are seconds by stage; ``counts`` are whole numbers (pages, words, windows, model calls,
    tokens). ``pages`` are the shapes of the pages that were read: without them nobody could draw a box over a
    page that was turned.
    """

    model_config = ConfigDict(frozen=True)

    document: str
    sha256: str = ""
    outcome: Literal["extracted", "unreadable", "failed"]
    accepted: bool = False
    schema_name: str
    schema_fingerprint: str
    model: str
    data: dict[str, Any] | None = None
    fields: list[ExtractedField] = Field(default_factory=list)
    reasons: list[ReviewReason] = Field(default_factory=list)
    messages: list[str] = Field(default_factory=list)
    failure: FailureReason | None = None
    detail: str = ""
    page_count: int = 0
    pages: list[PageShape] = Field(default_factory=list)
    timings: dict[str, float] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
