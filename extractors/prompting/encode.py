"""Prompt to token ids, for any Hugging Face image-text-to-text processor.

The document's words are tokenised apart, with special tokens switched off, so that ``<|im_end|>`` or ``<image>``
printed on a page is text to the model and can neither end the prompt nor ask for an image.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from extractors.prompting.prompt import schema_text
from extractors.prompting.window import Window
from schemas.document import PageImage, ReadDocument
from schemas.registry import LoadedSchema

_MARK = "\ue000"


@dataclass(frozen=True, slots=True)
class Encoded:
    """``input_ids`` of shape (1, length); ``extra`` are the image tensors that the model takes beside them.

    The first ``shared`` tokens are the same for every window of every document under the schema: no image, no page.
    """

    input_ids: torch.Tensor
    extra: dict[str, torch.Tensor]
    shared: int = 0


def encode(
    processor: Any, schema: LoadedSchema, window: Window, document: ReadDocument, *, with_image: bool = True
) -> Encoded:
    """The prompt of one window: schema, image of the window's first page, words."""
    image = page_image(document, window.first_page) if with_image else None
    text = schema_text(schema) + "\n"
    content: list[dict[str, str]] = [{"type": "text", "text": text}]
    if image is not None:
        content.append({"type": "image"})
    content.append({"type": "text", "text": "\n" + _MARK})
    shown = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    before, _, after = shown.rpartition(_MARK)
    images = {"images": [[image]]} if image is not None else {}
    head = processor(text=[before], return_tensors="pt", **images)
    tokenizer = processor.tokenizer
    body = tokenizer(window.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    tail = tokenizer(after, add_special_tokens=False)["input_ids"]
    ids = torch.cat([head["input_ids"], torch.tensor([body + tail], dtype=torch.long)], dim=1)
    extra = {k: v for k, v in head.items() if k not in ("input_ids", "attention_mask")}
    return Encoded(ids, extra, _shared(processor, head["input_ids"][0], image))


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
