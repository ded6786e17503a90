"""Tiny models of the real architecture, documents and schemas, made in memory: what tests decode and train with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

from extractors.models.base import ADDED_TOKENS, processor_for, vision_language_config
from extractors.models.cpu import settle_instruction_set
from schemas.document import Box, DocumentRef, Page, PageImage, ReadDocument, Word
from schemas.registry import LoadedSchema, from_json_schema

# oneDNN looks once, at the first product of a process, at what it may use; the embedded model's tests come after these.
settle_instruction_set(Path("~/.cache/parquetry").expanduser())


@cache
def tiny_processor(learned: tuple[str, ...] = ()) -> Any:
    """A byte-level tokenizer with the embedded model's processor, 64 px images.

    One token a byte; with texts to learn from, also tokens of several bytes, so that a text can be cut in many ways.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary = {token: i for i, token in enumerate(specials + alphabet)}
    raw = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    if learned:
        trainer = trainers.BpeTrainer(
            vocab_size=len(vocabulary) + 120,
            special_tokens=specials,
            initial_alphabet=alphabet,
            show_progress=False,
        )
        raw.train_from_iterator(learned, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<|im_end|>", bos_token="<|im_start|>", pad_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ADDED_TOKENS})
    return processor_for(tokenizer, side=64)


def tiny_model(seed: int = 0, dtype: torch.dtype = torch.float32, learned: tuple[str, ...] = ()) -> Any:
    """An untrained model of the embedded model's architecture: two layers, some ten thousand weights.

    ``learned``: as for its `tiny_processor`.
    """
    tokenizer = tiny_processor(learned).tokenizer
    torch.manual_seed(seed)
    language = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 8192,
        "initializer_range": 0.4,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 64,
    }
    config = vision_language_config(language, tokenizer, **vision)
    return Idefics3ForConditionalGeneration(config).to(dtype).eval()


def page_of(lines: Sequence[str], number: int = 1, image: PageImage | None = None) -> Page:
    """A page whose lines are given as text; two spaces or more make a gap as between table cells."""
    words = []
    for row, line in enumerate(lines):
        at = 0
        while at < len(line):
            if line[at] == " ":
                at += 1
                continue
            end = line.find(" ", at)
            end = len(line) if end < 0 else end
            x, y = 50.0 + at * 6, 50.0 + row * 16
            words.append(Word(line[at:end], Box(x, y, x + (end - at) * 6, y + 10)))
            at = end
    return Page(number, 612.0, 792.0, "text_layer", tuple(words), image=image)


def document_of(*pages: Sequence[str], image: PageImage | None = None) -> ReadDocument:
    """A document of such pages."""
    made = tuple(page_of(lines, i, image) for i, lines in enumerate(pages, 1))
    return ReadDocument(DocumentRef("memory://doc.pdf", "0" * 64, 1, "application/pdf"), made, len(made))


def rows_schema(columns: Mapping[str, str], **beside: str) -> LoadedSchema:
    """A schema of a list ``rows`` of objects, and fields beside it; all by name and JSON type, and none required."""

    def fields(types: Mapping[str, str]) -> dict[str, Any]:
        return {name: {"type": [kind, "null"]} for name, kind in types.items()}

    rows = {"type": "array", "items": {"type": "object", "properties": fields(columns)}}
    return from_json_schema(
        {"title": "slip", "type": "object", "properties": {"rows": rows, **fields(beside)}}, "slip"
    )
