"""Typing, checking and routing of answers: verbatim text to typed values, and every reason for review."""

from extractors.validation.validate import Validated, route, validate
from extractors.validation.values import DocumentStyle, Parsed, document_style, parse_leaf

__all__ = ["DocumentStyle", "Parsed", "Validated", "document_style", "parse_leaf", "route", "validate"]
