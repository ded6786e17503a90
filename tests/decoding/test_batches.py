"""Many answers at a time are those of one at a time, and those of a plain loop without cache, drafts or batches."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from extractors.decoding.greedy import GreedyDecoder
from extractors.decoding.guess import Guess
from extractors.decoding.row import Decoded, Request
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import encode
from extractors.prompting.window import windows_of
from schemas.document import PageImage
from schemas.errors import BackendError
from schemas.registry import LoadedSchema, from_json_schema, load_schema
from tests.decoding.families import qwen, smol
from tests.tiny import document_of, tiny_model, tiny_processor

RECEIPT = ["Blue Harbour Books Ltd", "12 Mill Lane, York", "Date 25/12/2018   No 77", "Total   $1,234.50"]
BILL = ["Invoice  4711", "Pens   2   3.50   7.00", "Paper   1   4.00   4.00", "Total  11.00  EUR"]
LIMIT = 250


def picture(seed: int, size: tuple[int, int] = (96, 120)) -> PageImage:
    image = Image.effect_noise(size, 30 + 10 * seed).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG")
    return PageImage(out.getvalue(), "image/png", *size)


def request_of(
    processor: Any,
    lines: Sequence[str],
    schema: LoadedSchema,
    *,
    image: PageImage | None = None,
    guess: str | None = None,
    limit: int = LIMIT,
) -> Request:
    document = document_of(lines, image=image)
    (window,) = windows_of(document, 100_000, lambda texts: [len(t) for t in texts])
    index = SpanIndex(window)
    prompt = encode(processor, schema, window, document)
    return Request(prompt, grammar_of(schema.tree, index), index, limit, Guess(guess) if guess else None)


def plain(model: Any, tokenizer: Any, request: Request) -> tuple[list[int], list[float]]:
    """Greedy constrained decoding as a textbook has it: the whole sequence through the model for every token."""
    guide = llguidance.hf.from_tokenizer(tokenizer)
    matcher = llguidance.LLMatcher(guide, llguidance.LLMatcher.grammar_from_lark(request.grammar))
    mask = llguidance.numpy.allocate_token_bitmask(1, guide.vocab_size)
    tokens: list[int] = []
    scores: list[float] = []
    while len(tokens) < request.max_tokens and not matcher.is_stopped():
        ids = torch.cat([request.prompt.input_ids, torch.tensor([tokens], dtype=torch.long)], dim=1)
        extra = dict(request.prompt.extra)
        if (kinds := extra.get("mm_token_type_ids")) is not None:
            extra["mm_token_type_ids"] = torch.nn.functional.pad(kinds, (0, ids.shape[1] - kinds.shape[1]))
        with torch.inference_mode():
            logits = model(input_ids=ids, use_cache=False, **extra).logits[0, -1, : guide.vocab_size]
        llguidance.numpy.fill_next_token_bitmask(matcher, mask, 0)
        bits = np.unpackbits(mask[0].view(np.uint8), bitorder="little")[: guide.vocab_size]
        allowed = torch.from_numpy(bits.astype(bool))
        scored = torch.log_softmax(logits.masked_fill(~allowed, -torch.inf), dim=-1)
        choice = int(scored.argmax())
        if choice == tokenizer.eos_token_id:
            break
        assert matcher.consume_token(choice)
        tokens.append(choice)
        scores.append(float(scored[choice]))
    return tokens, scores


def same(decoded: Decoded, tokenizer: Any, expected: tuple[list[int], list[float]]) -> None:
    tokens, scores = expected
    assert decoded.text == tokenizer.decode(tokens)
    assert decoded.log_probabilities == pytest.approx(scores, abs=1e-3)


def mixed(processor: Any) -> list[Request]:
    """Requests of different schemas, lengths, images and guesses."""
    receipt, invoice = load_schema("receipt"), load_schema("invoice")
    return [
        request_of(processor, RECEIPT, receipt, image=picture(1)),
        request_of(processor, BILL, invoice, guess='{"invoice_number":"4711","total":"11.00"}'),
        request_of(processor, [], receipt),
        request_of(processor, RECEIPT * 4, receipt),
        request_of(processor, BILL, receipt, image=picture(2), limit=9),
    ]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("family", ["tiny", "qwen", "smol"])
def test_all_at_once_is_as_the_plain_loop(family: str, packed: bool) -> None:
    """Idefics3, SmolVLM and Qwen2.5-VL, which counts positions in three dimensions; as on a CPU, as on a GPU."""
    model, processor = {"tiny": lambda: (tiny_model(3), tiny_processor()), "qwen": qwen, "smol": smol}[
        family
    ]()
    requests = [r if r.max_tokens < 60 else request_with(r, 60) for r in mixed(processor)]
    decoder = GreedyDecoder(model, processor.tokenizer, rows=3, packed=packed)
    found = dict(decoder.answers(requests))
    assert sorted(found) == list(range(len(requests)))
    for number, request in enumerate(requests):
        same(found[number], processor.tokenizer, plain(model, processor.tokenizer, request))


def request_with(request: Request, limit: int) -> Request:
    return Request(request.prompt, request.grammar, request.index, limit, request.guess)


names = st.text("abcdefgh", min_size=1, max_size=6)
leaves = st.sampled_from(
    [
        {"type": ["string", "null"]},
        {"type": ["number", "null"]},
        {"type": "integer"},
        {"type": ["string", "null"], "format": "date"},
        {"enum": ["paid", "open", "void"]},
        {"type": "boolean"},
    ]
)


def objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(names, children, min_size=1, max_size=3).map(
        lambda fields: {"type": "object", "properties": fields}
    )


schemas = objects(
    st.one_of(
        leaves,
        objects(leaves),
        objects(leaves).map(lambda item: {"type": "array", "items": item, "maxItems": 3}),
    )
)
lines = st.lists(st.sampled_from([*RECEIPT, *BILL, 'He said "no" \\ 5', "1 234,50  -3"]), max_size=5)


batches = given(
    asked=st.lists(st.tuples(schemas, lines), min_size=1, max_size=4),
    rows=st.integers(1, 4),
    seed=st.integers(0, 4),
    packed=st.booleans(),
)


def any_batch(asked: list[tuple[Any, list[str]]], rows: int, seed: int, packed: bool) -> None:
    model, processor = tiny_model(seed), tiny_processor()
    requests = [
        request_of(processor, page, from_json_schema(schema, "made"), limit=120) for schema, page in asked
    ]
    decoder = GreedyDecoder(model, processor.tokenizer, rows=rows, packed=packed)
    together = dict(decoder.answers(requests))
    for number, request in enumerate(requests):
        alone = GreedyDecoder(model, processor.tokenizer, drafts=False, rows=1).decode(request)
        assert together[number].text == alone.text
        assert together[number].log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-3)
        assert together[number].log_masses == pytest.approx(alone.log_masses, abs=1e-3)
        assert together[number].truncated == alone.truncated
        assert together[number].model_calls <= alone.model_calls


test_any_batch_of_any_schemas_and_pages = settings(max_examples=4, deadline=None)(batches(any_batch))
test_many_batches_of_any_schemas_and_pages = pytest.mark.slow(
    settings(max_examples=60, deadline=None)(batches(any_batch))
)


class Counted:
    """A model that notes the shape of each pass, and fails as it is told."""

    def __init__(self, model: Any, most_rows: int | None = None) -> None:
        self.model_, self.most_rows = model, most_rows
        self.shapes: list[tuple[int, int]] = []
        """Rows and tokens of each pass; of a packed one, as its positions begin anew."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model_, name)

    def __call__(self, **inputs: Any) -> Any:
        rows, width = inputs["input_ids"].shape
        rows += int((inputs["position_ids"][0].diff() != 1).sum()) if rows == 1 else 0
        shape = (rows, width)
        if self.most_rows is not None and shape[0] > self.most_rows:
            raise torch.OutOfMemoryError("there is no more")
        self.shapes.append(shape)
        return self.model_(**inputs)


