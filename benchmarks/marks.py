"""What only pixels answer: ticked, signed, stamped? With the page as it was read, and with its pixels blanked.

    python -m benchmarks.marks [DOCS] [--model scripted] [--made 8] [--labels FILE] [--words FOLDER]

``--made N``: N made-up documents of each kind that has such questions, from the development split, half of them scans
that are truly recognised. DOCS has the scans that the labels name, as ``<document>.pdf``: real pages. The rules
(``--model scripted``) answer from the marks that reading found; a blanked page has none. The labelled pages are
rendered and read alone;
``--words`` keeps the readings for the next time. A model that answers as well without the image has guessed from the
words, and the words of a form tell where to sign and not whether somebody did.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pypdfium2
from PIL import Image
from rich.console import Console
from rich.table import Table

from extractors.backends import load_backend
from extractors.backends.base import Backend
from extractors.backends.marked import CLEAR
from extractors.backends.scripted import MARK
from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from extractors.training.synthesis.examples import Split, SynthesisOptions
from extractors.training.synthesis.folder import write_folder
from extractors.training.synthesis.kinds import KINDS
from schemas.document import READ_DOCUMENT, PageImage, ReadDocument
from schemas.errors import DocumentError, ParquetryError, UsageError
from schemas.registry import LoadedSchema, load_schema

LABELS = Path(__file__).parent / "labels" / "fara_marks.json"
QUESTIONS = {
    "stamped": "Whether an ink stamp, such as a date of receipt or of a notary, is on the page.",
    "signed": "Whether somebody has signed by hand.",
}
DPI = 150
_STAMPS = frozenset({"paid", "stamped_paid", "is_copy", "approved", "cleared", "stamped_received"})


@dataclass(frozen=True, slots=True)
class Label:
    """A page and what is on it, by question."""

    document: str
    page: int
    marks: dict[str, bool]

    @property
    def name(self) -> str:
        """Of its files."""
        return f"{self.document}-{self.page}"


def labels_of(path: Path) -> list[Label]:
    """The labels of a file. Raises UsageError if it is none of ours."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["pages"]
        return [Label(r["document"], r["page"], {q: r[q] for q in QUESTIONS}) for r in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path} has no labels: {error}", remedy=f"Look at {LABELS} for the form."
        ) from error


def schema_of(folder: Path) -> LoadedSchema:
    """The questions as a schema."""
    schema = {
        "title": "page_marks",
        "description": "Marks on a page.",
        "type": "object",
        "additionalProperties": False,
        "properties": {q: {"type": ["boolean", "null"], "description": d} for q, d in QUESTIONS.items()},
        "required": list(QUESTIONS),
    }
    path = folder / "page_marks.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    return load_schema(path)


def readings(docs: Path, labels: Sequence[Label], words: Path) -> Iterator[tuple[Label, ReadDocument]]:
    """The labelled pages as read; those that are not there or cannot be read are told of and passed over."""
    options = ReadOptions()
    words.mkdir(parents=True, exist_ok=True)
    with ReaderPool(options) as pool:
        for number, label in enumerate(labels, 1):
            print(f"\r{number}/{len(labels)} pages read", end="", file=sys.stderr, flush=True)
            kept = words / f"{label.name}.json"
            if not kept.exists():
                try:
                    picture = _render(docs / f"{label.document}.pdf", label.page, words / f"{label.name}.png")
                    read = pool.read(document_ref(picture, picture.name), picture, options)
                except (OSError, pypdfium2.PdfiumError, DocumentError, ParquetryError) as error:
                    print(f"\n{label.name}: passed over: {error}", file=sys.stderr)
                    continue
                kept.write_bytes(READ_DOCUMENT.dump_json(replace(read, pages=tuple(read.pages))))
            yield label, READ_DOCUMENT.validate_json(kept.read_bytes())
    print(file=sys.stderr)


def _render(path: Path, page: int, picture: Path) -> Path:
    with pypdfium2.PdfDocument(path) as document:
        document[page - 1].render(scale=DPI / 72).to_pil().save(picture)
    return picture


