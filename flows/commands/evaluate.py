"""``parquetry evaluate``: how good extractions are on a folder of labelled documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from flows.commands.common import Config, Home, Model, stderr


def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Labelled set: docs/, truth/, splits.json, schema.json.")
    ],
    split: Annotated[str, typer.Option("--split", help="Which list of splits.json.")] = "dev",
    schema: Annotated[
        str | None,
        typer.Option("--schema", metavar="NAME_OR_FILE", show_default="FOLDER/schema.json"),
    ] = None,
    model: Model = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many.")] = None,
    errors: Annotated[int, typer.Option("--errors", min=0, help="List so many single errors.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Extracts every document of a split, compares with the truth, and prints the figures as Markdown."""
    from extractors.evaluation import evaluate as run_evaluation
    from extractors.evaluation import markdown
    from flows.extractor import extractor_for
    from flows.settings import load_settings

    settings = load_settings(config, home=home, model=model, schema=schema or str(folder / "schema.json"))
    with (
        extractor_for(settings, None) as extractor,
        Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar,
    ):
        task = bar.add_task("documents")

        def show(position: int, total: int, name: str) -> None:
            bar.update(task, completed=position - 1, total=total, description=name[:40])

        report = run_evaluation(
            folder,
            split,
            lambda path: extractor.extract_path(path, str(path)),
            schema=extractor.schema,
            limit=limit,
            progress=show,
        )
    typer.echo(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else markdown(report, errors))
