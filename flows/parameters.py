"""The parameters of the flows as types: Prefect's UI makes its form of them, and its API refuses what they refuse.

Titles stand in ``json_schema_extra``: what Prefect makes of a signature takes the parameter's name for the title.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Reason = Literal[
    "encrypted", "empty", "broken", "unsupported_type", "too_large", "too_many_pages", "archive_limit", "no_text",
    "timeout", "out_of_memory", "reader_crashed", "unavailable", "model_error", "internal_error",
    "wrong_document_type", "missing_required", "invalid_value", "ambiguous_date", "ambiguous_number",
    "rule_violated", "not_on_page", "model_unsure", "low_probability", "too_little_evidence", "windows_disagree",
    "answer_truncated", "low_ocr_confidence", "reading_warning", "no_words", "page_lost", "pages_differ",
    "garbled_text", "hidden_text", "orders_to_reader", "corrected_on_page", "text_disagrees",
]  # fmt: skip
"""`schemas.outcome.FailureReason` and `ReviewReason` in one list, as a form can show it; a test compares them."""


def titled(title: str, *examples: str) -> Any:
    """The title that a form shows over a parameter, and examples of what to write."""
    return Field(json_schema_extra={"title": title} | ({"examples": list(examples)} if examples else {}))


class _WithoutDefault(dict[str, Any]):
    """A JSON schema that takes no default: of `null` Prefect's form makes a value, which its server refuses."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key != "default":
            super().__setitem__(key, value)


class _MayBeEmpty:
    """Of a type or `None` the form gets the plain type; what is left empty is not sent."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        (plain,) = [one for one in handler(core_schema)["anyOf"] if one != {"type": "null"}]
        return _WithoutDefault(plain)


MAY_BE_EMPTY = _MayBeEmpty()

Source = Annotated[
    str | None,
    Field(min_length=1, max_length=2000),
    MAY_BE_EMPTY,
    titled("Source", "s3://bucket/in", "/data/in"),
]
SchemaName = Annotated[
    str | None,
    Field(min_length=1, max_length=500),
    MAY_BE_EMPTY,
    titled("Document schema", "invoice", "/schemas/bill.json"),
]
ModelName = Annotated[
    str | None,
    Field(min_length=1, max_length=1000),
    MAY_BE_EMPTY,
    titled("Model", "embedded", "scripted", "/models/bills"),
]
Limit = Annotated[int | None, Field(ge=1, le=100_000_000), MAY_BE_EMPTY, titled("At most so many documents")]
Pages = Annotated[
    str | None,
    Field(pattern=r"^\s*\d{1,6}(-(\d{1,6})?)?\s*$"),
    MAY_BE_EMPTY,
    titled("Pages to read", "1-3", "2-", "4"),
]
RetryOutcome = Annotated[
    Literal["failed", "unreadable", "review", "accepted"] | None,
    MAY_BE_EMPTY,
    titled("Do again: inputs of this outcome"),
]
RetryReason = Annotated[Reason | None, MAY_BE_EMPTY, titled("Do again: only those with this reason")]
Reprocess = Annotated[bool, titled("Do again: all of the source")]
Since = Annotated[dt.datetime | None, MAY_BE_EMPTY, titled("Do again: only what was extracted since then")]
"""A date is its first moment; without an offset it is in UTC."""
LabelledFolder = Annotated[
    str, Field(min_length=1, max_length=1000), titled("Labelled folder", "/data/labelled")
]
Split = Annotated[str, Field(pattern=r"^[\w.-]{1,64}$"), titled("Split", "dev", "test")]
