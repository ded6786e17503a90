"""OCR of one page: RapidOCR finds and reads lines; words, boxes and confidences are worked out here.

The stages of RapidOCR are called one by one, for two reasons. The direction of the page shows after detection
and line classification, so a turned page is put right before the (slow) recognition. And RapidOCR's own word
boxes pair the confidence of the n-th *character* with the n-th *word*, and take mixed scripts apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnxruntime import SessionOptions
from rapidocr import RapidOCR
from rapidocr.inference_engine.onnxruntime.main import OrtInferSession
from rapidocr.main import RapidOCRError
from rapidocr.utils.process_img import map_boxes_to_original

from extractors.reading.ctc import Decode
from extractors.reading.geometry import Frame2D, Quad, clip_box, sides_of
from extractors.reading.glued import glued_at
from extractors.reading.lexicon import Lexicon
from extractors.reading.lines import reading_order
from extractors.reading.request import Raster
from extractors.reading.sideways import Piece, letters_in, on_page, regions_of, uncovered, way_of
from extractors.reading.text import normalise_text
from schemas.document import Box, Word

MODEL = Path(__file__).parent / "models" / "recogniser.onnx"
"""The recogniser of lines, tuned on worn receipts; the README beside it says how."""
_DETECT_SIDE_PX = 1280
"""Longer side of the image in which lines are looked for; they are read at full resolution."""
_MIN_SIDE_PX = 2.0
_LINE_MARGIN = 0.15
"""A line given by its box is cut out with this share of its height around it."""
_MIN_LINE_SCORE = 0.5
"""Lines below this mean confidence are noise (RapidOCR's own default)."""
_TALL = 1.5
"""A line box this much taller than wide runs down the page; RapidOCR turns its crop at the same ratio."""
_TURNED_LETTERS = 3
"""A lone 1 or I is taller than wide as well."""
_TURN_SHARE = 0.6
"""A page is turned when at least this share of its line length votes for it."""
_MIN_VOTES = 3
_TURNED_GAIN = 0.2
"""A line that is upside down on an upright page reads better by this much when it is turned."""
_ECHO_LETTERS = 2
_ECHO_SHARE = 0.7
"""A word of so few letters that lies to this share inside another may be read twice."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Recognised:
    """What OCR made of a page: words on the upright page, and its clockwise quarter turns to get there."""

    words: tuple[Word, ...]
    quarters: int


@dataclass(frozen=True, slots=True)
class CutLine:
    """A line as the recogniser gets it: its pixels, the upright box around it in pixels, and what is read there."""

    pixels: Pixels
    box: Box
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class _Lines:
    crops: list[Pixels]
    boxes: NDArray[np.floating]
    reversed: list[bool]
    turned: list[bool]

    def only(self, chosen: Sequence[int]) -> _Lines:
        """These of them."""
        return _Lines(
            [self.crops[at] for at in chosen],
            self.boxes[list(chosen)],
            [self.reversed[at] for at in chosen],
            [self.turned[at] for at in chosen],
        )


class Recogniser:
    """The OCR models, loaded once."""

    def __init__(self, threads: int, model: Path = MODEL) -> None:
        _let_idle_threads_sleep()
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.return_word_box": True,
                "Rec.model_path": str(model),
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        self._engine.recognize_txt([np.full((48, 96, 3), 255, dtype=np.uint8)])  # loads what is wrapped here
        recogniser: Any = self._engine.text_rec
        recogniser.postprocess_op = Decode(recogniser.postprocess_op, Lexicon.load())

    def warm_up(self) -> None:
        """Loads the models now, so that the first page does not pay for it."""
        self._engine(np.full((64, 256, 3), 255, dtype=np.uint8))

    def read(self, raster: Raster, frame: Frame2D) -> Recognised:
        """Reads a page.

        Args:
            raster: pixels of the page.
            frame: size of the page in points.
        """
        pixels = _pixels_of(raster)
        lines = self._find(pixels)
        quarters = _direction(lines) if lines else 0
        if lines and quarters:
            turned = np.ascontiguousarray(np.rot90(pixels, k=-quarters))
            again = self._find(turned)
            if again and not _direction(again):
                pixels, lines, frame = turned, again, frame.turned(quarters)
            else:
                quarters = 0
        if not lines:
            return Recognised((), 0)
        scale = frame.width / pixels.shape[1]
        along, quads = self._sideways(pixels, lines)
        lines = lines.only(uncovered(list(lines.boxes), quads)) if quads else lines
        words = [
            replace(word, box=clip_box(_scaled(word.box, scale), frame))
            for word in without_echoes([*self._recognise(lines), *along])
        ]
        return Recognised(reading_order(words), quarters)

    def read_lines(self, raster: Raster, boxes: Sequence[Sequence[float]]) -> list[str]:
        """What stands in given boxes (pixels, upright), each taken for one line; ``""`` where nothing does."""
        pixels = _pixels_of(raster)
        found = [""] * len(boxes)
        crops: dict[int, Pixels] = {}
        for index, (x0, y0, x1, y1) in enumerate(boxes):
            margin = _LINE_MARGIN * (y1 - y0)
            rows = slice(max(int(y0 - margin), 0), int(y1 + margin) + 1)
            columns = slice(max(int(x0 - margin), 0), int(x1 + margin) + 1)
            crop = pixels[rows, columns]
            if min(crop.shape[:2]) >= _MIN_SIDE_PX:
                crops[index] = np.ascontiguousarray(crop)
        if not crops:
            return found
        try:
            read = self._engine.recognize_txt(list(crops.values()))
        except RapidOCRError:
            return found
        for index, text in zip(crops, read.txts or (), strict=False):
            found[index] = normalise_text(text)
        return found

    def cut_lines(self, raster: Raster) -> list[CutLine]:
        """The lines of an upright page, to train on; none of a page that is turned."""
        lines = self._find(_pixels_of(raster))
        if lines is None or _direction(lines):
            return []
        upright = [
            at for at, (t, r) in enumerate(zip(lines.turned, lines.reversed, strict=True)) if not (t or r)
        ]
        crops = [lines.crops[at] for at in upright]
        try:
            read = self._engine.recognize_txt(crops) if crops else None
        except RapidOCRError:
            return []
        if read is None or read.txts is None:
            return []
        boxes = [_part(lines.boxes[at], 0.0, 1.0, tall=False) for at in upright]
        return list(map(CutLine, crops, boxes, read.txts, map(float, read.scores)))

    def _find(self, pixels: Pixels) -> _Lines | None:
        """Lines of text with their pixels, each the right way up.

        They are looked for in a smaller image (a third of the time, the same lines), cut from the large one.
        """
        engine = self._engine
        height, width = pixels.shape[:2]
        factor = min(1.0, _DETECT_SIDE_PX / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
        try:
            image, record = engine.preprocess_img(small)
            _, found = engine.detect_and_crop(image, record)
            assert found.boxes is not None
            found_at = map_boxes_to_original(found.boxes, record, *small.shape[:2]) / factor
            boxes = np.array(
                [box for box in found_at if min(sides_of(box)) >= _MIN_SIDE_PX], dtype=np.float32
            )
            if not len(boxes):
                return None
            _, classes = engine.cls_and_rotate(engine.crop_text_regions(pixels, boxes))
        except RapidOCRError:
            return None
        assert classes.cls_res is not None and classes.img_list is not None
        threshold = float(engine.cfg.Cls.cls_thresh)
        reverse = [label == "180" and float(score) > threshold for label, score in classes.cls_res]
        return _Lines(classes.img_list, boxes, reverse, [_is_tall(box) for box in boxes])

    def _sideways(self, pixels: Pixels, lines: _Lines) -> tuple[list[Word], list[Quad]]:
        """Words of print that runs down or up the page, in pixels, and the corners of its lines."""
        height, width = pixels.shape[:2]
        tall = [box for box, turned in zip(lines.boxes, lines.turned, strict=True) if turned]
        usual = [
            min(sides_of(box)) for box, turned in zip(lines.boxes, lines.turned, strict=True) if not turned
        ]
        if not tall or not usual:
            return [], []
        words: list[Word] = []
        quads: list[Quad] = []
        for region in regions_of(tall, median(usual), width, height):
            x0, y0, x1, y1 = region
            found = self._find(np.ascontiguousarray(np.rot90(pixels[y0:y1, x0:x1])))
            across = [] if found is None else [at for at, too in enumerate(found.turned) if not too]
            if found is None or not across:
                continue
            # All of a region runs one way; the classifier, which looks at single lines, errs on stamps.
            down = [np.rot90(found.crops[at], 2 if found.reversed[at] else 0) for at in across]
            try:
                both = [*down, *(np.rot90(crop, 2) for crop in down)]
                read = self._engine.recognize_txt([np.ascontiguousarray(crop) for crop in both])
            except RapidOCRError:
                continue
            if read.txts is None:
                continue
            half = len(across)
            up, chosen = way_of(
                *(
                    [
                        Piece(found.boxes[at], read.txts[n], float(read.scores[n]))
                        for n, at in enumerate(across, start)
                    ]
                    for start in (0, half)
                )
            )
            for at in chosen:
                n = at + half if up else at
                quad = on_page(found.boxes[across[at]], region)
                quads.append(quad)
                words += (
                    replace(word, turned=3 if up else 1)
                    for word in _words(read.txts[n], read.word_results[n], quad, True, up)
                )
        return words, quads

    def _recognise(self, lines: _Lines) -> Iterator[Word]:
        """The words of all lines; those that were turned by themselves are read both ways.

        The page is upright by now, and the classifier errs on faint and short lines: of 50 that it turned on upright
        receipts all 50 had been the right way up. ``0.00`` reads well either way, so turning has to be much better.
        """
        if not lines.crops:
            return  # all of it runs along the page
        doubted = [index for index, reverse in enumerate(lines.reversed) if reverse]
        as_found = [np.ascontiguousarray(np.rot90(lines.crops[index], 2)) for index in doubted]
        try:
            read = self._engine.recognize_txt([*lines.crops, *as_found])
        except RapidOCRError:
            return
        if read.txts is None:
            return
        best = list(range(len(lines.crops)))
        for other, index in enumerate(doubted, start=len(best)):
            if read.scores[other] >= read.scores[index] - _TURNED_GAIN:
                best[index] = other
        for index, chosen in enumerate(best):
            text, reverse = read.txts[chosen], lines.reversed[index] and chosen == index
            if float(read.scores[chosen]) < _MIN_LINE_SCORE or not text.strip():
                continue
            tall = lines.turned[index]
            turned = (3 if reverse else 1) if tall and letters_in(text) >= _TURNED_LETTERS else 0
            for word in _words(text, read.word_results[chosen], lines.boxes[index], tall, reverse):
                yield replace(word, turned=turned) if turned else word


def _let_idle_threads_sleep() -> None:
    """Makes onnxruntime's threads wait without spinning: a third less CPU, and faster on a busy machine.

    RapidOCR has no option for it, so its session options are made by a wrapper, once per process.
    """
    plain: Callable[[dict[str, Any]], SessionOptions] = OrtInferSession._init_sess_opts
    if getattr(plain, "sleeps", False):
        return

    def options(cfg: dict[str, Any]) -> SessionOptions:
        made = plain(cfg)
        made.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return made

    options.sleeps = True  # type: ignore[attr-defined]
    OrtInferSession._init_sess_opts = staticmethod(options)  # type: ignore[method-assign]


def _pixels_of(raster: Raster) -> Pixels:
    return np.frombuffer(raster.data, dtype=np.uint8).reshape(raster.height, raster.width, 3)


def without_echoes(words: list[Word]) -> list[Word]:
    """Drops letters that were read twice.

    The boxes of large print overlap, and each of two neighbours then reads the letter at their border: a
    short word that lies inside another and is its beginning or end is an echo of it.
    """
    return [word for word in words if len(word.text) > _ECHO_LETTERS or not _echoes(word, words)]


def _echoes(word: Word, words: Sequence[Word]) -> bool:
    box = word.box
    area = max((box.x1 - box.x0) * (box.y1 - box.y0), 1e-6)
    for other in words:
        if len(other.text) <= len(word.text) or not (
            other.text.startswith(word.text) or other.text.endswith(word.text)
        ):
            continue
        width = min(box.x1, other.box.x1) - max(box.x0, other.box.x0)
        height = min(box.y1, other.box.y1) - max(box.y0, other.box.y0)
        if width > 0 and height > 0 and width * height >= _ECHO_SHARE * area:
            return True
    return False


def _is_tall(box: NDArray[np.floating]) -> bool:
    width, height = sides_of(box)
    return height >= _TALL * max(width, 1.0)


def _direction(lines: _Lines) -> int:
    """Clockwise quarter turns that put the page upright, by vote of its lines, weighted by their length."""
    votes = [0.0, 0.0, 0.0, 0.0]
    count = 0
    for box, tall, reverse in zip(lines.boxes, lines.turned, lines.reversed, strict=True):
        width, height = sorted(sides_of(box), reverse=True)
        if width < 2 * height:  # a short word says little about its direction
            continue
        count += 1
        # A tall crop was turned counter-clockwise; if that put it upright, the page needs the same.
        votes[(1 if reverse else 3) if tall else (2 if reverse else 0)] += width
    best = max(range(4), key=votes.__getitem__)
    return best if count >= _MIN_VOTES and votes[best] >= _TURN_SHARE * sum(votes) else 0


def _words(text: str, info: Any, quad: NDArray[np.floating], tall: bool, reverse: bool) -> Iterator[Word]:
    """Words of one line: split at spaces, placed by the columns in which their characters were seen."""
    columns = [column for cols in info.word_cols for column in cols]
    confidences = list(info.confs)
    total = float(info.line_txt_len)
    visible = sum(not char.isspace() for char in text)
    exact = len(columns) == visible and len(confidences) == len(text) and total > 0
    for start, end in _tokens(text):
        before = sum(not char.isspace() for char in text[:start])
        if exact:
            first, last = columns[before], columns[before + end - start - 1]
            half = _half_width(columns)
            span = ((first + 0.5 - half) / total, (last + 0.5 + half) / total)
            sure = min(confidences[start:end])
        else:
            span, sure = (start / len(text), end / len(text)), min(confidences, default=0.0)
        if reverse:
            span = (1 - span[1], 1 - span[0])
        token = normalise_text(text[start:end])
        if token:
            box = _part(quad, min(max(span[0], 0.0), 1.0), min(max(span[1], 0.0), 1.0), tall)
            for part in token.split(" "):
                yield Word(part, box, round(min(max(sure, 0.0), 1.0), 4))


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    """Where the words of a line begin and end, those that were read as one taken apart."""
    for start, end in _runs(text):
        cuts = [start, *(start + at for at in glued_at(text[start:end])), end]
        yield from pairwise(cuts)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for index, char in enumerate(text):
        if char.isspace():
            if start is not None:
                yield start, index
            start = None
        elif start is None:
            start = index
    if start is not None:
        yield start, len(text)


def _half_width(columns: Sequence[int]) -> float:
    """Half the usual distance of two characters, in columns."""
    steps = sorted(b - a for a, b in pairwise(columns) if b > a)
    return steps[len(steps) // 2] / 2 if steps else 1.0


def _part(quad: NDArray[np.floating], start: float, end: float, tall: bool) -> Box:
    """The upright box around the part ``start..end`` (0..1) of a line; a tall line runs downwards."""
    top_left, top_right, bottom_right, bottom_left = (corner.astype(float) for corner in quad)
    a, b, c, d = (
        (top_right, bottom_right, bottom_left, top_left)
        if tall
        else (top_left, top_right, bottom_right, bottom_left)
    )
    points = np.array([a + (b - a) * start, a + (b - a) * end, d + (c - d) * start, d + (c - d) * end])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return Box(float(x0), float(y0), float(x1), float(y1))


def _scaled(box: Box, scale: float) -> Box:
    return Box(box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale)
