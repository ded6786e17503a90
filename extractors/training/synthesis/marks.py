"""What people leave on paper: rubber stamps, signatures, ticks, rings around a choice, lines through the others.

All of it is drawn as curves, so that a text layer does not give away what only the picture should answer; a stamp that
is to be read as well gets its words.
"""

from __future__ import annotations

import math
import random
from functools import cache
from pathlib import Path
from typing import Any

from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont as EmbeddedFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from extractors.training.synthesis.facts import Stamp

_FACES = ("Arimo-Bold", "BarlowCondensed-Bold", "CourierPrime-Bold")
_FOLDER = Path(__file__).parent / "fonts"
_READABLE = 7.0  # degrees up to which readers of text layers keep the letters of a line together
_INK = ("#0b1d6b", "#101060", "#111111", "#1a1a1a", "#3a2a7a")


@cache
def _face(name: str) -> tuple[Any, dict[int, str], float]:
    font = TTFont(_FOLDER / f"{name}.ttf")
    return font.getGlyphSet(), font.getBestCmap(), float(font["head"].unitsPerEm)


@cache
def _glyph(face: str, letter: str) -> tuple[tuple[tuple[str, Any], ...], float]:
    """Outline and advance of a letter, in ems."""
    glyphs, names, em = _face(face)
    name = names.get(ord(letter), ".notdef")
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    scaled = tuple((step, tuple((x / em, y / em) for x, y in points)) for step, points in pen.value)
    return scaled, glyphs[name].width / em


def outline_width(text: str, size: float, face: str) -> float:
    """In points."""
    return size * sum(_glyph(face, letter)[1] for letter in text)


def draw_outline(canvas: Canvas, x: float, y: float, text: str, size: float, face: str) -> None:
    """Letters as filled curves, baseline from ``x, y``: seen by everybody, in no text layer."""
    path = canvas.beginPath()
    for letter in text:
        steps, advance = _glyph(face, letter)
        here = (x, y)
        for step, points in steps:
            at = [(x + px * size, y + py * size) for px, py in points]
            if step == "moveTo":
                path.moveTo(*at[0])
            elif step == "lineTo":
                path.lineTo(*at[0])
            elif step == "qCurveTo":
                _quadratic(path, here, at)
            elif step == "curveTo":
                path.curveTo(*at[0], *at[1], *at[2])
            elif step == "closePath":
                path.close()
            here = at[-1] if at else here
        x += advance * size
    canvas.drawPath(path, stroke=0, fill=1, fillMode=1)


def _quadratic(path: PDFPathObject, start: tuple[float, float], points: list[tuple[float, float]]) -> None:
    """TrueType's runs of quadratic curves, with the points on the curve that it leaves out, as cubic ones."""
    for index, (cx, cy) in enumerate(points[:-1]):
        last = index == len(points) - 2
        nx, ny = points[index + 1]
        ex, ey = (nx, ny) if last else ((cx + nx) / 2, (cy + ny) / 2)
        sx, sy = start
        path.curveTo(
            sx + (cx - sx) * 2 / 3, sy + (cy - sy) * 2 / 3, ex + (cx - ex) * 2 / 3, ey + (cy - ey) * 2 / 3, ex, ey
        )  # fmt: skip
        start = (ex, ey)


def stamp_size(stamp: Stamp, size: float = 13.0) -> tuple[float, float]:
    """Width and height that a turned stamp takes, in points."""
    width, height = _stamp_frame(stamp, size)
    turn = math.radians(abs(stamp.angle))
    return (
        width * math.cos(turn) + height * math.sin(turn) + 6,
        height * math.cos(turn) + width * math.sin(turn) + 6,
    )


def _stamp_face(stamp: Stamp) -> str:
    return _FACES[sum(map(ord, "".join(stamp.lines))) % len(_FACES)]


def _stamp_frame(stamp: Stamp, size: float) -> tuple[float, float]:
    face = _stamp_face(stamp)
    width = max(outline_width(line, size, face) for line in stamp.lines) + 18
    height = size * 1.4 * len(stamp.lines) + 10
    if stamp.frame == "round":  # the corners of the text must stay inside
        width, height = width * 1.25, height * 1.5
    return width, height


