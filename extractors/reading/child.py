"""The reading process: ``python -m extractors.reading.child text|ocr THREADS``.

A *text* child opens files: it is the one that meets hostile bytes, under an address-space limit. An *ocr*
child sees only pixels that a text child drew; onnxruntime does not live under such a limit, so the parent
watches its memory.

Text child: ``read`` -> ``opened``, then per page ``page_start`` and ``page`` (body: pixels for OCR), then
            ``end``; ``render`` -> ``image``.
OCR child:  ``ocr`` -> ``page``.
Both:       ``error``, after which the parent replaces the child.
"""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import TypeAdapter

from extractors.reading.frames import PAGE, Frame, encode, read_frame
from extractors.reading.geometry import UNKNOWN_FRAME, Frame2D
from extractors.reading.limits import end_with_parent, harden, limit_cpu, limit_memory, private_stdout
from extractors.reading.lines import reading_order
from extractors.reading.request import RawPage, ReadRequest
from schemas.document import Page, PageSource
from schemas.errors import DocumentError
from schemas.outcome import FailureReason

Handler = Callable[[Frame], Iterator[Frame]]
_REQUEST: TypeAdapter[ReadRequest] = TypeAdapter(ReadRequest)
_SKIPPED = "The page could not be read: it stopped the reader."


def main(arguments: list[str]) -> int:
    """Serves requests until stdin ends."""
    kind, threads = arguments[0], int(arguments[1])
    channel = private_stdout()
    harden()
    end_with_parent()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    handler = _text_handler() if kind == "text" else _ocr_handler(threads)

    def send(frame: Frame) -> None:
        channel.write(encode(frame))
        channel.flush()

    send(Frame("ready"))
    while (request := read_frame(sys.stdin.buffer)) is not None:
        _serve(handler, request, send)
        gc.collect()
    return 0


def _serve(handler: Handler, request: Frame, send: Callable[[Frame], None]) -> None:
    try:
        for answer in handler(request):
            send(answer)
    except DocumentError as error:
        send(_error(error.reason, str(error), error.remedy))
    except MemoryError:
        gc.collect()
        send(
            _error(
                FailureReason.OUT_OF_MEMORY,
                "reading the file needed more memory than the limit",
                "Raise the limit `max_memory_mb`, or read fewer pages with --pages.",
            )
        )
    except Exception as error:
        send(
            _error(
                FailureReason.BROKEN,
                f"the file is damaged: {type(error).__name__}: {error}"[:500],
                "Open it in a viewer; if it shows, print it to a new PDF and try that one.",
            )
        )


def _error(reason: FailureReason, message: str, remedy: str) -> Frame:
    return Frame("error", {"reason": reason.value, "message": message, "remedy": remedy})


def _text_handler() -> Handler:
    from extractors.reading import source
    from extractors.reading.raster import encode_png

    def handle(request: Frame) -> Iterator[Frame]:
        wanted = _REQUEST.validate_python(request.data["read"])
        limit_memory(wanted.max_memory_mb)
        limit_cpu(wanted.max_seconds)
        if request.kind == "render":
            with source.open_source(wanted) as opened:
                image = encode_png(opened.render(wanted.first, request.data["dpi"], request.data["rotation"]))
            yield Frame("image", {"width": image.width, "height": image.height}, image.data)
            return
        with source.open_source(wanted) as opened:
            numbers = source.page_numbers(wanted, opened.page_count)
            yield Frame(
                "opened", {"page_count": opened.page_count, "numbers": numbers, "metadata": opened.metadata}
            )
            for number in numbers:
                yield Frame("page_start", {"number": number})
                if number in wanted.skip:
                    yield _page_frame(RawPage(number, UNKNOWN_FRAME, 0, warnings=[_SKIPPED]))
                else:
                    yield _page_frame(source.read_page(opened, number))
        yield Frame("end")

    return handle


def _page_frame(raw: RawPage) -> Frame:
    source: PageSource = "text_layer" if raw.words else "blank"
    page = Page(
        raw.number,
        raw.frame.width,
        raw.frame.height,
        source,
        reading_order(raw.words),
        raw.rotation,
        raw.image,
        tuple(raw.warnings),
    )
    data: dict[str, Any] = {
        "page": PAGE.dump_python(page, mode="json"),
        "blank": raw.blank,
        "ocr_share": raw.ocr_share,
    }
    if raw.raster is None:
        return Frame("page", data)
    data["raster"] = {"width": raw.raster.width, "height": raw.raster.height}
    return Frame("page", data, raw.raster.data)


def _ocr_handler(threads: int) -> Handler:
    from extractors.reading.ocr import Recogniser
    from extractors.reading.raster import encode_model_image, from_raster, turn_image
    from extractors.reading.request import Raster

    recogniser = Recogniser(threads)
    recogniser.warm_up()

    def handle(request: Frame) -> Iterator[Frame]:
        data = request.data
        raster = Raster(data["width"], data["height"], request.body)
        frame = Frame2D(data["page_width"], data["page_height"])
        read = recogniser.read(raster, frame)
        side = data["image_side_px"]
        image = encode_model_image(turn_image(from_raster(raster), read.quarters), side) if side else None
        upright = frame.turned(read.quarters)
        rotation = (data["rotation"] + 90 * read.quarters) % 360
        page = Page(
            data["number"],
            upright.width,
            upright.height,
            "ocr",
            read.words,
            rotation,
            image,
            tuple(data["warnings"]),
        )
        yield Frame("page", {"page": PAGE.dump_python(page, mode="json")})

    return handle


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
