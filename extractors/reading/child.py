"""The reading process: ``python -m extractors.reading.child text|ocr THREADS``.

A *text* child parses files: it is the one that meets hostile bytes, under an address-space limit. An *ocr*
child sees only pixels that a text child drew; onnxruntime does not live under such a limit, so the parent
watches its memory. Both give up network, files and processes before they do anything (`confine`): the bytes of a
document come through the pipe, and a child opens no file but those of its libraries.

Text child: ``read`` (body: the file) -> ``opened``, then per page ``step`` (several) and ``page`` (body: pixels
            for OCR, or of stamps), then ``end``; ``render`` (body: the file) -> ``image``; ``region`` (body: the
            file) -> ``pixels``.
OCR child:  ``ocr`` (body: pixels) -> ``page``, with marks; ``lines`` (body: pixels) -> ``texts``.
Both:       ``ready`` once; ``probe`` -> ``probed``; ``error``, after which the parent replaces the child.
"""

from __future__ import annotations

import gc
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from extractors.confined.confine import confine
from extractors.reading.frames import PAGE, Frame, encode, read_frame
from extractors.reading.geometry import Frame2D
from extractors.reading.limits import end_with_parent, limit_cpu, limit_memory, private_stdout
from extractors.reading.lines import reading_order
from extractors.reading.probe import attempts, environment
from extractors.reading.request import WHOLE_FILE, RawPage, ReadRequest, Step
from schemas.document import Page, PageSource
from schemas.errors import DocumentError, foreign
from schemas.outcome import FailureReason

Send = Callable[[Frame], None]
Handler = Callable[[Frame, Send], None]
_REQUEST: TypeAdapter[ReadRequest] = TypeAdapter(ReadRequest)


def main(arguments: list[str]) -> int:
    """Serves requests until stdin ends."""
    kind, threads = arguments[0], int(arguments[1])
    channel = private_stdout()
    layers = confine()
    end_with_parent()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    handler = _text_handler() if kind == "text" else _ocr_handler(threads)

    def send(frame: Frame) -> None:
        channel.write(encode(frame))
        channel.flush()

    gc.collect()
    gc.freeze()  # what was imported stays: else looking through it after each document costs 15 ms
    send(Frame("ready", {"layers": layers}))
    while (request := read_frame(sys.stdin.buffer)) is not None:
        _serve(handler, request, send)
        del request
        gc.collect()
    return 0


def _serve(handler: Handler, request: Frame, send: Send) -> None:
    try:
        if request.kind == "probe":
            send(Frame("probed", {"tried": attempts(request.data), "environment": environment()}))
        else:
            handler(request, send)
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
                f"the file is damaged: {type(error).__name__} {foreign(str(error)[:500])}".rstrip(),
                "Open it in a viewer; if it shows, print it to a new PDF and try that one.",
            )
        )


def _error(reason: FailureReason, message: str, remedy: str) -> Frame:
    return Frame("error", {"reason": reason.value, "message": message, "remedy": remedy})


def _text_handler() -> Handler:
    from extractors.reading import source
    from extractors.reading.raster import cut_out, encode_png, to_raster

    def handle(request: Frame, send: Send) -> None:
        wanted = _REQUEST.validate_python(request.data["read"])
        limit_memory(wanted.max_memory_mb)
        limit_cpu(wanted.max_seconds)
        if request.kind == "render":
            with source.open_source(wanted, request.body, lambda step: None) as opened:
                image = encode_png(opened.render(wanted.first, request.data["dpi"], request.data["rotation"]))
            send(Frame("image", {"width": image.width, "height": image.height}, image.data))
            return
        if request.kind == "region":
            with source.open_source(wanted, request.body, lambda step: None) as opened:
                data = request.data
                page = opened.render(wanted.first, data["dpi"], data["rotation"])
                raster = to_raster(cut_out(page, data["dpi"], data["box"], data["margin"]))
            send(Frame("pixels", {"width": raster.width, "height": raster.height}, raster.data))
            return
        at = WHOLE_FILE

        def report(step: Step) -> None:
            send(Frame("step", {"number": at, "step": step}))

        with source.open_source(wanted, request.body, report) as opened:
            numbers = source.page_numbers(wanted, opened.page_count)
            send(
                Frame(
                    "opened",
                    {"page_count": opened.page_count, "numbers": numbers, "metadata": opened.metadata},
                )
            )
            for at in numbers:
                send(_page_frame(source.read_page(opened, at, report)))
            doubts = [{"text": doubt.text, "reason": doubt.reason.value} for doubt in opened.doubts]
        send(Frame("end", {"warnings": doubts}))

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
        raw.marks or (),
        raw.marks is not None,
    )
    data: dict[str, Any] = {
        "page": PAGE.dump_python(page, mode="json"),
        "blank": raw.blank,
        "drawn": raw.drawn,
        "lost": raw.lost,
        "ocr_share": raw.ocr_share,
        "samples": [{"text": sample.text, "box": sample.box.as_list()} for sample in raw.samples],
    }
    if raw.raster is None and raw.strips is not None:
        sheet = raw.strips.raster
        data["strips"] = {
            "width": sheet.width,
            "height": sheet.height,
            "boxes": raw.strips.boxes,
            "marks": raw.strips.marks,
        }
        return Frame("page", data, sheet.data)
    if raw.raster is None:
        return Frame("page", data)
    data["raster"] = {"width": raw.raster.width, "height": raw.raster.height}
    return Frame("page", data, raw.raster.data)


def _ocr_handler(threads: int) -> Handler:
    from extractors.reading.marks import find_marks, raster_pixels
    from extractors.reading.ocr import Recogniser
    from extractors.reading.parted import parted_at_boxes
    from extractors.reading.raster import encode_model_image, from_raster, turn_image
    from extractors.reading.request import Raster
    from extractors.reading.stamp_text import strips_of, with_texts

    recogniser = Recogniser(threads)
    recogniser.warm_up()

    def handle(request: Frame, send: Send) -> None:
        data = request.data
        raster = Raster(data["width"], data["height"], request.body)
        if request.kind == "lines":
            send(Frame("texts", {"texts": recogniser.read_lines(raster, data["boxes"])}))
            return
        frame = Frame2D(data["page_width"], data["page_height"])
        read = recogniser.read(raster, frame)
        side = data["image_side_px"]
        image = encode_model_image(turn_image(from_raster(raster), read.quarters), side) if side else None
        upright = frame.turned(read.quarters)
        rotation = (data["rotation"] + 90 * read.quarters) % 360
        pixels = raster_pixels(raster, read.quarters)
        marks = find_marks(pixels, upright, read.words)
        strips = strips_of(pixels, pixels.shape[1] / upright.width, marks)
        if strips is not None:
            marks = with_texts(marks, strips.marks, recogniser.read_lines(strips.raster, strips.boxes))
        words = parted_at_boxes(read.words, marks, pixels, pixels.shape[1] / upright.width)
        page = Page(
            data["number"], upright.width, upright.height, "ocr", words, rotation, image, (), marks, True
        )
        send(Frame("page", {"page": PAGE.dump_python(page, mode="json")}))

    return handle


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
