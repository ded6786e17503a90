"""Which transcript belongs to which line."""

from __future__ import annotations

import random

import numpy as np

from extractors.training.recogniser.batches import batch_of, grouped, worn
from extractors.training.recogniser.lines import HEIGHT, Line, _Cut, _matched
from extractors.training.recogniser.scoring import score
from schemas.document import Box


def line(read: str, width: int = 100, target: str | None = None) -> Line:
    return Line("a", np.full((HEIGHT, width, 3), 200, dtype=np.uint8), read, 0.9, target)


def test_transcripts_within_a_line_are_joined_left_to_right() -> None:
    cuts = [_Cut(line("TOTAL 9.00"), Box(0, 0, 100, 10)), _Cut(line("CASH"), Box(0, 20, 40, 30))]
    known = [(Box(60, 1, 99, 9), "9.00"), (Box(1, 1, 40, 9), "TOTAL"), (Box(1, 21, 39, 29), "CASH")]
    assert [text for _, text in _matched(cuts, known)] == ["TOTAL 9.00", "CASH"]


def test_a_transcript_over_two_lines_belongs_to_neither() -> None:
    cuts = [_Cut(line("TOTAL"), Box(0, 0, 50, 10)), _Cut(line("9.00"), Box(55, 0, 100, 10))]
    assert [text for _, text in _matched(cuts, [(Box(0, 0, 100, 10), "TOTAL 9.00")])] == ["", ""]


def test_a_batch_is_padded_as_the_reader_pads_it() -> None:
    batch = batch_of([line("", 100).pixels, line("", 330).pixels])
    assert batch.pixels.shape == (2, 3, HEIGHT, 330)
    assert batch.columns == (13, 42)
    assert float(batch.pixels[0, :, :, 100:].abs().max()) == 0
    assert batch_of([line("", 100).pixels]).pixels.shape[-1] == 320


def test_every_line_is_in_one_group_and_groups_are_of_bounded_width() -> None:
    lines = [line("", width) for width in (40, 60, 900, 300, 1000, 35) * 20]
    groups = grouped(lines, random.Random(0))
    assert sorted(one.width for group in groups for one in group) == sorted(one.width for one in lines)
    assert all(len(group) * max(320, *(one.width for one in group)) < 10_000 for group in groups)


def test_wear_keeps_a_line_a_line() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (HEIGHT, 90, 3)).astype(np.uint8)
    chance = random.Random(0)
    seen = [worn(crop, chance) for _ in range(60)]
    assert all(one.shape[0] == HEIGHT and one.shape[2] == 3 and one.dtype == np.uint8 for one in seen)
    assert all(81 <= one.shape[1] <= 99 for one in seen)
    assert any(one.shape != crop.shape or (one != crop).any() for one in seen)


def test_scores_count_letters_and_digits_without_case() -> None:
    lines = [line("", target="Total: 9.00"), line("", target="JALAN 5")]
    found = score(["TOTAL 9.00", "JALAN S"], lines)
    assert (found.lines, found.right) == (2, 0.5)
    assert round(found.wrong_letters, 4) == round(1 / 14, 4)
