"""Made-up documents as labelled folders, for ``parquetry evaluate`` and ``parquetry train``.

    python -m extractors.training.synthesis.examples --write DIR

One folder for each kind, since a labelled folder has one schema: ``DIR/invoice/`` with ``docs/``, ``truth/``,
``schema.json``, ``splits.json`` and ``slices.json`` (language, locale, layout and kind, by which evaluation tells the
documents apart). The schema has all fields of the kind, those that only pixels answer as well. Scans
are files without text, so they are recognised like any other when they are read.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from extractors.training.synthesis.contract import Sheet
from extractors.training.synthesis.examples import SynthesisOptions, document_seed
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.scan import scanned_file
from extractors.training.synthesis.schemas import folder_schema
from extractors.training.synthesis.sheets import make_sheet
from schemas.errors import ParquetryError, UsageError


def write_folder(
    folder: Path,
    kind: str,
    count: int,
    options: SynthesisOptions,
    *,
    renamed: int | None = None,
    pixels_only: bool = False,
    told: Callable[[int], None] = lambda number: None,
) -> None:
    """Writes a labelled folder of documents of one kind.

    Args:
        folder: is made; what is there of another kind or seed is refused.
        kind: of `KINDS`.
        count: documents.
        options: its seed, split and share of scans.
        renamed: seed of other names, descriptions and types than the canonical ones.
        pixels_only: asks only for what the picture alone answers.
        told: the number of each document that is done.

    Raises:
        UsageError: the folder is not empty, or the kind has no such fields.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not an empty folder.", remedy="Give a new one, or delete what is there."
        )
    what = KINDS[kind]
    if pixels_only:
        what = replace(what, fields=tuple(one for one in what.fields if one.pixels))
        if not what.fields:
            raise UsageError(
                f"Documents of kind {kind!r} have nothing that only pixels answer.", remedy="Take another."
            )
    for name in ("docs", "truth"):
        (folder / name).mkdir(parents=True)
    slices: dict[str, dict[str, str]] = {}
    for number in range(count):
        seed = document_seed(options, number)
        sheet = make_sheet(seed, kind)
        drawn = folder_schema(what, sheet.truth, renamed)
        if not slices:
            _write_json(folder / "schema.json", drawn.schema.json_schema)
        identity = f"{kind}-{options.split}-{number:05}"
        data, suffix = _file(sheet, options, random.Random(f"file/{seed}"))
        (folder / "docs" / f"{identity}{suffix}").write_bytes(data)
        _write_json(folder / "truth" / f"{identity}.json", drawn.truth)
        slices[identity] = {
            "language": sheet.locale.partition("_")[0],
            "locale": sheet.locale,
            "layout": sheet.layout,
            "kind": kind,
        }
        told(number + 1)
    _write_json(folder / "slices.json", slices)
    _write_json(folder / "splits.json", {options.split: list(slices)})


def _file(sheet: Sheet, options: SynthesisOptions, chance: random.Random) -> tuple[bytes, str]:
    return scanned_file(sheet, chance) if chance.random() < options.scan_share else (sheet.pdf, ".pdf")


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m extractors.training.synthesis.examples",
        description="Writes made-up documents as labelled folders, one for each kind.",
    )
    parser.add_argument("--write", type=Path, required=True, metavar="DIR")
    parser.add_argument("--kinds", nargs="+", default=[], metavar="KIND", help="all by default")
    parser.add_argument("--exclude-kinds", nargs="+", default=[], metavar="KIND")
    parser.add_argument("--count", type=int, default=20, help="documents of each kind (20)")
    parser.add_argument("--split", choices=("train", "dev"), default="dev", help="whose seeds (dev)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scan-share", type=float, default=0.4, help="share of scans and photographs (0.4)")
    parser.add_argument(
        "--renamed", type=int, metavar="SEED", help="names, descriptions and types drawn by this seed"
    )
    parser.add_argument("--pixels-only", action="store_true", help="only what the picture alone answers")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    given = _arguments(arguments)
    logging.basicConfig(level=logging.WARNING)
    try:
        if given.count < 1 or not 0 <= given.scan_share <= 1:
            raise UsageError("--count is at least 1, --scan-share 0 to 1.", remedy="Correct the command.")
        options = SynthesisOptions(
            seed=given.seed,
            split=given.split,
            kinds=tuple(given.kinds),
            exclude_kinds=tuple(given.exclude_kinds),
            scan_share=given.scan_share,
        )
        for kind in options.drawn():
            if given.pixels_only and not any(field.pixels for field in KINDS[kind].fields):
                print(f"{kind}: nothing that only pixels answer, left out")
                continue
            write_folder(
                given.write / kind,
                kind,
                given.count,
                options,
                renamed=given.renamed,
                pixels_only=given.pixels_only,
                told=partial(_tell, kind, given.count),
            )
    except (ParquetryError, OSError) as error:
        remedy = getattr(error, "remedy", "")
        sys.exit(f"{error} {remedy}".strip())


def _tell(kind: str, count: int, number: int) -> None:
    """A line that grows on a terminal, one at the end elsewhere."""
    if sys.stdout.isatty():
        print(f"\r{kind}: {number} of {count}", end="\n" if number == count else "", flush=True)
    elif number == count:
        print(f"{kind}: {count} documents", flush=True)
