"""What stands in an ONNX file, and the same file with other numbers.

onnxruntime shows neither the graph nor its weights, and the package `onnx` would be needed for nothing else: the few
messages of its format that matter (`onnx.proto`) are read here from protobuf's wire format. Weights are written over
where they lie, so graph, dictionary and size of the file stay what they were.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UsageError

Value = int | float | str | bytes | tuple[int, ...]
Array = NDArray[np.generic]

_TYPES: dict[int, np.dtype[np.float32] | np.dtype[np.int64]] = {1: np.dtype("<f4"), 7: np.dtype("<i8")}
"""`TensorProto.DataType` of what such graphs hold."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. Every operation of the graphs read here has one output."""

    kind: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A model. ``places`` are where the bytes of each tensor lie in ``data``."""

    data: bytes
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Array]
    places: Mapping[str, slice]
    source: str
    result: str
    metadata: Mapping[str, str]

    def with_tensors(self, others: Mapping[str, Array]) -> bytes:
        """The file with other numbers in some tensors.

        Raises:
            ValueError: another shape than the graph's, or no such tensor.
        """
        out = bytearray(self.data)
        for name, value in others.items():
            mine = self.tensors.get(name)
            if mine is None or mine.shape != value.shape:
                raise ValueError(f"{name} of shape {value.shape} is no tensor of this graph")
            out[self.places[name]] = np.ascontiguousarray(value, dtype=mine.dtype).tobytes()
        return bytes(out)


def read_onnx(path: Path) -> OnnxFile:
    """Reads a model.

    Raises:
        UsageError: it cannot be read, or is no such file.
    """
    try:
        data = path.read_bytes()
        return _model(data)
    except (OSError, ValueError, IndexError, KeyError, struct.error) as error:
        raise UsageError(f"{path} is no ONNX file that can be read: {error}.") from error


@dataclass(frozen=True, slots=True)
class _Part:
    """One field of a message: a number, or where its bytes lie."""

    field: int
    number: int
    place: slice


def _parts(data: bytes, place: slice) -> Iterator[_Part]:
    at, end = place.start, place.stop
    while at < end:
        key, at = _varint(data, at)
        field, wire = key >> 3, key & 7
        if wire == 0:
            number, at = _varint(data, at)
            yield _Part(field, number, slice(at, at))
        elif wire == 2:
            size, at = _varint(data, at)
            yield _Part(field, size, slice(at, at + size))
            at += size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            yield _Part(field, 0, slice(at, at + size))
            at += size
        else:
            raise ValueError(f"wire type {wire}")
    if at != end:
        raise ValueError("a message ends amid a field")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        shift += 7
        at += 1
        if byte < 128:
            return number, at


def _model(data: bytes) -> OnnxFile:
    metadata: dict[str, str] = {}
    graph: slice | None = None
    for part in _parts(data, slice(0, len(data))):
        if part.field == 7:
            graph = part.place
        elif part.field == 14:
            key, value = (_text(data, one) for one in _parts(data, part.place))
            metadata[key] = value
    if graph is None:
        raise ValueError("no graph")
    nodes: list[Node] = []
    tensors: dict[str, Array] = {}
    places: dict[str, slice] = {}
    ends: dict[int, list[str]] = {11: [], 12: []}
    for part in _parts(data, graph):
        if part.field == 1:
            nodes.append(_node(data, part.place))
        elif part.field == 5:
            name, tensors[name], places[name] = _tensor(data, part.place)
        elif part.field in ends:
            ends[part.field] += [_text(data, one) for one in _parts(data, part.place) if one.field == 1]
    (source,), (result,) = ends[11], ends[12]
    return OnnxFile(data, tuple(nodes), tensors, places, source, result, metadata)


def _text(data: bytes, part: _Part) -> str:
    return data[part.place].decode()


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _integers(data: bytes, part: _Part) -> list[int]:
    """Of a repeated field, which may be packed into one."""
    if part.place.start == part.place.stop:
        return [_signed(part.number)]
    out, at = [], part.place.start
    while at < part.place.stop:
        number, at = _varint(data, at)
        out.append(_signed(number))
    return out


def _node(data: bytes, place: slice) -> Node:
    names: dict[int, list[str]] = {1: [], 2: [], 4: []}
    attributes: dict[str, Value] = {}
    for part in _parts(data, place):
        if part.field in names:
            names[part.field].append(_text(data, part))
        elif part.field == 5:
            name, value = _attribute(data, part.place)
            attributes[name] = value
    return Node(names[4][0], tuple(names[1]), names[2][0], attributes)


def _attribute(data: bytes, place: slice) -> tuple[str, Value]:
    name, many = "", list[int]()
    value: Value | None = None
    for part in _parts(data, place):
        if part.field == 1:
            name = _text(data, part)
        elif part.field == 2:
            value = float(struct.unpack("<f", data[part.place])[0])
        elif part.field == 3:
            value = _signed(part.number)
        elif part.field == 4:
            value = data[part.place]
        elif part.field == 8:
            many += _integers(data, part)
    return name, tuple(many) if value is None else value


def _tensor(data: bytes, place: slice) -> tuple[str, Array, slice]:
    name, kind, shape, raw = "", 0, list[int](), slice(0, 0)
    for part in _parts(data, place):
        if part.field == 1:
            shape += _integers(data, part)
        elif part.field == 2:
            kind = part.number
        elif part.field == 8:
            name = _text(data, part)
        elif part.field == 9:
            raw = part.place
    values: Array = np.frombuffer(data[raw], dtype=_TYPES[kind])
    return name, values.reshape(shape), raw
