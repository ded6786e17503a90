"""``parquetry doctor``: checks what a run needs, with a remedy for what is missing."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from flows.commands.common import Config, Home, Model, stdout

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]"}


def doctor(
    home: Home = None,
    source: Annotated[str | None, typer.Option("--source", metavar="URI", help="A source to check.")] = None,
    model: Model = None,
    config: Config = None,
) -> None:
    """Checks environment, model files, database, source and lake. Exit code 1 when something is missing."""
    from flows.doctor import examine
    from flows.settings import load_settings

    settings = load_settings(config, home=home, source=source, model=model)
    out, failed = stdout(), 0
    for finding in examine(settings):
        out.print(f"{MARKS[finding.verdict]} {finding.name:<10} {escape(finding.detail)}", soft_wrap=True)
        if finding.remedy:
            out.print(f"     {'':<10} {escape(finding.remedy)}", soft_wrap=True, style="bold")
        failed += finding.verdict == "fail"
    if failed:
        raise typer.Exit(1)
