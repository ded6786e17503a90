"""What paper, scanners, cameras and fax machines do to a page: pixels, and where each point of the page ends up.

All on grey pages with OpenCV, which the recogniser brings along; sizes are in shares of the page's longer side, so that
the same draw looks alike at any resolution. The larger libraries for this were left out: augraphy and albumentations
bring numba, scipy and scikit-image, and place no word boxes on a bent page.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from extractors.reading.geometry import Frame2D, clip_box
from schemas.document import Box

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
_PHOTO = 0.35
"""Share of pages that are photographed, not scanned."""
_FAX = 0.07
"""Share that went through a fax machine or a copier that knows black and white only."""


@dataclass(frozen=True, slots=True)
class WornPage:
    """A page after wear. ``warp`` takes shares of the page's width and height to those of the picture."""

    pixels: Grey
    warp: NDArray[np.float64]

    def place(self, box: Box, frame: Frame2D) -> Box:
        """The upright box around where a box of the page lies in the picture, both in points of the page."""
        corners = [(x / frame.width, y / frame.height) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
        ends = cv2.perspectiveTransform(np.array([corners], dtype=np.float64), self.warp)[0]
        (x0, y0), (x1, y1) = ends.min(axis=0), ends.max(axis=0)
        width, height = frame.width, frame.height
        return clip_box(
            Box(float(x0) * width, float(y0) * height, float(x1) * width, float(y1) * height), frame
        )


def wear_out(page: Grey, chance: random.Random, wear: float) -> WornPage:
    """Makes a clean page a scan or a photograph.

    Args:
        page: rows of grey pixels.
        chance: what is drawn.
        wear: 0 for the best scanner and paper, 1 for the worst.
    """
    noise = np.random.default_rng(chance.getrandbits(48))
    photo = chance.random() < _PHOTO
    side = max(page.shape)
    pixels = page.astype(np.float32)

    def may(share: float) -> bool:
        return chance.random() < share * (0.4 + 0.9 * wear)

    if may(0.25):
        pixels = _ink(pixels, chance, side)
    if may(0.3):  # print pales
        pixels = 255 - (255 - pixels) * chance.uniform(1 - 0.65 * max(wear, 0.2), 1)
    if may(0.15):
        pixels = _bleed(pixels, chance, side)
    if may(0.3):
        pixels = _speckle(pixels, chance, noise, wear)
    if may(0.25):
        pixels = _fold(pixels, chance, noise)
    pixels, warp = _warped(pixels, chance, photo, wear)
    if photo or may(0.3):
        pixels = _lit(pixels, chance, photo, wear)
    if may(0.6):
        softness = side * chance.uniform(0.0001, 0.0002 + 0.0005 * wear)
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), softness), dtype=np.float32)
    if may(0.12):
        pixels = _moved(pixels, chance, side)
    if may(0.3):
        pixels = _coarse(pixels, chance.uniform(1 - 0.5 * max(wear, 0.2), 0.95))
    if photo or may(0.5):
        pixels = pixels + noise.normal(0, chance.uniform(1, 4 + 12 * wear), pixels.shape).astype(np.float32)
    worn = np.clip(pixels, 0, 255).astype(np.uint8)
    if not photo and chance.random() < _FAX:
        worn = _faxed(worn, chance)
    return WornPage(_compressed(worn, round(chance.uniform(90 - 60 * wear, 92))), warp)


def _ink(pixels: Floats, chance: random.Random, side: int) -> Floats:
    """Ink that ran, or did not reach everywhere; on a page fine enough to show it."""
    kernel = np.ones((2, 2), dtype=np.uint8)
    change = cv2.erode if chance.random() < 0.6 else cv2.dilate
    mixed = 0.75 if side > 1400 else 0.3
    out: Floats = np.asarray(mixed * change(pixels, kernel) + (1 - mixed) * pixels, dtype=np.float32)
    return out


def _bleed(pixels: Floats, chance: random.Random, side: int) -> Floats:
    """Print of the other side, mirrored and faint: of this very page, which has the right density."""
    back = cv2.GaussianBlur(pixels[:, ::-1], (0, 0), side * 0.001)
    back = np.roll(back, round(side * chance.uniform(-0.05, 0.05)), axis=0)
    paled = 255 - (255 - back) * chance.uniform(0.05, 0.2)
    out: Floats = np.asarray(np.minimum(pixels, paled), dtype=np.float32)
    return out


def _speckle(pixels: Floats, chance: random.Random, noise: np.random.Generator, wear: float) -> Floats:
    """Dust: dots of black, and of white where ink came off."""
    out = pixels.copy()
    height, width = out.shape
    for _ in range(round(chance.uniform(20, 60 + 400 * wear))):
        x, y = int(noise.integers(width)), int(noise.integers(height))
        size = 1 + int(noise.integers(2)) * (max(out.shape) > 1400)
        out[y : y + size, x : x + size] = chance.choice((30.0, 80.0, 235.0))
    return out


