"""``parquetry``: the command line. `main` is the console script.

Exit codes: 0 done, 1 an internal error, 2 and above as drawn in `schemas.errors`, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from flows.commands import alerts, audit, deploy, lake, models, people, schemas
from flows.commands.backup import backup, restore
from flows.commands.calibrate import calibrate
from flows.commands.common import stderr
from flows.commands.doctor import doctor
from flows.commands.evaluate import evaluate
from flows.commands.export import export
from flows.commands.extract import extract
from flows.commands.hooks import hooks
from flows.commands.metrics import metrics
from flows.commands.retry import retry
from flows.commands.review import review
from flows.commands.run import run
from flows.commands.serve import serve
from flows.commands.status import status
from flows.commands.train import train
from schemas.errors import ParquetryError, public, told

app = typer.Typer(
    name="parquetry",
    help="Folders and buckets of PDFs into typed, traceable Parquet.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(version("parquetry"))
        except PackageNotFoundError:
            typer.echo("not installed: run from a checkout")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all logs.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Folders and buckets of PDFs into typed, traceable Parquet."""
    if debug:
        logging.basicConfig(level=logging.INFO)


for command in (
    run,
    retry,
    extract,
    status,
    export,
    serve,
    review,
    hooks,
    train,
    evaluate,
    calibrate,
    backup,
    restore,
    doctor,
    metrics,
):
    app.command()(command)
app.add_typer(deploy.app, name="deploy")
app.add_typer(lake.app, name="lake")
app.add_typer(schemas.app, name="schemas")
app.add_typer(people.app, name="people")
app.add_typer(audit.app, name="audit")
app.add_typer(models.app, name="models")
app.add_typer(alerts.app, name="alerts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code. Whatever goes wrong ends in a sentence and a remedy."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        app(words, prog_name="parquetry")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ParquetryError as error:
        if debug:
            traceback.print_exc()
        _complain(str(error) if debug else public(str(error)), error.remedy)
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        _complain(
            f"Internal error: {type(error).__name__}: {error}" if debug else f"Internal error: {told(error)}",
            "Run it again as `parquetry --debug ...` and report what it prints.",
        )
        return 1
    return 0


def _complain(message: str, remedy: str) -> None:
    console = stderr()
    console.print(f"[bold red]Error:[/] {_plain(message)}", soft_wrap=True)
    if remedy:
        console.print(f"[bold]What to do:[/] {_plain(remedy)}", soft_wrap=True)


def _plain(text: str) -> str:
    """Without rich's markup and without control characters: messages may quote documents."""
    from rich.markup import escape

    return escape("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))


if __name__ == "__main__":
    sys.exit(main())