def test_the_beginning_that_prompts_share_is_computed_once() -> None:
    processor, model = tiny_processor(), Counted(tiny_model())
    decoder = GreedyDecoder(model, processor.tokenizer)
    requests = [request_of(processor, RECEIPT, load_schema("receipt"), limit=20) for _ in range(3)]
    list(decoder.answers(requests))
    first, *others = [width for _, width in model.shapes[:3]]
    prompt = requests[0].prompt
    assert prompt.shared > 100
    assert first >= prompt.input_ids.shape[1]
    assert all(width < first - prompt.shared + 64 for width in others)


def test_rows_share_their_passes_and_later_ones_join() -> None:
    processor, model = tiny_processor(), Counted(tiny_model(1))
    requests = [request_of(processor, RECEIPT * (i % 3 + 1), load_schema("receipt")) for i in range(7)]
    found = dict(GreedyDecoder(model, processor.tokenizer, rows=3).answers(requests))
    steps = [rows for rows, width in model.shapes[1:] if width <= 64]
    assert max(steps) == 3
    assert len(model.shapes) < sum(decoded.model_calls for decoded in found.values())


def test_requests_are_taken_as_there_is_room() -> None:
    processor = tiny_processor()
    taken: list[int] = []

    def asked() -> Any:
        for number in range(6):
            taken.append(number)
            yield request_of(processor, RECEIPT, load_schema("receipt"), limit=30)

    decoder = GreedyDecoder(tiny_model(), processor.tokenizer, rows=2)
    for done, _ in enumerate(decoder.answers(asked()), 1):
        assert len(taken) <= done + 3
    assert len(taken) == 6


