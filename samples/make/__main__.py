"""Writes the sample documents and their truths: ``python -m samples.make [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

from samples.make.collection import samples, write


def main() -> int:
    """Writes all samples below FOLDER, by default ``samples/``."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    made = samples()
    write(made, folder)
    print(f"{len(made)} documents, {sum(len(sample.data) for sample in made):,} bytes, in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
