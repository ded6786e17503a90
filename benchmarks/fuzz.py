"""Damages the sample documents at random, reads them, and counts what comes of it.

    python -m benchmarks.fuzz 300 --seed 1 --keep /tmp/odd

Every document must have an outcome from the closed list, in its time, without an error of ours; what has none is
kept for a look. The same seed damages the same way.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path

from extractors.options import ReadOptions
from extractors.reading import ReaderPool, document_ref
from schemas.errors import DocumentError

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
_OBJECT = re.compile(rb"\d+ \d+ obj.*?endobj", re.DOTALL)
_NUMBER = re.compile(rb"(?<![\w.])\d+(?![\w.])")
_ODD_NUMBERS = (b"0", b"-1", b"2147483648", b"99999999999999999999", b"1e9")


def samples() -> list[Path]:
    """The sample PDFs that have bytes."""
    return sorted(path for path in SAMPLES.glob("*/*.pdf") if path.stat().st_size)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """The document with one to four kinds of damage."""
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        data = chance.choice((_flip, _cut, _swap_objects, _odd_numbers, _repeat, _zero))(data, chance)
    return data or b"%PDF-"


def _flip(data: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 60)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(max(len(data) // 2, 1), len(data))]


def _swap_objects(data: bytes, chance: random.Random) -> bytes:
    found = [match.span() for match in _OBJECT.finditer(data)]
    if len(found) < 2:
        return data
    (a, b), (c, d) = sorted(chance.sample(found, 2))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def _odd_numbers(data: bytes, chance: random.Random) -> bytes:
    return _NUMBER.sub(lambda m: chance.choice(_ODD_NUMBERS) if chance.random() < 0.01 else m[0], data)


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    piece = data[start : start + chance.randint(1, 2000)]
    return data[:start] + piece * chance.randint(2, 50) + data[start:]


def _zero(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data))
    size = min(chance.randint(1, 4000), len(data) - start)
    return data[:start] + bytes(size) + data[start + size :]


def main() -> int:
    """Runs it; exit code 1 when a document had no outcome, or took longer than its limit and two seconds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=20.0, help="time limit of a document")
    parser.add_argument("--keep", type=Path, help="folder for documents without an outcome")
    chosen = parser.parse_args()
    files = samples()
    outcomes: Counter[str] = Counter()
    odd, slowest = 0, 0.0
    options = ReadOptions(ocr=False, max_seconds=chosen.seconds)
    with tempfile.TemporaryDirectory() as folder, ReaderPool(options) as pool:
        for number in range(chosen.count):
            chance = random.Random(f"{chosen.seed}/{number}")
            path = Path(folder) / f"{chosen.seed}-{number}.pdf"
            path.write_bytes(mutate(chance.choice(files).read_bytes(), chance))
            began = time.monotonic()
            try:
                read = pool.read(document_ref(path, path.name), path)
                doubtful = read.warnings or any(page.warnings for page in read.pages)
                outcome = "read, with doubts" if doubtful else "read"
            except DocumentError as error:
                outcome = error.reason.value
            except Exception as error:
                outcome = f"NONE: {type(error).__name__}: {error}"[:120]
            seconds = time.monotonic() - began
            slowest = max(slowest, seconds)
            outcomes[outcome] += 1
            if outcome.startswith("NONE") or seconds > chosen.seconds + 2:
                odd += 1
                if chosen.keep:
                    chosen.keep.mkdir(parents=True, exist_ok=True)
                    (chosen.keep / path.name).write_bytes(path.read_bytes())
            path.unlink()
    for outcome, count in outcomes.most_common():
        print(f"{count:6} {outcome}")
    print(f"slowest {slowest:.1f} s; without an outcome or too slow: {odd}")
    return int(bool(odd))


if __name__ == "__main__":
    raise SystemExit(main())
