"""What the machines of a run cost."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CostOptions(BaseModel):
    """Without a price, a report tells machine seconds alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_machine_hour: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="price of an hour of one machine of the run"
    )
    currency: str = Field("EUR", min_length=1, max_length=8, description="how the price is written")
