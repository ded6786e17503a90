"""The command: see the package."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rich.console import Console

import benchmarks.adversaries as package
from benchmarks.adversaries.compare import Outcome, compare, nested
from benchmarks.adversaries.others import Found, blank_pages, languages, wrong_schemas
from benchmarks.adversaries.report import WIDTH, Limits, as_json, over, show
from benchmarks.adversaries.twins import Clean, make_twins
from extractors.backends import load_backend
from extractors.backends.base import Backend
from extractors.evaluation.metrics import Labels
from extractors.evaluation.run import open_set
from extractors.options import ExtractOptions, ReadOptions
from extractors.pipeline import extract_document
from extractors.reading import ReaderPool, document_ref
from schemas.document import DocumentRef, ReadDocument
from schemas.errors import ParquetryError, UsageError
from schemas.extraction import Extraction
from schemas.registry import LoadedSchema, catalog_names, load_schema

SAMPLES = Path(__file__).parents[2] / "samples"
PARTS = ("twins", "wrong", "blank", "languages")


class ReadOnce(ReaderPool):
    """A pool that keeps what it has read: a document is asked about under several schemas."""

    def __init__(self, options: ReadOptions) -> None:
        super().__init__(options)
        self.kept: dict[Path, ReadDocument] = {}

    def read(self, ref: DocumentRef, path: Path, options: ReadOptions | None = None) -> ReadDocument:
        """The document, read the first time only."""
        if path not in self.kept:
            self.kept[path] = super().read(ref, path, options)
        return self.kept[path]


class Pipeline:
    """The product's own way from a file to an answer, with one reader and one model."""

    def __init__(self, reader: ReadOnce, backend: Backend, options: ReadOptions) -> None:
        self.reader, self.backend, self.options = reader, backend, options

    def ask(self, path: Path, schema: LoadedSchema) -> Extraction:
        """The document's answer, with every reason for review."""
        return extract_document(
            document_ref(path, path.name),
            path,
            schema=schema,
            reader=self.reader,
            backend=self.backend,
            read_options=self.options,
            options=ExtractOptions(),
        )


def sample_documents() -> Iterator[tuple[str, Path, LoadedSchema, Labels | None]]:
    """The project's own documents that are to be extracted, with their truth."""
    for truth_file in sorted(SAMPLES.glob("truth/*/*.json")):
        truth = json.loads(truth_file.read_text(encoding="utf-8"))
        path = SAMPLES / truth["document"]
        if truth["outcome"] == "extracted" and "-copy" not in path.name:
            cells = truth["fields"].items()
            labels = nested({path: c["printed"] or c["value"] for path, c in cells}, ())
            yield truth["document"], path, load_schema(truth["schema"]), labels


def folder_documents(
    folder: Path, split: str, schema: str | None
) -> Iterator[tuple[str, Path, LoadedSchema, Labels | None]]:
    """Those of a labelled folder, under its own schema or the one named."""
    labelled = open_set(folder, split)
    loaded = load_schema(schema or str(folder / "schema.json"))
    for name, path in labelled.documents:
        skips = labelled.skips.get(name, frozenset())
        yield name, path, loaded, {f: v for f, v in labelled.truth(name).items() if f not in skips}


def read_cleans(asked: argparse.Namespace, pipeline: Pipeline) -> list[Clean]:
    """The documents, read and answered; those that cannot be read are passed over and told."""
    chosen = list(
        folder_documents(asked.folder, asked.split, asked.schema) if asked.folder else sample_documents()
    )
    if asked.sample is not None and asked.sample < len(chosen):
        chosen = random.Random(asked.seed).sample(chosen, asked.sample)
    cleans = []
    for number, (name, path, schema, labels) in enumerate(chosen, 1):
        progress("clean documents", number, len(chosen))
        answer = pipeline.ask(path, schema)
        if answer.outcome != "extracted":
            print(f"\n{name}: passed over: {answer.detail}", file=sys.stderr)
            continue
        cleans.append(Clean(name, path, schema, pipeline.reader.kept[path], answer, labels))
    if not cleans:
        raise UsageError(
            "There is no document that could be read.", remedy="Give another --folder or --split."
        )
    return cleans


def run_twins(
    asked: argparse.Namespace, cleans: list[Clean], pipeline: Pipeline, folder: Path
) -> list[Outcome]:
    """Makes the twins one by one, and asks about each."""
    outcomes = []
    for number, twin in enumerate(make_twins(cleans, asked.twins, asked.seed, folder), 1):
        progress("twins", number, asked.twins)
        outcomes.append(compare(twin, pipeline.ask(twin.path, twin.clean.schema)))
        pipeline.reader.kept.pop(twin.path, None)
    if len(outcomes) < asked.twins:
        print(f"\nOnly {len(outcomes)} twins: the others fit no document.", file=sys.stderr)
    return outcomes


