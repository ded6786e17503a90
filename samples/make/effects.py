"""From a clean page to what arrives in practice: scans, photos, faxes, damaged and locked files."""

from __future__ import annotations

import io
import time

import numpy as np
import pikepdf
import pypdfium2
from PIL import Image, ImageChops, ImageFilter

EPOCH = time.gmtime(0)


def pictures(pdf: bytes, dpi: int) -> list[Image.Image]:
    """The pages of a PDF as grey pictures."""
    document = pypdfium2.PdfDocument(pdf)
    return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def scanned(picture: Image.Image, seed: int, *, skew: float = 0.8, noise: float = 9.0) -> Image.Image:
    """A flatbed scan: slightly turned, soft, grainy, off-white, with a few specks."""
    random = np.random.default_rng(seed)
    turned = picture.rotate(skew, Image.Resampling.BICUBIC, expand=False, fillcolor=255)
    soft = turned.filter(ImageFilter.GaussianBlur(0.6))
    grain = np.asarray(soft, dtype=np.float32) * 0.93 + 10
    grain += random.normal(0, noise, grain.shape)
    for _ in range(60):
        y, x = random.integers(0, grain.shape[0] - 3), random.integers(0, grain.shape[1] - 3)
        grain[y : y + 2, x : x + 2] -= random.integers(40, 160)
    return Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))


def photographed(picture: Image.Image, seed: int) -> Image.Image:
    """A phone's photo: the paper lies askew on a table, one side in the shade, a little out of focus."""
    random = np.random.default_rng(seed)
    width, height = int(picture.width * 1.3), int(picture.height * 1.18)
    grain = random.normal(0, 1, (height, 1)) * 7 + random.normal(0, 1, (height, width)) * 4
    table = np.clip(np.array([118, 84, 58]) + grain[..., None], 0, 255).astype(np.uint8)
    corners = [(0.11, 0.05), (0.90, 0.08), (0.94, 0.95), (0.07, 0.93)]
    target = [(x * width, y * height) for x, y in corners]
    coefficients = _perspective(target, picture.size)
    paper = picture.convert("RGB").transform(
        (width, height), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    mask = Image.new("L", picture.size, 255).transform(
        (width, height), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )
    shadow = ImageChops.offset(mask, 9, 12).filter(ImageFilter.GaussianBlur(9)).point(lambda v: int(v * 0.5))
    scene = Image.composite(Image.new("RGB", (width, height), (20, 14, 10)), Image.fromarray(table), shadow)
    scene = Image.composite(paper, scene, mask)
    light = np.linspace(1.04, 0.72, width)[None, :, None] * np.linspace(0.94, 1.02, height)[:, None, None]
    lit = np.asarray(scene, dtype=np.float32) * light * np.array([1.0, 0.975, 0.92])
    lit += random.normal(0, 4, lit.shape)
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


def _perspective(target: list[tuple[float, float]], size: tuple[int, int]) -> tuple[float, ...]:
    """The eight coefficients with which PIL maps ``target`` corners back onto a picture of ``size``."""
    width, height = size
    source = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return tuple(np.linalg.solve(np.array(rows, dtype=float), np.array(right, dtype=float)))


def encode(picture: Image.Image, format_: str, *, quality: int = 60, dpi: int = 150) -> bytes:
    """A picture as a file: JPEG, PNG or TIFF (fax compression for pictures of one bit)."""
    out = io.BytesIO()
    match format_:
        case "JPEG":
            picture.save(out, "JPEG", quality=quality, dpi=(dpi, dpi))
        case "PNG":
            picture.save(out, "PNG", optimize=True, dpi=(dpi, dpi))
        case "TIFF":
            picture.convert("1", dither=Image.Dither.NONE).save(
                out, "TIFF", compression="group4", dpi=(dpi, dpi)
            )
    return out.getvalue()


def image_pdf(pages: list[Image.Image], *, dpi: int = 150, quality: int = 50) -> bytes:
    """A PDF of nothing but pictures, as a scanner writes it."""
    out = io.BytesIO()
    first, *rest = pages
    first.save(
        out, "PDF", save_all=True, append_images=rest, resolution=dpi, quality=quality,
        creationDate=EPOCH, modDate=EPOCH, producer="parquetry samples",
    )  # fmt: skip
    return out.getvalue()


def locked(pdf: bytes, password: str) -> bytes:
    """An encrypted PDF that opens with ``password`` only.

    RC4 with 128 bits, as many an old archive has it: unlike AES it needs no random number, so that the file is
    made the same every time.
    """
    out = io.BytesIO()
    lock = pikepdf.Encryption(owner=password, user=password, R=3, aes=False, metadata=False)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        document.save(out, encryption=lock, static_id=True)
    return out.getvalue()


def truncated(pdf: bytes, share: float = 0.35) -> bytes:
    """The beginning of a file whose upload was cut off."""
    return pdf[: int(len(pdf) * share)]
