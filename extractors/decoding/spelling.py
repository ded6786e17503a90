"""Tokens to text as they come: each token's own share of it, without spelling the whole answer anew every time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_CONTEXT = 4
"""Tokens before the new ones that are spelt with them: how a token is spelt may depend on its neighbours."""
_UNFINISHED = "\ufffd"


class Spelling:
    """The text of a growing list of tokens.

    Args:
        tokenizer: a fast tokenizer; byte-level ones may spread a character over several tokens.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._done = 0
        self.pieces: list[str] = []
        """Each token's text; the bytes of a character that spans tokens go to the token that completes it."""
        self.text = ""

    def add(self, tokens: Sequence[int]) -> None:
        """Spells more tokens."""
        for token in tokens:
            self._tokens.append(token)
            start = max(self._done - _CONTEXT, 0)
            before = self._tokenizer.decode(self._tokens[start : self._done])
            both = self._tokenizer.decode(self._tokens[start:])
            if both.endswith(_UNFINISHED) and len(self._tokens) - self._done < _CONTEXT:
                self.pieces.append("")
                continue
            piece = both[len(before) :]
            self.pieces.append(piece)
            self.text += piece
            self._done = len(self._tokens)
