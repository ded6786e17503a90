"""Words that were read as one."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.reading.glued import glued_at
from extractors.reading.ocr import _words


def _apart(word: str) -> list[str]:
    cuts = [0, *glued_at(word), len(word)]
    return [word[a:b] for a, b in pairwise(cuts)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("10/03/20185:41:07", ["10/03/2018", "5:41:07"]),
        ("26/02/1808:28", ["26/02/18", "08:28"]),
        ("12/06/2012:30", ["12/06/20", "12:30"]),
        ("Date:19-03-201818:08:55", ["Date:19-03-2018", "18:08:55"]),
        ("2018-03-1015:41", ["2018-03-10", "15:41"]),
        ("14MAR201815:04", ["14MAR2018", "15:04"]),
    ],
)
def test_a_date_and_its_time_are_two_words(word: str, expected: list[str]) -> None:
    assert _apart(word) == expected


@pytest.mark.parametrize(
    "word",
    [
        "10/03/2018",
        "2018-03-10T15:41",
        "15:41:07",
        "10/03/201899:41",
        "1.2.3.4:80",
        "10.03.201815:4",
        "110/03/201815:41",
        "12/06-201815:41",
        "A:12345",
        "",
    ],
)
def test_what_is_no_date_with_a_time_stays_one_word(word: str) -> None:
    assert glued_at(word) == []


@given(
    st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%y", "%Y.%m.%d", "%d%b%Y", "%d-%b-%y"]),
    st.sampled_from(["%H:%M", "%H:%M:%S"]),
)
def test_any_date_with_any_time(moment: datetime, date: str, time: str) -> None:
    day, hour = moment.strftime(date), moment.strftime(time)
    assert _apart(day + hour) == [day, hour]


def test_each_part_has_its_own_part_of_the_box() -> None:
    text = "10/03/201815:41"
    info = SimpleNamespace(
        word_cols=[list(range(len(text)))], confs=[0.9] * len(text), line_txt_len=len(text)
    )
    quad = np.array([[0, 0], [150, 0], [150, 10], [0, 10]], dtype=np.float32)
    date, time = _words(text, info, quad, tall=False, reverse=False)
    assert (date.text, time.text) == ("10/03/2018", "15:41")
    assert (date.box.x0, date.box.x1) == pytest.approx((0, 100))
    assert (time.box.x0, time.box.x1) == pytest.approx((100, 150))