def draw_stamp(canvas: Canvas, stamp: Stamp, x: float, y: float, size: float = 13.0) -> None:
    """A stamp around the point ``x, y`` of the page (from the bottom left)."""
    width, height = _stamp_frame(stamp, size)
    face = _stamp_face(stamp)
    canvas.saveState()
    canvas.setStrokeAlpha(stamp.strength)
    canvas.setFillAlpha(stamp.strength)
    canvas.translate(x, y)
    canvas.rotate(stamp.angle)
    canvas.setStrokeColor(stamp.color)
    canvas.setFillColor(stamp.color)
    canvas.setDash()
    canvas.setLineWidth(1.6)
    if stamp.frame == "round":
        canvas.ellipse(-width / 2, -height / 2, width / 2, height / 2)
        canvas.setLineWidth(0.7)
        canvas.ellipse(-width / 2 + 3, -height / 2 + 3, width / 2 - 3, height / 2 - 3)
    elif stamp.frame != "none":
        canvas.roundRect(-width / 2, -height / 2, width, height, 4 if stamp.frame == "double" else 0)
        if stamp.frame == "double":
            canvas.setLineWidth(0.6)
            canvas.roundRect(-width / 2 + 2.5, -height / 2 + 2.5, width - 5, height - 5, 3)
    tall = size * 1.4 * len(stamp.lines)
    places = [(line, tall / 2 - (row + 1) * size * 1.4 + size * 0.4) for row, line in enumerate(stamp.lines)]
    for line, below in places:
        draw_outline(canvas, -outline_width(line, size, face) / 2, below, line, size, face)
    canvas.restoreState()
    if not stamp.pixels:
        _words_of(canvas, stamp, places, x, y, size)


def _words_of(
    canvas: Canvas, stamp: Stamp, places: list[tuple[str, float]], x: float, y: float, size: float
) -> None:
    """The text of a stamp as recognisers lay it below a scan: invisible, upright where the turn is too large."""
    turn = math.radians(stamp.angle)
    canvas.saveState()
    canvas.translate(x, y)
    if abs(stamp.angle) <= _READABLE:
        canvas.rotate(stamp.angle)
    for line, below in places:
        height = below if abs(stamp.angle) <= _READABLE else below * math.cos(turn)
        left = 0 if abs(stamp.angle) <= _READABLE else -below * math.sin(turn)
        font = _hidden_font(line)
        text = canvas.beginText()
        text.setTextRenderMode(3)
        text.setFont(font, size * 0.9)
        text.setTextOrigin(left - canvas.stringWidth(line, font, size * 0.9) / 2, height)
        text.textOut(line)
        text.setTextRenderMode(0)
        canvas.drawText(text)
    canvas.restoreState()


def _hidden_font(line: str) -> str:
    """A font that has the letters: one that every viewer has, if it can be."""
    try:
        line.encode("cp1252")
    except UnicodeEncodeError:
        return _registered("Arimo-Bold")
    return "Helvetica-Bold"


@cache
def _registered(name: str) -> str:
    own = (
        f"Stamp-{name}"  # a name that pages do not use for theirs: what is registered anew loses its letters
    )
    registerFont(EmbeddedFont(own, str(_FOLDER / f"{name}.ttf")))
    return own


def draw_signature(canvas: Canvas, x: float, y: float, seed: int) -> None:
    """A scribble of some 60 to 150 points upon the line at ``y``: loops, arches and strokes, as a hand has them."""
    chance = random.Random(seed)
    path = canvas.beginPath()
    tall, slant = chance.uniform(0.6, 1.15), chance.uniform(-0.1, 0.5)
    loops, start = chance.uniform(0, 1), x
    at = (x, y + chance.uniform(2, 12))
    path.moveTo(*at)

    def curve(first: tuple[float, float], second: tuple[float, float], to: tuple[float, float]) -> None:
        """Offsets from where the pen is; heights from the line, slanted."""
        nonlocal at
        points = [(at[0] + dx + dy * tall * slant, y + dy * tall) for dx, dy in (first, second, to)]
        path.curveTo(*points[0], *points[1], *points[2])
        at = points[2]

    high = chance.uniform(20, 30)
    curve((-4, high * 0.7), (4, high * 1.2), (chance.uniform(4, 12), high * 0.6))
    curve((3, -2), (-10, -6), (chance.uniform(2, 10), chance.uniform(0, 6)))
    for _ in range(chance.randint(3, 10)):
        step = chance.uniform(4, 15)
        kind = chance.random()
        if kind < loops * 0.6:  # a loop that crosses itself, up or down
            rise = chance.choice((1, 1, -0.55)) * chance.uniform(12, 24)
            curve((step * 1.6, rise * 0.6), (step * 0.2, rise * 1.3), (step * 0.3, rise * 0.5))
            curve((step * 0.1, 0), (step * 0.4, 0), (step * 0.8, chance.uniform(0, 5)))
        elif kind < 0.8:  # an arch or a cup
            rise = chance.uniform(4, 11)
            curve(
                (step * 0.2, rise),
                (step * 0.8, rise * chance.uniform(0.4, 1.1)),
                (step, chance.uniform(-1, 4)),
            )
        else:
            curve((step, 4), (step * 1.4, 3), (step * 2, chance.uniform(1, 6)))
    if chance.random() < 0.35:
        path.curveTo(at[0] + 14, y + 4, start + 30, y - 5, start + chance.uniform(-6, 12), y - 3)
    canvas.setStrokeColor(chance.choice(_INK))
    canvas.setLineWidth(chance.uniform(0.7, 1.7))
    canvas.setDash()
    canvas.setLineCap(1)
    canvas.drawPath(path)
    canvas.setLineCap(0)


