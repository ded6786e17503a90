import random
from decimal import Decimal

import pytest

from extractors.training.synthesis.locales import NAMES, Voice


@pytest.mark.parametrize("locale", NAMES)
def test_same_seed_same_words(locale: str) -> None:
    def words() -> tuple[object, ...]:
        voice = Voice(random.Random(7), locale)
        return (
            voice.firm(),
            voice.person(),
            voice.address(),
            voice.day(3),
            voice.tax_id(),
            voice.phone(),
            voice.iban(),
        )

    assert words() == words()


@pytest.mark.parametrize("locale", NAMES)
def test_money_holds_the_bare_number(locale: str) -> None:
    for seed in range(20):
        voice = Voice(random.Random(seed), locale)
        assert voice.number(Decimal("1234.5")) in voice.money(Decimal("1234.5"))
        assert voice.money(Decimal("-2")).startswith("-")
