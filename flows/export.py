"""Signatures first, bodies follow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from flows.ledger.store import Ledger

ExportFormat = Literal["csv", "jsonl", "xlsx", "parquet"]


def export_rows(lake: str | Path, schema_name: str, format: ExportFormat, destination: str | Path) -> int:
    """Writes the current landed rows; gives their number."""
    raise NotImplementedError


def export_queue(
    ledger: Ledger, format: ExportFormat, destination: str | Path, *, schema: str | None = None
) -> int:
    """Writes the review queue; gives the number of documents."""
    raise NotImplementedError
