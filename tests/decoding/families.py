"""Tiny untrained models of the families that a user may bring, each with its real processor."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, ProcessorMixin

QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOL_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LANGUAGE = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 8192,
    "initializer_range": 0.4,
}


def byte_tokenizer(end: str, specials: list[str]) -> Any:
    """One token a byte, and some special ones."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    first = ["<|endoftext|>", "<|im_start|>", end]
    raw = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(first + alphabet)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=end, bos_token="<|im_start|>", pad_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": specials})
    return tokenizer


def without_video(kind: Any, images: Any, tokenizer: Any, **options: Any) -> Any:
    """A processor for images and text. Its part for videos needs torchvision, and nothing here is a video."""
    with patch.object(ProcessorMixin, "check_argument_for_proper_class"):
        processor = kind(images, tokenizer, None, **options)
    processor.video_processor = SimpleNamespace(
        num_frames=1, fps=1
    )  # asked for its defaults by the chat template
    return processor


@cache
def qwen(seed: int = 0) -> tuple[Any, Any]:
    """Qwen2.5-VL: images of any size, rotary positions of three dimensions."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    tokens = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<|vision_pad|>"]
    tokenizer = byte_tokenizer("<|im_end|>", tokens)
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 28 * 28, "longest_edge": 84 * 84})
    processor = without_video(Qwen2_5_VLProcessor, images, tokenizer, chat_template=QWEN_TEMPLATE)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in tokens}
    text = {
        **LANGUAGE,
        "vocab_size": len(tokenizer),
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
        "window_size": 56,
    }
    make: Any = Qwen2_5_VLConfig
    config = make(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    torch.manual_seed(seed)
    return Qwen2_5_VLForConditionalGeneration(config).float().eval(), processor


@cache
def smol(seed: int = 0) -> tuple[Any, Any]:
    """SmolVLM: images split in tiles."""
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMProcessor
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    tokens = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]
    tokens += [f"<row_{i}_col_{j}>" for i in range(1, 5) for j in range(1, 5)]
    tokenizer = byte_tokenizer("<|im_end|>", tokens)
    tokenizer.add_special_tokens({"eos_token": "<end_of_utterance>"})
    tokenizer.image_token, tokenizer.fake_image_token = "<image>", "<fake_token_around_image>"
    tokenizer.global_image_token, tokenizer.end_of_utterance_token = "<global-img>", "<end_of_utterance>"
    images = SmolVLMImageProcessorPil(
        do_image_splitting=True, size={"longest_edge": 128}, max_image_size={"longest_edge": 64}
    )
    processor = without_video(
        SmolVLMProcessor, images, tokenizer, image_seq_len=4, chat_template=SMOL_TEMPLATE
    )
    text = {
        **LANGUAGE,
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": 16,
    }
    make: Any = SmolVLMConfig
    config = make(
        text_config=text,
        vision_config=vision,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    return SmolVLMForConditionalGeneration(config).float().eval(), processor
