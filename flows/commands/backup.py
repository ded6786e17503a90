"""``parquetry backup`` and ``parquetry restore``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, stdout

Place = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="Folder or fsspec URI of the backups, such as s3://bucket/backups."),
]


def backup(
    place: Place,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, help="So many backups stay, the newest.", show_default="all"),
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Backs up ledger, lake and home folder while runs go on. Exit code 1 when the lake lacks something."""
    from flows.backup import BackupPlace, back_up
    from flows.settings import load_settings

    found = back_up(load_settings(config, home=home), BackupPlace(place), keep=keep)
    out = stdout()
    out.print(
        f"Backup {found.backup_id}: the ledger, {found.lake_files} files of the lake, {found.home_files} of the "
        f"home folder; {found.copied} of them were new.",
        soft_wrap=True,
    )
    if found.removed:
        out.print(f"Taken away: {', '.join(found.removed)}", soft_wrap=True)
    if found.missing:
        names = escape(", ".join(found.missing[:5]))
        out.print(
            f"[bold yellow]{len(found.missing)} files of the lake are not what the ledger has landed: {names}[/]",
            soft_wrap=True,
        )
        out.print("The ledger can write them again: parquetry doctor --lake --repair", soft_wrap=True)
        raise typer.Exit(1)


def restore(
    place: Place,
    backup_id: Annotated[
        str | None, typer.Option("--backup", metavar="ID", help="Which one.", show_default="the newest")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only list what backups there are.")] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Restores a backup into an empty home, database and lake, and holds ledger and lake against each other."""
    from flows.backup import BackupPlace
    from flows.backup import restore as bring_back
    from flows.settings import load_settings

    out, kept = stdout(), BackupPlace(place)
    if show:
        for name in kept.backups():
            manifest = kept.manifest(name)
            out.print(f"{name}  parquetry {manifest.version}, {manifest.ledger.name}, {manifest.files} files")
        return
    found = bring_back(load_settings(config, home=home), kept, backup_id)
    out.print(
        f"Restored {found.manifest.backup_id}: the ledger, {found.lake_files} files of the lake, "
        f"{found.home_files} of the home folder.",
        soft_wrap=True,
    )
    bad = 0
    for checked in found.checkups:
        repaired = sum(trouble.repaired for trouble in checked.troubles)
        left = [trouble for trouble in checked.troubles if trouble.grave and not trouble.repaired]
        bad += len(left)
        out.print(
            f"{escape(checked.schema_name)}: {checked.batches} batches, {checked.rows} rows agree with the ledger"
            f"{f'; {repaired} written from it' if repaired else ''}{f'; {len(left)} do not' if left else ''}.",
            soft_wrap=True,
        )
    if bad:
        out.print("`parquetry doctor --lake` tells more.")
        raise typer.Exit(1)
