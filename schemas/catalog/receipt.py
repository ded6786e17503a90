"""A shop receipt."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from schemas.hints import document_hints, field_hints


class Receipt(BaseModel):
    """A receipt of a shop, restaurant or other seller, as handed to the customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=document_hints(day_first=True, key_fields=["company", "date", "total"]),
    )

    company: str | None = Field(
        description="Name of the shop or company that issued the receipt, as printed in the receipt header.",
        json_schema_extra=field_hints(essential=True),
    )
    date: dt.date | None = Field(
        description="Date of the purchase as printed on the receipt.",
        json_schema_extra=field_hints(essential=True),
    )
    address: str | None = Field(
        description="Full postal address of the issuing shop as printed, printed lines joined with one space."
    )
    total: Decimal | None = Field(
        description="Final amount payable, tax included and after rounding, without currency sign.",
        json_schema_extra=field_hints(essential=True),
    )
