"""From labelled documents to a calibration that can be gone on with after a stop, and pooled with another."""

from __future__ import annotations

import gzip
import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from extractors.confidence.calibrate import LabelledSource, calibrate, collect
from extractors.confidence.calibrator import load_calibrator
from extractors.confidence.certify import Budget
from extractors.confidence.fit import Fitted, JudgedDocument, fit
from extractors.confidence.judged import FILE, read_judged, write_judged
from extractors.confidence.reliability import draw_reliability, reliability
from extractors.confidence.sampling import Sampling, sampling_of
from extractors.evaluation.run import open_set
from extractors.options import ExtractOptions
from extractors.validation.validate import Validated, validate
from schemas.errors import ModelError, UsageError
from schemas.registry import LoadedSchema, load_schema
from tests.validation.paper import answered, paper

SCHEMA = load_schema("receipt")
BUDGET = Budget(0.02)


def folder(root: Path, count: int, first: int = 0) -> LabelledSource:
    """Receipts whose truth is the shop of their number; the files hold no more than that number."""
    for name in ("docs", "truth"):
        (root / name).mkdir(parents=True, exist_ok=True)
    ids = [f"r{first + i}" for i in range(count)]
    for one in ids:
        (root / "docs" / f"{one}.pdf").write_text(one)
        truth = {"company": f"SHOP {one}", "address": "1 Road", "date": "2018-12-25", "total": 9.5}
        (root / "truth" / f"{one}.json").write_text(json.dumps(truth))
    (root / "splits.json").write_text(json.dumps({"train": ids}))
    return LabelledSource(open_set(root, "train"), SCHEMA)


