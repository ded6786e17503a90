"""A few steps teach a line, and lines are cut and matched on a page whose words are known."""

from __future__ import annotations

from itertools import count

import cv2
import numpy as np
import pytest
import torch

from extractors.reading.ocr import MODEL, Recogniser
from extractors.training.recogniser import tuning
from extractors.training.recogniser.batches import batch_of
from extractors.training.recogniser.lines import HEIGHT, Crop, Line, made_up_lines
from extractors.training.recogniser.network import Network
from extractors.training.recogniser.scoring import readings
from extractors.training.recogniser.tuning import Material, Recipe, Tuner


def printed(text: str) -> Crop:
    crop = np.full((HEIGHT, 24 * len(text), 3), 235, dtype=np.uint8)
    cv2.putText(crop, text, (6, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
    return crop


def nats(network: Network, line: Line, target: str) -> float:
    """How unlikely a text is to a network."""
    classes = [network.characters.index(char) for char in target]
    with torch.no_grad():
        shares = network(batch_of([line.pixels]).pixels).log_softmax(-1).transpose(0, 1)
    columns = torch.tensor([shares.shape[0]])
    loss = torch.nn.functional.ctc_loss(
        shares, torch.tensor(classes), columns, torch.tensor([len(classes)]), reduction="sum"
    )
    return float(loss)


def test_a_few_steps_make_the_target_likelier(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(tuning, "_DRAWN", 4)
    monkeypatch.setattr(tuning.time, "monotonic", lambda: float(next(ticks)))
    line = Line("a", printed("JALAN 5"), "JALAN 5", 0.9, "JALAN S")
    before = nats(Network(MODEL), line, "JALAN S")
    tuner = Tuner(MODEL, Material([line], others=[line]), Recipe(seconds=30, rate=4e-3, keep=0.1))
    early = tuner.network.weights["conv2d_68__w_0"].detach().clone()
    said: list[str] = []
    tuner.run(said.append)
    assert nats(tuner.network, line, "JALAN S") < before - 1
    assert torch.equal(tuner.network.weights["conv2d_68__w_0"], early)  # the early layers are not trained
    assert [text.split(":")[0] for text in said] == ["step 20"]


def test_the_lines_of_a_made_up_page_are_cut_and_known() -> None:
    lines = list(made_up_lines(1, 7_000_001, Recogniser(1)))
    known = [line for line in lines if line.target]
    assert len(known) >= 10
    assert all(line.pixels.shape[0] == HEIGHT for line in lines)
    right = sum(line.read.replace(" ", "") == str(line.target).replace(" ", "") for line in known)
    assert right >= 0.7 * len(known)
    network = Network(MODEL)
    again = readings(network.file.data, network.characters, known[:6])
    assert sum(a == line.read for a, line in zip(again, known, strict=False)) >= 4  # but for second thoughts
