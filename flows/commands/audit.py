"""``parquetry audit``: the trail of everything that people did, to check and to keep elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import Config, Home, stderr, stdout
from schemas.errors import LedgerError, UsageError

if TYPE_CHECKING:
    from flows.ledger.trust import TrailRecord

app = typer.Typer(help="The trail of everything that people did.", no_args_is_help=True)
_SHOWN = 50


class BrokenTrailError(LedgerError):
    """Something in the trail is not as it was written."""


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Option("--file", help="An exported trail to check instead of the ledger's.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option("--head", help="A digest that was kept elsewhere; it must still be in the trail."),
    ] = None,
    home: Home = None,
    config: Config = None,
) -> None:
    """Checks that no line was changed, removed, put in or moved, and no decision behind its back."""
    from flows.home import open_ledger
    from flows.ledger.trust import check
    from flows.review.wording import count

    if file is not None:
        verdict = check(_lines(file), head)
    else:
        with open_ledger(config, home) as (_, ledger):
            verdict = ledger.verify_trail(head)
    if verdict.faults:
        for fault in verdict.faults[:_SHOWN]:
            stderr().print(f"- {fault}", markup=False)
        raise BrokenTrailError(
            f"The audit trail is not whole: {count(len(verdict.faults), 'fault', 'faults')} in"
            f" {count(verdict.lines, 'line', 'lines')}.",
            remedy="Compare it with a backup or an exported trail; the first line named is where it begins.",
        )
    stdout().print(f"{count(verdict.lines, 'line', 'lines')}, all whole. Digest of the last one:")
    typer.echo(verdict.head)


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="File to write, as JSON lines.")],
    home: Home = None,
    config: Config = None,
) -> None:
    """Writes the trail to a file, and prints the digest of its last line: keep that one elsewhere."""
    from flows.home import open_ledger
    from flows.review.wording import count

    written, digest = 0, ""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with open_ledger(config, home) as (_, ledger), temporary.open("w", encoding="utf-8") as into:
            for line in ledger.trail():
                into.write(line.model_dump_json() + "\n")
                written, digest = written + 1, line.digest
        temporary.replace(out)
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written: {error.strerror}.", remedy="Choose another --out."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    stdout().print(f"{count(written, 'line', 'lines')} in {out}. Digest of the last one:")
    typer.echo(digest)


def _lines(path: Path) -> Iterator[TrailRecord]:
    from pydantic import ValidationError

    from flows.ledger.trust import TrailRecord

    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield TrailRecord.model_validate_json(line)
                except ValidationError as error:
                    raise BrokenTrailError(
                        f"Line {number} of {path} is no line of a trail.", remedy="Give an exported trail."
                    ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", remedy="Give an exported trail.") from error
