"""A political ad buy: a contract, order or invoice between a US broadcaster and an advertiser."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from schemas.hints import OrderRule, document_hints, field_hints


class AdBuy(BaseModel):
    """A contract, order or invoice for political advertising on a US radio or television station."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=document_hints(
            day_first=False,
            key_fields=["advertiser", "contract_num", "gross_amount"],
            rules=[OrderRule(fields=["flight_from", "flight_to"])],
        ),
    )

    advertiser: str | None = Field(
        description="Name of the advertiser (candidate, committee or PAC) who pays for the air time, "
        "as printed, with any code in brackets kept.",
        json_schema_extra=field_hints(essential=True),
    )
    contract_num: str | None = Field(
        description="Contract or order or invoice number that identifies this document (often "
        "'Contract / Revision', 'Order #', 'Invoice #'), as printed without the revision suffix after a slash.",
        json_schema_extra=field_hints(essential=True),
    )
    flight_from: dt.date | None = Field(
        description="First date of the flight, i.e. start of the contract or invoice period, as printed."
    )
    flight_to: dt.date | None = Field(description="Last date of the flight, as printed.")
    gross_amount: Decimal | None = Field(
        description="Total gross amount of the contract or invoice, before agency commission.",
        json_schema_extra=field_hints(essential=True),
    )
