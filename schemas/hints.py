"""What a schema may say beyond types: hints for reading a field, and rules between fields.

In a Pydantic model::

    class Receipt(BaseModel):
        model_config = ConfigDict(json_schema_extra=document_hints(day_first=True, rules=[
            SumRule(items="line_items.line_total", equals="net_total"),
            OrderRule(fields=["issue_date", "due_date"]),
        ]))
        date: dt.date | None = Field(None, description="…", json_schema_extra=field_hints(day_first=True))

In a JSON Schema file the same stands under the key ``x-parquetry``, at the root or at a field.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

HINTS_KEY = "x-parquetry"


class _Hint(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SumRule(_Hint):
    """The numbers at ``items`` (a list leaf, or several leaves) sum to the number at ``equals``."""

    kind: Literal["sum"] = "sum"
    items: str | list[str]
    equals: str
    tolerance: Decimal = Decimal("0.02")
    message: str = ""


class OrderRule(_Hint):
    """The dates or numbers at ``fields`` do not decrease, in the order given; absent ones are passed over."""

    kind: Literal["order"] = "order"
    fields: list[str] = Field(min_length=2)
    message: str = ""


class ProductRule(_Hint):
    """In each item of the list ``items``: the product of ``factors`` equals ``equals``."""

    kind: Literal["product"] = "product"
    items: str
    factors: list[str] = Field(min_length=2)
    equals: str
    tolerance: Decimal = Decimal("0.02")
    message: str = ""


class RequireOneRule(_Hint):
    """At least one of ``fields`` is on the document."""

    kind: Literal["require_one"] = "require_one"
    fields: list[str] = Field(min_length=1)
    message: str = ""


Rule = Annotated[SumRule | OrderRule | ProductRule | RequireOneRule, Field(discriminator="kind")]


class DocumentHints(_Hint):
    """Hints of a whole schema.

    Attributes:
        day_first: how 03/04/2020 is read: True day first, False month first, None ambiguous (review).
        key_fields: fields without which the document is probably of another type.
        amount: path of the sum that the document is about, by which its queue is filtered; told by the names of the
            fields where it is not given (``gross_total``, ``total``, ...).
    """

    version: int = Field(1, ge=1)
    day_first: bool | None = None
    key_fields: list[str] = Field(default_factory=list)
    rules: list[Rule] = Field(default_factory=list)
    amount: str | None = None


class FieldHints(_Hint):
    """Hints of one field.

    Attributes:
        kind: overrides the kind that the type implies (``date``, ``decimal``, ``currency``, ``text``, ...).
        day_first: as for the document.
        grounding: ``span`` (text of the page), ``choice``, or ``free`` (may be written without a place;
            marked as ungrounded and always reviewed).
        max_chars: longest text, in characters.
        essential: its absence is a reason for review even though the type allows null.
        weight: what an error here costs, in errors of an ordinary field (1): the queue shows first where a look is
            worth most. 0: nobody minds.
    """

    kind: str | None = None
    day_first: bool | None = None
    grounding: Literal["span", "choice", "free"] | None = None
    max_chars: int | None = Field(None, ge=1, le=4000)
    essential: bool = False
    weight: float | None = Field(None, ge=0, le=1000)


def document_hints(**hints: Any) -> dict[str, Any]:
    """``json_schema_extra`` for a model. Raises pydantic's ValidationError on an unknown hint."""
    made = DocumentHints(**hints).model_dump(mode="json")
    # What was not said is left out, as a schema of before this hint must keep its fingerprint.
    return {HINTS_KEY: {name: value for name, value in made.items() if name != "amount" or value is not None}}


def field_hints(**hints: Any) -> dict[str, Any]:
    """``json_schema_extra`` for a field. Raises pydantic's ValidationError on an unknown hint."""
    return {HINTS_KEY: FieldHints(**hints).model_dump(mode="json", exclude_none=True)}
