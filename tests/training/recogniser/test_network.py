"""The recogniser in torch is the recogniser; the tuned one differs from the published one in numbers only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rapidocr
import torch
from onnxruntime import InferenceSession

from extractors.reading.ocr import MODEL
from extractors.training.recogniser.network import Network
from extractors.training.recogniser.onnx_file import OnnxFile, read_onnx
from extractors.training.recogniser.tuning import _Steps, between
from schemas.errors import UsageError

PUBLISHED = Path(rapidocr.__file__).parent / "models" / "PP-OCRv6_rec_small.onnx"


@pytest.fixture(scope="module")
def tuned() -> OnnxFile:
    return read_onnx(MODEL)


@pytest.fixture(scope="module")
def published() -> OnnxFile:
    if not PUBLISHED.exists():
        pytest.skip("this version of rapidocr has another recogniser")
    return read_onnx(PUBLISHED)


@pytest.mark.parametrize("width", [64, 139])
def test_the_network_says_what_onnxruntime_says(width: int) -> None:
    pixels = np.random.default_rng(width).uniform(-1, 1, (2, 3, 48, width)).astype(np.float32)
    session = InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    (wanted,) = session.run(None, {session.get_inputs()[0].name: pixels})
    with torch.no_grad():
        said = Network(MODEL)(torch.from_numpy(pixels)).softmax(-1).numpy()
    assert np.abs(said - wanted).max() < 1e-4


def test_the_tuned_file_has_the_graph_and_the_dictionary_of_the_published_one(
    tuned: OnnxFile, published: OnnxFile
) -> None:
    assert tuned.nodes == published.nodes
    assert tuned.metadata == published.metadata
    assert {name: value.shape for name, value in tuned.tensors.items()} == {
        name: value.shape for name, value in published.tensors.items()
    }
    assert (tuned.source, tuned.result) == (published.source, published.result)
    assert any(not np.array_equal(value, tuned.tensors[name]) for name, value in published.tensors.items())


def test_other_weights_are_written_where_the_old_ones_lie(tuned: OnnxFile, tmp_path: Path) -> None:
    name, value = next((n, v) for n, v in tuned.tensors.items() if v.ndim == 4)
    written = tmp_path / "other.onnx"
    written.write_bytes(tuned.with_tensors({name: value + 1}))
    again = read_onnx(written)
    assert np.array_equal(again.tensors[name], value + 1)
    assert tuned.with_tensors({name: value}) == tuned.data
    with pytest.raises(ValueError, match="is no tensor of this graph"):
        tuned.with_tensors({name: value[:1]})


def test_half_way_between_two_networks_lies_their_mean() -> None:
    one, other = Network(MODEL), Network(MODEL)
    with torch.no_grad():
        for weight in other.parameters():
            weight.add_(2)
    mixed, before = between(one, other, 0.5), one.arrays()
    assert all(np.allclose(mixed[name], before[name] + 1, atol=1e-5) for name in before)


def test_a_step_is_a_share_of_each_channels_own_size() -> None:
    weight = torch.tensor([[100.0, 0.01], [-100.0, 0.01]], requires_grad=True)
    before = weight.detach().clone()
    steps = _Steps([weight])
    for _ in range(9):  # the first eight gather sizes only
        weight.grad = torch.tensor([[5.0, 1e-4], [5.0, 1e-4]])
        steps.step(0.01)
    moved = (weight.detach() - before).abs() / before.abs()
    assert torch.allclose(moved, torch.full_like(moved, 0.01), rtol=1e-3)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x0a" * 40])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no ONNX file that can be read"):
        read_onnx(path)
