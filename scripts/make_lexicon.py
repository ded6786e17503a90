"""Makes the lexicon of the text recogniser from the word lists of wordfreq.

    pip download --no-deps wordfreq==3.1.1 && pip install msgpack
    python -m scripts.make_lexicon wordfreq-3.1.1-py3-none-any.whl extractors/reading/lexicon/words.npz

Needed only to make the file anew; nobody who runs or tests the project needs wordfreq.
"""

from __future__ import annotations

import gzip
import sys
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

from extractors.reading.lexicon import packed

# fmt: off
LANGUAGES = (
    "ca", "cs", "da", "de", "en", "es", "fi", "fil", "fr", "hu", "id", "is", "it", "lt", "lv", "ms", "nb", "nl", "pl",
    "pt", "ro", "sh", "sk", "sl", "sv", "tr",
)
# fmt: on
MIN_LETTERS = 3


def _words(wheel: zipfile.ZipFile, language: str) -> Iterator[tuple[str, float]]:
    """Words with the decimal logarithm of their frequency; the list at place n holds those of -n/100."""
    import msgpack  # the lists' format; of no use to the project itself

    data = gzip.decompress(wheel.read(f"wordfreq/data/small_{language}.msgpack.gz"))
    _, *lists = msgpack.unpackb(data)
    for hundredths, words in enumerate(lists):
        yield from ((word, -hundredths / 100) for word in words)


def _is_latin(word: str) -> bool:
    return all(char.isalpha() and unicodedata.name(char, "").startswith("LATIN") for char in word)


def main() -> None:
    """Writes the file and says what is in it."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    frequencies: dict[str, float] = {}
    with zipfile.ZipFile(source) as wheel:
        for language in LANGUAGES:
            for word, frequency in _words(wheel, language):
                if len(word) >= MIN_LETTERS and _is_latin(word):
                    frequencies[word] = max(frequencies.get(word, frequency), frequency)
    target.write_bytes(packed(frequencies))
    print(f"{len(frequencies)} words, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
