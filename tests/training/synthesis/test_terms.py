"""The tables of words: every key in every language, once."""

import random
from collections import Counter
from pathlib import Path

import pytest

from extractors.training.synthesis import terms
from extractors.training.synthesis.terms import LANGUAGES, Terms, all_terms


def test_every_key_is_there_once_and_in_every_language() -> None:
    folder = Path(terms.__file__).parent
    lines = [
        line
        for name in ("terms.txt", "commerce.txt")
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    keys = Counter(line.split("|")[0] for line in lines)
    assert not [key for key, count in keys.items() if count > 1]
    for key, cells in all_terms().items():
        assert len(cells) == len(LANGUAGES), key
        for words in cells:
            assert all(word == word.strip() for word in words), key
            assert any(words), key


@pytest.mark.parametrize("locale", ["en_SG", "de_AT", "pl_PL"])
def test_a_document_keeps_the_word_it_drew(locale: str) -> None:
    drawn = Terms(random.Random(1), locale)
    assert drawn("invoice_no") == drawn("invoice_no")
    assert drawn("invoice_no") in drawn.every("invoice_no")
    assert drawn("invoice_no") in all_terms()["invoice_no"][LANGUAGES.index(locale[:2])]