TICKS = ("cross", "hook", "filled", "scrawl", "bar", "dot")


def draw_tick(canvas: Canvas, x: float, y: float, size: float, style: str, seed: int) -> None:
    """A mark in the box whose lower left corner is ``x, y``; ``style`` of `TICKS`."""
    chance = random.Random(seed)

    def off(share: float, spread: float = 0.1) -> float:
        return size * (share + chance.uniform(-spread, spread))

    ink = chance.choice(_INK)
    canvas.setStrokeColor(ink)
    canvas.setFillColor(ink)
    canvas.setLineWidth(chance.uniform(0.9, 1.5))
    canvas.setDash()
    if style == "cross":
        canvas.line(x + off(0.1), y + off(0.1), x + off(0.9), y + off(0.9))
        canvas.line(x + off(0.1), y + off(0.9), x + off(0.9), y + off(0.1))
    elif style == "hook":
        low = (x + off(0.4), y + off(0.15))
        canvas.line(x + off(0.1), y + off(0.55), *low)
        canvas.line(*low, x + off(1.1, 0.15), y + off(1.1, 0.15))
    elif style == "filled":
        canvas.rect(x + size * 0.18, y + size * 0.18, size * 0.64, size * 0.64, stroke=0, fill=1)
    elif style == "dot":
        canvas.circle(x + size / 2, y + size / 2, size * 0.3, stroke=0, fill=1)
    elif style == "bar":
        canvas.line(x + off(0.0), y + off(0.1), x + off(1.0), y + off(0.9))
    else:
        path = canvas.beginPath()
        path.moveTo(x + off(0.1), y + off(0.2))
        for step in range(1, 6):
            path.lineTo(x + off(0.1 + 0.16 * step), y + off(0.85 if step % 2 else 0.15))
        canvas.drawPath(path)


def draw_ring(canvas: Canvas, x: float, y: float, width: float, height: float, seed: int) -> None:
    """A ring by hand around the rectangle whose lower left corner is ``x, y``."""
    chance = random.Random(seed)
    cx, cy = x + width / 2, y + height / 2
    rx, ry = width / 2 + 4, height / 2 + 2.5
    path = canvas.beginPath()
    start = chance.uniform(0, 6.28)
    for step in range(22):  # a little more than once around, and not quite where it began
        turn = start + step * 0.32
        far = 1 + chance.uniform(-0.05, 0.05) + step * 0.004
        at = (cx + rx * far * math.cos(turn), cy + ry * far * math.sin(turn))
        path.lineTo(*at) if step else path.moveTo(*at)
    canvas.setStrokeColor(chance.choice(_INK))
    canvas.setLineWidth(chance.uniform(0.8, 1.3))
    canvas.setDash()
    canvas.setLineJoin(1)
    canvas.drawPath(path)
    canvas.setLineJoin(0)


def draw_strike(canvas: Canvas, x: float, y: float, width: float, height: float, seed: int) -> None:
    """A line by hand, at times a double one, through the rectangle whose lower left corner is ``x, y``."""
    chance = random.Random(seed)
    canvas.setStrokeColor(chance.choice(_INK))
    canvas.setLineWidth(chance.uniform(0.8, 1.3))
    canvas.setDash()
    for _ in range(chance.choice((1, 1, 2))):
        canvas.line(
            x - 2, y + height * chance.uniform(0.3, 0.6), x + width + 2, y + height * chance.uniform(0.3, 0.6)
        )
