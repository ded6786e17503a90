"""A text in passes of random lengths against the same text in one pass, in bf16 with packed weights.

Exits with 0 when no bit of the scores differs, with 3 when they differ by rounding only, with 1 when by more. A program
of its own, because oneDNN settles on an instruction set when it is first used.
"""

from __future__ import annotations

import random
import sys

import torch
from transformers import Idefics3ForConditionalGeneration

from extractors.decoding.attention import Run
from extractors.decoding.passes import Passes, Prefixes
from extractors.models.base import vision_language_config
from extractors.models.packed import PackedHead, pack_language_half
from tests.tiny import tiny_processor

ROUNDING = 0.01
"""Of the range of the scores: some steps of bf16, which has 8 bits for a number."""
LENGTHS = (90, 257, 640)
CUTS = 4


def model_like_the_embedded_one() -> Idefics3ForConditionalGeneration:
    """Two layers of its sizes, untrained."""
    torch.manual_seed(0)
    language = {
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 2,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 8192,
        "initializer_range": 0.1,
    }
    vision = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = vision_language_config(language, tiny_processor().tokenizer, image_size=64, **vision)
    return Idefics3ForConditionalGeneration(config).bfloat16().eval()


def different(model: Idefics3ForConditionalGeneration, length: int, seed: int) -> tuple[int, float]:
    """How many positions of a text have other scores when it is fed in pieces, alone or beside another row's.

    And by how much at most, in parts of the range of the scores.
    """
    chance = random.Random(seed)
    ids = torch.randint(5, 200, (1, length), generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        whole = Passes(model, 1, Prefixes())._in_rows(
            ids, torch.arange(length)[None], torch.arange(length), [Run(0, 0, length)]
        )[0]
        passes, at, wrong, most = Passes(model, 2, Prefixes()), 0, 0, 0.0
        while at < length:
            new = min(chance.choice((1, 1, 1, 2, 3, 7, 11, 16, 17, 22, 32, 33, 65)), length - at)
            mine = ids[0, at : at + new].tolist()
            beside = [ids[0, : chance.randint(1, 5)].tolist()] * chance.randint(0, 1)
            rows = range(1 + len(beside))
            found = passes.step(rows, [at, *[0] * len(beside)], [mine, *beside])[0].logits
            wrong += int((found != whole[at : at + new]).any(dim=-1).sum())
            most = max(most, float((found.float() - whole[at : at + new].float()).abs().max()))
            at += new
    return wrong, most / float(whole.float().max() - whole.float().min())


def main() -> int:
    model = model_like_the_embedded_one()
    pack_language_half(model)
    if not isinstance(model.get_output_embeddings(), PackedHead):
        print("no bf16 products on this processor: nothing is packed")
        return 0
    wrong = {(n, seed): different(model, n, seed) for n in LENGTHS for seed in range(CUTS)}
    print("positions whose scores differ, and by what part of the range, by length and cut:", wrong)
    if not any(count for count, _ in wrong.values()):
        return 0
    return 3 if max(most for _, most in wrong.values()) < ROUNDING else 1


if __name__ == "__main__":
    sys.exit(main())
