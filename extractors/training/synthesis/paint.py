"""Drawing on pages from top to bottom: text that wraps and breaks over pages, boxes, stamps, signatures."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.pdfbase.pdfmetrics import registerFont, stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from extractors.training.synthesis.facts import Align, Check, CheckStyle, Signature, Stamp
from extractors.training.synthesis.marks import (
    TICKS,
    draw_ring,
    draw_signature,
    draw_stamp,
    draw_strike,
    draw_tick,
    stamp_size,
)

_FOLDER = Path(__file__).parent / "fonts"
SANS = ("Arimo", "BarlowCondensed", "Helvetica", "Times-Roman", "Courier", "CourierPrime")
PENS = {
    "Caveat": 1.4,
    "PatrickHand": 1.15,
    "ReenieBeanie": 1.65,
}  # how much larger than print they are written
HANDS = (*PENS, "SpecialElite", "CourierPrime")
_BOLD = {"Helvetica": "Helvetica-Bold", "Times-Roman": "Times-Bold", "Courier": "Courier-Bold"}
_GAP = 0.36  # ems between words by hand: pens have narrow spaces, and words must not run together
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


@lru_cache(maxsize=100_000)
def _width(text: str, font: str) -> float:
    """In ems. Words come again and again, and measuring them is half the work of a page."""
    return float(stringWidth(text, font, 1))


_color = cache(HexColor)


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
    ink: str = "#101060"


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
        ink=chance.choice(("#101060", "#1b3a8c", "#222222", "#303030")),
    )


class Painter:
    """Pages of one size with a cursor ``y``, in points from the top; a page that is full is ended."""

    def __init__(self, style: Style, title: str) -> None:
        self.style = style
        self.x0, self.x1 = style.margin, style.width - style.margin
        self.y = style.margin
        self.pages = 1
        self.on_page: Callable[[], None] | None = None  # draws what stands on every page, before it ends
        self._out = io.BytesIO()
        self._counted: set[float] = set()
        self._canvas = Canvas(self._out, pagesize=(style.width, style.height), invariant=1)
        self._canvas.setTitle(title)

    @property
    def leading(self) -> float:
        """Between baselines of plain text."""
        return self.style.size * 1.35

    def measure(self, text: str, size: float, bold: bool = False, font: str = "") -> float:
        """Width in points."""
        return _width(text, _font(font or self.style.font, bold)) * size

    def wrap(self, text: str, width: float, size: float, bold: bool = False, font: str = "") -> list[str]:
        """Lines that fit. A word wider than ``width`` stands alone; `fit` makes it smaller."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.measure(f"{lines[-1]} {word}", size, bold, font) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines or [""]

    def fits(self, height: float) -> bool:
        """Whether ``height`` is left on the page."""
        return self.y + height <= self.style.height - self.style.margin

    def room(self, height: float) -> None:
        """Ends the page when less than ``height`` is left."""
        if not self.fits(height):
            if self.on_page:
                self.on_page()
            self._canvas.showPage()
            self.pages += 1
            self.y = self.style.margin

    def page_count(self, x: float, y: float, size: float) -> None:
        """The number of all pages, which is known at the end only, with its top left corner at ``x, y``."""
        self._canvas.saveState()
        self._canvas.translate(x, self.style.height - y - size)
        self._canvas.doForm(f"pages{size:g}")
        self._canvas.restoreState()
        self._counted.add(size)

    def put(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, align: Align = "left",
        color: str = "#000000", font: str = "", width: float = 0,
    ) -> None:  # fmt: skip
        """One line with its top at ``y``; set smaller when it is wider than ``width``."""
        wide = self.measure(text, size, bold, font)
        if width and wide > width:
            size, wide = size * width / wide, width
        left = x - {"left": 0, "right": wide, "center": wide / 2}[align]
        self._canvas.setFillColor(_color(color))
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
        self._canvas.setStrokeColor(_color("#444444"))
        self._canvas.setLineWidth(weight)
        self._canvas.setDash(2, 2) if dash else self._canvas.setDash()
        self._canvas.line(x0, self.style.height - y, x1, self.style.height - y)

    def rule_down(self, x: float, y0: float, y1: float) -> None:
        """A dashed vertical line, to tear along."""
        self._canvas.setStrokeColor(_color("#444444"))
        self._canvas.setLineWidth(0.5)
        self._canvas.setDash(2, 2)
        self._canvas.line(x, self.style.height - y0, x, self.style.height - y1)

    def bars(
        self, x: float, y: float, width: float, height: float, chance: random.Random, upright: bool = True
    ) -> None:
        """What looks like a bar code; bars run across when not ``upright``."""
        self._canvas.setFillColor(_color("#000000"))
        at, end = 0.0, width if upright else height
        while at < end - 3:
            bar = chance.choice((0.8, 0.8, 1.6, 2.4))
            if upright:
                self._canvas.rect(x + at, self.style.height - y - height, bar, height, stroke=0, fill=1)
            else:
                self._canvas.rect(x, self.style.height - y - at - bar, width, bar, stroke=0, fill=1)
            at += bar + chance.choice((0.8, 1.6, 2.4))

    def box(
        self, x: float, y: float, width: float, height: float, fill: str = "", stroke: bool = True
    ) -> None:
        """A rectangle with its top left corner at ``x, y``."""
        self._canvas.setStrokeColor(_color("#444444"))
        self._canvas.setLineWidth(0.5)
        self._canvas.setDash()
        if fill:
            self._canvas.setFillColor(_color(fill))
        self._canvas.rect(
            x, self.style.height - y - height, width, height, stroke=int(stroke), fill=int(bool(fill))
        )

    def logo(self, x: float, y: float, chance: random.Random) -> None:
        """A mark of 28 points: circle, diamond or bars."""
        self._canvas.setFillColor(_color(self.style.color))
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
        """A question and its options in one line each."""
        if check.label:
            self.flow(check.label, bold=True)
        mark = chance.choice(TICKS)
        for text, ticked in check.options:
            lines = self.wrap(text, self.x1 - self.x0 - 24, self.style.size)
            self.room(self.leading * len(lines))
            left = self.x0 + 6
            self.option(left, self.y + 1, lines[0], ticked, check.style, mark, chance)
            indent = self.style.size + 8 if check.style in ("box", "round") else 0
            self.y = self.block(left + indent, self.y + self.leading, self.x1 - left - indent, lines[1:]) + 2

    def option(
        self, x: float, y: float, text: str, chosen: bool, style: CheckStyle, mark: str, chance: random.Random,
        after: bool = False,
    ) -> float:  # fmt: skip
        """One line of an option with its top at ``y``, chosen or not; its right end.

        ``mark`` is of `TICKS`; a box stands before its text, or ``after`` it.
        """
        size, bottom = self.style.size, self.style.height - y - self.style.size
        seed = chance.getrandbits(32)
        boxed = style in ("box", "round")
        wide = self.measure(text, size)
        at, end = x, x + wide
        if boxed:
            at, x = (x + wide + 5, x) if after else (x, x + size + 8)
            end = at + size if after else x + wide
            if style == "box":
                self.box(at, y, size, size)
            else:
                self.ring(at + size / 2, y + size / 2, size / 2)
            if chosen:
                draw_tick(self._canvas, at, bottom, size, mark, seed)
        self.put(x, y - 1, text, size)
        if style == "ring" and chosen:
            draw_ring(self._canvas, x, bottom, wide, size, seed)
        elif style == "strike" and not chosen:
            draw_strike(self._canvas, x, bottom, wide, size, seed)
        return end

    def ring(self, x: float, y: float, radius: float) -> None:
        """A printed circle around ``x, y``."""
        self._canvas.setStrokeColor(_color("#444444"))
        self._canvas.setLineWidth(0.5)
        self._canvas.setDash()
        self._canvas.circle(x, self.style.height - y, radius, stroke=1, fill=0)

    def sign(self, signature: Signature, x: float = 0, width: float = 190) -> None:
        """A line to sign on, with what stands below it, and the drawn curve if somebody signed."""
        self.room(62)
        x, top = x or self.x0, self.y + 38
        self.rule(top, x, x + width)
        if signature.curve is not None:
            draw_signature(self._canvas, x + 12, self.style.height - top + 3, signature.curve)
        below = [text for text in (signature.label, signature.name) if text]
        self.y = self.block(x, top + 3, width, below, 8) + 8

    def stamp(self, stamp: Stamp, x: float | None = None, y: float | None = None, size: float = 13.0) -> None:
        """A stamp around ``x, y``; without them below the cursor, on a page with room for it."""
        width, height = stamp_size(stamp, size)
        if x is None or y is None:
            self.room(height)
            x, y = min(self.x1 - width / 2, self.x0 + width), self.y + height / 2
            self.y += height
        draw_stamp(self._canvas, stamp, x, self.style.height - y, size)

    def write(
        self, x: float, y: float, text: str, size: float, chance: random.Random, width: float = 0
    ) -> None:
        """A line filled in with the style's hand: in ink, a little uneven for pens; top at ``y``."""
        font, pen = self.style.hand, self.style.hand in PENS
        size *= PENS.get(font, 1.0)
        wide = self.measure(text, size, font=font)
        if width and wide > width:
            size *= width / wide
        color = self.style.ink if pen else "#222222"
        for word in text.split():  # lifted a little, never so much that a line falls apart
            lift = chance.uniform(-0.06, 0.06) * size if pen else 0
            self.put(x, y + lift, word, size, color=color, font=font)
            x += self.measure(word, size, font=font) + max(self.measure(" ", size, font=font), _GAP * size)

    def pdf(self) -> bytes:
        """Ends the document."""
        if self.on_page:
            self.on_page()
        self._canvas.showPage()
        for size in self._counted:
            self._canvas.beginForm(f"pages{size:g}")
            self._canvas.setFont(_font(self.style.font, False), size)
            self._canvas.drawString(0, 0, str(self.pages))
            self._canvas.endForm()
        self._canvas.save()
        return self._out.getvalue()
