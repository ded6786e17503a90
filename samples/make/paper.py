"""A sheet to draw on, top left origin, and what a sample is: its pages and what is true of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import reportlab
from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

MM = 72 / 25.4
A4 = (210 * MM, 297 * MM)
LETTER = (612.0, 792.0)

Align = Literal["left", "right", "center"]

for _name, _file in (("Vera", "Vera.ttf"), ("Vera-Bold", "VeraBd.ttf")):
    pdfmetrics.registerFont(TTFont(_name, str(Path(reportlab.__file__).parent / "fonts" / _file)))


@dataclass
class Truth:
    """What stands on a document: by path, the text as printed and the typed value."""

    values: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def add(self, path: str, printed: str | None, value: str | None = None) -> str:
        """Records a value and hands the printed text back for drawing; ``value`` where it differs."""
        self.values[path] = (printed, printed if value is None else value)
        return printed or ""

    def absent(self, *paths: str) -> None:
        """Records that these fields are not on the document."""
        for path in paths:
            self.values[path] = (None, None)


class Sheet:
    """Pages of one size. Coordinates are points from the top left; text hangs from its baseline at ``y``."""

    def __init__(self, size: tuple[float, float], title: str, font: str = "Helvetica") -> None:
        self.width, self.height = size
        self.font = font
        self._out = io.BytesIO()
        # invariant: no creation date and no random id, so that a document is made the same every time
        self._canvas = Canvas(self._out, pagesize=size, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor("parquetry samples")

    def text(
        self, x: float, y: float, text: str, size: float = 10, *, bold: bool = False, align: Align = "left",
        color: str = "#000000",
    ) -> None:  # fmt: skip
        """One line of text; ``x`` is its left end, right end or middle."""
        canvas = self._canvas
        canvas.setFont(f"{self.font}-Bold" if bold else self.font, size)
        canvas.setFillColor(HexColor(color))
        draw = {
            "left": canvas.drawString,
            "right": canvas.drawRightString,
            "center": canvas.drawCentredString,
        }
        draw[align](x, self.height - y, text)

    def lines(
        self, x: float, y: float, lines: Iterable[str], size: float = 10, leading: float = 1.3
    ) -> float:
        """Lines below each other; the baseline after the last one."""
        for line in lines:
            self.text(x, y, line, size)
            y += size * leading
        return y

    def row(
        self, y: float, cells: Iterable[tuple[float, str, Align]], size: float = 9, *, bold: bool = False
    ) -> None:
        """Cells on one baseline: ``(x, text, align)``."""
        for x, text, align in cells:
            self.text(x, y, text, size, bold=bold, align=align)

    def rule(
        self, x0: float, y: float, x1: float, weight: float = 0.6, dash: tuple[int, int] | None = None
    ) -> None:
        """A horizontal line."""
        self._canvas.setLineWidth(weight)
        self._canvas.setDash(*dash) if dash else self._canvas.setDash()
        self._canvas.line(x0, self.height - y, x1, self.height - y)

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str = "", weight: float = 0.6
    ) -> None:
        """A rectangle whose top left corner is at ``x, y``."""
        self._canvas.setLineWidth(weight)
        self._canvas.setDash()
        if fill:
            self._canvas.setFillColor(HexColor(fill))
        self._canvas.rect(
            x, self.height - y - height, width, height, stroke=int(weight > 0), fill=int(bool(fill))
        )

    def page(self) -> None:
        """Ends the page and begins the next."""
        self._canvas.showPage()

    def pdf(self) -> bytes:
        """Ends the document."""
        self._canvas.save()
        return self._out.getvalue()


@dataclass(frozen=True)
class Sample:
    """One sample document.

    Attributes:
        path: under ``samples/``.
        schema: what it is extracted with.
        about: one sentence for the README.
        outcome: how reading should end: ``extracted``, ``wrong_document_type``, or a failure reason.
        data: the bytes of the file.
        truth: what stands on it, where something does.
        source: the digital PDF that a scan or photo was made from.
    """

    path: str
    schema: str
    about: str
    outcome: str
    data: bytes
    truth: Truth | None = None
    source: bytes | None = None


Layout = Callable[[], tuple[bytes, Truth]]
