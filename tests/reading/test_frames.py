"""The pipe's language."""

from __future__ import annotations

import io
import struct

import pytest

from extractors.reading.frames import Frame, FrameBuffer, ProtocolError, encode, read_frame

FRAMES = [Frame("ready"), Frame("page", {"text": "é\n\u2028", "n": [1.5, None]}, bytes(range(256)) * 50)]


def test_frames_survive_any_chopping() -> None:
    stream = b"".join(encode(frame) for frame in FRAMES)
    for step in (1, 7, len(stream)):
        buffer, got = FrameBuffer(), []
        for at in range(0, len(stream), step):
            buffer.feed(stream[at : at + step])
            while (frame := buffer.take()) is not None:
                got.append(frame)
        assert got == FRAMES


def test_blocking_side() -> None:
    stream = io.BytesIO(b"".join(encode(frame) for frame in FRAMES))
    assert [read_frame(stream), read_frame(stream), read_frame(stream)] == [*FRAMES, None]


def test_a_cut_frame_is_the_end() -> None:
    assert read_frame(io.BytesIO(encode(FRAMES[1])[:-1])) is None


@pytest.mark.parametrize(
    "junk", [b"\xff" * 12, struct.pack(">IQ", 3, 0) + b"{]}", struct.pack(">IQ", 2, 0) + b"[]"]
)
def test_junk_is_told_as_such(junk: bytes) -> None:
    buffer = FrameBuffer()
    buffer.feed(junk)
    with pytest.raises(ProtocolError):
        buffer.take()
