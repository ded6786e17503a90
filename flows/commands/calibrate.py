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

    from extractors.confidence.calibrate import Calibrated, LabelledSource
    from extractors.confidence.certify import Budget, Certificate
    from extractors.confidence.reliability import Reliability
    from flows.settings import Settings

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
    from extractors.confidence.calibrate import LabelledSource, collect
    from extractors.confidence.calibrate import calibrate as run_calibration
    from extractors.confidence.calibrator import FILE
    from extractors.confidence.certify import Budget
    from extractors.confidence.judged import FILE as JUDGED
    from extractors.confidence.reliability import draw_reliability
    from extractors.evaluation.run import open_set
    from flows.calibration import home_folder, identity, shipped_folder
    from flows.extractor import extractor_for
    from flows.modelstore import pinned
    from flows.settings import load_settings
    from schemas.registry import load_schema

    budgets = [Budget(error, confidence) for error in error_budget or BUDGETS]
    settings = load_settings(config, home=home, model=model)
    settings = settings.model_copy(update={"model": pinned(settings.model, settings).model})
    names = _schemas(folders, schemas)
    sources = [
        LabelledSource(open_set(folder, split), load_schema(name))
        for folder, name in zip(folders, names, strict=True)
    ]
    _refuse_training_documents(sources, settings)
    first = settings.model_copy(update={"schema_": names[0]})
    with (
        extractor_for(first, None, judged=False) as extractor,
        Progress(console=stderr(), transient=True, disable=not sys.stderr.isatty()) as bar,
    ):
        task = bar.add_task("documents")

        def show(position: int, total: int, name: str) -> None:
            bar.update(task, completed=position - 1, total=total, description=name[:40])

        model_id = extractor.backend.model_id
        mine, shipped = home_folder(settings, model_id), shipped_folder(settings)
        folder = output or mine
        judged = identity(settings, model_id)
        records = list(collect(sources, extractor.answered_under, judged, folder / "answered.jsonl", show))
    pools = [one / JUDGED for one in (folder, mine, shipped) if one is not None and (one / FILE).is_file()]
    made = run_calibration(records, sources, judged, pools[0] if pools and not alone else None)
    path = made.write(folder)
    draw_reliability(_curves(made), folder / "reliability.png")
    rows = _rows(made, budgets)
    if as_json:
        typer.echo(json.dumps({"calibration": str(path), "schemas": rows}, ensure_ascii=False))
        return
    _show(rows, budgets)
    stdout().print(f"Fitted on {len(made.records)} documents: {escape(str(path))}", soft_wrap=True)
    stdout().print(
        escape("Set error_budget under [extract] in parquetry.toml, or --error-budget on the command line."),
        soft_wrap=True,
    )


def _refuse_training_documents(sources: Sequence[LabelledSource], settings: Settings) -> None:
    """Of what a model has learnt by heart it is surer than of anything else: that measures nothing."""
    from extractors.training.record import set_digest
    from extractors.training.stream import document_path
    from flows.calibration import model_folder
    from schemas.errors import UsageError

    folder = model_folder(settings)
    try:
        card = json.loads((folder / "model.json").read_text(encoding="utf-8")) if folder else {}
        learnt = {str(one["train"]["sha256"]) for one in card.get("data", [])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # a checkpoint without a card; loading the model says what is wrong with a damaged one
    for source in sources if learnt else ():
        labelled = source.labelled
        if set_digest(labelled.folder, [name for name, _ in labelled.documents], document_path) in learnt:
            raise UsageError(
                f"The model was trained on the documents of {labelled.folder}, split {labelled.split!r}.",
                remedy="Calibrate on documents that it has not seen: give them a list of their own in splits.json, "
                "and name it with --split.",
            )


def _schemas(folders: list[Path], given: list[str] | None) -> list[str]:
    from schemas.errors import UsageError

    if not given:
        return [str(folder / "schema.json") for folder in folders]
    if len(given) == 1:
        return given * len(folders)
    if len(given) != len(folders):
        raise UsageError(
            f"There are {len(folders)} folders and {len(given)} schemas.",
            remedy="Give one --schema for all, or one for each.",
        )
    return given


def _curves(made: Calibrated) -> dict[str, Reliability]:
    """By schema name, of probabilities that were given without having seen the document."""
    from extractors.confidence.reliability import reliability

    scored: dict[str, list[tuple[float, bool]]] = {}
    for record, document in zip(made.records, made.fitted.scored, strict=True):
        scored.setdefault(record.schema_name, []).extend((1 - v.risk, not v.wrong) for v in document.values)
    return {name: reliability(pairs) for name, pairs in sorted(scored.items())}


def _rows(made: Calibrated, budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """One row for each schema: how reliable its probabilities are, and what each budget lets land."""
    curves = _curves(made)
    rows = []
    for fingerprint, evidence in made.calibrator.evidence.items():
        certificates = [made.calibrator.certificate(fingerprint, budget) for budget in budgets]
        curve = curves[evidence.name]
        rows.append(
            {
                "schema": evidence.name,
                "fingerprint": fingerprint,
                "documents": len(evidence.documents),
                "values": sum(map(len, evidence.documents)),
                "right": round(curve.right, 4),
                "ece": round(curve.ece, 4),
                "brier": round(curve.brier, 4),
                "certificates": [_plain(one) for one in certificates],
            }
        )
    return rows


def _plain(found: Certificate) -> dict[str, Any]:
    return {
        "error_budget": found.budget.error,
        "confidence": found.budget.confidence,
        "least_probability": None if found.threshold is None else round(1 - found.threshold, 6),
        "documents": found.documents,
        "needed": found.needed,
        "values": found.values,
        "wrong": found.wrong,
        "bound": round(found.bound, 5),
        "share_of_values": round(found.coverage, 4),
    }


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
