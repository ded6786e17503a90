"""Fits `misreadings.json`: what the reader read on scans whose lines people have transcribed.

    python -m extractors.training.synthesis.fit_misreadings FOLDER READS --origin TEXT

FOLDER is a labelled folder of images with ``ocr_boxes/<id>.json``: a list of ``{"box": [x0, y0, x1, y1], "text": ...}``
in pixels. READS has what the project's reader read of the same documents: ``<id>.json`` as `READ_DOCUMENT` writes it,
such as ``parquetry train`` keeps. Only the train split is looked at. Capitals are ignored, since transcribers write all
in capitals; so accents on letters are beyond such a table, too.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

from PIL import Image
from rapidfuzz.distance import Levenshtein

from extractors.reading.text import normalise_text
from extractors.training.dataset import split_ids
from extractors.training.stream import document_path
from extractors.training.synthesis.misreading import TABLE, CharErrors, Misreadings, is_mark
from schemas.document import READ_DOCUMENT, Box, Page, Word
from schemas.errors import UsageError

_APART = 0.6
"""A line whose reading differs by more than this share is taken for another line, not for a bad reading."""
_RARE = 3
"""Confusions seen less often are left out of the table: chance, or a slip of the transcriber."""


@dataclass
class Evidence:
    """Counts over documents."""

    seen: Counter[str] = field(default_factory=Counter)
    read_as: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    inserted: Counter[str] = field(default_factory=Counter)
    spaces: Counter[bool] = field(default_factory=Counter)
    glued: Counter[bool] = field(default_factory=Counter)
    pairs: Counter[bool] = field(default_factory=Counter)
    split: Counter[bool] = field(default_factory=Counter)
    lines: Counter[bool] = field(default_factory=Counter)
    lost: Counter[bool] = field(default_factory=Counter)
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    across: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    other_lines: int = 0

    def add(self, page: Page, lines: Sequence[tuple[Box, str]]) -> None:
        """One page with its transcribed lines, boxes in the page's points."""
        wrong = total = 0
        for box, text in lines:
            truth = normalise_text(text).upper()
            if not truth:
                continue
            inside = sorted((w for w in page.words if _holds(box, w.box)), key=lambda w: w.box.x0)
            short = len(truth) <= 2
            self.lines[short] += 1
            if not inside:
                self.lost[short] += 1
                continue
            read = " ".join(word.text for word in inside).upper()
            if Levenshtein.normalized_distance(truth, read) > _APART:
                self.other_lines += 1
                continue
            wrong += self._compare(truth, read, inside)
            total += len(truth)
            self._boxes(box, inside)
        if total:
            self.rates.append(wrong / total)

    def _compare(self, truth: str, read: str, words: Sequence[Word]) -> int:
        """Counts what became of each character of a line; gives how many went wrong."""
        for at, char in enumerate(truth):
            marks = _mark_at(truth, at)
            if char == " ":
                self.spaces[marks] += 1
            else:
                self.seen[char] += 1
                if at and truth[at - 1] != " ":
                    self.pairs[is_mark(truth[at - 1]) or is_mark(char)] += 1
        edits = Levenshtein.editops(truth, read)
        touched: set[int] = set()
        for edit in edits:
            old = truth[edit.src_pos] if edit.tag != "insert" else ""
            new = read[edit.dest_pos] if edit.tag != "delete" else ""
            if new:
                touched.add(edit.dest_pos)
            if old == " ":
                self.glued[_mark_at(truth, edit.src_pos)] += 1
            elif new == " ":
                around = truth[max(edit.src_pos - 1, 0) : edit.src_pos + 1]
                self.split[any(is_mark(char) and char != " " for char in around)] += 1
            elif old:
                self.read_as[old][new] += 1
            else:
                self.inserted[new] += 1
        self._confidences(read, words, touched)
        return len(edits)

    def _confidences(self, read: str, words: Sequence[Word], touched: set[int]) -> None:
        at = 0
        for word in words:
            length = len(word.text.upper())
            good = touched.isdisjoint(range(at, at + length))
            if word.confidence is not None:
                (self.right if good else self.wrong).append(word.confidence)
            at += length + 1

    def _boxes(self, box: Box, words: Sequence[Word]) -> None:
        """How far the top of a read line lies from where people drew it, and words from their neighbours."""
        height = max(median(word.box.y1 - word.box.y0 for word in words), 1e-6)
        self.down.append((median(word.box.y0 for word in words) - box.y0) / height)
        self.across += [(right.box.x0 - left.box.x1) / height for left, right in pairwise(words)]

    def table(self, origin: str) -> Misreadings:
        """The rates.

        Raises:
            UsageError: nothing was counted.
        """
        if not self.rates or not self.right or not self.wrong:
            raise UsageError(
                "No line was transcribed and read.", remedy="Look at ocr_boxes/ and the folder of reads."
            )
        pairs = sum(self.pairs.values())
        mean = sum(self.rates) / len(self.rates)
        return Misreadings(
            origin=origin,
            characters={
                char: CharErrors(
                    seen=seen,
                    read_as={k: n for k, n in sorted(self.read_as[char].items()) if n >= _RARE},
                )
                for char, seen in sorted(self.seen.items())
                if seen >= _RARE
            },
            inserted=sum(self.inserted.values()) / max(sum(self.seen.values()), 1),
            insertions={char: n for char, n in sorted(self.inserted.items()) if n >= _RARE},
            glued=_share(self.glued[False], self.spaces[False]),
            glued_mark=_share(self.glued[True], self.spaces[True]),
            split=_share(self.split[False], self.pairs[False]),
            split_mark=_share(self.split[True], self.pairs[True]) if pairs else 0.0,
            lost=_share(self.lost[False], self.lines[False]),
            lost_short=_share(self.lost[True], self.lines[True]),
            jitter=(_spread(self.across), _spread(self.down)),
            severity=tuple(round(one / mean, 4) for one in _quantiles(self.rates, 20)) if mean else (0.0,),
            confidence_right=_quantiles(self.right, 20),
            confidence_wrong=_quantiles(self.wrong, 20),
        )


