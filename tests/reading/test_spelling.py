"""The recogniser's second thoughts: letters it wavered between, held against words that exist."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rapidocr.ch_ppocr_rec.utils import CTCLabelDecode

from extractors.reading.ctc import Decode
from extractors.reading.lexicon import Lexicon, packed
from extractors.reading.spelling import places_of, respelled

CHARACTERS = list("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzÀÁ0123456789.,:/-[]()")


def decoder() -> CTCLabelDecode:
    return CTCLabelDecode(character=list(CHARACTERS))


CLASSES = {char: number for number, char in enumerate(decoder().character)}


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    words = {
        "jalan": -3.0,
        "selangor": -4.5,
        "total": -3.5,
        "lot": -3.8,
        "oct": -4.0,
        "son": -3.5,
        "alam": -4.2,
    }
    return lexicon_of(words)


def lexicon_of(words: dict[str, float]) -> Lexicon:
    return Lexicon.load(io.BytesIO(packed(words)))


def columns_of(*places: str | dict[str, float]) -> NDArray[np.float32]:
    """A line as the recogniser gives it: each place a sure character or some with their probabilities, then a blank.

    ``""`` stands for nothing.
    """
    rows = []
    for place in [char for p in places for char in (p if isinstance(p, str) else [p])]:
        row = np.zeros(len(CLASSES), dtype=np.float32)
        for char, share in ({place: 0.999} if isinstance(place, str) else place).items():
            row[CLASSES[char] if char else 0] = share
        blank = np.zeros_like(row)
        blank[0] = 0.999
        rows += [row, blank]
    return np.array(rows)


def read(lexicon: Lexicon, *places: str | dict[str, float]) -> str:
    columns = columns_of(*places)[None]
    lines, (info,) = Decode(decoder(), lexicon)(
        columns, True, wh_ratio_list=[columns.shape[1] / 6], max_wh_ratio=columns.shape[1] / 6
    )
    ((text, _),) = lines
    at = [column for part in info.word_cols for column in part]
    assert len(info.confs) == len(text)
    assert len(at) == sum(not char.isspace() for char in text) and at == sorted(at)
    return text


@pytest.mark.parametrize(
    ("places", "text"),
    [
        (("Ja", {"i": 0.8, "l": 0.15}, "an"), "Jalan"),
        (("SEL", {"Á": 0.6, "A": 0.35}, "NGOR"), "SELANGOR"),
        (({"0": 0.7, "O": 0.2}, "CT"), "OCT"),
        (("Alam", {"n": 0.6, "": 0.4}, ", 40300"), "Alam, 40300"),
        (("FO", {"0": 0.8, "O": 0.16}, "DICIOUS"), "FOODICIOUS"),  # a digit between letters is a letter
        (("fr", {"0": 0.8, "O": 0.1, "o": 0.06}, "zen"), "frozen"),
        (("Sela", {"": 0.7, "n": 0.3}, "gor."), "Selangor."),
        (("T", {"0": 0.9, "O": 0.08}, "T", {"4": 0.8, "A": 0.1}, "L: 1,00"), "TOTAL: 1,00"),
        (("MR. D.", {"1": 0.8, "I": 0.1}, ".Y. (M)"), "MR. D.I.Y. (M)"),
        (("FAST MART ", {"5": 0.8, "S": 0.1}, "/B (51-X)"), "FAST MART S/B (51-X)"),
        (("HAI-", {"0": 0.8, "O": 0.1}, " RAYA"), "HAI-O RAYA"),
        (("MENTA", {"[": 0.8, "I": 0.1}, " BHD"), "MENTAI BHD"),
        (("NO.", {"T": 0.8, "1": 0.1}, ", TAMAN"), "NO.1, TAMAN"),
        (("SDN. ", "B", {"I": 0.7, "H": 0.3}, {"J": 0.6, "D": 0.3}), "SDN. BHD"),
        (("PTE L", {"I": 0.7, "T": 0.1}, "D"), "PTE LTD"),
        (("Pvt Ja", {"i": 0.8, "l": 0.15}, "an"), "Pvt Jalan"),
        (("GST: RM", {"I": 0.8, "1": 0.1}, "11.90"), "GST: RM111.90"),
    ],
)
def test_of_possible_readings_the_one_that_is_a_word_is_taken(
    places: tuple[str | dict[str, float], ...], text: str, lexicon: Lexicon
) -> None:
    assert read(lexicon, *places) == text


@pytest.mark.parametrize(
    ("places", "text"),
    [
        (("S", {"I": 0.5, "O": 0.45}, "N"), "SON"),  # only because nobody knows SIN here
        (("L", {"o": 0.6, "0": 0.3}, "t"), "Lot"),  # a word already
        (("Ja", {"i": 0.9, "l": 0.01}, "an"), "Jaian"),  # not seen clearly enough
        (("Ja", {"i": 0.9, "u": 0.08}, "an"), "Jaian"),  # neither is a word
        (("1", {"0": 0.6, "O": 0.3}, "7"), "107"),
        (("FOOD", {"0": 0.6, "O": 0.3}), "FOOD0"),  # at the end it may be a number
        (("AB", {"0": 0.6, "O": 0.3}, "CDE1"), "AB0CDE1"),  # a code
        (("ABC", {"0": 0.6, "8": 0.3}, "DEF"), "ABC0DEF"),  # not seen
        (("L", {"0": 0.6, "o": 0.3}, "7"), "L07"),
        (("Alam", {",": 0.6, "": 0.4}, " 40300"), "Alam, 40300"),
        (("No", {"": 0.6, "t": 0.4}), "No"),  # too short to judge
        (("Alam", {" ": 0.6, "": 0.4}, "Lot"), "Alam Lot"),
        (("A.", {"1": 0.8, "I": 0.1}, ". Total"), "A.1. Total"),  # a paragraph
        (("D.", {"1": 0.9, "7": 0.1}, ".Y."), "D.1.Y."),  # not seen
        (("UNIT ", {"5": 0.8, "S": 0.1}, "/B, LOT 3"), "UNIT 5/B, LOT 3"),
        (("BLOK-", {"0": 0.8, "O": 0.1}, "1"), "BLOK-01"),
        (("NO-", {"0": 0.8, "O": 0.1}), "NO-0"),
        (("TAX ", {"[": 0.8, "I": 0.1}, "RM]"), "TAX [RM]"),
        (("TAX", {"[": 0.8, "I": 0.1}, " RM]"), "TAX[ RM]"),
        (("RM", {"I": 0.8, "1": 0.1}, "11-B"), "RMI11-B"),  # a code
        (
            ("RM", {"I": 0.8, "": 0.15}, "11.90"),
            "RMI11.90",
        ),  # seen otherwise or not at all, but not as a digit
        (("Sela", {"x": 0.9, "": 0.03}, "ngor"), "Selaxngor"),  # no letter is left out for a word that easily
        (("VIA ROMA ", {"5": 0.8, "S": 0.1}, "/B"), "VIA ROMA 5/B"),
        (("GST-", {"0": 0.8, "O": 0.1}, ","), "GST-0,"),
        (("No. ", {"I": 0.8, "1": 0.1}, ", Series A"), "No. I, Series A"),
        (("A.", {"1": 0.8, "I": 0.1}, ".B. Total"), "A.1.B. Total"),
        (("Ja", {"i": 0.93, "l": 0.03}, "an"), "Jaian"),  # too sure for so unlikely a letter
        (("LOT ", {"T": 0.8, "1": 0.1}, " JALAN"), "LOT T JALAN"),
        (("B", {"I": 0.7, "H": 0.3}, "D"), "BID"),  # without the word before it
        (("SDN BH", {"I": 0.99, "D": 0.01}), "SDN BHI"),  # not seen
    ],
)
def test_nothing_else_is_touched(
    places: tuple[str | dict[str, float], ...], text: str, lexicon: Lexicon
) -> None:
    assert read(lexicon, *places) == text


def test_what_was_changed_stays_as_unsure_as_it_was_seen(lexicon: Lexicon) -> None:
    columns = columns_of("Ja", {"i": 0.8, "l": 0.15}, "an")[None]
    ((text, score),), (info,) = Decode(decoder(), lexicon)(
        columns, True, wh_ratio_list=[2.0], max_wh_ratio=2.0
    )
    assert text == "Jalan"
    assert min(info.confs) == pytest.approx(0.15)
    assert score == decoder()(columns)[0][0][1]


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["", *"abAB10 .,"]), st.floats(0.01, 1.0), min_size=1, max_size=4),
        min_size=1,
        max_size=12,
    )
)
def test_without_a_lexicon_and_twins_all_is_as_rapidocr_reads_it(shares: list[dict[str, float]]) -> None:
    places = [{char: share / sum(place.values()) for char, share in place.items()} for place in shares]
    columns = columns_of(*places)
    plain, infos = decoder()(columns[None], True, wh_ratio_list=[2.0], max_wh_ratio=2.0)
    seen, changed = respelled(places_of(columns, decoder().character), lexicon_of({}))
    assert not changed
    if seen:
        assert "".join(one.char for one in seen) == plain[0][0]
        assert [one.probability for one in seen] == pytest.approx(infos[0].confs, abs=1e-4)


def test_the_lexicon_that_is_shipped() -> None:
    lexicon = Lexicon.load()
    common, rare = lexicon.frequency("Rechnung"), lexicon.frequency("Kühlschrank")
    assert common is not None and rare is not None and common > rare
    assert lexicon.frequency("RECHNUNG") == common
    assert lexicon.frequency("Rechnnug") is None and lexicon.frequency("") is None


def test_a_lexicon_keeps_each_word_at_its_highest_frequency() -> None:
    lexicon = lexicon_of({"Für": -3.0, "für": -2.04, "zum": -2.5})
    assert len(lexicon) == 2
    assert lexicon.frequency("FÜR") == pytest.approx(-2.0)
    assert lexicon.frequency("fur") is None
