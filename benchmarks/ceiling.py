"""The ceiling: per field, the share of truths that stand in the reader's words, hence can be written at all.

    python -m benchmarks.ceiling DIR [--split dev] [--sample 24 --seed 0] [--save WORDS] [--examples 10]
    python -m benchmarks.ceiling DIR --words WORDS [--against OTHER]    # readings saved before, compared in pairs

DIR is a labelled folder (``docs/``, ``truth/``, ``schema.json``, ``splits.json``). ``--save`` keeps each reading as
JSON, so that two versions of the reader are compared over the same documents: read with each, then ``--against``.
A document that cannot be read counts with all its truths lost.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from extractors.evaluation.ceiling import reachable, span_index
from extractors.evaluation.metrics import flatten
from extractors.evaluation.run import LabelledSet, open_set
from extractors.options import ReadOptions
from extractors.prompting.meant import as_meant
from extractors.reading import ReaderPool, document_ref
from extractors.validation.paths import pattern_of
from schemas.document import READ_DOCUMENT, ReadDocument
from schemas.errors import DocumentError, ParquetryError, UsageError
from schemas.registry import load_schema
from schemas.tree import Node

Found = dict[tuple[str, str], bool]
"""By document and path of the leaf, whether its truth stands there."""


def _readings(chosen: LabelledSet, words: Path | None) -> Iterator[tuple[str, ReadDocument | None]]:
    """The documents as they are read now, or as they were saved; ``None`` where reading failed."""
    if words is not None:
        for name, _ in chosen.documents:
            path = words / f"{name}.json"
            yield name, READ_DOCUMENT.validate_json(path.read_bytes()) if path.exists() else None
        return
    options = ReadOptions()
    with ReaderPool(options) as reader:
        for name, path in chosen.documents:
            try:
                yield name, reader.read(document_ref(path, path.name), path, options)
            except (DocumentError, ParquetryError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                yield name, None


def _judge(
    chosen: LabelledSet, tree: Node, words: Path | None, save: Path | None
) -> tuple[Found, dict[str, float]]:
    """What stands there, and the seconds that each document's reading took."""
    found: Found = {}
    seconds: dict[str, float] = {}
    for number, (name, document) in enumerate(_readings(chosen, words), 1):
        print(f"\r{number}/{len(chosen.documents)}", end="", file=sys.stderr, flush=True)
        truth, skip = chosen.truth(name), chosen.skips.get(name, frozenset())
        if document is None:
            labels = {field: value for field, value in truth.items() if field not in skip}
            found |= {(name, path): False for path, _ in flatten(labels)}
            continue
        seconds[name] = document.seconds
        found |= {(name, p): ok for p, ok in reachable(truth, span_index(document), tree, skip).items()}
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            (save / f"{name}.json").write_bytes(READ_DOCUMENT.dump_json(document))
    print(file=sys.stderr)
    return found, seconds


def _by_field(found: Found) -> dict[str, Counter[bool]]:
    counts: dict[str, Counter[bool]] = defaultdict(Counter)
    for (_, path), ok in found.items():
        counts[pattern_of(path)][ok] += 1
        counts["all"][ok] += 1
    return dict(sorted(counts.items(), key=lambda item: (item[0] == "all", item[0])))


def _share(counts: Counter[bool]) -> str:
    return f"{counts[True] / counts.total():.3f}" if counts.total() else "-"


def _show(console: Console, chosen: LabelledSet, found: Found, other: Found | None) -> None:
    """The table by field; with another reading, its share and the truths that only one of both has."""
    table = Table("field", "truths", "ceiling", box=None)
    for header in ("other", "only here", "only there") if other is not None else ():
        table.add_column(header)
    theirs = _by_field(other) if other is not None else {}
    for field, counts in _by_field(found).items():
        row = [field, str(counts.total()), _share(counts)]
        if other is not None:
            keys = [k for k in found if field in ("all", pattern_of(k[1]))]
            here = sum(found[k] and not other[k] for k in keys)
            there = sum(other[k] and not found[k] for k in keys)
            row += [_share(theirs[field]), str(here), str(there)]
        table.add_row(*row)
    console.print(f"{chosen.name}, {chosen.split}, {len(chosen.documents)} documents")
    console.print(table)


def main() -> int:
    """Judges the readings and prints the table and examples of what is lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--sample", type=int, help="so many documents of the split, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", type=Path, help="readings saved before, <id>.json")
    parser.add_argument("--against", type=Path, help="other readings, compared in pairs")
    parser.add_argument("--save", type=Path, help="folder for the readings")
    parser.add_argument("--examples", type=int, default=10)
    asked = parser.parse_args()
    try:
        return _run(asked)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2


def _run(asked: argparse.Namespace) -> int:
    for folder in filter(None, (asked.words, asked.against)):
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder.", remedy="Make it first with --save.")
    chosen = open_set(asked.folder, asked.split)
    if asked.sample is not None and asked.sample < len(chosen.documents):
        drawn = random.Random(asked.seed).sample(chosen.documents, max(asked.sample, 0))
        chosen = LabelledSet(chosen.folder, chosen.split, tuple(drawn), chosen.skips)
    tree = as_meant(load_schema(str(asked.folder / "schema.json"))).tree
    found, seconds = _judge(chosen, tree, asked.words, asked.save)
    other = _judge(chosen, tree, asked.against, None)[0] if asked.against else None
    console = Console()
    _show(console, chosen, found, other)
    if seconds:
        console.print(
            f"{sum(seconds.values()) / len(seconds):.2f} s a document to read, as noted in the readings"
        )
    unread = len(chosen.documents) - len(seconds)
    if unread:
        console.print(f"{unread} documents without a reading")
    lost = [key for key, ok in found.items() if not ok]
    for name, path in random.Random(asked.seed).sample(lost, min(max(asked.examples, 0), len(lost))):
        truth = dict(flatten(chosen.truth(name)))[path]
        console.print(f"lost: {name} {path}: {escape(str(truth))}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
