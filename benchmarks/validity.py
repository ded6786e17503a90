"""Does every answer end valid or honestly truncated, with every value in its place? Generated pairs, any model.

    python -m benchmarks.validity --pairs 1000 [--model random | embedded | PATH] [--seed 0]
    python -m benchmarks.validity --folder DIR --schema NAME [--model ...]    # real documents instead

``random`` are tiny models of random weights, another one every hundred pairs; they know nothing and want nothing,
which is the hardest test of what holds them. Ends with exit code 1 when anything is found that must never be.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.pairs import Pair, judge, make_pair
from benchmarks.peers.tasks import read_documents
from extractors.backends import load_backend
from extractors.backends.base import Backend
from extractors.options import ReadOptions
from schemas.registry import load_schema

PER_MODEL = 100
RANDOM_TOKENS = 500


def random_backend(seed: int, max_answer_tokens: int = RANDOM_TOKENS) -> Backend:
    """A model of the embedded one's architecture with random weights; one token a byte, small windows."""
    from extractors.backends.transformers import TransformersBackend
    from extractors.models.load import LoadedModel
    from tests.tiny import tiny_model, tiny_processor

    loaded = LoadedModel("random", f"random-{seed}", tiny_model(seed), tiny_processor(), 400, -math.inf)
    return TransformersBackend(loaded, max_answer_tokens=max_answer_tokens)


def _pairs(asked: argparse.Namespace) -> Iterator[tuple[str, Pair]]:
    if asked.folder is None:
        for number in range(asked.pairs):
            yield f"pair {number}", make_pair(random.Random(asked.seed * 1_000_003 + number))
        return
    schema = load_schema(asked.schema)
    for name, document in read_documents(asked.folder, ReadOptions()):
        yield name, Pair(schema, document, ())


def main() -> int:
    """Runs the pairs and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--model", default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="documents, in place of generated pairs")
    parser.add_argument("--schema", default="receipt", help="of --folder")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "parquetry")
    asked = parser.parse_args()
    backend = None if asked.model == "random" else load_backend(asked.model, cache=asked.cache)
    ends: Counter[str] = Counter()
    faults: list[str] = []
    values, began, console = 0, time.perf_counter(), Console()
    for number, (name, pair) in enumerate(_pairs(asked)):
        if asked.model == "random" and number % PER_MODEL == 0:
            backend = random_backend(asked.seed + number // PER_MODEL)
        assert backend is not None
        verdict = judge(pair, backend)
        ends[verdict.end] += 1
        values += verdict.values
        faults += [f"{name}: {fault}" for fault in verdict.faults]
        if (number + 1) % 50 == 0:
            console.print(f"{number + 1} pairs, {time.perf_counter() - began:.0f} s, {len(faults)} faults")
    table = Table("", asked.model, box=None)
    rows = {
        "pairs": ends.total(),
        "valid": ends["valid"],
        "honestly truncated": ends["truncated"],
        "refused": ends["refused"],
        "span values": values,
        "without a place on the page": sum("no place" in f for f in faults),
        "boxes that do not spell their value": sum("spell" in f or "in its box" in f for f in faults),
        "pieces of numbers": sum("a piece of" in f for f in faults),
        "of a form that is not the schema's, or landed in spite of it": sum(
            not any(part in f for part in ("no place", "spell", "in its box", "a piece of")) for f in faults
        ),
        "seconds": round(time.perf_counter() - began),
    }
    for name, count in rows.items():
        table.add_row(name, str(count))
    console.print(table)
    for fault in faults[:20]:
        console.print(fault, markup=False)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
