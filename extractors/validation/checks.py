"""What one answered leaf, and the document as a whole, must satisfy before nobody looks at it."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator

from extractors.backends.base import LeafAnswer, Span
from extractors.confidence.uncalibrated import is_unsure
from extractors.options import ExtractOptions
from extractors.validation.paths import pattern_of
from extractors.validation.problems import shown
from schemas.document import Box, ReadDocument, Word
from schemas.outcome import ReviewReason
from schemas.registry import LoadedSchema
from schemas.tree import Leaf, leaves

Note = tuple[ReviewReason, str]

_SAME_LINE = 0.5
"""Two words share a printed line when their heights overlap by this share of the lower word."""
_TALL = 3.0
"""A word so many times as high as its neighbour runs up the page: one box for both would cover other lines."""
_FOUND_SHARE = 0.1
"""Without key fields a document is of another type when at most this share of the schema is on it."""


def leaf_notes(
    answer: LeafAnswer, leaf: Leaf, page_numbers: set[int], options: ExtractOptions
) -> Iterator[Note]:
    """Reasons for review of a leaf, apart from its typed value."""
    for reason in answer.reasons:
        known = reason in ReviewReason.__members__.values()
        yield (ReviewReason(reason), "") if known else (ReviewReason.MODEL_UNSURE, reason)
    if is_unsure(answer.log_probability, options):
        score, floor = answer.log_probability, options.min_field_log_probability
        told = "was not answered" if math.isnan(score) else f"score {score:.2f} is below {floor:g}"
        yield ReviewReason.MODEL_UNSURE, told
    if answer.raw is None or leaf.grounding == "choice":
        return
    if not is_grounded(answer, page_numbers):
        text = "was written by the model" if leaf.grounding == "free" else "does not stand at the given place"
        yield ReviewReason.NOT_ON_PAGE, f"{shown(answer.raw)} {text}"
    if answer.span is not None:
        sure = [word.confidence for _, word in answer.span.words if word.confidence is not None]
        if sure and min(sure) < options.min_ocr_confidence:
            yield ReviewReason.LOW_OCR_CONFIDENCE, f"recognised with confidence {min(sure):.2f}"


def is_grounded(answer: LeafAnswer, page_numbers: set[int]) -> bool:
    """Whether the text stands in the words of its span, white space and control characters apart."""
    if answer.span is None or not answer.span.words or answer.raw is None:
        return False
    if any(number not in page_numbers for number, _ in answer.span.words):
        return False
    text = _squeeze(answer.raw)
    return bool(text) and text in _squeeze("".join(word.text for _, word in answer.span.words))


def _squeeze(text: str) -> str:
    kept = (c for c in text if not c.isspace() and unicodedata.category(c)[0] != "C")
    return unicodedata.normalize("NFC", "".join(kept))  # last: signs that stood apart may be one letter now


def place_of(span: Span | None) -> tuple[int | None, list[list[float]]]:
    """The page of the first word, and one box per printed line of the words on that page."""
    if span is None or not span.words:
        return None, []
    page = span.words[0][0]
    lines: list[list[Word]] = []
    for number, word in span.words:
        if number != page:
            continue
        if lines and _level(lines[-1][-1].box, word.box):
            lines[-1].append(word)
        else:
            lines.append([word])
    return page, [_union(word.box for word in line) for line in lines]


def _level(a: Box, b: Box) -> bool:
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    lower, higher = sorted((max(a.y1 - a.y0, 0.01), max(b.y1 - b.y0, 0.01)))
    return overlap >= _SAME_LINE * lower and higher <= _TALL * lower


def _union(boxes: Iterable[Box]) -> list[float]:
    listed = list(boxes)
    return Box(
        min(b.x0 for b in listed),
        min(b.y0 for b in listed),
        max(b.x1 for b in listed),
        max(b.y1 for b in listed),
    ).as_list()


def wrong_type(schema: LoadedSchema, found: set[str]) -> str | None:
    """Why the document seems to be of another type, or ``None``.

    Args:
        schema: with ``key_fields``, fewer than half of them found; without, at most a tenth of its leaves.
        found: path patterns (`pattern_of`) of the leaves that have a usable text. Choices do not count: they
            are answered on any document.
    """
    keys = schema.hints.key_fields
    if keys:
        present = [key for key in keys if any(_within(path, pattern_of(key)) for path in found)]
        if 2 * len(present) >= len(keys):
            return None
        return (
            f"of {', '.join(keys)} only {', '.join(present)} found"
            if present
            else (f"none of {', '.join(keys)} was found")
        )
    wanted = {pattern_of(path) for path, leaf in leaves(schema.tree) if leaf.grounding != "choice"}
    if not wanted or len(wanted & found) > _FOUND_SHARE * len(wanted):
        return None
    return f"{len(wanted & found)} of {len(wanted)} fields of {schema.name} were found"


def _within(path: str, key: str) -> bool:
    return path == key or path.startswith(f"{key}.")


def reading_notes(document: ReadDocument) -> list[Note]:
    """The doubts of reading, those of a page with its number."""
    whole = [(doubt.reason, doubt.text) for doubt in document.warnings]
    return whole + [
        (doubt.reason, f"page {page.number}: {doubt.text}")
        for page in document.pages
        for doubt in page.warnings
    ]


_BLANK = re.compile(r"\s*")


def is_blank(text: str | None) -> bool:
    """Whether a raw text says nothing."""
    return text is None or _BLANK.fullmatch(text) is not None
