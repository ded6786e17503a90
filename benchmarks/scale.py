"""What everything around reading and model costs, and what several workers bring.

    python -m benchmarks.scale overhead --documents 10000
    python -m benchmarks.scale price
    python -m benchmarks.scale workers --documents 200

`overhead` runs the real flow (listing, hashing, ledger, Prefect, landing, books) over real files, with extractions that
are there at once. `price` takes the time of reading and of the model on real documents. The main figure of both is
processor time, of all processes together: a busy machine makes a run longer, but its work little more.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import stores
from benchmarks.documents import write_documents
from flows import composition, conductor
from flows.extractor import Extractor, extractor_for
from flows.home import make_home
from flows.settings import PREFIX, Settings, load_settings
from schemas.document import DocumentRef
from schemas.extraction import Extraction

app = typer.Typer(help=__doc__, no_args_is_help=True)
console = Console()
ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
PRICED = {
    "invoice, digital": ("invoice", ("invoice/studio.pdf", "invoice/german.pdf", "invoice/credit-note.pdf")),
    "receipt, digital": ("receipt", ("receipt/petrol-station.pdf",)),
    "receipt, scan": (
        "receipt",
        ("receipt/hardware-shop-scan.pdf", "receipt/bakery-photo.jpg", "receipt/pharmacy-fax.tif"),
    ),
}
"""Schema and documents of each kind."""
TEMPLATE = "invoice/studio.pdf"


@dataclass(frozen=True)
class Instant(Extractor):
    """Gives one document's real extraction for every document, at once."""

    template: Extraction | None = None

    def extract(self, ref: DocumentRef, path: Path, seen: Any = None) -> Extraction:
        assert self.template is not None
        return self.template.model_copy(update={"document": ref.uri, "sha256": ref.sha256})


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and those of its children that have ended and were waited for."""
    spent = process.cpu_times()
    return float(spent.user + spent.system + spent.children_user + spent.children_system)


def below() -> dict[str, float]:
    """Processor seconds of our child processes, by what they are."""
    found = {"Prefect server": 0.0, "database server": 0.0, "others": 0.0}
    for child in psutil.Process().children(recursive=True):
        try:
            line = " ".join(child.cmdline())
            name = (
                "Prefect server"
                if "prefect" in line
                else "database server"
                if "postgres" in line
                else "others"
            )
            found[name] += processor_seconds(child)
        except psutil.Error:
            continue
    return found


def own() -> float:
    """Processor seconds of this process, all threads."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


@contextmanager
def stages_taken() -> Iterator[dict[str, float]]:
    """Processor seconds of this process by stage of a run."""
    from flows.reporting import Reporter  # imports Prefect, which reads its settings then

    taken: dict[str, float] = {}
    real = Reporter.stage

    @contextmanager
    def stage(self: Reporter, name: str) -> Iterator[None]:
        began = own()
        try:
            with real(self, name):
                yield
        finally:
            taken[name] = own() - began

    Reporter.stage = stage  # type: ignore[method-assign,assignment]
    try:
        yield taken
    finally:
        Reporter.stage = real  # type: ignore[method-assign]


def _template(settings: Settings) -> Extraction:
    with extractor_for(settings.model_copy(update={"model": "scripted"}), None) as extractor:
        made = extractor.extract_path(SAMPLES / TEMPLATE, TEMPLATE)
    assert made.outcome == "extracted", made
    return made.model_copy(update={"accepted": True, "reasons": []})


def _instant(settings: Settings) -> Callable[..., Extractor]:
    template, real = _template(settings), composition.make_extractor

    def make(*arguments: Any, **options: Any) -> Extractor:
        made = real(*arguments, **options)
        fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
        return Instant(**fields, template=template.model_copy(update={"model": made.backend.model_id}))

    return make


