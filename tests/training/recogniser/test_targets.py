"""What a line is trained to be read as: letters of the transcript in the case of the reading."""

from __future__ import annotations

import pytest

from extractors.training.recogniser.targets import target


@pytest.mark.parametrize(
    ("read", "transcript", "wanted"),
    [
        ("Adjustinent Note", "ADJUSTMENT NOTE", "Adjustment Note"),
        ("Rounding RH", "ROUNDING RM", "Rounding RM"),
        ("Fayment Method", "PAYMENT METHOD", "Payment Method"),
        ("Tlme:08:30", "TIME:08:30", "Time:08:30"),
        ("PLEASE KEEP rOR PROVE", "PLEASE KEEP FOR PROVE", "PLEASE KEEP FOR PROVE"),
        ("ervice Chg 10.00%:", "SERVICE CHG 10.00%:", "Service Chg 10.00%:"),
        ("PERMAS JAYA B1750", "PERMAS JAYA 81750", "PERMAS JAYA 81750"),
        ("0.15", "0.13", "0.13"),
    ],
)
def test_letters_come_from_the_transcript_and_their_case_from_the_reading(
    read: str, transcript: str, wanted: str
) -> None:
    assert target(read, transcript) == wanted


@pytest.mark.parametrize(
    ("read", "transcript", "wanted"),
    [
        ("GSTRegNo:0011", "GST REG NO : 0011", "GST Reg No:0011"),
        ("Johor Bahru, Johor", "JOHOR BAHRU,JOHOR", "Johor Bahru, Johor"),
        ("Adjus tment Note", "ADJUSTMENT NOTE", "Adjustment Note"),
        ("Tel&Fax No", "TEL & FAX NO", "Tel&Fax No"),
    ],
)
def test_spaces_are_the_transcripts_within_words_and_the_readings_beside_marks(
    read: str, transcript: str, wanted: str
) -> None:
    assert target(read, transcript) == wanted


@pytest.mark.parametrize(
    ("read", "transcript", "wanted"),
    [
        ("E.&.O.E.", "E.&.0.E.", "E.&.O.E."),  # O between letters
        ("SR 100100000170", "SR I00100000170", "SR 100100000170"),  # 1 before digits
        ("CAN 32OML", "CAN 320ML", "CAN 320ML"),  # the transcript's is as likely: taken
        ("2 × 3.00", "2 X 3.00", "2 × 3.00"),
    ],
)
def test_slips_of_transcribers_are_not_learnt(read: str, transcript: str, wanted: str) -> None:
    assert target(read, transcript) == wanted


@pytest.mark.parametrize(
    ("read", "transcript"),
    [
        ("PLEASE COME AC", "PLEASE COME AGAIN."),
        (":19-03-2018 18:08:38", "DATE : 19-03-2018 18:08:38"),
        ("冰 ICE TEA", "ICE TEA"),
        ("", ""),
    ],
)
def test_a_pair_that_speaks_of_other_pixels_is_left_out(read: str, transcript: str) -> None:
    assert target(read, transcript) is None


def test_a_mark_at_the_end_that_was_not_read_may_lie_outside_the_line() -> None:
    assert target("USER", ": USER") == "USER"
    assert target("CASHIER NO 3", "CASHIER, NO 3") == "CASHIER, NO 3"
