"""A part of a page, read once more by OCR: what a person drew a box around, larger than the page was read before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from extractors.options import ReadOptions
from extractors.reading.frames import PAGE, Frame
from extractors.reading.geometry import Frame2D, turn_word
from extractors.reading.process import ReaderChild
from extractors.reading.request import ReadRequest
from extractors.reading.slot import Slot, checked, outcome_of
from schemas.document import Box, Word

REGION_DPI = 300
"""Print that is hard to read at the 200 dpi of a whole page is mostly read at this."""
_SIDE_PX = 2000
"""The recogniser scales anything larger down to this."""
_MARGIN = 9.0
"""White paper around the region, in points."""


class RegionReading:
    """One region on its way through a text child, which draws it, and an OCR child, which reads it."""

    def __init__(self, slot: Slot, path: Path, request: ReadRequest, options: ReadOptions) -> None:
        self._slot, self._path, self._request, self._options = slot, path, request, options
        self._deadline = time.monotonic() + options.max_seconds

    def run(self, box: Box, rotation: int | None) -> tuple[Word, ...]:
        """The words inside ``box``, in reading order, with their places on the page.

        Args:
            box: in points of the upright page.
            rotation: as of `ReaderPool.render`.

        Raises:
            DocumentError: the page cannot be drawn, or reading it took too long.
        """
        width, height = box.x1 - box.x0 + 2 * _MARGIN, box.y1 - box.y0 + 2 * _MARGIN
        dpi = min(float(REGION_DPI), _SIDE_PX * 72 / max(width, height))
        pixels = self._draw(box, dpi, rotation)
        whole = Frame2D(pixels.data["width"] * 72 / dpi, pixels.data["height"] * 72 / dpi)
        words = self._words(pixels, whole) or self._line(pixels, whole)
        return tuple(_moved(word, box.x0 - _MARGIN, box.y0 - _MARGIN) for word in words)

    def _draw(self, box: Box, dpi: float, rotation: int | None) -> Frame:
        data = {
            "read": asdict(replace(self._request, ocr=False)),
            "dpi": dpi,
            "rotation": rotation,
            "box": box.as_list(),
            "margin": _MARGIN,
        }
        return self._ask("text", Frame("region", data), self._path)

    def _words(self, pixels: Frame, whole: Frame2D) -> Sequence[Word]:
        data = {
            "width": pixels.data["width"],
            "height": pixels.data["height"],
            "number": self._request.first,
            "page_width": whole.width,
            "page_height": whole.height,
            "rotation": 0,
            "image_side_px": 0,
        }
        read = PAGE.validate_python(self._ask("ocr", Frame("ocr", data, pixels.body)).data["page"])
        # The recogniser puts upright what it takes for turned; the page stays as the reviewer sees it.
        frame = Frame2D(read.width, read.height)
        return [turn_word(word, frame, -read.rotation // 90 % 4) for word in read.words]

    def _line(self, pixels: Frame, whole: Frame2D) -> Sequence[Word]:
        """The region taken for one line: a single digit is too little for the recogniser to find by itself."""
        edge = _MARGIN * pixels.data["width"] / whole.width
        inner = [edge, edge, pixels.data["width"] - edge, pixels.data["height"] - edge]
        data = {"width": pixels.data["width"], "height": pixels.data["height"], "boxes": [inner]}
        text = self._ask("ocr", Frame("lines", data, pixels.body)).data["texts"][0].strip()
        place = Box(_MARGIN, _MARGIN, whole.width - _MARGIN, whole.height - _MARGIN)
        return [Word(text, place)] if text else []

    def _ask(self, kind: str, frame: Frame, body: Path | None = None) -> Frame:
        with outcome_of(self._slot, kind, str(self._path), self._options):
            child: ReaderChild = self._slot.child(kind, self._deadline)
            child.send(frame, self._deadline, body)
            memory = child.base_memory + (self._options.max_memory_mb << 20)
            return checked(child.receive(self._deadline, memory))


def _moved(word: Word, dx: float, dy: float) -> Word:
    box = word.box
    return replace(word, box=Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy))
