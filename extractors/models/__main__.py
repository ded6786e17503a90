"""``python -m extractors.models fetch [CACHE]``: fetches and converts the embedded model's base weights."""

from __future__ import annotations

import sys
from pathlib import Path

from extractors.models.base import fetch_base
from schemas.errors import ParquetryError


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] != "fetch":
        print(__doc__, file=sys.stderr)
        return 2
    cache = Path(arguments[1]) if len(arguments) > 1 else Path.home() / ".cache" / "parquetry"
    try:
        folder = fetch_base(cache, lambda line: print(f"  {line} …", flush=True))
    except ParquetryError as error:
        print(f"{error}\n  {error.remedy}", file=sys.stderr)
        return error.exit_code
    print(f"  base weights: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
