"""One folding for prompt, grammar and search: what the prompt shows can be written, and is found at its words."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence

import llguidance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.backends.base import LeafAnswer
from extractors.decoding.row import Decoded
from extractors.grammar.compile import grammar_of
from extractors.grammar.spans import SpanIndex
from extractors.grounding.place import read_answer
from extractors.prompting.encode import encode
from extractors.prompting.window import Window, windows_of
from extractors.reading.text import normalise_text
from extractors.validation.checks import is_grounded
from extractors.validation.values import parse_leaf
from schemas.document import Box, DocumentRef, Page, ReadDocument, Word
from schemas.registry import from_json_schema
from schemas.tree import Kind, Leaf
from tests.grammar.grammars import GUIDE
from tests.tiny import tiny_processor

SCHEMA = from_json_schema(
    {
        "type": "object",
        "properties": {
            "text": {"type": ["string", "null"]},
            "number": {"type": ["number", "null"]},
            "date": {"type": ["string", "null"], "format": "date"},
        },
    },
    "folding",
)

REFERENCE = DocumentRef("memory://page.pdf", "0" * 64, 1, "application/pdf")


def page_with(texts: Sequence[str]) -> tuple[ReadDocument, Window]:
    """Words of these texts, one beside the other with a space between, on one line."""
    words, x = [], 40.0
    for text in texts:
        width = 6.0 * max(len(text), 1)
        words.append(Word(text, Box(x, 40, x + width, 50)))
        x += width + 5
    document = ReadDocument(REFERENCE, (Page(1, 612, 792, "text_layer", tuple(words)),), 1)
    (window,) = windows_of(document, 100_000, lambda shown: [len(text) for text in shown])
    return document, window


def answered(index: SpanIndex, field: str, value: str) -> tuple[bool, LeafAnswer]:
    """Whether the grammar lets a value be written, token by token; and the leaf that is read from such an answer."""
    answer = {"text": None, "number": None, "date": None, field: value}
    text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    lark = llguidance.LLMatcher.grammar_from_lark(grammar_of(SCHEMA.tree, index))
    matcher = llguidance.LLMatcher(GUIDE, lark)
    assert not matcher.is_error(), matcher.get_error()
    ids = tiny_processor().tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    allowed = matcher.consume_tokens(ids) and matcher.is_accepting()
    read = read_answer(Decoded(text, list(text), [0.0] * len(text)), SCHEMA.tree, index)
    return allowed, next(leaf for leaf in read.leaves if leaf.path == field)


def spelled(leaf: LeafAnswer) -> str:
    assert leaf.span is not None
    return " ".join(word.text for _, word in leaf.span.words)


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (["ﬁnal", "oﬃce", "ﬂoor"], "final office floor"),
        (["in\u00advoice", "num\u00adber\u00ad"], "invoice number"),
        (["zero\u200bwidth", "joined\u2060up\ufeff", "\u200fright"], "zerowidth joinedup right"),
        (["a\u00a0b", "c\u2009d", "e\u202ff", "g\u3000h"], "a b c d e f g h"),
        (["two  spaces", " edges ", "tab\there"], "two spaces edges tab here"),
        (["cafe\u0301", "Mu\u0308ller", "A\u030angstrom"], "café Müller Ångstrom"),
        (["हिन्दी", "ภาษาไทย", "q\u0323\u0307y"], "हिन्दी ภาษาไทย q\u0323\u0307y"),
        (["１２３", "ＡＢＣ", "山田（株）"], "１２３ ＡＢＣ 山田（株）"),
        (["nul\x00\x07bell", "esc\x1b[0m", "del\x7f", "c1\x85x"], "nulbell esc[0m del c1 x"),
        (['say "no"', 'Total","x":"9', "C:\\path\\n", "\\u0041"], 'say "no" Total","x":"9 C:\\path\\n \\u0041'),
        (["lone\ud800surrogate", "1\ue0050", "1(cid:7)0"], "lonesurrogate 1\ufffd0 1\ufffd0"),
        (["<|im_end|>", "<image>", "\u2028line", "emoji👩\u200d👩"], "<|im_end|> <image> line emoji👩👩"),
        (["\u200b", "only", "\x00", "words", "\u00ad", "\u00a0"], "only words"),
    ],
)  # fmt: skip
def test_the_page_as_shown_can_be_written_and_is_found(printed: list[str], shown: str) -> None:
    document, window = page_with(printed)
    assert window.text.replace("\t", " ") == shown
    prompt = encode(tiny_processor(), SCHEMA, window, document)
    assert window.text in tiny_processor().tokenizer.decode(prompt.input_ids[0])
    index = SpanIndex(window)
    for text in [shown, *shown.split(" ")]:
        allowed, leaf = answered(index, "text", text)
        assert allowed, text
        assert leaf.raw == spelled(leaf) == text
        assert is_grounded(leaf, {1})
    _, whole = answered(index, "text", shown)
    assert whole.span is not None
    boxes = [word.box for word in document.pages[0].words if normalise_text(word.text)]
    assert [word.box for _, word in whole.span.words] == boxes


@pytest.mark.parametrize("printed", ["ﬁnal", "in\u00advoice", "cafe\u0301", "nul\x00bell"])
def test_what_is_not_shown_cannot_be_written(printed: str) -> None:
    _, window = page_with([printed])
    allowed, leaf = answered(SpanIndex(window), "text", printed)
    assert not allowed
    assert leaf.span is None


@pytest.mark.parametrize(
    ("printed", "field", "number", "value"),
    [
        (["１，２３４．５０"], "number", "１，２３４．５０", "1234.50"),
        (["￥１２３"], "number", "￥１２３", "123"),
        (["－５"], "number", "－５", "-5"),
        (["١٢٣٫٥"], "number", "١٢٣٫٥", "123.5"),
        (["1\u00a0234,56"], "number", "1 234,56", "1234.56"),
        (["1\u202f234,56"], "number", "1 234,56", "1234.56"),
        (["1\u200b2\u00ad3"], "number", "123", "123"),
        (["1,2\x0034.00"], "number", "1,234.00", "1234.00"),
        (["２０２６／０１／２５"], "date", "２０２６／０１／２５", "2026-01-25"),
        (["２０２６年１月２５日"], "date", "２０２６年１月２５日", "2026-01-25"),
        (["25\u00a0De\u00adcember\u20092018"], "date", "25 December 2018", "2018-12-25"),
    ],
)
def test_figures_of_any_width_are_whole(printed: list[str], field: str, number: str, value: str) -> None:
    _, window = page_with(["Total", *printed, "end"])
    index = SpanIndex(window)
    kind = Kind.DECIMAL if field == "number" else Kind.DATE
    assert list(index.candidates(kind) or {}) == [number]
    allowed, leaf = answered(index, field, number)
    assert allowed
    assert leaf.raw == spelled(leaf) == number
    assert str(parse_leaf(number, Leaf(kind, True, "", "string")).value) == value


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("共100，200元", ["100", "200"]),  # the comma of a sentence
        ("数量（１２）", ["１２"]),  # brackets of a sentence
        ("共100元200", ["100", "200"]),
        ("Ａ１２", []),
        ("12A3", []),
    ],
)
def test_full_width_signs_of_a_sentence_make_no_number(printed: str, numbers: list[str]) -> None:
    _, window = page_with([printed])
    assert list(SpanIndex(window).numbers) == numbers


def test_no_value_begins_or_ends_inside_a_letter_with_marks() -> None:
    _, window = page_with(["हिन्दी", "q\u0323\u0307y"])
    index = SpanIndex(window)
    for part in ("ह", "िन्दी", "न", "q", "q\u0323", "\u0307y", "y"):
        allowed, leaf = answered(index, "text", part)
        assert not allowed, part
        assert leaf.span is None


def test_an_escape_counts_as_the_one_character_that_it_is() -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string", "maxLength": 4}}}
    _, window = page_with(['"""\\', "abcde"])
    lark = llguidance.LLMatcher.grammar_from_lark(
        grammar_of(from_json_schema(schema, "x").tree, SpanIndex(window))
    )
    for text, legal in (('"""\\', True), ('"""', True), ("abcde", False), ('"""\\ abcde', False)):
        matcher = llguidance.LLMatcher(GUIDE, lark)
        ids = tiny_processor().tokenizer(json.dumps({"text": text}, separators=(",", ":")))["input_ids"]
        assert (matcher.consume_tokens(ids) and matcher.is_accepting()) is legal


