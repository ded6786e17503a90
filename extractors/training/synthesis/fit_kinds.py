"""Which words tell kinds of documents apart, and which words of a schema: fitted on made-up documents.

    python -m extractors.training.synthesis.fit_kinds [--documents 2500] [--seed 77] [--out FILE]

Pages: by kind, the share of documents that have a word; of a word, the logarithm of that share over its mean (naive
Bayes with a uniform prior, words as present or absent, presence only: a subset of the words says no less). Schemas: the
same of the titles, keys and descriptions that a kind's schemas are written with. Only words and rates are kept.
Read by `extractors.validation.kinds`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import log
from pathlib import Path

from extractors.training.synthesis.contract import FieldSpec
from extractors.training.synthesis.examples import SynthesisOptions, made_document
from extractors.training.synthesis.kinds import KINDS
from extractors.validation import kinds
from extractors.validation.kinds import HIGHEST, LOWEST, page_words, schema_words

_SEEN = 6
"""Documents that must have a word."""
_PAGE_PRIOR = 0.1
_SCHEMA_PRIOR, _SCHEMA_PRIOR_WORDS = 0.3, 60.0
_TITLE_WEIGHT = 8
_SPOKEN = 1.0
"""A word that no kind has e times as often as the mean says nothing."""
_STEPS = "abcdefghijklmnopqrstuvwxyz"


def main() -> int:
    """Makes the documents, counts, writes the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--out", type=Path, default=kinds.FILE)
    asked = parser.parse_args()
    options = SynthesisOptions(seed=asked.seed, scan_share=0.3, image_side_px=32)
    table = {
        "documents": asked.documents,
        "seed": asked.seed,
        "kinds": list(KINDS),
        "pages": coded(page_table(_drawn(options, asked.documents))),
        "schemas": coded(schema_table()),
        "names": names(),
    }
    text = json.dumps(table, ensure_ascii=False, indent=0, sort_keys=True)
    asked.out.write_text(text + "\n", encoding="utf-8")
    return 0


def _drawn(options: SynthesisOptions, count: int) -> Iterator[tuple[str, frozenset[str]]]:
    for number in range(count):
        if number % 50 == 0:
            print(f"\r{number} of {count} documents", end="", file=sys.stderr, flush=True)
        made = made_document(options, number)
        yield made.sheet.kind, page_words(made.document)
    print(file=sys.stderr)


def page_table(documents: Iterable[tuple[str, frozenset[str]]]) -> dict[str, list[float]]:
    """By word of a page, what it says for each kind (natural logarithm)."""
    having: dict[str, Counter[str]] = defaultdict(Counter)
    made: Counter[str] = Counter()
    for kind, words in documents:
        made[kind] += 1
        for word in words:
            having[word][kind] += 1
    return {
        word: _over_mean([(counts[kind] + _PAGE_PRIOR) / (made[kind] + 1) for kind in KINDS])
        for word, counts in having.items()
        if counts.total() >= _SEEN
    }


def schema_table() -> dict[str, list[float]]:
    """By word of a schema, what it says for each kind."""
    bags = {name: Counter[str]() for name in KINDS}
    for name, kind in KINDS.items():
        for field in _flat(kind.fields):
            for text in (*field.names, *field.descriptions):
                bags[name].update(schema_words(text))
        for title in kind.titles:
            bags[name].update(dict.fromkeys(schema_words(title), _TITLE_WEIGHT))
    words = {word for bag in bags.values() for word in bag}
    return {
        word: _over_mean(
            [(bag[word] + _SCHEMA_PRIOR) / (bag.total() + _SCHEMA_PRIOR_WORDS) for bag in bags.values()]
        )
        for word in words
    }


def names() -> dict[str, list[str]]:
    """By kind, the single words that such a document is called."""
    called = {name: map(schema_words, (name, *kind.titles)) for name, kind in KINDS.items()}
    return {name: sorted({words[0] for words in found if len(words) == 1}) for name, found in called.items()}


def _flat(fields: Iterable[FieldSpec]) -> Iterator[FieldSpec]:
    for field in fields:
        yield field
        yield from _flat(field.fields)


def _over_mean(shares: list[float]) -> list[float]:
    mean = sum(shares) / len(shares)
    return [log(share / mean) for share in shares]


def coded(table: Mapping[str, list[float]]) -> dict[str, str]:
    """One letter for each kind, ``a`` for `LOWEST` and below to ``z`` for `HIGHEST` and above."""
    step = (HIGHEST - LOWEST) / (len(_STEPS) - 1)
    return {
        word: "".join(_STEPS[round((min(max(v, LOWEST), HIGHEST) - LOWEST) / step)] for v in values)
        for word, values in sorted(table.items())
        if max(map(abs, values)) > _SPOKEN
    }


if __name__ == "__main__":
    sys.exit(main())
