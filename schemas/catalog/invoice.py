"""An invoice with its line items."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.hints import OrderRule, SumRule, document_hints, field_hints


class LineItem(BaseModel):
    """One billed position."""

    model_config = ConfigDict(extra="forbid")

    description: str | None = Field(description="Name of the article or service, without further notes.")
    quantity: Decimal | None = Field(description="Billed or ordered quantity.")
    unit_price: Decimal | None = Field(description="Net price of one unit.")
    line_total: Decimal | None = Field(description="Net total of the line.")


class Invoice(BaseModel):
    """An invoice or credit note from a seller to a buyer, with header and line items."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=document_hints(
            key_fields=["document_number", "seller_name", "gross_total"],
            rules=[
                SumRule(
                    items="line_items.line_total",
                    equals="net_total",
                    message="The line totals do not sum to the net total.",
                ),
                SumRule(
                    items=["net_total", "tax_total"],
                    equals="gross_total",
                    message="Net total and tax do not sum to the gross total.",
                ),
                OrderRule(
                    fields=["issue_date", "due_date"], message="The due date lies before the issue date."
                ),
            ],
        ),
    )

    document_type: Literal["invoice", "credit_note"] = Field(
        description="Kind of document: invoice, or credit_note when money goes back to the buyer."
    )
    document_number: str | None = Field(
        description="Invoice or credit note number as printed.", json_schema_extra=field_hints(essential=True)
    )
    issue_date: dt.date | None = Field(
        description="Date the document was issued.", json_schema_extra=field_hints(essential=True)
    )
    due_date: dt.date | None = Field(description="Date by which payment is due.")
    seller_name: str | None = Field(
        description="Legal name of the seller, who issued the invoice.",
        json_schema_extra=field_hints(essential=True),
    )
    seller_address: str | None = Field(description="Postal address of the seller.")
    seller_vat_id: str | None = Field(description="VAT registration id of the seller (e.g. DE123456789).")
    buyer_name: str | None = Field(description="Name of the buyer the document is addressed to.")
    buyer_address: str | None = Field(description="Postal address of the buyer.")
    buyer_vat_id: str | None = Field(description="VAT registration id of the buyer.")
    order_reference: str | None = Field(description="Buyer's purchase order number the document refers to.")
    currency: str | None = Field(
        description="Currency of the amounts, as printed (code or sign).",
        json_schema_extra=field_hints(kind="currency"),
    )
    iban: str | None = Field(description="IBAN of the account to pay to.")
    payment_terms: str | None = Field(description="Payment terms as printed, e.g. 30 days net.")
    net_total: Decimal | None = Field(description="Total before tax (tax basis total).")
    tax_rate: Decimal | None = Field(description="Tax rate in percent, when one rate applies to all lines.")
    tax_total: Decimal | None = Field(description="Total tax amount.")
    gross_total: Decimal | None = Field(
        description="Grand total including tax.", json_schema_extra=field_hints(essential=True)
    )
    amount_due: Decimal | None = Field(description="Amount still to be paid (after prepayments).")
    line_items: list[LineItem] = Field(description="Billed positions in document order.", max_length=200)
