"""``python -m extractors.models fetch [CACHE]``: fetches and converts the embedded model's base weights.

``python -m extractors.models export MODEL FOLDER [CACHE]``: a tuned model as one whole checkpoint, to be served.
"""

from __future__ import annotations

import sys
from pathlib import Path

from extractors.models.base import fetch_base
from schemas.errors import ParquetryError


def main(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    wanted = {"fetch": 0, "export": 2}.get(command)
    if wanted is None or not wanted <= len(rest) <= wanted + 1:
        print(__doc__, file=sys.stderr)
        return 2
    cache = Path(rest[wanted]) if len(rest) > wanted else Path.home() / ".cache" / "parquetry"
    try:
        if command == "export":
            from extractors.models.whole import export_whole

            export_whole(rest[0], cache, Path(rest[1]))
            print(f"  whole checkpoint: {rest[1]}")
            return 0
        folder = fetch_base(cache, lambda line: print(f"  {line} …", flush=True))
    except ParquetryError as error:
        print(f"{error}\n  {error.remedy}", file=sys.stderr)
        return error.exit_code
    print(f"  base weights: {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
