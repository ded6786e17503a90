"""How authors of schemas write: keys in one style, descriptions from none to precise."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

from extractors.training.synthesis.contract import FieldSpec

Case = Literal["snake", "camel", "pascal", "upper", "words"]
_CASES: tuple[Case, ...] = ("snake",) * 10 + ("camel",) * 5 + ("pascal", "upper", "words")
_CONSONANTS, _VOWELS = "bcdfghjklmnpqrstvwxz", "aeiou"
_ASK = ("", "", "", "Extract: ", "Find: ", "Give: ", "Field: ")
_ABSENT = (
    "Null if absent.",
    "Null when it is not there.",
    "Leave null if missing.",
    "If stated.",
    "May be missing.",
)
_PRINTED = ("As printed.", "Verbatim.", "Copy it as it stands.", "Exactly as on the document.")
_LIST = ("One entry per row.", "In reading order.", "All rows.")


@dataclass(frozen=True, slots=True)
class KeyStyle:
    """The habits of one author.

    Attributes:
        case: how the words of a key are joined.
        canonical: share of keys that are the plain English one.
        obscure: share of keys that say nothing (``f_07``).
        bare: share of fields without a description, of those whose keys tell.
        numbered: prefix of keys that say nothing, followed by a number; empty for random letters.
    """

    case: Case
    canonical: float
    obscure: float
    bare: float
    numbered: str

    def nonsense(self, chance: random.Random) -> str:
        """A key that tells nothing."""
        if self.numbered:
            return f"{self.numbered}{chance.randint(1, 99):02}"
        letters = "".join(chance.choice(_CONSONANTS) for _ in range(chance.randint(1, 3)))
        return letters + chance.choice(_VOWELS + "qxz") + chance.choice(("", "", str(chance.randint(1, 9))))


def choose_style(chance: random.Random) -> KeyStyle:
    """Draws the habits of one author: most name fields plainly, some use other tongues, few nonsense."""
    return KeyStyle(
        case=chance.choice(_CASES),
        canonical=chance.choice((0.9, 0.5, 0.3, 0.1)),
        obscure=chance.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 1.0)),
        bare=chance.choice((0.0, 0.0, 0.1, 0.5, 1.0)),
        numbered=chance.choice(("f_", "field_", "x", "col", "q", "", "")),
    )


def styled(name: str, style: KeyStyle) -> str:
    """A name with its words joined in the author's way; one that is a single word stays as it is."""
    words = [word for word in re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_") if word]
    match style.case:
        case "camel":
            return words[0] + "".join(word.capitalize() for word in words[1:])
        case "pascal":
            return "".join(word.capitalize() for word in words)
        case "upper":
            return "_".join(words).upper()
        case "words":
            return " ".join(words).capitalize()
    return "_".join(words)


def describe(spec: FieldSpec, chance: random.Random, style: KeyStyle, obscure: bool) -> str:
    """A description of a field; for an obscure key always the most precise one."""
    if obscure:
        text = max(spec.descriptions, key=len)
        if chance.random() < 0.4:  # what a good key would have told
            text = f"{spec.key.replace('_', ' ').capitalize()}: {text[:1].lower()}{text[1:]}"
    elif chance.random() < style.bare:
        return ""
    else:
        text = chance.choice(spec.descriptions)
    text = _rephrased(text, chance)
    roll = chance.random()
    if roll < 0.12:
        text = f"{_ended(text)} {chance.choice(_ABSENT)}"
    elif roll < 0.2 and spec.type in ("text", "date", "number"):
        text = f"{_ended(text)} {chance.choice(_PRINTED)}"
    elif roll < 0.3 and spec.type == "list":
        text = f"{_ended(text)} {chance.choice(_LIST)}"
    return text


def _rephrased(text: str, chance: random.Random) -> str:
    ask = chance.choice(_ASK)
    if ask and text[1:2].islower() and not text.endswith("?"):
        text = f"{ask}{text[0].lower()}{text[1:]}"
    roll = chance.random()
    if roll < 0.15 and not text.endswith("?"):
        return text.rstrip(".")
    return text.lower() if roll < 0.2 else text


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
