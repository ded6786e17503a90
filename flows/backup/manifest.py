"""What a backup says of itself. The manifest is written last: without one there is no backup."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

FORMAT = 1
MANIFEST, FILES = "manifest.json", "files.jsonl"


class Kept(BaseModel):
    """One file of the lake or of the home folder; its bytes are under its hash."""

    model_config = ConfigDict(frozen=True)

    part: Literal["ledger", "lake", "home"]
    name: str
    sha256: str
    mode: int = 0o600


class Manifest(BaseModel):
    """What belongs to one backup.

    Attributes:
        ledger: name and hash of the ledger's file beside the manifest.
        files: how many lines the list of files has, and its hash.
        missing: files of the lake that were not as the ledger has them; a restore writes them from the ledger.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    backup_id: str
    created_at: dt.datetime
    version: str
    ledger_id: str
    lake_format: Literal["parquet", "delta"]
    ledger: Kept
    files: int
    files_sha256: str
    missing: list[str]
