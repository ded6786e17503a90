"""The demo: the main job over the sample documents, once for each schema, and what came out of it.

Run it again at any time: what is known already is not processed again, and the lake stays as it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"
SCHEMAS = ("receipt", "ad_buy", "invoice")
BUDGET = 0.02


def main() -> int:
    """Runs all three; the exit code is that of the first run that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded", help="embedded, scripted, or a model folder")
    parser.add_argument("--home", type=Path, default=ROOT / "demo", help="ledger, lake and logs")
    arguments = parser.parse_args()
    # A page takes seconds; a busy or slow machine must not turn a sample into a time-out.
    os.environ.setdefault("PARQUETRY_READ__MAX_SECONDS", "300")
    started = time.monotonic()
    if arguments.model == "embedded":
        print("== the embedded model's base weights", flush=True)
        code = subprocess.run([sys.executable, "-m", "extractors.models", "fetch"], cwd=ROOT, check=False)
        if code.returncode != 0:
            return code.returncode
    # Imported late: a missing environment is told by `make`, and the limits above must be set before.
    from flows.cli import main as parquetry

    for schema in SCHEMAS:
        command = ["run", "--source", str(SAMPLES / schema), "--schema", schema]
        command += ["--home", str(arguments.home), "--model", arguments.model]
        print(f"\n== parquetry {' '.join(command)}", flush=True)
        code_of_run = parquetry(command)
        if code_of_run != 0:
            return code_of_run
    report(arguments.home, arguments.model, time.monotonic() - started)
    return 0


def report(home: Path, model: str, seconds: float) -> None:
    """One line for each document, where the rows are, and what to do next."""
    from rich.console import Console
    from rich.table import Table

    from flows.ledger.store import Ledger

    out = Console(highlight=False)
    table = Table("document", "outcome", "why", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    table.columns[0].min_width = max(len(f"{path.parent.name}/{path.name}") for path in SAMPLES.glob("*/*.*"))
    with Ledger.open(f"sqlite:///{(home / 'ledger.db').absolute()}") as ledger:
        status = ledger.status(last_runs=len(SCHEMAS))
        for run in reversed(status.runs):
            for document in ledger.run_documents(run.run_id):
                name = document.uri.rpartition("/samples/")[2] + (document.member or "")
                table.add_row(name, document.outcome or "", ", ".join(document.reasons))
    out.print("\n== what became of each document\n")
    out.print(table)
    counts = ", ".join(f"{count} {name}" for name, count in status.outcomes.items())
    out.print(f"\n{status.inputs} documents in {seconds:.0f} s: {counts}.")
    budgets(home, model)
    out.print("\n== where it is\n")
    for path in sorted((home / "lake").rglob("*.parquet")):
        out.print(f"  {path}", soft_wrap=True)
    shown = os.path.relpath(home)
    program = os.path.relpath(Path(sys.executable).parent / "parquetry")
    out.print("\n== what to do next\n")
    out.print(f"  {program} review --home {shown}    # the {status.queue} documents that wait, in a browser")
    out.print(f"  {program} export --home {shown} --schema receipt --format csv --output receipts.csv")
    out.print(
        f"  {program} serve --home {shown} --source FOLDER --schema invoice    # nightly, with the Prefect UI"
    )


def budgets(home: Path, model: str) -> None:
    """What an error budget would let land here, or how many labelled documents are wanting to prove it."""
    from rich.console import Console

    from extractors.confidence.judge import judge_of
    from flows.calibration import calibrator_of
    from flows.extractor import backend
    from flows.settings import load_settings
    from schemas.registry import load_schema

    settings = load_settings(None, home=home, model=model, extract={"error_budget": BUDGET})
    out = Console(highlight=False)
    out.print(f"\n== under an error budget of {BUDGET:.0%} (--error-budget {BUDGET:g})\n")
    calibrator = calibrator_of(settings, backend(model, settings.cache).model_id)
    for name in SCHEMAS:
        judge = judge_of(load_schema(name), settings.extract, calibrator)
        wanting, found = judge.evidence_wanting(), judge.certificate
        if wanting is not None or found is None:
            out.print(f"  {name}: everything would wait for a person: {wanting}", soft_wrap=True)
        else:
            out.print(
                f"  {name}: about {found.coverage:.0%} of the values would land, proven on {found.documents}"
            )
    out.print(
        "\n  docs/error-budget.md says what is promised, and how documents of your own prove it.",
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
