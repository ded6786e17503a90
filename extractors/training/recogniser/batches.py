"""Batches of lines: worn a little more, of like width, as the recogniser is given them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from extractors.training.recogniser.lines import HEIGHT, Crop, Line

_NARROWEST = 320
"""Pixels: RapidOCR pads narrower lines to this."""
_STRIDE = 8
"""Pixels of a column."""
_BATCH_PIXELS = 9600
"""Width of all lines of a batch: about 30 of the usual ones."""
_ROOM = 1.1
"""Lines may be stretched by so much."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pixels (lines, 3, 48, width) from -1 to 1, and how many columns of each line are no padding."""

    pixels: Tensor
    columns: tuple[int, ...]


def grouped(lines: Sequence[Line], chance: random.Random) -> list[list[Line]]:
    """Lines of like width together, the groups in any order."""
    groups: list[list[Line]] = [[]]
    for line in sorted(lines, key=lambda one: one.width):
        if groups[-1] and max(_NARROWEST, line.width) * _ROOM * (len(groups[-1]) + 1) > _BATCH_PIXELS:
            groups.append([])
        groups[-1].append(line)
    chance.shuffle(groups)
    return groups


def batch_of(crops: Sequence[Crop]) -> Batch:
    """Crops of height 48, padded to the widest as RapidOCR does it: with grey, on the right."""
    width = max(_NARROWEST, *(crop.shape[1] for crop in crops))
    pixels = np.zeros((len(crops), 3, HEIGHT, width), dtype=np.float32)
    for row, crop in zip(pixels, crops, strict=True):
        row[:, :, : crop.shape[1]] = crop.transpose(2, 0, 1) / 127.5 - 1
    tensor = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
    return Batch(tensor, tuple(math.ceil(crop.shape[1] / _STRIDE) for crop in crops))


def worn(crop: Crop, chance: random.Random) -> Crop:
    """The line as another photograph might have it; one in seven as it is."""
    if chance.random() < 0.15:
        return crop
    noise = np.random.default_rng(chance.getrandbits(32))
    out: np.ndarray = crop
    if chance.random() < 0.6:
        out = cv2.resize(out, (max(16, round(out.shape[1] * chance.uniform(0.9, 1.1))), HEIGHT))
    if chance.random() < 0.3:
        out = _moved(out, chance)
    if chance.random() < 0.25:
        out = cv2.GaussianBlur(out, (0, 0), chance.uniform(0.4, 1.0))
    if chance.random() < 0.2:  # fewer pixels, then as many as before
        share = chance.uniform(0.45, 0.85)
        small = cv2.resize(out, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        out = cv2.resize(small, (out.shape[1], HEIGHT))
    light = out.astype(np.float32)
    if chance.random() < 0.5:
        light = (light - 128) * chance.uniform(0.7, 1.25) + 128 + chance.uniform(-25, 25)
    if chance.random() < 0.2:  # print pales
        light = 255 - (255 - light) * chance.uniform(0.5, 0.9)
    if chance.random() < 0.3:
        light += noise.normal(0, chance.uniform(2, 9), (*light.shape[:2], 1)).astype(np.float32)
    if chance.random() < 0.1:
        light = _scratched(light, chance)
    done = np.clip(light, 0, 255).astype(np.uint8)
    if chance.random() < 0.3:
        _, packed = cv2.imencode(".jpg", done, [cv2.IMWRITE_JPEG_QUALITY, chance.randrange(35, 85)])
        done = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
    return done


def _moved(crop: np.ndarray, chance: random.Random) -> np.ndarray:
    """A box that lies a little off."""
    top, bottom, left = (chance.uniform(-0.06, 0.05) for _ in range(3))
    high = 1 / (1 + top + bottom)
    across = np.array([[1, 0, left * 20], [0, high, top * HEIGHT * high]], dtype=np.float32)
    return cv2.warpAffine(crop, across, (crop.shape[1], HEIGHT), borderMode=cv2.BORDER_REPLICATE)


def _scratched(light: np.ndarray, chance: random.Random) -> np.ndarray:
    """A row of dots that the print head left out, or a crease across the letters."""
    if chance.random() < 0.5:
        row, high = chance.randrange(8, 42), chance.choice((1, 1, 2))
        light[row : row + high] = light[row : row + high] * 0.4 + 138
    else:
        column = chance.randrange(light.shape[1])
        light[:, column : column + chance.randrange(3, 12)] *= 0.6
        light[:, column : column + 8] += 80
    return light
