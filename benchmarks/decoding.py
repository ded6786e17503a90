"""Our decoding loop beside its peers: same weights, same documents, same schema, in turns, in one run.

    python -m benchmarks.decoding --fetch                     # once: the weights for llama.cpp
    python -m benchmarks.decoding --out decoding               # the samples, all engines
    python -m benchmarks.decoding --folder DIR --schema NAME --engines ours-1,generate-1

All engines have the embedded model's language half with its adapter merged (``--weights base``: the untuned one) and
answer from text alone, so that every one does the same work; two rows more have our loop as in production, with page
image. Documents are read before anything is measured. A peer that is not
installed is a line of the table.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.peers import weights
from benchmarks.peers.build import Apart, Worker
from benchmarks.peers.engine import EngineFailedError, NotHereError, Setting, Spec, Weights
from benchmarks.peers.report import Measured, plot, rows_of, table_of, write_json
from benchmarks.peers.tasks import Task, groups_of, judge, read_documents, tasks_of
from extractors.models.base import base_folder, is_fetched
from extractors.models.cpu import settle_instruction_set
from extractors.models.load import DEFAULT_WINDOW_TOKENS, shows_hints
from extractors.options import ReadOptions
from extractors.prompting.encode import count_tokens
from schemas.registry import catalog_names

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
CACHE = Path(os.environ.get("PARQUETRY_CACHE", Path.home() / ".cache" / "parquetry"))
WARM_TOKENS = 8
PAGE, SCHEMA = "page grammar", "JSON schema only: cannot know the page"

SPECS = [
    Spec("ours-1", "parquetry", "ours", 1, PAGE),
    Spec("generate-1", "transformers generate + llguidance", "generate", 1, PAGE),
    Spec("outlines-1", "outlines (llguidance)", "outlines", 1, SCHEMA),
    Spec("llama-bf16", "llama.cpp bf16", "llama", 1, SCHEMA, gguf="bf16"),
    Spec("llama-q4_1", "llama.cpp Q4_1", "llama", 1, SCHEMA + "; weights of 4 bits", gguf="q4_1"),
    Spec("ours-8", "parquetry", "ours", 8, PAGE),
    Spec("generate-8", "transformers generate + llguidance", "generate", 8, PAGE),
    Spec("outlines-8", "outlines (llguidance)", "outlines", 8, SCHEMA),
    Spec("product-1", "parquetry, with image", "ours", 1, PAGE, with_image=True),
    Spec("product-8", "parquetry, with image", "ours", 8, PAGE, with_image=True),
]


def measure(
    specs: Sequence[Spec],
    tasks: Sequence[Task],
    start: Callable[[Spec], Worker],
    *,
    max_tokens: int,
    rounds: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> list[Measured]:
    """Every engine over all tasks, in turns: what disturbs the machine for a while disturbs all.

    Args:
        specs: the engines.
        tasks: what they answer.
        start: makes an engine ready.
        max_tokens: longest answer.
        rounds: how often over everything.
        say: is told how far it is.

    Raises:
        EngineFailedError: an engine failed after it had worked: times in turns would no longer be in turns.
    """
    measured = {spec.key: Measured(spec) for spec in specs}
    workers: dict[str, Worker] = {}
    try:
        for spec in specs:
            say(f"starting {spec.key}")
            try:
                workers[spec.key] = worker = start(spec)
                for group in {tasks[g[0]].schema_name: g for g in groups_of(tasks, spec.batch)}.values():
                    worker.answer(group, WARM_TOKENS)
            except NotHereError as error:
                measured[spec.key].missing = f"not installed: {error}"
            except EngineFailedError as error:
                measured[spec.key].missing = f"failed: {error}"
                say(f"{spec.key}: {error} {error.details}")
                if failed := workers.pop(spec.key, None):
                    failed.close()
        for number in range(rounds):
            _round(number, measured, workers, tasks, max_tokens, say)
        for key, worker in workers.items():
            measured[key].loaded_mib, measured[key].peak_mib = worker.memory()
    finally:
        for worker in workers.values():
            worker.close()
    return list(measured.values())


def _round(
    number: int,
    measured: Mapping[str, Measured],
    workers: Mapping[str, Worker],
    tasks: Sequence[Task],
    max_tokens: int,
    say: Callable[[str], None],
) -> None:
    """Once over everything. Small batches go first within a large one; who begins changes every time."""
    batches = sorted({measured[key].spec.batch for key in workers})
    turn = number
    for large in groups_of(tasks, max(batches, default=1)):
        for batch in batches:
            keys = [key for key in workers if measured[key].spec.batch == batch]
            for group in [large[at : at + batch] for at in range(0, len(large), batch)]:
                turn += 1
                for key in (keys[(turn + i) % len(keys)] for i in range(len(keys))):
                    outcome = workers[key].answer(group, max_tokens)
                    measured[key].outcomes.append((number, tuple(group), outcome))
                    for task, written in zip(group, outcome.written, strict=True):
                        measured[key].texts.setdefault(task, written.text)
                        if task not in measured[key].verdicts:
                            measured[key].verdicts[task] = judge(written.text, written.complete, tasks[task])
                    names = ", ".join(dict.fromkeys(tasks[n].name for n in group))
                    say(f"{key}: {outcome.seconds:.1f} s for {names}")


def main(
    out: Annotated[Path, typer.Option(help="folder for decoding.json, .png and .svg")] = Path("decoding"),
    folder: Annotated[Path | None, typer.Option(help="documents; without it, the samples")] = None,
    schema: Annotated[str, typer.Option(help="schema of --folder")] = "receipt",
    weights_of: Annotated[
        Weights, typer.Option("--weights", help="embedded: adapter merged; base: untuned")
    ] = "embedded",
    engines: Annotated[str, typer.Option(help="rows, by key, with commas; all without it")] = "",
    documents: Annotated[int, typer.Option(help="at most so many of each schema; 0: all")] = 0,
    rounds: Annotated[int, typer.Option(min=1, help="how often over everything")] = 1,
    max_tokens: Annotated[int, typer.Option(min=1, help="longest answer of a window, for all engines")] = 512,
    threads: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    cache: Annotated[Path, typer.Option(help="where the weights are")] = CACHE,
    fetch: Annotated[
        bool, typer.Option("--fetch", help="fetch and convert the weights of llama.cpp")
    ] = False,
) -> None:
    """Measures, shows the table, and writes JSON and plots."""
    console = Console(width=200)
    say = _sayer(Console(stderr=True))
    if fetch:
        weights.fetch(cache, say)
        return
    if not is_fetched(cache):
        raise SystemExit(
            f"No weights in {cache}: python -m extractors.models fetch (or set PARQUETRY_CACHE)."
        )
    chosen = [spec if spec.with_image else replace(spec, weights=weights_of) for spec in _chosen(engines)]
    isa = settle_instruction_set(cache)
    hints = weights_of == "embedded" and shows_hints("embedded")
    tasks = _tasks(folder, schema, documents, cache, hints, say)
    if not tasks:
        raise SystemExit(f"No document with words in {folder or SAMPLES}.")
    setting = Setting(cache, max_tokens, threads)
    about: dict[str, Any] = {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_before": os.getloadavg(),
        "processor": _processor(),
        "instruction_set": isa,
        "threads": threads,
        "weights": weights_of,
        "max_tokens": max_tokens,
        "rounds": rounds,
        "windows": len(tasks),
        "versions": {name: _version(name) for name in LIBRARIES},
    }
    began = time.perf_counter()
    measured = measure(
        chosen,
        tasks,
        lambda spec: Apart(spec, setting, tasks),
        max_tokens=max_tokens,
        rounds=rounds,
        say=say,
    )
    about |= {"took_s": round(time.perf_counter() - began, 1), "load_after": os.getloadavg()}
    rows = rows_of(measured, tasks)
    console.print(table_of(rows))
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "decoding.json", about, rows, measured, tasks)
    plot(rows, [out / "decoding.png", out / "decoding.svg"])
    console.print(
        f"{len({t.name for t in tasks})} documents, {len(tasks)} windows; {out}/decoding.json, .png, .svg"
    )


LIBRARIES = ["torch", "transformers", "llguidance", "outlines", "llama-cpp-python"]


def _chosen(engines: str) -> list[Spec]:
    keys = [key.strip() for key in engines.split(",") if key.strip()]
    known = {spec.key: spec for spec in SPECS}
    if unknown := [key for key in keys if key not in known]:
        raise SystemExit(f"No engine {', '.join(unknown)}; there are {', '.join(known)}.")
    return [spec for spec in SPECS if not keys or spec.key in keys]


def _tasks(
    folder: Path | None, schema: str, most: int, cache: Path, hints: bool, say: Callable[[str], None]
) -> list[Task]:
    """Reads the documents, each once, and cuts them into windows."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(base_folder(cache), local_files_only=True)  # type: ignore[no-untyped-call]
    places = [(folder, schema)] if folder else [(SAMPLES / name, name) for name in catalog_names()]
    tasks: list[Task] = []
    for place, name in places:
        if not place.is_dir():
            continue
        say(f"reading {place}")
        read = []
        for one, document in read_documents(place, ReadOptions(max_seconds=600)):
            read.append((f"{name}/{one}", document))
            if most and len(read) >= most:
                break
        tasks += tasks_of(
            read,
            name,
            DEFAULT_WINDOW_TOKENS,
            lambda texts: count_tokens(processor, list(texts)),
            hints=hints,
        )
    return tasks


def _sayer(console: Console) -> Callable[[str], None]:
    began = time.perf_counter()
    return lambda line: console.print(f"{time.perf_counter() - began:7.0f} s  {line}", style="dim")


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.processor()
    names = [row.partition(":")[2].strip() for row in text.splitlines() if row.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    typer.run(main)
