"""Words that a recogniser wrote without the space between them: ``10/03/201815:41`` is a date and a time.

Only what can be read in one way is taken apart. A run of digits belongs to the year as far as it must: two digits
or four that begin with 19 or 20, so that an hour and minutes are left.
"""

from __future__ import annotations

import re

_MONTH = r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]{0,6}"
_YEAR = r"(?:(?:19|20)\d\d|\d\d)"
_DATE_AND_TIME = re.compile(
    rf"""(?<![\d./-])
    (?: \d{{1,2}} ([./-]) \d{{1,2}} \1 {_YEAR}
      | \d{{1,2}} ([./-]?) {_MONTH} \2 {_YEAR}
      | (?:19|20)\d\d ([./-]) \d\d \3 \d\d )
    (?= (?:[01]?\d|2[0-3]) : [0-5]\d (?: : [0-5]\d)? (?!\d) )""",
    re.IGNORECASE | re.VERBOSE,
)


def glued_at(word: str) -> list[int]:
    """Offsets in a word at which another begins; empty when it is one word."""
    if ":" not in word:
        return []
    return [match.end() for match in _DATE_AND_TIME.finditer(word)]
