"""Signatures first, bodies follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.ledger.store import Ledger
from schemas.registry import LoadedSchema


@dataclass(frozen=True, slots=True)
class LandedFile:
    path: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LandingReport:
    """Files written now; ``warnings`` tell which values did not fit their column (kept in the evidence)."""

    files: list[LandedFile]
    rows: int
    warnings: list[str]


def land(ledger: Ledger, lake: str | Path, schema: LoadedSchema) -> LandingReport:
    """Freezes what is accepted or reviewed under the schema's name and writes all pending batches of it."""
    raise NotImplementedError
