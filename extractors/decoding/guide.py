"""The tokenizer as the grammar knows it: text of a page is text, whatever it spells.

Where a grammar leaves but one way to go on, llguidance cuts that text into tokens with the tokenizer, which finds
special tokens in it. A page that says ``<|im_end|>`` would be written in the token that ends answers, and refused.
"""

from __future__ import annotations

import json
from typing import Any

import llguidance

_UNPRINTED = "\ue000"
"""A private-use character. No page has one (`extractors.reading.text.normalise_text`)."""


def guide_of(tokenizer: Any) -> llguidance.LLTokenizer:
    """A tokenizer for grammars in which no text spells a special token. Takes about a second.

    Args:
        tokenizer: a fast tokenizer of transformers; it is not changed.
    """
    whole = json.loads(tokenizer.backend_tokenizer.to_str())
    whole["padding"] = whole["truncation"] = None
    names = {
        token["content"]: _UNPRINTED + token["content"] for token in whole["added_tokens"] if token["special"]
    }
    for token in whole["added_tokens"]:
        token["content"] = names.get(token["content"], token["content"])
    vocabulary = whole["model"]["vocab"]
    if isinstance(vocabulary, dict):
        whole["model"]["vocab"] = {names.get(name, name): number for name, number in vocabulary.items()}
    else:  # of a unigram model: pairs of a name and its score, in order
        whole["model"]["vocab"] = [[names.get(name, name), *rest] for name, *rest in vocabulary]
    if (unknown := whole["model"].get("unk_token")) in names:
        whole["model"]["unk_token"] = names[unknown]
    return llguidance.LLTokenizer(json.dumps(whole), eos_token=tokenizer.eos_token_id)