_NORMAL = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""
_PAIR = 2**0.5
"""A difference of two edges varies by this much more than one of them."""


def _mark_at(text: str, at: int) -> bool:
    """Whether a punctuation mark stands beside a place."""
    return any(is_mark(char) and char != " " for char in text[max(at - 1, 0) : at + 2])


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0


def _quantiles(values: Iterable[float], steps: int) -> tuple[float, ...]:
    ordered = sorted(values)
    return tuple(round(ordered[round(i / steps * (len(ordered) - 1))], 4) for i in range(steps + 1))


def _spread(differences: Sequence[float]) -> float:
    """Standard deviation of one of two edges whose differences are given; outliers do not count."""
    if not differences:
        return 0.0
    middle = median(differences)
    return round(_NORMAL * median(abs(one - middle) for one in differences) / _PAIR, 4)


def _holds(box: Box, inner: Box) -> bool:
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def gather(folder: Path, reads: Path) -> Evidence:
    """Evidence of the train split of a folder."""
    evidence = Evidence()
    for identity in split_ids(folder, "train"):
        kept, boxes = reads / f"{identity}.json", folder / "ocr_boxes" / f"{identity}.json"
        if not (kept.is_file() and boxes.is_file()):
            continue
        page = READ_DOCUMENT.validate_json(kept.read_bytes()).pages[0]
        if page.rotation:
            continue  # the transcribers' boxes are those of the image as it lies
        with Image.open(document_path(folder, identity)) as image:
            scale = page.width / image.width
        lines = [
            (Box(*(edge * scale for edge in line["box"])), str(line["text"]))
            for line in json.loads(boxes.read_text(encoding="utf-8"))
        ]
        evidence.add(page, lines)
    return evidence


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("reads", type=Path)
    parser.add_argument("--origin", required=True, help="what the documents are, for the table")
    parser.add_argument("--output", type=Path, default=TABLE)
    given = parser.parse_args()
    evidence = gather(given.folder, given.reads)
    table = evidence.table(
        f"{given.origin}; {len(evidence.rates)} documents, {sum(evidence.lines.values())} lines"
    )
    given.output.write_text(
        json.dumps(table.model_dump(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(f"{table.origin}: {table.error_rate():.4f} of characters misread")
    print(
        f"glued {table.glued:.4f}, {table.glued_mark:.4f} beside marks; split {table.split:.5f}, {table.split_mark:.4f}"
    )
    print(f"lost {table.lost:.4f}, {table.lost_short:.4f} of short ones; other lines {evidence.other_lines}")


if __name__ == "__main__":
    main()
