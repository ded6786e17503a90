"""``parquetry calibrate``: fits the probability that a field is right on labelled documents, and certifies budgets."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from flows.commands.common import Config, Home, Model, stderr, stdout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extractors.confidence.certify import Budget

BUDGETS = (0.05, 0.02, 0.01)


def calibrate(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Labelled sets: docs/, truth/, splits.json.")
    ],
    schemas: Annotated[
        list[str] | None,
        typer.Option(
            "--schema",
            metavar="NAME_OR_FILE",
            help="One for all folders, or one for each, in their order.",
            show_default="FOLDER/schema.json",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option("--split", help="Which list of splits.json; not the one that the model was trained on."),
    ] = "calibrate",
    model: Model = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Folder of the calibration.", show_default="HOME/calibration/MODEL"),
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Do not pool with the documents of the calibration in force.")
    ] = False,
    error_budget: Annotated[
        list[float] | None,
        typer.Option("--error-budget", help="Budgets to certify.", show_default="0.05, 0.02, 0.01"),
    ] = None,
    confidence: Annotated[float, typer.Option("--confidence", help="Of the certificates.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    home: Home = None,
    config: Config = None,
) -> None:
    """Answers every labelled document, fits how probable a field is to be right, and shows what that certifies.

    The documents must be ones that the model was not trained on, drawn like those that will come. Run it again to go
    on after a stop.
    """
    from extractors.confidence.certify import Budget
    from flows.calibrating import certified, fit_calibration, schemas_for
    from flows.settings import load_settings

    budgets = [Budget(error, confidence) for error in error_budget or BUDGETS]
    settings = load_settings(config, home=home, model=model)
    names = schemas_for(folders, schemas)
    with Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("documents")

        def show(position: int, total: int, name: str) -> None:
            bar.update(task, completed=position - 1, total=total, description=name[:40])

        fitted = fit_calibration(
            settings, folders, names, split=split, output=output, alone=alone, progress=show
        )
    made, path = fitted.made, fitted.path
    rows = certified(made, budgets)
    if as_json:
        typer.echo(json.dumps({"calibration": str(path), "schemas": rows}, ensure_ascii=False))
        return
    _show(rows, budgets)
    stdout().print(f"Fitted on {len(made.records)} documents: {escape(str(path))}", soft_wrap=True)
    stdout().print(
        escape("Set error_budget under [extract] in parquetry.toml, or --error-budget on the command line."),
        soft_wrap=True,
    )


def _show(rows: list[dict[str, Any]], budgets: Sequence[Budget]) -> None:
    table = Table("schema", "documents", "values", "right", "ECE", box=None, pad_edge=False)
    for budget in budgets:
        table.add_column(f"lands at {budget.error:.3g}", justify="right")
    for row in rows:
        landed = [
            f"{one['share_of_values']:.1%}, {one['wrong']} of {one['values']} wrong"
            if one["least_probability"] is not None
            else f"nothing yet: {one['needed']} documents needed"
            if one["documents"] < one["needed"]
            else "nothing: too many errors"
            for one in row["certificates"]
        ]
        figures = [str(row["documents"]), str(row["values"]), f"{row['right']:.1%}", f"{row['ece']:.3f}"]
        table.add_row(escape(row["schema"]), *figures, *landed)
    stdout().print(table)
