"""The report to look at: one HTML file without anything from the network, its pictures inside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image, ImageDraw

from extractors.evaluation.results import DocumentResult, LeafResult
from schemas.document import Box

DPI = 110.0
AROUND_X, AROUND_Y = 110.0, 26.0
"""Points of the page around a value that a crop shows."""
_LEFT, _TOP, _WIDE, _HIGH = 40.0, 10.0, 260.0, 250.0
"""The frame of a plot, in pixels."""

DrawPage = Callable[[str, int, int], bytes | None]
"""A page as PNG at `DPI`, by its document's name, its number, and how it was turned; ``None``: it cannot be drawn."""


@dataclass(frozen=True, slots=True)
class ShownError:
    """A leaf that is not right; ``crop``: base64 of a PNG of the place that the given value was taken from."""

    document: str
    leaf: LeafResult
    crop: str = ""


def shown_errors(
    results: Sequence[DocumentResult], most: int, draw: DrawPage | None = None
) -> list[ShownError]:
    """The errors that the model was surest of, first: these are the ones that nobody else would catch.

    Args:
        results: of an evaluation.
        most: so many.
        draw: draws pages, for crops.
    """
    ranked = [
        (_sureness(leaf), result, leaf)
        for result in results
        for leaf in result.claims
        if leaf.verdict != "right"
    ]
    ranked.sort(key=lambda one: -one[0])
    return [ShownError(result.name, leaf, _crop(result, leaf, draw)) for _, result, leaf in ranked[:most]]


def _sureness(leaf: LeafResult) -> float:
    if leaf.probability is not None:
        return leaf.probability
    return leaf.log_probability if leaf.log_probability is not None else -1e9


def _crop(result: DocumentResult, leaf: LeafResult, draw: DrawPage | None) -> str:
    if draw is None or leaf.page is None or not leaf.boxes:
        return ""
    shape = next((page for page in result.pages if page.number == leaf.page), None)
    drawn = draw(result.name, leaf.page, shape.rotation if shape else 0)
    if drawn is None:
        return ""
    with Image.open(io.BytesIO(drawn)) as image:
        page = image.convert("RGB")
    scale = DPI / 72
    boxes = [Box(*(x * scale for x in box)) for box in leaf.boxes]
    pen = ImageDraw.Draw(page)
    for box in boxes:
        pen.rectangle((box.x0 - 2, box.y0 - 2, box.x1 + 2, box.y1 + 2), outline=(200, 30, 30), width=2)
    left, top = min(b.x0 for b in boxes) - AROUND_X * scale, min(b.y0 for b in boxes) - AROUND_Y * scale
    right, bottom = max(b.x1 for b in boxes) + AROUND_X * scale, max(b.y1 for b in boxes) + AROUND_Y * scale
    frame = (max(left, 0), max(top, 0), min(right, page.width), min(bottom, page.height))
    if frame[2] - frame[0] < 1 or frame[3] - frame[1] < 1:
        return ""
    held = io.BytesIO()
    page.crop(frame).convert("P", palette=Image.Palette.ADAPTIVE, colors=32).save(held, "PNG")
    return base64.b64encode(held.getvalue()).decode()


def html(
    figures: dict[str, Any], errors: Sequence[ShownError] = (), against: dict[str, Any] | None = None
) -> str:
    """The page.

    Args:
        figures: of `extractors.evaluation.figures.figures_of`.
        errors: of `shown_errors`.
        against: of `extractors.evaluation.figures.compared`.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))
    risks = figures["risk_coverage"]["curve"] if figures["risk_coverage"] else []
    top = _round_up(max((point["risk"] for point in risks), default=1.0))
    bins = figures["calibration"]["bins"] if figures["calibration"] else []
    return template.render(
        f=figures,
        fields=[*figures["fields"].items(), ("all (micro)", figures["micro"])],
        errors=errors,
        against=against,
        reliability=_points([(one["probability"], one["right"]) for one in bins]),
        risk=_points([(point["coverage"], point["risk"] / top) for point in risks]),
        risk_top=top,
        axes=_axes,
        three=lambda x: f"{x:.3f}",
        percent=lambda x: f"{100 * x:.1f}%",
        listed=lambda counts: ", ".join(f"{name} {count}" for name, count in counts.items()) or "none",
    )


def _round_up(risk: float) -> float:
    return next(top for top in (0.05, 0.1, 0.2, 0.5, 1.0) if risk <= top)


def _points(shares: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_LEFT + _WIDE * x:.1f},{_TOP + _HIGH * (1 - y):.1f}" for x, y in shares)


def _axes(below: str, beside: str, top: float = 1.0) -> Markup:
    """Grid, figures and names of the axes of a plot, as SVG."""
    parts = []
    for step in range(6):
        x, y = _LEFT + _WIDE * step / 5, _TOP + _HIGH * (1 - step / 5)
        parts.append(f'<line class="grid" x1="{x:.0f}" y1="{_TOP}" x2="{x:.0f}" y2="{_TOP + _HIGH}"/>')
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.0f}" x2="{_LEFT + _WIDE}" y2="{y:.0f}"/>')
        parts.append(f'<text x="{x:.0f}" y="{_TOP + _HIGH + 14}" text-anchor="middle">{step / 5:.1f}</text>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 3:.0f}" text-anchor="end">{top * step / 5:.2g}</text>')
    middle = _TOP + _HIGH / 2
    parts.append(
        f'<text x="{_LEFT + _WIDE / 2}" y="{_TOP + _HIGH + 32}" text-anchor="middle">{below}</text>'
        f'<text x="11" y="{middle}" text-anchor="middle" transform="rotate(-90 11 {middle})">{beside}</text>'
    )
    return Markup("".join(parts))