class Model:
    """Answers the company wrongly, and is unsure then, for every seventh document."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, schema: LoadedSchema, path: Path) -> Validated | None:
        self.asked.append(path.stem)
        wrong = int(path.stem[1:]) % 7 == 0
        document = paper(f"SHOP {path.stem}\n1 Road\n25/12/2018\nTOTAL 9.50")
        company = "1 Road" if wrong else f"SHOP {path.stem}"
        raw = {"company": company, "address": "1 Road", "date": "25/12/2018", "total": "9.50"}
        answer = answered(document, raw, -2.0 if wrong else -0.001)
        return validate(answer, schema, document, ExtractOptions())


def test_a_calibration_knows_what_it_was_fitted_on_and_certifies(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 350)
    records = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    made = calibrate(records, [source], "m-1")
    path = made.write(tmp_path / "out")
    found = load_calibrator(path, "m-1")
    assert (found.sources[0].documents, found.sources[0].values) == (350, 1400)
    certificate = found.certificate(SCHEMA.fingerprint, BUDGET)
    assert certificate.threshold is not None
    assert certificate.wrong == 0
    assert 0.8 < certificate.coverage < 1
    assert found.certificate("unknown", BUDGET).threshold is None
    assert len(list(read_judged(tmp_path / "out" / FILE, "m-1"))) == 350


def test_a_stopped_collection_goes_on_where_it_was(tmp_path: Path) -> None:
    source, kept, model = folder(tmp_path / "set", 6), tmp_path / "kept.jsonl", Model()
    first = collect([source], model, "m-1", kept)
    half = [next(first) for _ in range(3)]
    first.close()
    with kept.open("a") as log:
        log.write('{"key": "cut off')
    again = Model()
    every = list(collect([source], again, "m-1", kept))
    assert (model.asked, again.asked) == (["r0", "r1", "r2"], ["r3", "r4", "r5"])
    assert [one.sha256 for one in every[:3]] == [one.sha256 for one in half]
    third = Model()
    assert len(list(collect([source], third, "m-1", kept))) == 6
    assert third.asked == []  # what was written behind the line that was cut off counts too
    other = Model()
    list(collect([source], other, "m-2", kept))
    assert len(other.asked) == 6  # of another model nothing is known


def test_a_changed_label_is_judged_again(tmp_path: Path) -> None:
    source, kept = folder(tmp_path / "set", 3), tmp_path / "kept.jsonl"
    before = list(collect([source], Model(), "m-1", kept))
    (tmp_path / "set" / "truth" / "r1.json").write_text(json.dumps({"company": "OTHER"}))
    model = Model()
    after = list(collect([source], model, "m-1", kept))
    assert model.asked == ["r1"]
    assert [len(one.document.fields) for one in before] == [4, 4, 4]
    assert [len(one.document.fields) for one in after] == [4, 1, 4]
    assert not after[1].document.fields[0].right


def test_documents_that_cannot_be_read_are_passed_over_and_tried_again(tmp_path: Path) -> None:
    source, kept = folder(tmp_path / "set", 3), tmp_path / "kept.jsonl"
    assert list(collect([source], lambda schema, path: None, "m-1", kept)) == []
    assert len(list(collect([source], Model(), "m-1", kept))) == 3


def test_what_was_kept_takes_the_weights_and_skips_of_now(tmp_path: Path) -> None:
    source, kept, root = folder(tmp_path / "set", 3), tmp_path / "kept.jsonl", tmp_path / "set"
    list(collect([source], Model(), "m-1", kept))
    weights = {"r0": 1, "r1": 1, "r2": 4}
    (root / "sampling.json").write_text(json.dumps({"drawn": "weighted", "weights": weights, "largest": 8}))
    (root / "skip_fields.json").write_text(json.dumps({"r1": ["total"]}))
    model = Model()
    found = list(collect([LabelledSource(open_set(root, "train"), SCHEMA)], model, "m-1", kept))
    assert model.asked == ["r1"]
    assert [one.document.weight for one in found] == [0.5, 0.5, 2.0]
    assert {one.document.largest for one in found} == {4.0}
    assert [len(one.document.fields) for one in found] == [4, 3, 4]


def test_a_document_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 75)
    records = list(collect([source, source], Model(), "m-1", tmp_path / "kept.jsonl"))
    made = calibrate(records, [source], "m-1")
    assert len(records) == 150
    assert len(made.calibrator.evidence[SCHEMA.fingerprint].documents) == 75


def test_evidence_speaks_of_the_fields_that_were_labelled(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 20)
    for number in range(18):
        truth = {"company": f"SHOP r{number}", "address": "1 Road", "date": "2018-12-25"}
        (tmp_path / "set" / "truth" / f"r{number}.json").write_text(json.dumps(truth))
    records = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    made = calibrate(records, [source], "m-1")
    assert made.calibrator.evidence[SCHEMA.fingerprint].labelled == ["address", "company", "date"]


def test_pooling_adds_the_documents_of_the_earlier_calibration_once(tmp_path: Path) -> None:
    old, new = folder(tmp_path / "old", 60), folder(tmp_path / "new", 20, first=50)
    records = list(collect([old], Model(), "m-1", tmp_path / "a"))
    calibrate(records, [old], "m-1").write(tmp_path / "out")
    mine = list(collect([new], Model(), "m-1", tmp_path / "b"))
    pooled = calibrate(mine, [new], "m-1", [tmp_path / "out" / FILE])
    assert len(pooled.records) == 70
    assert len(calibrate(mine, [new], "m-2", [tmp_path / "out" / FILE]).records) == 20
    stale = calibrate(records[:15], [old], "m-0").write(tmp_path / "stale").parent / FILE
    assert len(calibrate(mine, [new], "m-1", [tmp_path / "out" / FILE, stale]).records) == 70


def test_what_proves_nothing_is_fitted_on_and_is_no_evidence(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 40)
    records = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    silent = [replace(one, proves=number >= 30) for number, one in enumerate(records)]
    write_judged(tmp_path / "pool" / FILE, "m-1", silent[:30])
    made = calibrate(silent[30:], [source], "m-1", [tmp_path / "pool" / FILE])
    assert len(made.records) == 40
    assert sum(one.proves for one in made.records) == 10
    (evidence,) = made.calibrator.evidence.values()
    assert len(evidence.documents) == 10
    alone = calibrate(silent[30:], [source], "m-1")
    assert made.calibrator.values != alone.calibrator.values
    made.write(tmp_path / "out")  # pooled once more, they still prove nothing
    assert sum(one.proves for one in read_judged(tmp_path / "out" / FILE, "m-1")) == 10


def test_what_proves_nothing_is_borrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = folder(tmp_path / "set", 20)
    records = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    given: list[JudgedDocument] = []

    def seen(documents: Sequence[JudgedDocument]) -> Fitted:
        given.extend(documents)
        return fit(documents)

    monkeypatch.setattr("extractors.confidence.calibrate.fit", seen)
    made = calibrate([replace(one, proves=number % 2 == 0) for number, one in enumerate(records)], [], "m-1")
    assert [one.borrowed for one in given] == [not one.proves for one in made.records]
    assert sum(one.borrowed for one in given) == 10


def test_a_second_call_fits_on_the_very_same_figures(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 5)
    first = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    assert list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl")) == first


def test_a_damaged_pool_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(ModelError, match="damaged"):
        list(read_judged(tmp_path / FILE, "m-1"))


def test_a_pool_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extractors.confidence.judged.MOST_BYTES", 1000)
    (tmp_path / FILE).write_bytes(gzip.compress(b"{}\n" * 1000))
    with pytest.raises(ModelError, match="more than 1000 bytes unpacked"):
        list(read_judged(tmp_path / FILE, "m-1"))


def test_judged_documents_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    records = list(collect([folder(tmp_path / "set", 3)], Model(), "m-1", tmp_path / "kept"))
    for name in ("a", "b"):
        write_judged(tmp_path / name, "m-1", records)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert b"SHOP" not in (tmp_path / "kept").read_bytes()  # features and verdicts, no text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, Sampling()),
        ({"drawn": "uniform"}, Sampling()),
        (
            {"drawn": "weighted", "weights": {"a": 2, "b": 6}, "largest": 8},
            Sampling({"a": 0.5, "b": 1.5}, 2.0),
        ),
    ],
)
def test_how_documents_were_drawn(tmp_path: Path, said: Any, expected: Any) -> None:
    if said is not None:
        (tmp_path / "sampling.json").write_text(json.dumps(said))
    assert sampling_of(tmp_path) == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"drawn": "queue"}', "they were doubtful"),
        ('{"drawn": "luck"}', "nobody knows"),
        ('{"drawn": "weighted"}', "KeyError: 'largest'"),
        ('{"drawn": "weighted", "weights": {"a": 0}, "largest": 1}', "not above 0"),
        ('{"drawn": "weighted", "weights": {"a": 2}, "largest": 1}', "at most the largest"),
        ('{"drawn": "weighted", "weights": {"a": 2}}', "largest"),
        ('{"drawn": "weighted", "weights": [1]}', "AttributeError"),
        ("{}", "KeyError"),
        ("[", "JSONDecodeError"),
        ("3", "TypeError"),
    ],
)
def test_documents_that_are_no_sample_prove_nothing(tmp_path: Path, said: str, why: str) -> None:
    source = folder(tmp_path / "set", 2)
    (tmp_path / "set" / "sampling.json").write_text(said)
    with pytest.raises(UsageError, match=why):
        list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))


def test_weights_reach_the_evidence(tmp_path: Path) -> None:
    source = folder(tmp_path / "set", 12)
    weights = {f"r{i}": 1.0 + i for i in range(12)}
    said = {"drawn": "weighted", "weights": weights, "largest": 13}
    (tmp_path / "set" / "sampling.json").write_text(json.dumps(said))
    records = list(collect([source], Model(), "m-1", tmp_path / "kept.jsonl"))
    made = calibrate(records, [source], "m-1")
    evidence = made.calibrator.evidence[SCHEMA.fingerprint]
    assert sorted(evidence.weights) == pytest.approx([(1 + i) / 6.5 for i in range(12)])
    assert evidence.largest == pytest.approx(2.0)
    del weights["r3"]
    (tmp_path / "set" / "sampling.json").write_text(json.dumps(said))
    with pytest.raises(UsageError, match="no weight for 'r3'"):
        list(collect([source], Model(), "m-1", tmp_path / "other.jsonl"))


def test_reliability_by_hand() -> None:
    found = reliability([(0.2, False), (0.4, True), (0.9, True), (0.9, False)], bins=2)
    assert [(one.count, one.right) for one in found.bins] == [(2, 0.5), (2, 0.5)]
    assert found.ece == pytest.approx((0.2 + 0.4) / 2)
    assert found.brier == pytest.approx((0.04 + 0.36 + 0.01 + 0.81) / 4)
    assert (found.count, found.right, found.probability) == (4, 0.5, pytest.approx(0.6))
    assert reliability([]) == reliability([], bins=3)


@pytest.mark.parametrize("values", [40, 400, 4000])
def test_exact_probabilities_are_off_by_chance_and_less_so_on_more_values(values: int) -> None:
    chance = random.Random(values)
    even = [(p, chance.random() < p) for p in (chance.random() for _ in range(values))]
    found = reliability(even)
    spread = math.pi / 8 / math.sqrt(values / 10)  # of a bin's share, its probability anywhere from 0 to 1
    assert found.ece_by_chance == pytest.approx(spread * math.sqrt(2 / math.pi), rel=0.15)
    assert found.ece < 2 * found.ece_by_chance
    assert reliability([(1.0, True)] * values).ece_by_chance == 0.0  # what is certain has no chance


def test_probabilities_that_keep_their_word_have_little_error(tmp_path: Path) -> None:
    chance = random.Random(1)
    honest = [(p, chance.random() < p) for p in (chance.random() for _ in range(4000))]
    boast = [(p**0.3, right) for p, right in honest]
    assert reliability(honest).ece < 0.03 < 0.1 < reliability(boast).ece
    draw_reliability({"a": reliability(honest), "b": reliability(boast)}, tmp_path / "r.png")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