@pytest.mark.parametrize("most", [1, 2])
def test_without_memory_for_all_fewer_are_made_at_a_time(most: int) -> None:
    processor = tiny_processor()
    requests = mixed(processor)
    model = Counted(tiny_model(2), most)
    decoder = GreedyDecoder(model, processor.tokenizer, rows=5)
    found = dict(decoder.answers(requests))
    assert decoder.rows <= most
    alone = GreedyDecoder(tiny_model(2), processor.tokenizer, rows=1)
    assert [found[i].text for i in range(5)] == [alone.decode(request).text for request in requests]


def test_without_memory_for_one_it_says_so() -> None:
    processor = tiny_processor()
    decoder = GreedyDecoder(Counted(tiny_model(), 0), processor.tokenizer)
    with pytest.raises(BackendError, match="does not suffice for one answer") as error:
        list(decoder.answers(mixed(processor)))
    assert "smaller" in error.value.remedy


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_told(poison: float) -> None:
    processor, model = tiny_processor(), tiny_model()
    with torch.no_grad():
        model.model.text_model.norm.weight.fill_(poison)
    decoder = GreedyDecoder(model, processor.tokenizer)
    with pytest.raises(BackendError, match="numbers that are none"):
        decoder.decode(request_of(processor, RECEIPT, load_schema("receipt")))


def test_masses_tell_what_the_grammar_cut_away() -> None:
    processor = tiny_processor()
    decoded = GreedyDecoder(tiny_model(), processor.tokenizer).decode(
        request_of(processor, RECEIPT, load_schema("receipt"))
    )
    assert len(decoded.log_masses) == len(decoded.pieces) == len(decoded.log_probabilities)
    assert all(mass <= 1e-5 for mass in decoded.log_masses)
    assert min(decoded.log_masses) < -0.5  # an untrained model would write anything


def test_rows_of_random_lengths_end_in_any_order() -> None:
    processor, rng = tiny_processor(), random.Random(0)
    requests = [
        request_of(processor, RECEIPT * rng.randint(1, 4), load_schema("receipt"), limit=rng.randint(1, 80))
        for _ in range(9)
    ]
    decoder = GreedyDecoder(tiny_model(4), processor.tokenizer, rows=4)
    order = [number for number, _ in decoder.answers(requests)]
    assert sorted(order) == list(range(9)) and order != sorted(order)
