"""What OCR makes of a page: its words, or a check of a text layer that nobody can see against the picture."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from rapidfuzz.distance import Indel

from extractors.options import ReadOptions
from extractors.reading.frames import PAGE, Frame
from extractors.reading.process import ReaderChild
from extractors.reading.slot import Slot, checked, outcome_of
from extractors.reading.stamp_text import with_texts
from schemas.document import Doubt, Page
from schemas.errors import DocumentError, foreign
from schemas.outcome import FailureReason, ReviewReason

_OPTIONAL_SHARE = 0.5
"""OCR of pages that have a text layer, only not a trusted one, ends when this share of the time is left."""
_AGREES = 0.6
"""A hidden text layer is that of a scan when so much of its sampled lines is read in the picture, too."""
_CONTRADICTS = 0.5
"""A single line less alike than this says something else than the picture."""
_TELLING_LETTERS = 8
"""Shorter lines say nothing by themselves."""


class Recognising:
    """The OCR of one document.

    Attributes:
        failure: why OCR gave nothing for a page, if it did not.
        seconds: that it took so far.
    """

    def __init__(self, slot: Slot, uri: str, options: ReadOptions) -> None:
        self._slot, self._uri, self._options = slot, uri, options
        self._deadline = 0.0
        self.seconds = 0.0
        self.failure: DocumentError | None = None

    def page(self, page: Page, frame: Frame, deadline: float) -> Page:
        """The page as it stands after OCR.

        Args:
            page: its text layer, if it has one.
            frame: the child's frame, with pixels and what to do with them.
            deadline: end of the document's time (monotonic seconds).

        Raises:
            DocumentError: time is up, and the page has nothing but its pixels.
        """
        self._deadline = deadline
        if frame.data["samples"]:
            return self._check(page, frame)
        return self._read(page, frame, float(frame.data["ocr_share"]) * letters(page))

    def stamps(self, page: Page, frame: Frame, deadline: float) -> Page:
        """The page with what its stamps say; where OCR fails, or time is short, they say nothing."""
        self._deadline = deadline
        strips = frame.data["strips"]
        until = deadline - _OPTIONAL_SHARE * self._options.max_seconds
        if time.monotonic() > until:
            return page
        sheet = {name: strips[name] for name in ("width", "height", "boxes")}
        try:
            answer = self._ask(Frame("lines", sheet, frame.body), until)
        except DocumentError:
            return page
        return replace(page, marks=with_texts(page.marks, strips["marks"], answer.data["texts"]))

    def _read(self, page: Page, frame: Frame, wanted: float) -> Page:
        """The page by OCR, or its text layer where that has more than ``wanted`` letters."""
        deadline = self._deadline - (_OPTIONAL_SHARE * self._options.max_seconds if wanted else 0)
        if wanted and time.monotonic() > deadline:
            return page
        data: dict[str, Any] = {
            **frame.data["raster"],
            "number": page.number,
            "page_width": page.width,
            "page_height": page.height,
            "rotation": page.rotation,
            "image_side_px": self._options.image_side_px,
        }
        try:
            answer = self._ask(Frame("ocr", data, frame.body), deadline)
        except DocumentError as error:
            if wanted:
                return page
            if error.reason is FailureReason.TIMEOUT:
                raise
            self.failure = error
            lost = Doubt(
                f"The page could not be read: OCR failed ({error.reason.value}).", ReviewReason.PAGE_LOST
            )
            return replace(page, source="blank", words=(), warnings=(*page.warnings, lost))
        read = PAGE.validate_python(answer.data["page"])
        if letters(read) < wanted:
            if read.rotation != page.rotation:
                return page
            return replace(page, image=read.image, marks=read.marks, marks_sought=read.marks_sought)
        if read.words:
            return replace(read, warnings=page.warnings)
        nothing = Doubt("Nothing could be read on the page, though it is not blank.", ReviewReason.NO_WORDS)
        return replace(read, source="blank", warnings=(*page.warnings, nothing))

    def _check(self, page: Page, frame: Frame) -> Page:
        """The page with its text layer if OCR reads the same in the picture, else with what OCR reads."""
        samples = frame.data["samples"]
        scale = frame.data["raster"]["width"] / page.width
        boxes = [[value * scale for value in sample["box"]] for sample in samples]
        try:
            answer = self._ask(
                Frame("lines", {**frame.data["raster"], "boxes": boxes}, frame.body), self._deadline
            )
        except DocumentError as error:
            text = f"The text of the page cannot be seen, and OCR could not check it ({error.reason.value})."
            return replace(page, warnings=(*page.warnings, Doubt(text, ReviewReason.TEXT_DISAGREES)))
        pairs = [
            (_squeeze(sample["text"]), _squeeze(text))
            for sample, text in zip(samples, answer.data["texts"], strict=True)
        ]
        alike = [Indel.normalized_similarity(ours, seen) for ours, seen in pairs]
        weights = [len(ours) for ours, _ in pairs]
        share = sum(a * w for a, w in zip(alike, weights, strict=True)) / max(sum(weights), 1)
        if share < _AGREES:
            doubt = Doubt(
                "The text of the page cannot be seen and is not what the picture shows; OCR was used instead.",
                ReviewReason.TEXT_DISAGREES,
            )
            return self._read(replace(page, words=(), warnings=(*page.warnings, doubt)), frame, 0.0)
        odd = [
            sample["text"]
            for sample, likeness, weight in zip(samples, alike, weights, strict=True)
            if likeness < _CONTRADICTS and weight >= _TELLING_LETTERS
        ]
        if odd:
            text = f"Text that cannot be seen is not what the picture shows: {foreign(odd[0][:80])}"
            return replace(page, warnings=(*page.warnings, Doubt(text, ReviewReason.TEXT_DISAGREES)))
        return page

    def _ask(self, request: Frame, deadline: float) -> Frame:
        asked = time.monotonic()
        try:
            return self._answer_to(request, deadline)
        finally:
            self.seconds += time.monotonic() - asked

    def _answer_to(self, request: Frame, deadline: float) -> Frame:
        with outcome_of(self._slot, "ocr", self._uri, self._options):
            began = time.monotonic()
            child: ReaderChild = self._slot.child("ocr", self._deadline)
            # What may end early does not end earlier because a child had to be started.
            deadline = min(deadline + time.monotonic() - began, self._deadline)
            child.send(request, deadline)
            memory = child.base_memory + (self._options.max_memory_mb << 20)
            return checked(child.receive(deadline, memory))


def letters(page: Page) -> int:
    """Letters and digits on the page."""
    return sum(char.isalnum() for word in page.words for char in word.text)


def _squeeze(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
