"""What RapidOCR makes of the recogniser's probabilities, with its second thoughts (`spelling`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidocr.ch_ppocr_rec.typings import WordInfo
from rapidocr.ch_ppocr_rec.utils import CTCLabelDecode

from extractors.reading.lexicon import Lexicon
from extractors.reading.spelling import places_of, respelled

Line = tuple[str, float]
"""Its text and the mean of its characters' probabilities."""


class Decode:
    """Takes the place of RapidOCR's own step from probabilities to text."""

    def __init__(self, plain: CTCLabelDecode, lexicon: Lexicon) -> None:
        self._plain, self._lexicon = plain, lexicon

    def __call__(
        self, columns: NDArray[np.floating], return_word_box: bool = False, **ratios: Any
    ) -> tuple[list[Line], list[WordInfo]]:
        """Texts and words of some lines.

        Args:
            columns: probabilities, of shape (lines, columns, characters).
            return_word_box: whether it is told where the characters stand; without, nothing is respelled.
            ratios: widths of the lines, as RapidOCR gives them.
        """
        lines, infos = self._plain(columns, return_word_box, **ratios)
        for number, info in enumerate(infos):
            text = self._again(columns[number], info)
            if text is not None:  # its score stays: a line is not dropped for its second thoughts
                lines[number] = (text, lines[number][1])
        return lines, infos

    def _again(self, columns: NDArray[np.floating], info: WordInfo) -> str | None:
        """The text as it is respelled, and where its characters stand noted in ``info``; ``None`` for no change."""
        places = places_of(columns, self._plain.character)
        line, changed = respelled(places, self._lexicon)
        if not changed:
            return None
        text = "".join(seen.char for seen in line)
        info.words = [[seen.char for seen in line if not seen.char.isspace()]]
        info.word_cols = [[seen.column for seen in line if not seen.char.isspace()]]
        info.confs = [round(seen.probability, 5) for seen in line]
        return text
