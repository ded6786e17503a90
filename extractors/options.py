"""All knobs of the extraction, as frozen values; `flows.settings` fills them from the user's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PageRange(_Options):
    """Pages ``first`` to ``last``, 1-based, both included; ``last=None`` means to the end."""

    first: int = Field(1, ge=1)
    last: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> PageRange:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"page range {self.first}-{self.last} ends before it begins")
        return self


class ReadOptions(_Options):
    """Limits and switches of reading one document."""

    max_pages: int = Field(50, ge=1)
    max_seconds: float = Field(60.0, gt=0)
    max_memory_mb: int = Field(2048, ge=256)
    max_bytes: int = Field(200_000_000, ge=1)
    max_side_px: int = Field(10_000, ge=100)
    pages: PageRange = PageRange()
    passwords: tuple[SecretStr, ...] = ()
    ocr: bool = True
    image_side_px: int = Field(
        512, ge=32, description="longer side of the page image given to the model; 0: none"
    )


class ExtractOptions(_Options):
    """Limits of extracting and the rule by which a document is accepted."""

    min_field_log_probability: float = Field(
        -0.7, le=0, description="an uncalibrated field below this score is a reason for review"
    )
    min_ocr_confidence: float = Field(0.6, ge=0, le=1)
    error_budget: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of values landed without a person that may be wrong; none: no promise",
    )
    error_budgets: dict[str, float] = Field(
        default_factory=dict, description="the same by schema name, before error_budget"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="how sure it must be that the budget is kept")
    budget_unit: Literal["values", "documents"] = Field(
        "values", description="documents: share of documents with any wrong value among those landed"
    )

    @field_validator("error_budgets")
    @classmethod
    def _shares(cls, value: dict[str, float]) -> dict[str, float]:
        for name, share in value.items():
            if not 0 < share < 1:
                raise ValueError(f"the error budget of {name}, {share:g}, does not lie between 0 and 1")
        return value


class VllmOptions(_Options):
    """Where a vLLM server is, what it serves, and how long is waited for it."""

    url: str = Field("http://127.0.0.1:8000", description="of the server, without /v1")
    model: str = Field(
        "", description="name that the server lists: of the model, or of one of its LoRA adapters"
    )
    folder: str | None = Field(
        None,
        description="model folder, or name in the store, with processor, tokenizer and model.json: the one served",
    )
    api_key: SecretStr | None = Field(None, description="what the server was started with as --api-key")
    ca_file: Path | None = Field(
        None, description="certificates that vouch for an https server; default: certifi's"
    )
    concurrency: int = Field(16, ge=1, le=512, description="requests at a time")
    connect_seconds: float = Field(5.0, gt=0)
    request_seconds: float = Field(120.0, gt=0, description="longest wait for one answer")
    document_seconds: float = Field(
        600.0, gt=0, description="for all answers of a document, with all that is tried again"
    )
    outage_seconds: float = Field(
        60.0, ge=0, description="a server that takes no connections for so long is an outage"
    )
    max_answer_tokens: int = Field(1500, ge=16)
    max_response_mb: int = Field(16, ge=1, description="a longer response is not read to its end")

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        import httpx  # what connects in the end also says what is an address

        try:
            parts = urlsplit(value)
            whole = (
                parts.port != 0 and bool(httpx.URL(value).host) and value.isprintable() and " " not in value
            )
        except (ValueError, httpx.InvalidURL):
            whole = False
        if not whole or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
            raise ValueError("it is no address such as http://gpu-1:8000")
        if parts.username or parts.password:
            raise ValueError("credentials go into vllm.api_key, not into the address")
        return value.rstrip("/").removesuffix("/v1")

    @field_validator("api_key")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        """As it goes into a header. Files of secrets often end in a new line."""
        key = value.get_secret_value().strip() if value is not None else ""
        if not (key.isascii() and key.isprintable()):
            raise ValueError("a key has letters, digits and signs of ASCII only")
        return SecretStr(key) if key else None
