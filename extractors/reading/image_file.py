"""A JPEG, PNG or TIFF in the child: every frame is a page that OCR reads.

Size of a page in points: pixels * 72 / dpi, with the dpi of the file if it is sane (73 to 1200, the same both
ways within a tenth) and 200 otherwise, since phones and scanners often write 72, 1 or nothing at all.
"""

from __future__ import annotations

import io
import warnings as python_warnings
from contextlib import suppress

from PIL import ExifTags, Image, ImageOps

from extractors.reading.geometry import Frame2D
from extractors.reading.raster import OCR_SIDE_PX, encode_model_image, is_blank, to_raster, turn_image
from extractors.reading.request import RawPage, ReadRequest, Report
from schemas.document import Doubt
from schemas.errors import DocumentError, foreign
from schemas.outcome import FailureReason

DEFAULT_DPI = 200.0
_SANE_DPI = (73.0, 1200.0)
_FORMATS = {"image/jpeg": ["JPEG", "MPO"], "image/png": ["PNG"], "image/tiff": ["TIFF"]}
_EXIF_ROTATION = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


class ImageFile:
    """An open image file. Use as a context manager."""

    def __init__(self, request: ReadRequest, data: bytes) -> None:
        self._request = request
        self.metadata: dict[str, str] = {}
        self.doubts: list[Doubt] = []
        Image.MAX_IMAGE_PIXELS = request.max_side_px**2
        python_warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            self._image = Image.open(io.BytesIO(data), formats=_FORMATS[request.media_type])
            self.page_count = (
                int(getattr(self._image, "n_frames", 1)) if request.media_type == "image/tiff" else 1
            )
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large(request) from error
        except Exception as error:
            raise DocumentError(
                FailureReason.BROKEN,
                f"the image cannot be opened: {type(error).__name__} {foreign(error)}".rstrip(),
                remedy="Open it in a viewer; if it shows, save it again and try that one.",
            ) from error

    def __enter__(self) -> ImageFile:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):
            self._image.close()

    def read_page(self, number: int, report: Report) -> RawPage:
        """The pixels of the page."""
        request = self._request
        if not request.may(number, "draw"):
            raise _damaged(number, "it stopped the reader")
        report("draw")
        frame, image, rotation = self._load(number)
        blank = is_blank(image)
        small = _fit(image, OCR_SIDE_PX)
        if request.ocr and not blank:
            return RawPage(number, frame, rotation, raster=to_raster(small), drawn=True)
        shown = encode_model_image(small, request.image_side_px)
        return RawPage(number, frame, rotation, image=shown, blank=blank, drawn=True)

    def render(self, number: int, dpi: float, rotation: int | None) -> Image.Image:
        """The upright page for people; ``rotation`` as in `Page.rotation`, ``None``: what the file says."""
        frame, image, stored = self._load(number)
        scale = min(dpi / 72, self._request.max_side_px / frame.longer)
        quarters = 0 if rotation is None else (rotation - stored) // 90 % 4
        size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
        return turn_image(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), quarters)

    def _load(self, number: int) -> tuple[Frame2D, Image.Image, int]:
        """Size in points, upright pixels, and the rotation that the file itself asks for."""
        image = self._image
        try:
            image.seek(number - 1)
            if max(image.size) > self._request.max_side_px:
                raise _too_large(self._request, image.size)
            dpi = _dpi(image)
            orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1) or 1)
            image.load()
            upright = ImageOps.exif_transpose(_flat(image))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large(self._request) from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise _damaged(number, str(error)) from error
        frame = Frame2D(upright.width * 72 / dpi, upright.height * 72 / dpi)
        return frame, upright, _EXIF_ROTATION.get(orientation, 0)


def _flat(image: Image.Image) -> Image.Image:
    """RGB on white paper: transparency and 16-bit grey scales would come out black."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        low, high = image.getextrema()
        span = max(float(high) - float(low), 1.0)  # type: ignore[arg-type]
        grey = image.convert("F").point(lambda v: (v - float(low)) * (255 / span))  # type: ignore[arg-type]
        return _like(image, grey.convert("L").convert("RGB"))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        paper = Image.new("RGB", image.size, "white")
        paper.paste(rgba, mask=rgba.getchannel("A"))
        return _like(image, paper)
    return image.convert("RGB")


def _like(source: Image.Image, image: Image.Image) -> Image.Image:
    """Carries the orientation over to an image made anew."""
    image.info["exif"] = source.getexif().tobytes()
    return image


def _fit(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    if factor >= 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _dpi(image: Image.Image) -> float:
    with suppress(Exception):
        x, y = (float(value) for value in image.info["dpi"])
        low, high = _SANE_DPI
        if low <= x <= high and abs(x - y) <= 0.1 * x:
            return x
    return DEFAULT_DPI


def _damaged(number: int, why: str) -> DocumentError:
    return DocumentError(
        FailureReason.BROKEN,
        f"image {number} of the file is damaged: {why}",
        remedy="Open it in a viewer; if it shows, save it again and try that one.",
    )


def _too_large(request: ReadRequest, size: tuple[int, int] | None = None) -> DocumentError:
    what = f"the image has {size[0]} x {size[1]} pixels" if size else "the image has too many pixels"
    return DocumentError(
        FailureReason.TOO_LARGE,
        f"{what}; the limit is {request.max_side_px} a side",
        remedy="Scale it down, or raise the limit `max_side_px`.",
    )