@app.command()
def overhead(
    documents: Annotated[int, typer.Option(min=1, help="Documents.")] = 10_000,
    database: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
    out: Annotated[Path | None, typer.Option(help="Write the figures as JSON.")] = None,
    profile: Annotated[Path | None, typer.Option(help="Write a profile of the flow's main thread.")] = None,
) -> None:
    """Flow, ledger and landing with extractions that cost nothing."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pqscale")))
        url = stack.enter_context(stores.database(database, folder))  # type: ignore[arg-type]
        write_documents(folder / "in", range(documents))
        settings = load_settings(
            home=folder / "home",
            source=str(folder / "in"),
            schema="invoice",
            model="scripted",
            database=url,
            concurrency=2,
            intake={"settle_seconds": 0},
        )
        composition.use(settings)
        make_home(settings)
        composition.make_extractor = _instant(settings)  # type: ignore[attr-defined]
        conductor.log_to_file(settings, "run")
        server = conductor.server(settings)
        import flows.extract_batch as batch

        conductor.quiet_console()
        server.wait()
        taken = stack.enter_context(stages_taken())
        before, self_before, began = below(), own(), time.monotonic()
        if profile:
            import cProfile

            with cProfile.Profile() as profiler:
                report = batch.extract_batch()
            profiler.dump_stats(profile)
        else:
            report = batch.extract_batch()
        clock, ours = time.monotonic() - began, own() - self_before
        rest = {name: spent - before[name] for name, spent in below().items()}
    assert report.processed == documents == report.landed_rows, report.outcomes
    taken["books, report, artifacts"] = ours - sum(taken.values())
    figures = {**{f"flow: {name}": spent for name, spent in taken.items()}, **rest}
    figures = {name: spent for name, spent in figures.items() if spent > 0}
    total = sum(figures.values())
    table = Table("", "ms of processor time a document", title=f"{documents} documents, {database}")
    for name, spent in {**figures, "all": total}.items():
        table.add_row(name, f"{1000 * spent / documents:.2f}")
    console.print(table)
    console.print(f"{clock:.0f} s by the clock, load {os.getloadavg()[0]:.1f}")
    if out:
        out.write_text(json.dumps({"documents": documents, "clock": clock, **figures}, indent=1))


@app.command()
def price(
    model: Annotated[str, typer.Option(help="embedded, scripted, or a folder.")] = "embedded",
    rounds: Annotated[int, typer.Option(min=1, help="Each document so often.")] = 3,
    per_document: Annotated[
        float | None, typer.Option(help="ms of `overhead` a document, to be set in relation.")
    ] = None,
) -> None:
    """Processor time of reading and model on real documents, one at a time."""
    table = Table("documents", "read, s", "model and checks, s", "both, s", "clock, s", "overhead")
    for kind, (schema, names) in PRICED.items():
        with tempfile.TemporaryDirectory(prefix="pqscale") as home:
            settings = load_settings(home=Path(home), schema=schema, model=model, concurrency=1)
            with extractor_for(settings, None) as extractor:
                for name in names:
                    extractor.extract_path(SAMPLES / name, name)  # children and caches are warm
                read, answered, clock = _priced(extractor, [name for name in names for _ in range(rounds)])
        both = read + answered
        share = f"{per_document / 10 / both:.2f}%" if per_document else ""
        table.add_row(kind, f"{read:.2f}", f"{answered:.2f}", f"{both:.2f}", f"{clock:.2f}", share)
    console.print(table)


def _priced(extractor: Extractor, names: list[str]) -> tuple[float, float, float]:
    """Mean seconds a document: of the reading children's processors, of ours, and by the clock."""
    children = sum(map(processor_seconds, psutil.Process().children(recursive=True)))
    mine, began = own(), time.monotonic()
    for name in names:
        done = extractor.extract_path(SAMPLES / name, name)
        assert done.outcome == "extracted", done
    clock, mine = time.monotonic() - began, own() - mine
    read = sum(map(processor_seconds, psutil.Process().children(recursive=True))) - children
    return read / len(names), mine / len(names), clock / len(names)


class Tree:
    """Processor seconds of a process and all below it, looked at twice a second: also of those that end."""

    def __init__(self, pid: int) -> None:
        self.spent: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(pid,), daemon=True)
        self._thread.start()

    def _follow(self, pid: int) -> None:
        while not self._over.wait(0.5):
            try:
                root = psutil.Process(pid)
                for each in (root, *root.children(recursive=True)):
                    spent = each.cpu_times()
                    self.spent[each.pid] = spent.user + spent.system
            except psutil.Error:
                continue

    def stop(self) -> float:
        """The sum."""
        self._over.set()
        self._thread.join()
        return sum(self.spent.values())


CREWS = {
    "local, 1 thread": {"RUNNER": "local", "CONCURRENCY": "1"},
    "local, 2 threads": {"RUNNER": "local", "CONCURRENCY": "2"},
    "Ray, 1 worker": {"RUNNER": "ray", "CONCURRENCY": "1", "RAY__MAX_WORKERS": "1"},
    "Ray, 2 workers": {"RUNNER": "ray", "CONCURRENCY": "1", "RAY__MAX_WORKERS": "2"},
}


@app.command()
def workers(
    documents: Annotated[int, typer.Option(min=1, help="Documents.")] = 200,
    model: Annotated[str, typer.Option(help="embedded, scripted, or a folder.")] = "scripted",
    crews: Annotated[str, typer.Option(help="Which, by name, with commas.")] = ",".join(CREWS),
) -> None:
    """`parquetry run` with one and two workers, here and on Ray; reading is real."""
    table = Table("", "documents a minute", "extracting, s", "whole run, s", "processor seconds a document")
    for crew in [name.strip() for name in crews.replace(", ", "|").split(",")]:
        crew = crew.replace("|", ", ")
        with tempfile.TemporaryDirectory(prefix="pqscale") as folder:
            table.add_row(crew, *_crew(Path(folder), documents, model, CREWS[crew]))
    console.print(table)
    console.print(f"load {os.getloadavg()[0]:.1f}; starting Prefect and Ray is in the last two columns only")


def _crew(folder: Path, documents: int, model: str, settings: dict[str, str]) -> tuple[str, str, str, str]:
    from benchmarks.documents import write_schema

    write_documents(folder / "in", range(documents))
    environment = {**os.environ, **{PREFIX + name: value for name, value in settings.items()}}
    environment[f"{PREFIX}INTAKE__SETTLE_SECONDS"] = "0"
    line = [
        "run",
        "--source",
        "in",
        "--schema",
        str(write_schema(folder)),
        "--model",
        model,
        "--home",
        "home",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *line],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    tree = Tree(process.pid)
    if process.wait():
        raise typer.Exit(process.returncode)
    spent = tree.stop()
    (path,) = (folder / "home" / "reports").glob("*.json")
    report = json.loads(path.read_text())
    assert report["processed"] == documents
    extracting = next(stage["seconds"] for stage in report["stages"] if stage["name"] == "extract")
    pace = f"{60 * documents / extracting:.0f}"
    return pace, f"{extracting:.1f}", f"{report['seconds']:.1f}", f"{spent / documents:.2f}"


if __name__ == "__main__":
    app()
