"""Signatures first, bodies follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fetched:
    """A local copy: what was really in the object. ``version`` is the object's, or ``sha256:…`` if it had none."""

    path: Path
    sha256: str
    size: int
    media_type: str
    version: str


@dataclass(frozen=True, slots=True)
class SourceObject:
    """``uri`` is free of credentials; ``version`` is empty when the source tells neither time nor tag."""

    uri: str
    version: str
    size: int

    def fetch(self, to: Path, *, max_bytes: int | None = None) -> Fetched:
        """Copies the object to the file ``to``. SourceError: not to be had. DocumentError: over max_bytes."""
        raise NotImplementedError


def discover(uri: str, *, limit: int | None = None, settle_seconds: float = 0) -> Iterator[SourceObject]:
    """Every object of a file, folder or fsspec URI. Raises SourceError when it does not exist."""
    raise NotImplementedError


def reopen(source: str, uri: str) -> SourceObject:
    """The object with that public URI (from the ledger) again, with the credentials that ``source`` carries."""
    raise NotImplementedError


def public_uri(uri: str) -> str:
    """The URI without user, password and secret query parameters, for logs, ledger and artifacts."""
    raise NotImplementedError
