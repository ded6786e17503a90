"""``parquetry backup``: one state of the ledger, the lake's files that it has landed, and the home folder.

The ledger is dumped first, then the lake is copied. The lake is append-only, so every file that the dump has landed is
there, and a restore leaves out those that came later. Runs go on meanwhile.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from flows.backup.manifest import FILES, MANIFEST, Kept, Manifest
from flows.backup.place import BackupPlace, digest
from flows.landing.lake import Lake, open_lake
from flows.ledger.dump import dump_ledger
from flows.ledger.store import Ledger
from flows.settings import Settings
from schemas.errors import ParquetryError

PASSING = frozenset({"prefect", "spool", "logs", "pages", "cache", "serve.json", "deployed"})
"""What of the home folder is made or fetched anew, or belongs to a process."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What was backed up.

    Attributes:
        backup_id: its name.
        lake_files: files of the lake in it.
        home_files: files of the home folder in it, originals of documents for the most part.
        copied: how many of both were not in the place yet.
        missing: files of the lake that are not as the ledger has them, and are not in the backup.
        removed: older backups that were taken away.
    """

    backup_id: str
    lake_files: int
    home_files: int
    copied: int
    missing: list[str]
    removed: list[str]


def back_up(settings: Settings, place: BackupPlace, *, keep: int | None = None) -> BackupReport:
    """Makes a backup, beside runs that go on.

    Args:
        settings: where ledger, lake and home are.
        place: where it goes; older backups there share its files.
        keep: so many backups stay, the newest; ``None``: all.

    Raises:
        LedgerError: the ledger cannot be dumped.
        LandingError: the place cannot be written.
    """
    created = dt.datetime.now(dt.UTC)
    backup_id = f"{created:%Y%m%dT%H%M%S}Z"
    with tempfile.TemporaryDirectory(prefix="parquetry-backup-") as scratch:
        copier = _Copier(place, Path(scratch))
        dump = dump_ledger(settings.database_url, Path(scratch))
        ledger_file = Kept(part="ledger", name=dump.name, sha256=digest(dump))
        place.put(dump, f"backups/{backup_id}/{dump.name}")
        dump.unlink()
        listed = Path(scratch) / FILES
        with listed.open("w", encoding="utf-8") as lines, Ledger.open(settings.database_url) as ledger:
            ledger_id = ledger.ledger_id()
            for kept in copier.lake(ledger, settings):
                lines.write(kept.model_dump_json() + "\n")
            for kept in copier.home(settings):
                lines.write(kept.model_dump_json() + "\n")
        place.put(listed, f"backups/{backup_id}/{FILES}")
        manifest = Manifest(
            backup_id=backup_id,
            created_at=created,
            version=_version(),
            ledger_id=ledger_id,
            lake_format=settings.lake_format,
            ledger=ledger_file,
            files=copier.lake_files + copier.home_files,
            files_sha256=digest(listed),
            missing=copier.missing,
        )
        last = Path(scratch) / MANIFEST
        last.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        place.put(last, f"backups/{backup_id}/{MANIFEST}")
        removed = _forget(place, keep, Path(scratch)) if keep is not None else []
    return BackupReport(
        backup_id, copier.lake_files, copier.home_files, copier.copied, copier.missing, removed
    )


class _Copier:
    """Brings files to the place that are not there yet, and counts."""

    def __init__(self, place: BackupPlace, scratch: Path) -> None:
        self.place, self.scratch = place, scratch
        self.lake_files = self.home_files = self.copied = 0
        self.missing: list[str] = []

    def lake(self, ledger: Ledger, settings: Settings) -> Iterator[Kept]:
        """Every landed file, under the hash that the ledger has of it. Delta tables follow from the ledger."""
        if settings.lake_format == "delta":
            return
        lake = open_lake(settings.lake_uri)
        for schema in sorted({found.name for found in ledger.schemas_with_rows()}):
            for batch in ledger.batches(schema):
                if batch.landed_at is None or batch.file_sha256 is None:
                    continue
                name = f"{schema}/{batch.batch_id}.parquet"
                if not self._has_landed(lake, name, batch.file_sha256):
                    self.missing.append(name)
                    continue
                self.lake_files += 1
                yield Kept(part="lake", name=name, sha256=batch.file_sha256)

    def _has_landed(self, lake: Lake, name: str, sha256: str) -> bool:
        """Whether the place now has a landed file; no when the lake's is not what the ledger has landed."""
        if self.place.has_object(sha256):
            return True
        aside = self.scratch / "file"
        try:
            with _opened(lake, name) as stream:
                found = _copy(stream, aside)
        except (OSError, ParquetryError):
            return False
        if found == sha256:
            self._keep(aside, sha256)
        return found == sha256

    def home(self, settings: Settings) -> Iterator[Kept]:
        """Every file of the home folder but what is passing, the ledger and the lake."""
        lake, ledger = Path(settings.lake_uri), Path(settings.database_url.removeprefix("sqlite:///"))
        for path in sorted(settings.home.rglob("*")):
            parts = path.relative_to(settings.home).parts
            hidden = any(part.startswith(".") for part in parts)
            if parts[0] in PASSING or hidden or path.is_relative_to(lake) or not path.is_file():
                continue
            if path.name.startswith(ledger.name) and path.parent == ledger.parent:
                continue
            try:
                mode = path.stat().st_mode & 0o777
                sha256 = self._kept(path, named_by_hash=parts[0] == "blobs")
            except FileNotFoundError:  # taken away meanwhile
                continue
            self.home_files += 1
            yield Kept(part="home", name="/".join(parts), sha256=sha256, mode=mode)

    def _kept(self, path: Path, *, named_by_hash: bool) -> str:
        """The hash of a file that the place now has. Originals bear theirs as a name, and are read once."""
        if named_by_hash and self.place.has_object(path.name):
            return path.name
        aside = self.scratch / "file"
        with path.open("rb") as stream:
            sha256 = _copy(stream, aside)
        self._keep(aside, sha256)
        return sha256

    def _keep(self, file: Path, sha256: str) -> None:
        self.copied += self.place.put_object(file, sha256)


