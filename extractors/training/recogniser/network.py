"""The recogniser's ONNX graph as a torch module whose weights can be trained.

Of the operations of ONNX those are known that the graph of PP-OCRv6 (small) has, as they are used there. Three patterns
are taken together (a convolution and its bias, the exact GELU, layer norm): the same function with half the memory.
Statistics of batch norms stay as they are; all but three were folded into the weights before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from extractors.training.recogniser.onnx_file import Node, OnnxFile, Value, read_onnx

Attributes = Mapping[str, Value]


class Network(nn.Module):
    """The recogniser without its last softmax.

    Attributes:
        weights: what is trained, under the names of the graph's tensors with ``__`` for dots.
        characters: by class; the first is the blank.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.file: OnnxFile = read_onnx(path)
        listed = self.file.metadata["character"].split("\n")
        self.characters: list[str] = ["", *listed, " "]
        fixed = {
            name for node in self.file.nodes if node.kind == "BatchNormalization" for name in node.inputs[3:]
        }
        self.weights = nn.ParameterDict()
        self._constants: dict[str, Tensor] = {}
        for name, value in self.file.tensors.items():
            tensor = torch.from_numpy(value.copy())
            if tensor.is_floating_point() and tensor.numel() > 1 and name not in fixed:
                if tensor.ndim == 4:
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                self.weights[_key(name)] = nn.Parameter(tensor)
            else:
                self._constants[name] = tensor
        steps = _fused(_without_identities(self.file.nodes), self.file)
        (product, bias, softmax) = steps[-3:]
        if (product.kind, bias.kind, softmax.kind) != ("MatMul", "Add", "Softmax"):
            raise ValueError("the graph does not end as that of a CTC recogniser")
        self._features, self._head = product.inputs[0], (_key(product.inputs[1]), _key(bias.inputs[1]))
        self._steps = steps[:-3]
        self._last = {name: at for at, step in enumerate(self._steps) for name in step.inputs}

    @property
    def head(self) -> tuple[nn.Parameter, nn.Parameter]:
        """Weight (features, characters) and bias (characters) of the last layer."""
        weight, bias = self._head
        return self.weights[weight], self.weights[bias]

    def features(self, pixels: Tensor) -> Tensor:
        """What the last layer sees: (lines, columns, features) of pixels (lines, 3, 48, width) from -1 to 1."""
        values: dict[str, Tensor] = {self.file.source: pixels}
        for at, step in enumerate(self._steps):
            given = [self._value(name, values) for name in step.inputs]
            values[step.output] = _KINDS[step.kind](given, step.attributes)
            for name in step.inputs:
                if self._last[name] == at and name != self._features:
                    values.pop(name, None)
        return values[self._features]

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits: (lines, columns, characters)."""
        weight, bias = self.head
        return self.features(pixels) @ weight + bias

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The weights under the graph's names."""
        names = {_key(name): name for name in self.file.tensors}
        return {names[key]: value.detach().contiguous().numpy() for key, value in self.weights.items()}

    def _value(self, name: str, values: Mapping[str, Tensor]) -> Tensor:
        if name in values:
            return values[name]
        key = _key(name)
        return self.weights[key] if key in self.weights else self._constants[name]


def _key(name: str) -> str:
    return name.replace(".", "__")


def _without_identities(nodes: tuple[Node, ...]) -> list[Node]:
    real: dict[str, str] = {}
    steps = []
    for node in nodes:
        inputs = tuple(real.get(name, name) for name in node.inputs)
        if node.kind == "Identity":
            real[node.output] = inputs[0]
        else:
            steps.append(Node(node.kind, inputs, node.output, node.attributes))
    return steps


def _fused(steps: list[Node], file: OnnxFile) -> list[Node]:
    """The steps with each of the three patterns as one."""
    made_by = {step.output: step for step in steps}
    uses = Counter(name for step in steps for name in step.inputs)

    def user(name: str) -> Node:
        return next(step for step in steps if name in step.inputs)

    gone: set[str] = set()
    new: dict[str, Node] = {}
    for step in steps:
        before = made_by.get(step.inputs[0]) if step.inputs else None
        if step.kind == "Add" and before and before.kind == "Conv" and len(before.inputs) == 2:
            if uses[before.output] == 1 and step.inputs[1] in file.tensors:
                joined = (*before.inputs, step.inputs[1])
                new[step.output] = Node("Conv", joined, step.output, before.attributes)
                gone.add(before.output)
        elif step.kind == "Erf" and before:  # x / √2, erf, + 1, · x, · ½
            plus = user(step.output)
            times = user(plus.output)
            half = user(times.output)
            new[half.output] = Node("Gelu", before.inputs[:1], half.output, {})
            gone |= {before.output, step.output, plus.output, times.output}
        elif step.kind == "Sqrt" and before:  # (x - mean) / √(variance + ε) · weight + bias
            variance = made_by[before.inputs[0]]
            square = made_by[variance.inputs[0]]
            centred = made_by[square.inputs[0]]
            share = user(step.output)
            scaled = user(share.output)
            moved = user(scaled.output)
            inputs = (centred.inputs[0], scaled.inputs[1], moved.inputs[1])
            epsilon = float(file.tensors[before.inputs[1]])
            new[moved.output] = Node("LayerNorm", inputs, moved.output, {"epsilon": epsilon})
            gone |= {one.output for one in (step, before, variance, square, centred, share, scaled)}
            gone.add(centred.inputs[1])
    return [new.get(step.output, step) for step in steps if step.output not in gone]


