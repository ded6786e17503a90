"""Typing, checking and routing of answers: verbatim text to typed values, and every reason for review."""

from extractors.validation.validate import (
    Correction,
    Validated,
    parse_correction,
    route,
    validate,
    with_corrections,
)
from extractors.validation.values import DocumentStyle, Parsed, document_style, parse_leaf

__all__ = [
    "Correction",
    "DocumentStyle",
    "Parsed",
    "Validated",
    "document_style",
    "parse_correction",
    "parse_leaf",
    "route",
    "validate",
    "with_corrections",
]