def _opened(lake: Lake, name: str) -> IO[bytes]:
    system, root = lake.file_system()
    if system is None:
        return (Path(root) / name).open("rb")
    stream: IO[bytes] = system.open(f"{root}/{name}", "rb", cache_type="none")
    return stream


def _copy(stream: IO[bytes], target: Path) -> str:
    """Copies what a stream has; its SHA-256."""
    hasher = hashlib.sha256()
    with target.open("wb") as out:
        while piece := stream.read(_CHUNK):
            hasher.update(piece)
            out.write(piece)
    return hasher.hexdigest()


def _forget(place: BackupPlace, keep: int, scratch: Path) -> list[str]:
    """Takes the oldest backups away, then what only they had."""
    every = place.backups()
    old = every[:-keep]
    for backup_id in old:
        place.remove_backup(backup_id)
    if old:
        wanted: set[str] = set()
        for backup_id in every[-keep:]:
            wanted |= {kept.sha256 for kept in files_of(place, backup_id, scratch)}
        place.sweep(wanted)
    return old


def files_of(place: BackupPlace, backup_id: str, scratch: Path) -> Iterator[Kept]:
    """The files of a backup, from its list, which is held against its hash."""
    listed = scratch / f"{backup_id}-{FILES}"
    place.get(f"backups/{backup_id}/{FILES}", listed, place.manifest(backup_id).files_sha256)
    with listed.open(encoding="utf-8") as lines:
        for line in lines:
            yield Kept.model_validate_json(line)
    listed.unlink()


def _version() -> str:
    try:
        return version("parquetry")
    except PackageNotFoundError:
        return "unknown"