def _fold(pixels: Floats, chance: random.Random, noise: np.random.Generator) -> Floats:
    """Creases across or down the page: a bright edge where paper broke, a shade beside it."""
    out = pixels.copy()
    for _ in range(chance.choice((1, 1, 2))):
        down = chance.random() < 0.3
        lines = out.T if down else out
        size = lines.shape[0]
        at = size * chance.choice((1 / 3, 1 / 2, 2 / 3)) + chance.uniform(-0.03, 0.03) * size
        far = (np.arange(size, dtype=np.float32) - at)[:, None]
        far = far + np.cumsum(noise.normal(0, 0.15, lines.shape[1])).astype(np.float32)[None, :]
        shade = chance.uniform(0.04, 0.2) * np.exp(-np.maximum(far, 0) / (size * 0.015)) * (far >= 0)
        crease = np.exp(-((far / max(size * 0.0008, 0.7)) ** 2)) * chance.uniform(0.2, 0.7)
        lines[:] = lines * (1 - shade) + (235 - lines) * crease
    return out


def _warped(
    pixels: Floats, chance: random.Random, photo: bool, wear: float
) -> tuple[Floats, NDArray[np.float64]]:
    """The page laid askew; a photograph in perspective, on a table."""
    bend = (0.045 if photo else 0.004) * (0.3 + wear)
    angle = np.radians(chance.gauss(0, 0.4 + 1.2 * wear) if chance.random() < 0.8 else 0.0)
    angle = float(np.clip(angle, -0.08, 0.08))
    zoom = chance.uniform(0.9, 1.0) if photo else chance.uniform(0.975, 1.0)
    height, width = pixels.shape
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    half = np.array([width, height]) / 2
    ends = []
    for x, y in ((0, 0), (width, 0), (width, height), (0, height)):
        moved = np.array([chance.uniform(0, bend) * width, chance.uniform(0, bend) * height])
        inward = np.array([x, y]) + moved * np.where(np.array([x, y]) > 0, -1, 1)
        ends.append(turn @ ((inward - half) * zoom) + half)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    across = cv2.getPerspectiveTransform(corners, np.array(ends, dtype=np.float32))
    ground = (
        chance.choice((40.0, 90.0, 150.0, 200.0)) if photo else chance.choice((255.0, 255.0, 245.0, 15.0))
    )
    moved_pixels = cv2.warpPerspective(
        pixels,
        across,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=ground,
    )
    scale = np.diag([width, height, 1.0])
    warp = np.linalg.inv(scale) @ across @ scale
    return moved_pixels.astype(np.float32), warp


def _lit(pixels: Floats, chance: random.Random, photo: bool, wear: float) -> Floats:
    """Light from one side, and in photographs a shadow with a soft edge."""
    height, width = pixels.shape
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    turn = chance.uniform(0, 2 * np.pi)
    slope = np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5)
    light = 1 - chance.uniform(0.02, 0.1 + 0.25 * wear) * (0.5 + slope)
    if photo and chance.random() < 0.5:
        turn = chance.uniform(0, 2 * np.pi)
        edge = np.cos(turn) * (x - chance.uniform(0.2, 0.8)) + np.sin(turn) * (y - chance.uniform(0.2, 0.8))
        light = light * (1 - chance.uniform(0.1, 0.45) / (1 + np.exp(-edge * chance.uniform(12, 60))))
    return np.asarray(pixels * light * (chance.uniform(0.82, 1.0) if photo else 1.0), dtype=np.float32)


def _moved(pixels: Floats, chance: random.Random, side: int) -> Floats:
    """A hand that shook, a sheet that slipped."""
    length = max(2, round(side * chance.uniform(0.0008, 0.002)))
    kernel = np.zeros((length, length), dtype=np.float32)
    kernel[length // 2, :] = 1 / length
    kernel = kernel if chance.random() < 0.5 else kernel.T
    return np.asarray(cv2.filter2D(pixels, -1, kernel), dtype=np.float32)


def _coarse(pixels: Floats, factor: float) -> Floats:
    """Fewer pixels, then as many as before."""
    height, width = pixels.shape
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _faxed(pixels: Grey, chance: random.Random) -> Grey:
    """Black and white only."""
    block = max(15, max(pixels.shape) // 40) | 1
    found: Any = cv2.adaptiveThreshold(
        pixels, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, block, chance.uniform(12, 25)
    )
    return np.asarray(found, dtype=np.uint8)


def _compressed(pixels: Grey, quality: int) -> Grey:
    """Through JPEG and back."""
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
