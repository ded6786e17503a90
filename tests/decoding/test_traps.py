"""The traps of decoding with drafts, one by one; those of the grammar are in ``tests/grammar/test_traps.py``.

The tokenizer has tokens of several letters, so that one text can be cut in many ways: what is written stays cut as it
was chosen, and a draft that is refused leaves no trace. Also proven elsewhere: that batches and caches change nothing
(``test_batches.py``), that whatever a model wants its answer comes to an end (``test_validity.py``).
"""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.row import Decoded
from schemas.registry import load_schema
from tests.decoding.test_batches import RECEIPT, plain, request_of
from tests.tiny import tiny_model, tiny_processor

PAGE = [*RECEIPT, 'He said "no" \\ 5', "Blue Harbour Bluest Harbours"]
LEARNED = (*PAGE, '{"company":"Blue Harbour","date":null,"address":null,"total":"$1,234.50"}', "ull} nul l,")
SEEDS = range(5)


@cache
def written(seed: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The answer as the textbook's loop writes it: its tokens and their scores."""
    processor = tiny_processor(LEARNED)
    tokens, scores = plain(
        tiny_model(seed, learned=LEARNED),
        processor.tokenizer,
        request_of(processor, PAGE, load_schema("receipt"), limit=120),
    )
    return tuple(tokens), tuple(scores)


def drafted(seed: int, guess: str | None = None) -> Decoded:
    processor = tiny_processor(LEARNED)
    request = request_of(processor, PAGE, load_schema("receipt"), guess=guess, limit=120)
    return GreedyDecoder(tiny_model(seed, learned=LEARNED), processor.tokenizer).decode(request)


def pieces_of(tokens: tuple[int, ...]) -> list[str]:
    return [tiny_processor(LEARNED).tokenizer.decode([token]) for token in tokens]


def test_there_is_something_to_cut_anew() -> None:
    """Else the tests below prove nothing: some answers are written in other tokens than their text splits into."""
    tokenizer = tiny_processor(LEARNED).tokenizer
    texts = [(written(seed)[0], tokenizer.decode(written(seed)[0])) for seed in SEEDS]
    cut = [(tokens, tokenizer(text, add_special_tokens=False)["input_ids"]) for tokens, text in texts]
    assert any(list(tokens) != anew for tokens, anew in cut)
    assert max(len(piece) for tokens, _ in texts for piece in pieces_of(tokens)) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_written_is_never_cut_anew(seed: int) -> None:
    """Token by token the answer of the loop without drafts, cache and forced runs."""
    tokens, scores = written(seed)
    decoded = drafted(seed)
    assert decoded.pieces == pieces_of(tokens)
    assert decoded.log_probabilities == pytest.approx(scores, abs=1e-3)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    cut=st.floats(0, 1),
    other=st.sampled_from(["", "Bluest", "nowhere", '"', "\\", '",', "null", "}", "Total $1,234.50", "é"]),
)
def test_a_draft_that_is_refused_leaves_no_trace(seed: int, cut: float, other: str) -> None:
    """A guess that is right up to somewhere and then goes wrong: legal text, text of no page, no JSON at all."""
    tokens, scores = written(seed)
    text = "".join(pieces_of(tokens))
    at = int(cut * len(text))
    decoded = drafted(seed, text[:at] + other + text[at:])
    assert decoded.pieces == pieces_of(tokens)
    assert decoded.log_probabilities == pytest.approx(scores, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_draft_is_taken_in_the_tokens_that_would_be_written(seed: int) -> None:
    tokens, _ = written(seed)
    without, right = drafted(seed), drafted(seed, "".join(pieces_of(tokens)))
    assert right.pieces == without.pieces == pieces_of(tokens)
    assert right.model_calls <= without.model_calls
