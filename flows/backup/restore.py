"""``parquetry restore``: a backup into an empty place, held against its hashes; then ledger against lake."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from flows.backup.back_up import files_of
from flows.backup.manifest import Kept, Manifest
from flows.backup.place import BackupPlace
from flows.home import make_home
from flows.landing import Checkup, check_lake
from flows.landing.lake import Lake, open_lake
from flows.ledger.dump import require_empty, restore_ledger
from flows.ledger.store import Ledger
from flows.settings import Settings
from schemas.errors import LandingError, UsageError


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What was restored, and how ledger and lake agree."""

    manifest: Manifest
    lake_files: int
    home_files: int
    checkups: list[Checkup]


def restore(settings: Settings, place: BackupPlace, backup_id: str | None = None) -> RestoreReport:
    """Fills an empty home folder, database and lake from a backup.

    What the ledger has landed and the backup lacks is written anew from the ledger, as is a lake of Delta tables.

    Args:
        settings: where ledger, lake and home are to be.
        place: where the backup is.
        backup_id: which one; ``None``: the newest.

    Raises:
        UsageError: there is no such backup, or lake or home are not empty.
        LedgerError: the database is not empty, or cannot be written.
        LandingError: a file of the backup is missing or damaged, or the lake cannot be written.
    """
    backup_id = backup_id or _newest(place)
    manifest = place.manifest(backup_id)
    lake = open_lake(settings.lake_uri)
    _require_empty(settings, lake)
    make_home(settings)
    lake_files = home_files = 0
    with tempfile.TemporaryDirectory(prefix="parquetry-restore-") as folder:
        scratch = Path(folder)
        dump = scratch / manifest.ledger.name
        place.get(f"backups/{backup_id}/{manifest.ledger.name}", dump, manifest.ledger.sha256)
        restore_ledger(dump, settings.database_url)
        dump.unlink()
        with Ledger.open(settings.database_url) as ledger:
            landed = _landed(ledger)
            for kept in files_of(place, backup_id, scratch):
                if kept.part == "home":
                    _restore_home(place, kept, settings.home)
                    home_files += 1
                elif settings.lake_format == "parquet" and landed.get(kept.name) == kept.sha256:
                    _restore_landed(place, kept, lake, ledger, scratch / "file")
                    lake_files += 1
            checkups = list(check_lake(ledger, settings.lake_uri, format=settings.lake_format, repair=True))
    return RestoreReport(manifest, lake_files, home_files, checkups)


def _newest(place: BackupPlace) -> str:
    found = place.backups()
    if not found:
        raise UsageError(f"{place.shown} has no backups.", remedy="Correct the address of the place.")
    return found[-1]


def _require_empty(settings: Settings, lake: Lake) -> None:
    require_empty(settings.database_url)
    folders = lake.folders()
    if folders:
        raise UsageError(
            f"The lake is not empty: it has {', '.join(folders[:3])}.",
            remedy="Restore into a new lake; nothing is written over.",
        )
    if (settings.home / "blobs").exists():
        raise UsageError(
            f"The home folder {settings.home} is in use.", remedy="Restore into a new one, with --home."
        )


def _landed(ledger: Ledger) -> dict[str, str]:
    """Name and hash of every file that the restored ledger has landed: what came after its dump is not in it."""
    return {
        f"{schema}/{batch.batch_id}.parquet": batch.file_sha256
        for schema in {found.name for found in ledger.schemas_with_rows()}
        for batch in ledger.batches(schema)
        if batch.landed_at is not None and batch.file_sha256 is not None
    }


def _restore_landed(place: BackupPlace, kept: Kept, lake: Lake, ledger: Ledger, aside: Path) -> None:
    place.get_object(kept.sha256, aside)
    lake.write(kept.name, aside.read_bytes())
    batch_id = kept.name.rpartition("/")[2].removesuffix(".parquet")
    ledger.record_file(batch_id, lake.location(kept.name), kept.sha256)


def _restore_home(place: BackupPlace, kept: Kept, home: Path) -> None:
    target = (home / kept.name).resolve()
    if not target.is_relative_to(home.resolve()):
        raise LandingError(
            f"{kept.name!r} leads out of the home folder.", remedy="The backup was tampered with."
        )
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.get_object(kept.sha256, target)
    target.chmod(kept.mode)