def blanked(document: ReadDocument) -> ReadDocument:
    """The same words over white paper, on which no marks are."""
    pages = (replace(p, image=_white(p.image), marks=(), marks_sought=False) for p in document.pages)
    return replace(document, pages=tuple(pages))


def _white(image: PageImage | None) -> PageImage | None:
    if image is None:
        return None
    out = io.BytesIO()
    Image.new("RGB", (image.width, image.height), "white").save(out, "PNG")
    return PageImage(out.getvalue(), "image/png", image.width, image.height)


def ask(
    backend: Backend, schema: LoadedSchema, documents: Iterable[ReadDocument]
) -> list[dict[str, bool | None]]:
    """The model's answers, by question; ``None`` where it gave none."""
    given = []
    for number, document in enumerate(documents, 1):
        (answer,) = backend.answer([document], schema)
        raw = {leaf.path: leaf.raw for leaf in answer.leaves}
        given.append({q: {"true": True, "false": False}.get(str(raw.get(q)).lower()) for q in QUESTIONS})
        print(f"\r{number} pages answered", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return given


def accuracy(truths: Sequence[bool], answers: Sequence[bool | None]) -> tuple[float, float]:
    """Share of right answers, and its mean over pages that have the mark and those that do not (0.5: by chance)."""
    right = [a == t for t, a in zip(truths, answers, strict=True)]
    halves = [[ok for ok, t in zip(right, truths, strict=True) if t == side] for side in (True, False)]
    shares = [sum(half) / len(half) for half in halves if half]
    return sum(right) / len(right), sum(shares) / len(shares)


def main() -> int:
    """Reads, asks twice, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "docs", type=Path, metavar="DOCS", nargs="?", help="folder of the labelled real pages"
    )
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--made", type=int, default=0, metavar="N", help="made-up documents of each kind")
    parser.add_argument("--split", choices=("train", "dev"), default="dev", help="of the made-up documents")
    parser.add_argument("--seed", type=int, default=0, help="of the made-up documents")
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--words", type=Path, help="folder for the readings")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/parquetry"))
    asked = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return _run(asked, Path(scratch))
    except ParquetryError as error:
        print(error, file=sys.stderr)
        return 2


@dataclass(frozen=True, slots=True)
class Asked:
    """A pixel question about a made-up document: what is right, what was answered with and without pixels."""

    kind: str
    field: str
    scan: bool
    truth: str | None
    seen: str | None
    blind: str | None
    by_mark: bool


def made_folders(folder: Path, count: int, split: Split, seed: int) -> Iterator[Path]:
    """Labelled folders of made-up documents that ask for what only pixels answer, written where they are not there."""
    options = SynthesisOptions(seed=seed, split=split, scan_share=0.5)
    for kind in options.drawn():
        if any(field.pixels for field in KINDS[kind].fields):
            place = folder / f"{split}-{seed}-{count}" / kind
            if not (place / "splits.json").exists():
                write_folder(place, kind, count, options, pixels_only=True)
            yield place


def ask_made(backend: Backend, folders: Iterable[Path], words: Path) -> Iterator[Asked]:
    """Every pixel question about the documents of some labelled folders, asked twice."""
    options = ReadOptions(max_seconds=300)  # a busy machine is no fault of the reader
    words.mkdir(parents=True, exist_ok=True)
    with ReaderPool(options) as pool:
        for folder in folders:
            schema = load_schema(folder / "schema.json")
            for path in sorted((folder / "docs").iterdir()):
                kept = words / f"{folder.parent.name}-{path.stem}.json"
                if not kept.exists():
                    try:
                        read = pool.read(document_ref(path, path.name), path, options)
                    except (DocumentError, ParquetryError) as error:
                        print(f"{path.name}: passed over: {error}", file=sys.stderr)
                        continue
                    kept.write_bytes(READ_DOCUMENT.dump_json(replace(read, pages=tuple(read.pages))))
                document = READ_DOCUMENT.validate_json(kept.read_bytes())
                truth = json.loads((folder / "truth" / f"{path.stem}.json").read_text(encoding="utf-8"))
                seen, blind = (backend.answer([one], schema)[0] for one in (document, blanked(document)))
                without = {leaf.path: leaf.raw for leaf in blind.leaves}
                scan = any(page.source == "ocr" for page in document.pages)
                for leaf in seen.leaves:
                    said = truth[leaf.path]
                    right = (
                        None if said is None else str(said).lower() if isinstance(said, bool) else str(said)
                    )
                    marked = leaf.signals.get(MARK, 0.0) >= CLEAR
                    yield Asked(folder.name, leaf.path, scan, right, leaf.raw, without.get(leaf.path), marked)


def chance(asked: Sequence[Asked]) -> float:
    """Share that is right by the most frequent answer to each question."""
    counts: dict[tuple[str, str], Counter[str | None]] = {}
    for one in asked:
        counts.setdefault((one.kind, one.field), Counter())[one.truth] += 1
    return sum(max(counter.values()) for counter in counts.values()) / len(asked)


def made_table(asked: Sequence[Asked]) -> Table:
    """Shares of right answers, of all questions and by what is asked."""
    table = Table(
        "questions",
        "number",
        "right",
        "right, blanked",
        "most frequent",
        "decided by a mark",
        "of these right",
    )
    groups = {
        "all": list(asked),
        "PDF with text": [one for one in asked if not one.scan],
        "scan": [one for one in asked if one.scan],
        "signatures": [one for one in asked if "signed" in one.field],
        "stamps": [one for one in asked if one.field in _STAMPS],
        "ticks, rings, strikes": [
            one for one in asked if "signed" not in one.field and one.field not in _STAMPS
        ],
    }
    for name, group in groups.items():
        if not group:
            continue
        marked = [one for one in group if one.by_mark]
        table.add_row(
            name,
            str(len(group)),
            f"{sum(one.seen == one.truth for one in group) / len(group):.2f}",
            f"{sum(one.blind == one.truth for one in group) / len(group):.2f}",
            f"{chance(group):.2f}",
            str(len(marked)),
            f"{sum(one.seen == one.truth for one in marked) / max(len(marked), 1):.2f}",
        )
    return table


def _run(asked: argparse.Namespace, scratch: Path) -> int:
    if asked.docs is None and not asked.made:
        raise UsageError("Nothing is asked for.", remedy="Give DOCS, --made N, or both.")
    if asked.made:
        backend = load_backend(asked.model, cache=asked.cache.expanduser())
        words = asked.words or scratch
        questions = list(
            ask_made(backend, made_folders(words, asked.made, asked.split, asked.seed), words / "made")
        )
        Console().print(f"made-up documents ({asked.split}), model {backend.model_id}", made_table(questions))
    return _run_real(asked, scratch) if asked.docs is not None else 0


def _run_real(asked: argparse.Namespace, scratch: Path) -> int:
    if not asked.docs.is_dir():
        raise UsageError(f"{asked.docs} is no folder.", remedy="Give the folder that has the scans.")
    read = list(readings(asked.docs, labels_of(asked.labels), asked.words or scratch))
    if not read:
        raise UsageError(f"{asked.docs} has none of the labelled pages that could be read.")
    schema, backend = schema_of(scratch), load_backend(asked.model, cache=asked.cache.expanduser())
    seen = ask(backend, schema, (document for _, document in read))
    blind = ask(backend, schema, (blanked(document) for _, document in read))
    table = Table(
        "question", "yes", "no", "right", "balanced", "right, blanked", "balanced, blanked", "changed"
    )
    for question in QUESTIONS:
        truths = [label.marks[question] for label, _ in read]
        with_image, without = [a[question] for a in seen], [a[question] for a in blind]
        shares = [*accuracy(truths, with_image), *accuracy(truths, without)]
        changed = sum(a != b for a, b in zip(with_image, without, strict=True))
        counts = [str(sum(truths)), str(len(truths) - sum(truths))]
        table.add_row(question, *counts, *(f"{share:.2f}" for share in shares), str(changed))
    Console().print(f"{len(read)} pages, model {backend.model_id}", table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