def _integers(value: Value) -> list[int]:
    assert isinstance(value, tuple)
    return list(value)


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _same(kernel: list[int]) -> list[int]:
    """Padding of ``SAME_UPPER`` at stride 1, as torch wants it: left, right, top, bottom."""
    (high, wide) = (size - 1 for size in kernel)
    return [wide // 2, wide - wide // 2, high // 2, high - high // 2]


def _convolution(given: list[Tensor], attributes: Attributes) -> Tensor:
    pixels, weight = given[:2]
    bias = given[2].reshape(-1) if len(given) > 2 else None
    top, left, bottom, right = _integers(attributes.get("pads", (0, 0, 0, 0)))
    if attributes.get("auto_pad") == b"SAME_UPPER":
        pixels = functional.pad(pixels, _same(_integers(attributes["kernel_shape"])))
    elif (top, left) != (bottom, right):
        raise NotImplementedError("padding that differs between the sides")
    strides, dilations = _integers(attributes["strides"]), _integers(attributes["dilations"])
    groups = int(_number(attributes["group"]))
    return functional.conv2d(pixels, weight, bias, strides, [top, left], dilations, groups)


def _max_pool(given: list[Tensor], attributes: Attributes) -> Tensor:
    kernel = _integers(attributes["kernel_shape"])
    padded = functional.pad(given[0], _same(kernel), value=float("-inf"))
    return functional.max_pool2d(padded, kernel, _integers(attributes["strides"]))


def _average_pool(given: list[Tensor], attributes: Attributes) -> Tensor:
    if any(_integers(attributes.get("pads", (0, 0, 0, 0)))):
        raise NotImplementedError("an average over padding")
    return functional.avg_pool2d(
        given[0], _integers(attributes["kernel_shape"]), _integers(attributes["strides"])
    )


def _batch_norm(given: list[Tensor], attributes: Attributes) -> Tensor:
    pixels, weight, bias, mean, variance = given
    epsilon = _number(attributes.get("epsilon", 1e-5))
    return functional.batch_norm(pixels, mean, variance, weight, bias, False, 0.0, epsilon)


def _unsqueeze(given: list[Tensor], attributes: Attributes) -> Tensor:
    out = given[0]
    for axis in sorted(_integers(attributes["axes"])):
        out = out.unsqueeze(axis)
    return out


def _slice(given: list[Tensor], _: Attributes) -> Tensor:
    first, last, axes = (one.tolist() for one in given[1:4])
    steps = given[4].tolist() if len(given) > 4 else [1] * len(axes)
    taken = [slice(None)] * given[0].ndim
    for start, stop, axis, step in zip(first, last, axes, steps, strict=True):
        taken[axis] = slice(start, stop, step)
    return given[0][tuple(taken)]


def _reshape(given: list[Tensor], _: Attributes) -> Tensor:
    source, shape = given[0], given[1].tolist()
    return source.reshape([source.shape[at] if size == 0 else size for at, size in enumerate(shape)])


def _layer_norm(given: list[Tensor], attributes: Attributes) -> Tensor:
    source, weight, bias = given
    epsilon = _number(attributes["epsilon"])
    return functional.layer_norm(source, list(source.shape[-1:]), weight, bias, epsilon)


def _hard_sigmoid(given: list[Tensor], attributes: Attributes) -> Tensor:
    return (given[0] * _number(attributes["alpha"]) + _number(attributes["beta"])).clamp(0, 1)


def _mean(given: list[Tensor], attributes: Attributes) -> Tensor:
    return given[0].mean(_integers(attributes["axes"]), keepdim=bool(attributes.get("keepdims", 1)))


_KINDS: dict[str, Callable[[list[Tensor], Attributes], Tensor]] = {
    "Add": lambda given, _: given[0] + given[1],
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Concat": lambda given, attributes: torch.cat(given, int(_number(attributes["axis"]))),
    "Conv": _convolution,
    "Gelu": lambda given, _: functional.gelu(given[0]),
    "HardSigmoid": _hard_sigmoid,
    "LayerNorm": _layer_norm,
    "MatMul": lambda given, _: given[0] @ given[1],
    "MaxPool": _max_pool,
    "Mul": lambda given, _: given[0] * given[1],
    "ReduceMean": _mean,
    "Relu": lambda given, _: functional.relu(given[0]),
    "Reshape": _reshape,
    "Shape": lambda given, _: torch.tensor(given[0].shape),
    "Sigmoid": lambda given, _: given[0].sigmoid(),
    "Slice": _slice,
    "Softmax": lambda given, attributes: given[0].softmax(int(_number(attributes["axis"]))),
    "Squeeze": lambda given, attributes: given[0].squeeze(tuple(_integers(attributes["axes"]))),
    "Transpose": lambda given, attributes: given[0].permute(_integers(attributes["perm"])),
    "Unsqueeze": _unsqueeze,
}
