"""Prompt to token ids, for any Hugging Face image-text-to-text processor.

The document's words are tokenised apart, with special tokens switched off, so that ``<|im_end|>`` or ``<image>``
printed on a page is text to the model and can neither end the prompt nor ask for an image.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn

from extractors.models.layout import BINS, COORDINATES
from extractors.prompting.prompt import schema_text
from extractors.prompting.window import Window
from schemas.document import PageImage, ReadDocument
from schemas.registry import LoadedSchema

_MARK = "\ue000"
_HINT = "\n\nRead by rules, which are often wrong:\n"
HINT_TOKENS = 600
"""Most tokens of a hint; of a longer one, the beginning is shown."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """``input_ids`` of shape (1, length); ``extra`` are the image tensors that the model takes beside them.

    ``boxes``, (1, length, `COORDINATES`), say where each token's word stands, as `extractors.models.layout` counts;
    0 for what is no word of a page. The first ``shared`` tokens are the same for every window of every document under
    the schema: no image, no page. The window's text begins behind the first ``head`` tokens.
    """

    input_ids: torch.Tensor
    extra: dict[str, torch.Tensor]
    shared: int = 0
    boxes: torch.Tensor | None = None
    head: int = 0


def encode(
    processor: Any,
    schema: LoadedSchema,
    window: Window,
    document: ReadDocument,
    *,
    with_image: bool = True,
    hint: str = "",
) -> Encoded:
    """The prompt of one window: schema, image of the window's first page, words, and a hint.

    Args:
        processor: of the model.
        schema: what is asked.
        window: where it is looked for.
        document: of the window.
        with_image: whether the page is shown, where reading kept an image of it.
        hint: an answer that costs no model (`extractors.decoding.guess`): the model is trained to take from it what
            is right. It is text of the page, like the page.
    """
    image = page_image(document, window.first_page) if with_image else None
    before, after = around(processor, schema, with_image=image is not None)
    images = {"images": [[image]]} if image is not None else {}
    head = processor(text=[before], return_tensors="pt", **images)
    tokenizer = processor.tokenizer
    body, places = _body(tokenizer, window, document)
    tail = _hint(tokenizer, hint) + tokenizer(after, add_special_tokens=False)["input_ids"]
    ids = torch.cat([head["input_ids"], torch.tensor([body + tail], dtype=torch.long)], dim=1)
    extra = {k: v for k, v in head.items() if k not in ("input_ids", "attention_mask")}
    boxes = nn.functional.pad(places, (0, 0, head["input_ids"].shape[1], len(tail)))[None]
    shared = _shared(processor, head["input_ids"][0], image)
    return Encoded(ids, extra, shared, boxes, head["input_ids"].shape[1])


def content_of(schema: LoadedSchema, said: str, *, with_image: bool) -> list[dict[str, str]]:
    """The parts of the user's message: what is asked, the picture if there is one, and what the page says."""
    parts = [{"type": "text", "text": schema_text(schema) + "\n"}]
    if with_image:
        parts.append({"type": "image"})
    return [*parts, {"type": "text", "text": "\n" + said}]


def around(processor: Any, schema: LoadedSchema, *, with_image: bool) -> tuple[str, str]:
    """The prompt's text before and behind what the page says, by the model's own template."""
    message = {"role": "user", "content": content_of(schema, _MARK, with_image=with_image)}
    text: str = processor.apply_chat_template([message], add_generation_prompt=True)
    before, _, after = text.rpartition(_MARK)
    return before, after


def hint_text(tokenizer: Any, hint: str) -> str:
    """A hint as text, with the words that lead to it, as far as it is shown."""
    if not hint:
        return ""
    said = tokenizer(hint, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return _HINT + (hint if len(said) <= HINT_TOKENS else str(tokenizer.decode(said[:HINT_TOKENS])))


def _body(tokenizer: Any, window: Window, document: ReadDocument) -> tuple[list[int], torch.Tensor]:
    """The tokens of a window's text, and where each stands, (tokens, `COORDINATES`)."""
    coded = tokenizer(
        window.text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )
    words = window.word_places
    ends = [end for _, end, _, _ in words]
    sizes = {number: _size(document, number) for number in {page for _, _, page, _ in words}}
    rows = []
    for begin, end in coded["offset_mapping"]:
        at = bisect_left(
            ends, end
        )  # a token's last character tells: its first may be the space before a word
        if end <= begin or at == len(words) or words[at][0] >= end:
            rows.append((0,) * COORDINATES)
            continue
        _, _, page, word = words[at]
        width, height = sizes[page]
        middle = (word.box.y0 + word.box.y1) / 2
        rows.append((_step(word.box.x0 / width), _step(word.box.x1 / width), _step(middle / height)))
    return coded["input_ids"], torch.tensor(rows, dtype=torch.long).reshape(-1, COORDINATES)


def _hint(tokenizer: Any, hint: str) -> list[int]:
    if not hint:
        return []
    lead, said = tokenizer([_HINT, hint], add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [*lead, *said[:HINT_TOKENS]]


def _size(document: ReadDocument, number: int) -> tuple[float, float]:
    page = document.page(number)
    return (max(page.width, 1.0), max(page.height, 1.0)) if page is not None else (1.0, 1.0)


def _step(share: float) -> int:
    """A share of the page as a step from 1 to `BINS`."""
    return 1 + min(max(int(share * BINS), 0), BINS - 1)


def _shared(processor: Any, head: torch.Tensor, image: Image.Image | None) -> int:
    if image is None:
        return len(head)
    pixels = (head == processor.image_token_id).nonzero()
    return int(pixels[0]) if len(pixels) else len(head)


def count_tokens(processor: Any, texts: list[str]) -> list[int]:
    """Tokens of each text, as document text."""
    if not texts:
        return []
    encoded = processor.tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)
    return [len(ids) for ids in encoded["input_ids"]]


def page_image(document: ReadDocument, number: int) -> Image.Image | None:
    """The rendered page of that number, or ``None`` when reading kept no image of it."""
    page = document.page(number)
    return decoded(page.image) if page is not None and page.image is not None else None


def decoded(image: PageImage) -> Image.Image:
    """The pixels of a page image, RGB."""
    return Image.open(io.BytesIO(image.data)).convert("RGB")
