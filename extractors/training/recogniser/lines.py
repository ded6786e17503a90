"""Lines to train on: cut as the reader cuts them, with what people or the maker of the page say stands there."""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
from numpy.typing import NDArray
from PIL import Image
from rapidfuzz import fuzz

from extractors.options import ReadOptions
from extractors.reading.document_reading import make_request
from extractors.reading.geometry import Frame2D
from extractors.reading.media import SNIFF_BYTES, detect_media_type
from extractors.reading.ocr import Recogniser
from extractors.reading.raster import to_raster
from extractors.reading.request import Raster
from extractors.reading.source import open_source
from extractors.training.recogniser.targets import target
from extractors.training.stream import document_path
from extractors.training.synthesis.kinds import KINDS
from extractors.training.synthesis.sheet_reading import read_sheet
from extractors.training.synthesis.sheets import make_sheet
from extractors.training.synthesis.wear import wear_out
from schemas.document import Box
from schemas.errors import DocumentError

HEIGHT = 48
"""Pixels: what the recogniser makes of the height of any line."""
_ALIKE = 70.0
"""Percent: a transcript that is less like the reading belongs to another line."""
_INSIDE, _SHARED = 0.35, 0.25
"""Share of a transcript's box in the line it belongs to; one with so much in a second line belongs to none."""
_DPI = 150
_LONGEST = 1100
"""Pixels: longer lines are left out, for they cost as much as ten others."""

Crop = NDArray[np.uint8]
Transcript = tuple[Box, str]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document. ``target`` is what it should be read as, where that is known; ``score`` is 0 to 1."""

    document: str
    pixels: Crop
    read: str
    score: float
    target: str | None = None

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class _Cut:
    line: Line
    box: Box


def labelled_lines(folder: Path, ids: Sequence[str], transcripts: str, reader: Recogniser) -> Iterator[Line]:
    """Lines of the first pages of labelled images.

    Args:
        folder: with ``docs/``.
        ids: of documents.
        transcripts: folder in it with ``<id>.json``: lists of ``{"box": [x0, y0, x1, y1], "text": ...}`` in pixels.
        reader: cuts and reads them.
    """
    for identity in ids:
        path = document_path(folder, identity)
        raster = _raster(path)
        if raster is None:
            continue
        with Image.open(path) as image:
            scale = raster.width / image.width
        listed = json.loads((folder / transcripts / f"{identity}.json").read_text(encoding="utf-8"))
        known = [(Box(*(edge * scale for edge in one["box"])), str(one["text"])) for one in listed]
        for line, text in _matched(_cut(identity, raster, reader), known):
            wanted = target(line.read, text) if text and _alike(line.read, text) else None
            yield replace(line, target=wanted)


def other_lines(folder: Path, ids: Sequence[str], reader: Recogniser) -> Iterator[Line]:
    """Lines of the first pages of documents of which nothing is known."""
    for identity in ids:
        raster = _raster(document_path(folder, identity))
        yield from (cut.line for cut in (_cut(identity, raster, reader) if raster else ()))


def made_up_lines(count: int, seed: int, reader: Recogniser) -> Iterator[Line]:
    """Lines of the first pages of made-up scans, in the languages that these are made in."""
    kinds = list(KINDS)
    for number in range(count):
        sheet = make_sheet(seed + number, kinds[number % len(kinds)])
        chance = random.Random(seed + number)
        page = read_sheet(sheet).pages[0]
        with pdfium.PdfDocument(sheet.pdf) as document:
            drawn = np.asarray(document[0].render(scale=_DPI / 72).to_pil().convert("L"))
        worn = wear_out(drawn, chance, chance.random())
        frame, scale = Frame2D(page.width, page.height), drawn.shape[1] / page.width
        known = []
        for word in page.words:
            box = worn.place(word.box, frame)
            known.append((Box(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale), word.text))
        name = f"{sheet.locale}/{sheet.kind}/{sheet.seed}"
        cuts = _cut(name, to_raster(Image.fromarray(worn.pixels)), reader)
        for line, text in _matched(cuts, known):
            yield replace(line, target=text if text and _alike(line.read, text) else None)


def _raster(path: Path) -> Raster | None:
    """The first page as the reader draws it for recognition; ``None`` where it has no need of that."""
    data = path.read_bytes()
    request = make_request(detect_media_type(data[:SNIFF_BYTES]), ReadOptions(), ())
    try:
        with open_source(request, data, lambda _: None) as source:
            return source.read_page(1, lambda _: None).raster
    except DocumentError:
        return None


def _cut(document: str, raster: Raster, reader: Recogniser) -> list[_Cut]:
    cuts = []
    for found in reader.cut_lines(raster):
        height, width = found.pixels.shape[:2]
        wide = math.ceil(HEIGHT * width / height)
        if wide <= _LONGEST:
            pixels = np.asarray(cv2.resize(found.pixels, (wide, HEIGHT)), dtype=np.uint8)
            cuts.append(_Cut(Line(document, pixels, found.text, found.score), found.box))
    return cuts


def _matched(cuts: Sequence[_Cut], known: Sequence[Transcript]) -> Iterator[tuple[Line, str]]:
    """Each line with what is known to stand there, left to right; ``""``: nothing, or nothing sure."""
    inside: defaultdict[int, list[tuple[float, str]]] = defaultdict(list)
    unsure: set[int] = set()
    for box, text in known:
        area = max((box.x1 - box.x0) * (box.y1 - box.y0), 1e-6)
        shares = sorted(((_common(cut.box, box) / area, at) for at, cut in enumerate(cuts)), reverse=True)
        if not shares or shares[0][0] < _INSIDE:
            continue
        unsure |= {at for _, at in shares[:2]} if len(shares) > 1 and shares[1][0] > _SHARED else set()
        inside[shares[0][1]].append((box.x0, text))
    for at, cut in enumerate(cuts):
        yield cut.line, "" if at in unsure else " ".join(text for _, text in sorted(inside[at]))


def _common(one: Box, other: Box) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)


def _alike(read: str, text: str) -> bool:
    return fuzz.ratio("".join(read.upper().split()), "".join(text.upper().split())) > _ALIKE
