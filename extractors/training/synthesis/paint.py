"""Drawing on pages from top to bottom: text that wraps and breaks over pages, boxes, stamps, signatures."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from extractors.training.synthesis.facts import Align, Check, Signature, Stamp

_FOLDER = Path(__file__).parent / "fonts"
SANS = ("Arimo", "BarlowCondensed", "Helvetica", "Times-Roman", "Courier", "CourierPrime")
HANDS = ("Caveat", "PatrickHand", "ReenieBeanie", "SpecialElite", "CourierPrime")
_BOLD = {"Helvetica": "Helvetica-Bold", "Times-Roman": "Times-Bold", "Courier": "Courier-Bold"}
_LATIN_1 = ("Helvetica", "Times-Roman", "Courier")


@cache
def _font(name: str, bold: bool) -> str:
    """Registers a font when it is first used; the bold one where there is one."""
    if name in _BOLD:
        return _BOLD[name] if bold else name
    file = _FOLDER / f"{name}-{'Bold' if bold else 'Regular'}.ttf"
    if not file.exists():
        return _font(name, False)
    registerFont(TTFont(file.stem, str(file)))
    return file.stem


@dataclass(frozen=True)
class Style:
    """Of one document. ``size`` in points."""

    font: str
    hand: str
    size: float
    color: str
    width: float
    height: float
    margin: float


def choose_style(chance: random.Random, width: float, height: float, slip: bool, latin_1: bool) -> Style:
    """Draws a style; base-14 fonts only for text that they can show."""
    fonts = [name for name in SANS if latin_1 or name not in _LATIN_1]
    monos = [
        name for name in ("Courier", "CourierPrime", "ShareTechMono") if latin_1 or name == "CourierPrime"
    ]
    return Style(
        font=chance.choice(monos if slip else fonts),
        hand=chance.choice(HANDS),
        size=8.0 if slip else chance.choice((8.5, 9.0, 9.5, 10.0, 10.5)),
        color=chance.choice(("#000000", "#000000", "#1f3a5f", "#5b2333", "#28502e")),
        width=width,
        height=height,
        margin=12.0 if slip else chance.choice((40.0, 50.0, 60.0)),
    )


class Painter:
    """Pages of one size with a cursor ``y``, in points from the top; a page that is full is ended."""

    def __init__(self, style: Style, title: str) -> None:
        self.style = style
        self.x0, self.x1 = style.margin, style.width - style.margin
        self.y = style.margin
        self.pages = 1
        self._out = io.BytesIO()
        self._canvas = Canvas(self._out, pagesize=(style.width, style.height), invariant=1)
        self._canvas.setTitle(title)

    @property
    def leading(self) -> float:
        """Between baselines of plain text."""
        return self.style.size * 1.35

    def measure(self, text: str, size: float, bold: bool = False, font: str = "") -> float:
        """Width in points."""
        return float(stringWidth(text, _font(font or self.style.font, bold), size))

    def wrap(self, text: str, width: float, size: float, bold: bool = False, font: str = "") -> list[str]:
        """Lines that fit. A word wider than ``width`` stands alone; `fit` makes it smaller."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.measure(f"{lines[-1]} {word}", size, bold, font) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines or [""]

    def room(self, height: float) -> None:
        """Ends the page when less than ``height`` is left."""
        if self.y + height > self.style.height - self.style.margin:
            self._canvas.showPage()
            self.pages += 1
            self.y = self.style.margin

    def put(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, align: Align = "left",
        color: str = "#000000", font: str = "", width: float = 0,
    ) -> None:  # fmt: skip
        """One line with its top at ``y``; set smaller when it is wider than ``width``."""
        wide = self.measure(text, size, bold, font)
        if width and wide > width:
            size, wide = size * width / wide, width
        left = x - {"left": 0, "right": wide, "center": wide / 2}[align]
        self._canvas.setFillColor(color)
        self._canvas.setFont(_font(font or self.style.font, bold), size)
        self._canvas.drawString(left, self.style.height - y - size, text)

    def block(
        self, x: float, y: float, width: float, texts: Sequence[str], size: float = 0, *, bold: bool = False,
        align: Align = "left", color: str = "#000000", font: str = "",
    ) -> float:  # fmt: skip
        """Wrapped lines from ``y`` on, without a page break; the ``y`` below them."""
        size = size or self.style.size
        anchor = x + {"left": 0, "right": width, "center": width / 2}[align]
        for text in texts:
            for line in self.wrap(text, width, size, bold, font):
                self.put(anchor, y, line, size, bold=bold, align=align, color=color, font=font, width=width)
                y += size * 1.35
        return y

    def flow(
        self, text: str, size: float = 0, *, bold: bool = False, align: Align = "left", color: str = "#000000"
    ) -> None:
        """A paragraph at the cursor that may break over pages."""
        size = size or self.style.size
        width = self.x1 - self.x0
        for line in self.wrap(text, width, size, bold):
            self.room(size * 1.35)
            self.y = self.block(self.x0, self.y, width, [line], size, bold=bold, align=align, color=color)

    def rule(self, y: float, x0: float, x1: float, weight: float = 0.5, dash: bool = False) -> None:
        """A horizontal line."""
        self._canvas.setStrokeColor("#444444")
        self._canvas.setLineWidth(weight)
        self._canvas.setDash(2, 2) if dash else self._canvas.setDash()
        self._canvas.line(x0, self.style.height - y, x1, self.style.height - y)

    def box(
        self, x: float, y: float, width: float, height: float, fill: str = "", stroke: bool = True
    ) -> None:
        """A rectangle with its top left corner at ``x, y``."""
        self._canvas.setStrokeColor("#444444")
        self._canvas.setLineWidth(0.5)
        self._canvas.setDash()
        if fill:
            self._canvas.setFillColor(fill)
        self._canvas.rect(
            x, self.style.height - y - height, width, height, stroke=int(stroke), fill=int(bool(fill))
        )

    def logo(self, x: float, y: float, chance: random.Random) -> None:
        """A mark of 28 points: circle, diamond or bars."""
        self._canvas.setFillColor(self.style.color)
        bottom = self.style.height - y - 28
        shape = chance.randrange(3)
        if shape == 0:
            self._canvas.circle(x + 14, bottom + 14, 13, stroke=0, fill=1)
        elif shape == 1:
            self._canvas.saveState()
            self._canvas.translate(x + 14, bottom + 14)
            self._canvas.rotate(45)
            self._canvas.rect(-9, -9, 18, 18, stroke=0, fill=1)
            self._canvas.restoreState()
        else:
            for bar in range(3):
                self._canvas.rect(x + bar * 9, bottom, 6, 12 + 8 * bar, stroke=0, fill=1)

    def check(self, check: Check, chance: random.Random) -> None:
        """A question and its boxes in one line each, ticked by a cross, a hook or filled."""
        size, mark = self.style.size, chance.randrange(3)
        self.flow(check.label, bold=True)
        for text, ticked in check.options:
            lines = self.wrap(text, self.x1 - self.x0 - 24, size)
            self.room(self.leading * len(lines))
            left, top = self.x0 + 6, self.y + 1
            self.box(left, top, size, size)
            if ticked:
                self._tick(left, self.style.height - top - size, size, mark)
            self.y = self.block(left + size + 8, self.y, self.x1 - left - size - 8, lines) + 2

    def _tick(self, x: float, y: float, size: float, mark: int) -> None:
        canvas = self._canvas
        canvas.setStrokeColor("#101060")
        canvas.setLineWidth(1.2)
        if mark == 0:
            canvas.line(x + 1, y + 1, x + size - 1, y + size - 1)
            canvas.line(x + 1, y + size - 1, x + size - 1, y + 1)
        elif mark == 1:
            canvas.line(x + 1, y + size * 0.5, x + size * 0.4, y + 1)
            canvas.line(x + size * 0.4, y + 1, x + size + 2, y + size + 3)
        else:
            canvas.setFillColor("#101060")
            canvas.rect(x + 2, y + 2, size - 4, size - 4, stroke=0, fill=1)

    def sign(self, signature: Signature) -> None:
        """A line to sign on, with what stands below it, and the drawn curve if somebody signed."""
        self.room(62)
        top = self.y + 38
        self.rule(top, self.x0, self.x0 + 190)
        if signature.curve is not None:
            self._scribble(self.x0 + 12, self.style.height - top + 3, random.Random(signature.curve))
        self.y = (
            self.block(self.x0, top + 3, 240, [text for text in (signature.label, signature.name) if text], 8)
            + 8
        )

    def _scribble(self, x: float, y: float, chance: random.Random) -> None:
        path = self._canvas.beginPath()
        path.moveTo(x, y + 8)
        for _ in range(chance.randint(5, 10)):
            step = chance.uniform(8, 20)
            path.curveTo(x + step * 0.2, y + chance.uniform(8, 30), x + step * 0.9, y + chance.uniform(10, 28),
                x + step, y + chance.uniform(0, 10))  # fmt: skip
            x += step
        self._canvas.setStrokeColor(chance.choice(("#0b1d6b", "#111111")))
        self._canvas.setLineWidth(chance.uniform(0.8, 1.6))
        self._canvas.setDash()
        self._canvas.drawPath(path)

    def stamp(self, stamp: Stamp) -> None:
        """A framed stamp below the cursor, on a page with room for it."""
        size = 13.0
        width = max(self.measure(line, size, True) for line in stamp.lines) + 18
        height = size * 1.4 * len(stamp.lines) + 10
        turn = math.radians(abs(stamp.angle))
        tall = height * math.cos(turn) + width * math.sin(turn) + 12
        self.room(tall)
        canvas = self._canvas
        canvas.saveState()
        canvas.translate(min(self.x1 - width / 2 - 4, self.x0 + width), self.style.height - self.y - tall / 2)
        canvas.rotate(stamp.angle)
        canvas.setStrokeColor(stamp.color)
        canvas.setFillColor(stamp.color)
        canvas.setLineWidth(1.6)
        canvas.setDash()
        canvas.rect(-width / 2, -height / 2, width, height)
        canvas.setFont(_font(self.style.font, True), size)
        for row, line in enumerate(stamp.lines):
            canvas.drawCentredString(0, height / 2 - (row + 1) * size * 1.4 + 1, line)
        canvas.restoreState()
        self.y += tall

    def pdf(self) -> bytes:
        """Ends the document."""
        self._canvas.save()
        return self._out.getvalue()
