"""Printed dates: what is printed is read, what is not printed is never made up."""

from __future__ import annotations

import datetime as dt

import pytest
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.validation.dates import day_order, parse_date, parse_datetime, parse_time
from extractors.validation.problems import UntypableError
from schemas.outcome import ReviewReason

CHRISTMAS = dt.date(2018, 12, 25)


@pytest.mark.parametrize(
    "text",
    [
        "25/12/2018 10:30:12 AM",
        "25/12/201810:30",
        "09:45 25/12/2018",
        "25122018",
        "20181225",
        "2018.12.25",
        "2018/12/25",
        "2018-12-25T10:30:12Z",
        "25 Dec'18",
        "DEC 25,2018",
        "25DEC2018",
        "25-DEC-18",
        "25th of December 2018",
        "Tue, 25 Dec 2018",
        "25-12-2018(TUE)",
        "25122018 (Tue)",
        "12-25-2018",
        "25/12-2018",
        "Date: 25/12/2018",
        "25.12.18",
        "25. Dezember 2018",
        "mardi 25 décembre 2018",
        "mar. 25 déc. 2018",
        "25 de diciembre de 2018",
        "25 dicembre 2018",
        "25 december 2018",
        "25 grudnia 2018",
        "25 декабря 2018",
        "2018年12月25日",
        "٢٥/١٢/٢٠١٨",
    ],
)
@pytest.mark.parametrize("hint", [True, False, None])
def test_reads_christmas_2018_whatever_the_hint(text: str, hint: bool | None) -> None:
    assert parse_date(text, hint) == CHRISTMAS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "today",
        "2 days ago",
        "in 2 years",
        "Monday",
        "March",
        "March 2020",
        "25 December",
        "2018",
        "12:30",
        "31/02/2018",
        "2018-13-01",
        "00/00/0000",
        "25/12",
        "01/01/2018 - 31/01/2018",
        "Invoice 12 2018",
        "12/25/2018/1",
        "03/05/2",
        "4/26/202",
        "1/2/3/4",
        "Q1 2018",
        "25 Foo 2018",
        "12 Dec 2018 13",
        "201283-M",  # a registration: a year may have an M behind it, digits alone not
        "9" * 100,
    ],
)
def test_refuses_what_is_no_complete_date(text: str) -> None:
    with pytest.raises(UntypableError) as caught:
        parse_date(text)
    assert caught.value.reason is ReviewReason.INVALID_VALUE


@pytest.mark.parametrize("text", ["03/04/2020", "3-4-20", "03 04 2020", "03042020", "12/11/18 10:30"])
def test_without_a_hint_day_and_month_may_be_ambiguous(text: str) -> None:
    with pytest.raises(UntypableError) as caught:
        parse_date(text)
    assert caught.value.reason is ReviewReason.AMBIGUOUS_DATE


def test_the_message_of_an_ambiguous_date_names_both_readings() -> None:
    with pytest.raises(UntypableError, match="2020-03-04 or 2020-04-03"):
        parse_date("03/04/2020")


def test_the_hint_decides_then_the_document_then_dots() -> None:
    april, march = dt.date(2020, 4, 3), dt.date(2020, 3, 4)
    assert parse_date("03/04/2020", True) == april
    assert parse_date("03/04/2020", False) == march
    assert parse_date("03/04/2020", None, True) == april
    assert parse_date("03/04/2020", True, False) == april
    assert parse_date("03.04.2020") == april
    assert parse_date("03.04.2020", False) == march
    assert parse_date("03.04.2020", None, False) == march
    assert parse_date("04/04/2020") == dt.date(2020, 4, 4)


def test_six_digits_are_read_only_when_they_have_one_reading() -> None:
    assert parse_date("311299") == dt.date(1999, 12, 31)
    with pytest.raises(UntypableError) as caught:
        parse_date("251218", True)
    assert caught.value.reason is ReviewReason.AMBIGUOUS_DATE


@pytest.mark.parametrize(("year", "expected"), [("69", 2069), ("70", 1970), ("99", 1999), ("00", 2000)])
def test_two_digit_years_turn_at_seventy(year: str, expected: int) -> None:
    assert parse_date(f"25/12/{year}").year == expected


