"""Tunes the recogniser of lines on transcribed documents.

    python -m extractors.training.recogniser FOLDER --lines ocr_boxes [--keep OTHER ...] --out recogniser.onnx

FOLDER is a labelled folder of images with transcripts: ``LINES/<id>.json`` lists ``{"box": [x0, y0, x1, y1], "text":
...}``, in pixels and in any case. Only the train split is looked at, and a share of its documents is held out; where
truths have a name (``--by company``), no such name is on both sides. OTHER folders (their train splits, first pages)
and made-up pages keep the recogniser from forgetting other print. At the end weights between the old and the new are
tried on what was held out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from extractors.reading.ocr import MODEL, Recogniser
from extractors.training.dataset import split_ids
from extractors.training.recogniser.lines import Line, labelled_lines, made_up_lines, other_lines
from extractors.training.recogniser.network import Network
from extractors.training.recogniser.scoring import readings, same, score
from extractors.training.recogniser.tuning import Material, Recipe, Tuner, between
from schemas.errors import ParquetryError, UsageError

_HELD_OUT = 15
"""Percent of the names, and of the pages without one."""
_SHARES = (0.5, 0.7, 0.85, 1.0)
_MAY_CHANGE = 0.005
"""More wrong lines than this among made-up ones, and a share is not taken."""
_NAME_LETTERS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m extractors.training.recogniser", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--lines", default="ocr_boxes", help="folder of the transcripts (default: ocr_boxes)")
    parser.add_argument("--by", default="company", help="key of the truths that held out documents share")
    parser.add_argument("--keep", type=Path, nargs="*", default=[], metavar="OTHER", help="other folders")
    parser.add_argument("--keep-pages", type=int, default=50, metavar="N", help="pages of each OTHER")
    parser.add_argument("--made-up", type=int, default=90, metavar="N", help="made-up pages (default: 90)")
    parser.add_argument("--minutes", type=float, default=30.0, help="of training (default: 30)")
    parser.add_argument("--model", type=Path, default=MODEL, help="what to begin with")
    parser.add_argument("--out", type=Path, required=True, help="the tuned model")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    try:
        _tune(chosen)
    except ParquetryError as error:
        print(f"{error}\n{error.remedy}".strip(), file=sys.stderr)
        return error.exit_code
    return 0


def _tune(chosen: argparse.Namespace) -> None:
    reader = Recogniser(chosen.threads, chosen.model)
    ids = split_ids(chosen.folder, "train")
    labelled = [
        line for line in labelled_lines(chosen.folder, ids, chosen.lines, reader) if line.target is not None
    ]
    if not labelled:
        raise UsageError(
            f"No line of {chosen.folder} has a transcript.", remedy=f"Look at its {chosen.lines}/."
        )
    held = {identity for identity in ids if _held(_name(chosen.folder, identity, chosen.by))}
    made_up = list(made_up_lines(chosen.made_up, 7_000_000 + chosen.seed, reader))
    others = [
        line
        for folder in chosen.keep
        for line in other_lines(folder, split_ids(folder, "train")[: chosen.keep_pages], reader)
    ]
    train = [line for line in labelled if line.document not in held]
    seen = [line for line in made_up if not _held(line.document)]
    check = [line for line in labelled if line.document in held]
    check_made_up = [line for line in made_up if _held(line.document) and line.target]
    kept = [line for line in others if not _held(line.document)] + seen + train[::4]
    material = Material(train, [line for line in seen if line.target], kept)
    print(f"{len(train)} lines to train on, {len(check)} held out, {len(seen)} made up, {len(others)} others")
    tuner = Tuner(chosen.model, material, Recipe(seconds=60 * chosen.minutes, seed=chosen.seed))
    tuner.run(lambda text: print(text, flush=True))
    unseen = [line for line in others if _held(line.document)]
    best = _best(Network(chosen.model), tuner.network, (check, check_made_up, unseen), chosen.threads)
    chosen.out.write_bytes(best)


def _best(
    before: Network, tuned: Network, held: tuple[Sequence[Line], Sequence[Line], Sequence[Line]], threads: int
) -> bytes:
    """The model on the way from old to new that reads the held out lines best and spoils no made-up ones."""
    check, made_up, others = held
    characters = before.characters
    old = readings(before.file.data, characters, others, threads)
    best, most = before.file.data, 0.0
    floor = 0.0
    for share in (0.0, *_SHARES):
        model = before.file.with_tensors(between(before, tuned, share))
        on_check = score(readings(model, characters, check, threads), check)
        on_made_up = score(readings(model, characters, made_up, threads), made_up)
        alike = same(readings(model, characters, others, threads), old)
        print(
            f"share {share}: {on_check}; made up: {on_made_up}; others read as before: {alike:.2%}",
            flush=True,
        )
        floor = floor if share else on_made_up.right - _MAY_CHANGE
        if on_check.right > most and on_made_up.right >= floor:
            best, most = model, on_check.right
    return best


def _name(folder: Path, identity: str, key: str) -> str:
    """What a document shares with its like: a truth, by its first letters, or nothing but its own id."""
    path = folder / "truth" / f"{identity}.json"
    truth = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    letters = "".join(char for char in str(truth.get(key) or "").upper() if char.isalnum())
    return letters[:_NAME_LETTERS] or identity


def _held(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100 < _HELD_OUT


if __name__ == "__main__":
    sys.exit(main())
