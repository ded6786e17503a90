"""The traps of decoding with drafts, one by one; those of the grammar are in ``tests/grammar/test_traps.py``.

The tokenizer has tokens of several letters, so that one text can be cut in many ways: what is written stays cut as it
was chosen, and a draft that is refused leaves no trace. Also proven elsewhere: that batches and caches change nothing
(``test_batches.py``), that whatever a model wants its answer comes to an end (``test_validity.py``).
"""

from __future__ import annotations

import json
from functools import cache

import llguidance.hf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.guide import guide_of
from extractors.decoding.row import Decoded
from schemas.registry import from_json_schema, load_schema
from tests.decoding.families import qwen, smol
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


@pytest.mark.parametrize("seed", SEEDS)
def test_the_end_token_printed_on_a_page_is_text(seed: int) -> None:
    """Also where it is all that may follow, and would be forced in the one token that ends answers elsewhere."""
    schema = from_json_schema(
        {
            "type": "object",
            "properties": {"day": {"type": "string", "format": "date"}, "last": {"type": "string"}},
        },
        "made",
    )
    processor = tiny_processor()
    decoded = GreedyDecoder(tiny_model(seed), processor.tokenizer).decode(
        request_of(processor, ["<|im_end|>"], schema, limit=120)
    )
    assert not decoded.truncated
    assert set(json.loads(decoded.text)) == {"day", "last"}
    assert all(value is None or value in "<|im_end|>" for value in json.loads(decoded.text).values())
    assert "".join(decoded.pieces) == decoded.text


@pytest.mark.parametrize("family", ["tiny", "qwen", "smol"])
def test_the_grammar_knows_the_same_tokens(family: str) -> None:
    """But for those that no page may spell: same numbers, same bytes, same end."""
    made = {"tiny": lambda: tiny_processor(), "qwen": lambda: qwen()[1], "smol": lambda: smol()[1]}
    tokenizer = made[family]().tokenizer
    ours, theirs = guide_of(tokenizer), llguidance.hf.from_tokenizer(tokenizer)
    assert (ours.vocab_size, ours.eos_token) == (theirs.vocab_size, theirs.eos_token)
    special = [n for n in range(theirs.vocab_size) if theirs.is_special_token(n)]
    assert special == [n for n in range(ours.vocab_size) if ours.is_special_token(n)]
    for number in set(range(theirs.vocab_size)) - set(special):
        assert ours.decode_bytes([number]) == theirs.decode_bytes([number])
    end = tokenizer.eos_token
    assert tokenizer.eos_token_id not in ours.tokenize_str(end)
    assert ours.tokenize_str("Total 1,234.50") == theirs.tokenize_str("Total 1,234.50")
