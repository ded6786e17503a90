"""Writes synthetic documents with their truths: ``python -m extractors.training.synthesis --out DIR --count N``."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from extractors.training.synthesis.contact import contact_sheet
from extractors.training.synthesis.contract import Sheet
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.sheets import make_sheet
from schemas.errors import ParquetryError, UsageError

_SHOWN = 36  # pages on the contact sheet


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes ``docs/ID.pdf`` and ``truth/ID.json``, and ``contact.png`` with the first of them."""
    parser = argparse.ArgumentParser(prog="python -m extractors.training.synthesis", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder to write to, made if missing"
    )
    parser.add_argument(
        "--count", type=int, default=18, metavar="N", help="number of documents (default: 18)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first document (default: 0)")
    parser.add_argument("--kind", metavar="KIND", help=f"one of {', '.join(KINDS)}; else all in turn")
    parser.add_argument("--locale", metavar="LOCALE", help="such as de_DE; else drawn")
    parser.add_argument(
        "--layout", metavar="LAYOUT", help="such as listing; else one that suits the document"
    )
    chosen = parser.parse_args(arguments)
    try:
        _write(chosen)
    except ParquetryError as error:
        print(f"{error}\n{error.remedy}".strip(), file=sys.stderr)
        return error.exit_code
    return 0


def _write(chosen: argparse.Namespace) -> None:
    if chosen.count < 1:
        raise UsageError(f"--count is {chosen.count}.", remedy="Ask for one document or more.")
    folder: Path = chosen.out
    docs, truths = folder / "docs", folder / "truth"
    try:
        for one in (docs, truths):
            one.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "Name a folder that you may write to with --out."
        raise UsageError(f"Cannot write to {folder}: {error.strerror}.", remedy=remedy) from error
    kinds = [chosen.kind] if chosen.kind else list(KINDS)
    shown: list[Sheet] = []
    made: Counter[str] = Counter()
    for at in range(chosen.count):
        sheet = make_sheet(chosen.seed + at, kinds[at % len(kinds)], chosen.locale, chosen.layout)
        name = f"{sheet.kind}-{sheet.seed:06}"
        (docs / f"{name}.pdf").write_bytes(sheet.pdf)
        truth = json.dumps(sheet.truth, ensure_ascii=False, indent=1)
        (truths / f"{name}.json").write_text(truth + "\n", encoding="utf-8")
        made[sheet.kind] += 1
        shown += [sheet] if len(shown) < _SHOWN else []
        if sys.stderr.isatty():
            print(f"\r{at + 1} of {chosen.count}", end="", file=sys.stderr)
    contact_sheet(shown).save(folder / "contact.png")
    if sys.stderr.isatty():
        print(file=sys.stderr)
    for kind, count in made.items():
        print(f"{count:6}  {kind}")
    print(f"{chosen.count:6}  documents in {docs}, truths in {truths}, pictures in {folder / 'contact.png'}")


if __name__ == "__main__":
    sys.exit(main())