def progress(what: str, number: int, of: int) -> None:
    """One line that is written over."""
    print(f"\r{what}: {number}/{of}", end="\n" if number == of else "", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.adversaries",
        description=package.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--model", default="embedded", help="embedded, scripted, or a model folder")
    made.add_argument("--cache", type=Path, default=Path("~/.cache/parquetry"))
    made.add_argument("--folder", type=Path, help="a labelled folder in place of the samples")
    made.add_argument("--split", default="dev", help="of --folder")
    made.add_argument("--schema", help="in place of the folder's own")
    made.add_argument("--sample", type=int, help="so many of the documents, drawn at random")
    made.add_argument("--twins", type=int, default=100)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    made.add_argument("--wrong-schema", nargs="*", help="of the wrong kind; samples: the catalog's others")
    made.add_argument("--json", type=Path, help="file for all figures and changes")
    made.add_argument("--keep", type=Path, help="folder in which the twins stay, to look at")
    made.add_argument("--max-seconds", type=float, default=120.0, help="to read one document")
    for name, value in (("visible", 0.05), ("hidden", 0.02), ("near", 1.0), ("wrong-accepted", 1.0)):
        made.add_argument(
            f"--max-{name}", type=float, default=value, help=f"share; over it: exit code 1 ({value})"
        )
    return made


def main() -> int:
    """0: within the limits; 1: over one; 2: wrong input."""
    asked = parser().parse_args()
    try:
        return run(asked)
    except ParquetryError as error:
        print(f"{error} {error.remedy}".strip(), file=sys.stderr)
        return 2


def run(asked: argparse.Namespace) -> int:
    """Asks, counts, shows."""
    for name in ("twins", "sample"):
        if (number := getattr(asked, name)) is not None and number < 1:
            raise UsageError(f"--{name} is {number}.", remedy="Give a whole number from 1 on.")
    if asked.folder and not asked.folder.is_dir():
        raise UsageError(f"{asked.folder} is no folder.", remedy="Give a labelled folder.")
    if asked.keep and asked.keep.exists() and not asked.keep.is_dir():
        raise UsageError(f"{asked.keep} is no folder.", remedy="Give a folder for the twins.")
    if asked.json and (asked.json.is_dir() or not asked.json.absolute().parent.is_dir()):
        raise UsageError(f"{asked.json} cannot be written.", remedy="Give a file in a folder that exists.")
    for name in ("max_visible", "max_hidden", "max_near", "max_wrong_accepted"):
        if not 0 <= getattr(asked, name) <= 1:  # also refuses NaN
            raise UsageError(f"--{name.replace('_', '-')} is no share.", remedy="Write 0.05 for 5 %.")
    names = asked.wrong_schema if asked.wrong_schema is not None else [] if asked.folder else catalog_names()
    schemas = [load_schema(name) for name in names]
    options = ReadOptions(max_seconds=asked.max_seconds)
    backend = load_backend(asked.model, cache=asked.cache.expanduser())
    with tempfile.TemporaryDirectory() as scratch, closing(ReadOnce(options)) as reader:
        folder = asked.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        pipeline = Pipeline(reader, backend, options)
        wanted = set(asked.parts)
        cleans = read_cleans(asked, pipeline) if wanted & {"twins", "wrong"} else []
        outcomes = run_twins(asked, cleans, pipeline, folder) if "twins" in wanted else []
        wrong = list(wrong_schemas(cleans, schemas, pipeline.ask)) if "wrong" in wanted else []
        every = [load_schema(name) for name in catalog_names()]
        blank = list(blank_pages(every, pipeline.ask, folder)) if "blank" in wanted else []
        foreign = (
            list(languages(load_schema("receipt"), pipeline.ask, folder)) if "languages" in wanted else []
        )
    others: dict[str, list[Found]] = {"wrong schema": wrong, "blank pages": blank, "languages": foreign}
    console = Console(width=max(Console().width, WIDTH))
    console.print(f"{backend.model_id}, {len(cleans)} documents, seed {asked.seed}", markup=False)
    show(console, outcomes, others)
    limits = Limits(asked.max_visible, asked.max_hidden, asked.max_near, asked.max_wrong_accepted)
    found = over(outcomes, wrong, blank, limits)
    if asked.json:
        figures = {"model": backend.model_id, "seed": asked.seed, "over": found, **as_json(outcomes, others)}
        asked.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
    for sentence in found:
        console.print(sentence, markup=False)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
