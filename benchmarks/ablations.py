"""What each part of the product brings: the same model and documents, with one part left out at a time.

    python -m benchmarks.ablations DIR [--split dev] [--limit 30] [--words WORDS] [--model embedded]
        [--also NAME=MODEL ...] [--json FILE]

DIR is a labelled folder (``docs/``, ``truth/``, ``schema.json``, ``splits.json``); ``--words`` keeps its readings, so
that a second run need not read again. Each row is micro F1 over all labelled values with its interval by the bootstrap
over documents, and how it stands against the whole product on the same documents (paired bootstrap). Values that
stand nowhere on the page are counted too: with grounding there are none.

What is left out is left out when the model answers; it was trained with it. ``--also`` adds models that were trained
otherwise: without made-up documents, say, with the same tokens.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import llguidance
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.decoding import CACHE
from benchmarks.peers.tasks import json_schema_of
from extractors.backends.base import Answer, Backend
from extractors.backends.scripted import ScriptedBackend
from extractors.backends.transformers import TransformersBackend
from extractors.backends.windowed import Work
from extractors.decoding.guess import Guess
from extractors.decoding.row import Request
from extractors.evaluation.intervals import f1_difference, f1_interval
from extractors.evaluation.metrics import Guess as Given
from extractors.evaluation.metrics import aligned, flatten, is_right
from extractors.evaluation.run import LabelledSet, open_set
from extractors.grammar.spans import SpanIndex
from extractors.models.load import LoadedModel, load_model
from extractors.options import ReadOptions
from extractors.prompting.meant import as_meant
from extractors.prompting.window import Window
from extractors.reading import ReaderPool, document_ref
from extractors.validation.paths import leaf_at
from schemas.document import READ_DOCUMENT, Box, Page, ReadDocument, Word
from schemas.errors import DocumentError, ParquetryError
from schemas.registry import LoadedSchema, load_schema

WHOLE = "the whole product"
_GAP = 0.3
"""Between words of a page without layout, in heights of a line."""

Counted = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """One way to answer: right, wrong and missed values by document, and how many values stand nowhere on the page."""

    name: str
    counts: tuple[Counted, ...]
    values: int
    nowhere: int


class _Flat(TransformersBackend):
    """Shows the model the words of each page in a single line: no lines, no cells. The rules see the page as it is."""

    def answer(self, documents: Sequence[ReadDocument], schema: LoadedSchema) -> list[Answer]:
        self._whole = {document.ref.sha256: document for document in documents}
        return super().answer([flattened(document) for document in documents], schema)

    def _by_rules(self, document: ReadDocument, schema: LoadedSchema) -> Answer:
        return super()._by_rules(self._whole[document.ref.sha256], schema)


class _Free(TransformersBackend):
    """Writes under the JSON schema alone: any text is a value, whether the page has it or not."""

    def request(
        self, schema: LoadedSchema, window: Window, work: Work, index: SpanIndex, guess: Guess
    ) -> Request:
        grounded = super().request(schema, window, work, index, guess)
        compact = {**json_schema_of(schema.tree), "x-guidance": {"whitespace_flexible": False}}
        return replace(grounded, grammar=llguidance.LLMatcher.grammar_from_json_schema(json.dumps(compact)))


def flattened(document: ReadDocument) -> ReadDocument:
    """A document whose pages have their words one behind the other, at even distances, in the order of reading."""
    return replace(document, pages=tuple(_flat(page) for page in document.pages))


def _flat(page: Page) -> Page:
    if not page.words:
        return page
    height = max(1.0, *(word.box.y1 - word.box.y0 for word in page.words))
    words: list[Word] = []
    x = 0.0
    for word in page.words:
        width = max(word.box.x1 - word.box.x0, 0.1)
        words.append(replace(word, box=Box(x, 0.0, x + width, height)))
        x += width + _GAP * height
    return replace(page, width=x, words=tuple(words))


def variants(loaded: LoadedModel) -> dict[str, Callable[[], Backend]]:
    """By name, how to make a backend with one part left out; the whole product first."""
    alone = replace(loaded, unsure_below=-math.inf, rows_unsure_below=-math.inf, hints=False)
    return {
        WHOLE: lambda: TransformersBackend(loaded),
        "without the image of the page": lambda: TransformersBackend(loaded, with_image=False),
        "without layout (words in one line)": lambda: _Flat(loaded),
        "without what the rules found (no hint, nothing taken)": lambda: TransformersBackend(alone),
        "without grounding, and without the rules": lambda: _Free(alone),
        "the rules alone": ScriptedBackend,
    }


def readings(chosen: LabelledSet, words: Path | None) -> Iterator[tuple[str, ReadDocument]]:
    """The documents as they are read, or were read before; those that cannot be read are named and left out."""
    if words is not None:
        words.mkdir(parents=True, exist_ok=True)
    with ReaderPool(ReadOptions()) as reader:
        for name, path in chosen.documents:
            kept = words / f"{name}.json" if words is not None else None
            if kept is not None and kept.is_file():
                yield name, READ_DOCUMENT.validate_json(kept.read_bytes())
                continue
            try:
                document = reader.read(document_ref(path, path.name), path)
            except (DocumentError, ParquetryError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            if kept is not None:
                kept.write_bytes(READ_DOCUMENT.dump_json(replace(document, pages=tuple(document.pages))))
            yield name, document


def judged(answer: Answer, truth: dict[str, Any], tree: Any) -> Counted:
    """Right, wrong and missed values of one document; what is not labelled is not counted."""
    wanted = dict(flatten(truth))
    given = {path: Given(raw, raw) for path, raw in flatten(answer.data) if path.partition(".")[0] in truth}
    own = aligned(wanted, given, tree)
    right = sum(
        1
        for path, at in own.items()
        if at in wanted and is_right(wanted[at], given[path], leaf_at(tree, path))
    )
    return right, len(given) - right, len(wanted) - right


def run(
    name: str,
    backend: Backend,
    documents: Sequence[tuple[str, ReadDocument]],
    chosen: LabelledSet,
    schema: LoadedSchema,
) -> Row:
    """One row of the table."""
    tree = as_meant(schema).tree
    counts, values, nowhere = [], 0, 0
    for document_name, document in track(documents, description=name, console=Console(stderr=True)):
        (answer,) = backend.answer([document], schema)
        counts.append(judged(answer, chosen.truth(document_name), tree))
        copied = [leaf for leaf in answer.leaves if leaf.raw and _is_copied(leaf.path, tree)]
        values += len(copied)
        nowhere += sum(leaf.span is None for leaf in copied)
    return Row(name, tuple(counts), values, nowhere)


def _is_copied(path: str, tree: Any) -> bool:
    leaf = leaf_at(tree, path)
    return leaf is not None and leaf.grounding == "span"


def table_of(rows: Sequence[Row], title: str) -> Table:
    """The rows with their intervals; the first is what the others are held against."""
    table = Table(title=title)
    for head in (
        "",
        "micro F1",
        "95% interval",
        "against the whole",
        "95% interval",
        "nowhere on the page",
    ):
        table.add_column(head, justify="left" if not head else "right")
    for row in rows:
        own = f1_interval(row.counts)
        apart = f1_difference(row.counts, rows[0].counts)
        held = row is not rows[0]
        table.add_row(
            row.name,
            f"{own.value:.3f}",
            f"{own.low:.3f} to {own.high:.3f}",
            f"{apart.value:+.3f}" if held else "",
            f"{apart.low:+.3f} to {apart.high:+.3f}" if held else "",
            f"{row.nowhere} of {row.values}",
        )
    return table


def main() -> int:
    """Parses the command line and prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--schema", default=None, help="name or file; DIR/schema.json without it")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="the first N documents")
    parser.add_argument("--words", type=Path, default=None, help="folder for the readings")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="ways whose name has it")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=MODEL", help="another model")
    parser.add_argument("--json", type=Path, default=None, help="where the counts go")
    asked = parser.parse_args()
    try:
        return _run(asked)
    except ParquetryError as error:
        print(f"benchmarks.ablations: {error}", file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    chosen = open_set(asked.folder, asked.split, asked.limit)
    schema = load_schema(asked.schema or str(asked.folder / "schema.json"))
    documents = list(readings(chosen, asked.words))
    loaded = load_model(asked.model, CACHE)
    made = variants(loaded)
    wanted = [name for name in made if not asked.only or any(word in name for word in (*asked.only, WHOLE))]
    rows = [run(name, made[name](), documents, chosen, schema) for name in wanted]
    for other in asked.also:
        name, _, model = other.partition("=")
        rows.append(run(name, TransformersBackend(load_model(model, CACHE)), documents, chosen, schema))
    Console(width=150).print(table_of(rows, f"{chosen.name}, {asked.split}: {len(documents)} documents"))
    if asked.json is not None:
        said = [{"name": r.name, "counts": r.counts, "values": r.values, "nowhere": r.nowhere} for r in rows]
        asked.json.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