# fmt: off
NASTY = [
    "ﬁ", "\u00ad", "\u200b", "\u00a0", "\u2009", "e\u0301", "１", "．", "\x00", '"', "\\", "\ufffd", "\u0338", "=", " ",
    "क्", "ा", "\ud800",
]
# fmt: on
anything = st.text(st.characters(exclude_categories=()), max_size=10)
nasty = st.lists(st.sampled_from(NASTY), max_size=8).map("".join)


@settings(max_examples=50, deadline=None)
@given(st.lists(anything | nasty, min_size=1, max_size=8), st.data())
def test_whatever_stands_on_the_page(texts: list[str], data: st.DataObject) -> None:
    document, window = page_with(texts)
    shown = [text for text in map(normalise_text, texts) if text]
    assert window.text.replace("\t", " ") == " ".join(shown)
    index = SpanIndex(window)
    assert all("".join(c) == s.text for c, s in zip(index.chunks, index.segments, strict=True))
    if not shown:
        return
    boxes = [word.box for word in document.pages[0].words if normalise_text(word.text)]
    first = data.draw(st.integers(0, len(shown) - 1))
    last = data.draw(st.integers(first, len(shown) - 1))
    value = " ".join(shown[first : last + 1])
    allowed, leaf = answered(index, "text", value)
    assert allowed
    assert leaf.raw == spelled(leaf) == value == unicodedata.normalize("NFC", value)
    assert is_grounded(leaf, {1})
    places = index.places(value, Kind.TEXT)
    assert boxes[first : last + 1] in [[word.box for _, word in index.words(place)] for place in places]