def test_a_month_that_languages_disagree_on_is_ambiguous() -> None:
    with pytest.raises(UntypableError) as caught:
        parse_date("3 listopad 2019")  # October in Croatian, November in Polish
    assert caught.value.reason is ReviewReason.AMBIGUOUS_DATE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:30", "10:30:00"),
        ("10:30:12 pm", "22:30:12"),
        ("12:05 AM", "00:05:00"),
        ("10h30", "10:30:00"),
        ("10.30 Uhr", "10:30:00"),
        ("10:30:12+0100", "10:30:12+01:00"),
        ("23:59 Z", "23:59:00Z"),
    ],
)
def test_times(text: str, expected: str) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["25:00", "10:61", "0:30 pm", "10", "noon", "25/12/2018 10:30"])
def test_no_times(text: str) -> None:
    with pytest.raises(UntypableError):
        parse_time(text)


def test_midnight_is_not_made_up() -> None:
    assert parse_datetime("25/12/2018 10:30") == "2018-12-25T10:30:00"
    with pytest.raises(UntypableError, match="no time"):
        parse_datetime("25/12/2018")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["25/12/2018", "03/04/2018"], True),
        (["12/25/2018,", "x"], False),
        (["25/12/2018", "12/25/2018"], None),
        (["03/04/2018", "1.234", "2018-12-25", "25.12.2018"], None),
        (["12.25.2018"], False),
    ],
)
def test_order_of_day_and_month_in_a_document(words: list[str], expected: bool | None) -> None:
    assert day_order(words) is expected


_DAYS = st.dates(dt.date(1930, 1, 1), dt.date(2099, 12, 31))
_LANGUAGES = [
    "en_GB",
    "en_US",
    "de",
    "fr",
    "es",
    "it",
    "nl",
    "pt",
    "sv",
    "ru",
    "lv",
    "cs",
    "da",
    "fi",
    "hu",
    "ro",
    "el",
]


@settings(max_examples=60, deadline=None)
@given(day=_DAYS, language=st.sampled_from(_LANGUAGES), width=st.sampled_from(["full", "long", "medium"]))
def test_dates_in_words_round_trip_in_many_languages(day: dt.date, language: str, width: str) -> None:
    month_first = language == "en_US"
    printed = format_date(day, width, language)
    assert parse_date(printed, not month_first) == day


@settings(deadline=None)
@given(
    day=_DAYS, form=st.sampled_from(["%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y-%m-%d", "%d %m %Y", "%d%m%Y"])
)
def test_numeric_dates_round_trip_with_a_hint(day: dt.date, form: str) -> None:
    assert parse_date(day.strftime(form), True) == day


@settings(deadline=None)
@given(day=_DAYS)
def test_without_a_hint_a_date_is_right_or_ambiguous_never_wrong(day: dt.date) -> None:
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"):
        try:
            assert parse_date(day.strftime(form)) == day
        except UntypableError as problem:
            assert problem.reason is ReviewReason.AMBIGUOUS_DATE
            assert day.day <= 12


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.text(alphabet="0123456789/.-: decjanmar'", max_size=20)))
def test_no_text_breaks_it(text: str) -> None:
    for parse in (parse_date, parse_datetime):
        try:
            parse(text)
        except UntypableError as problem:
            assert str(problem)


@pytest.mark.parametrize(
    "text", ["March 10-12", "10-12 March 2018", "March 10-12, 2018", "12.-14. März", "5. - 17. Mai"]
)
def test_a_range_of_days_is_no_date(text: str) -> None:
    with pytest.raises(UntypableError):
        parse_date(text)


@pytest.mark.parametrize("text", ["Total March 2018 ²", "12 10 ² net", "① ② ③", "18年12月25日"])
def test_what_only_looks_like_digits_is_refused_and_nothing_dies(text: str) -> None:
    with pytest.raises(UntypableError):
        parse_date(text)


def test_dates_with_dashes_between_names_stay_dates() -> None:
    assert parse_date("10-Mar-2018") == parse_date("March 10-2018") == dt.date(2018, 3, 10)


def test_a_range_of_times_is_no_offset() -> None:
    with pytest.raises(UntypableError):
        parse_time("09:00-12:30")
    assert parse_time("10:30:00-05:00") == "10:30:00-05:00"
    assert parse_time("10:30+02:00") == "10:30:00+02:00"
    assert parse_time("10:30 -0500") == "10:30:00-05:00"


def test_a_sort_code_does_not_tell_the_order_of_days() -> None:
    assert day_order(["12-24-81", "03/04/2020"]) is None
    assert day_order(["12/24/81"]) is False
