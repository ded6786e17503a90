"""Makes the secrets of compose.yaml, each in a file of its own, with random values. Needs Python only.

    python3 deploy/make_secrets.py            # writes deploy/secrets/, leaves alone what is there

The folder can be entered by its owner only. The files can be read by all, because containers read them as users of
their own, and see these files only.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"
USER = "admin"


def main() -> int:
    """Writes what is missing; 1 when only a part is there, since they belong together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they go")
    parser.add_argument("--database", default="database:5432", help="host and port of PostgreSQL")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    wanted = dict(values(arguments.database))
    there = [name for name in wanted if (folder / name).exists()]
    if len(there) == len(wanted):
        print(f"{folder} has all {len(wanted)} secrets; they stay as they are.")
        return 0
    if there:
        missing = ", ".join(sorted(wanted.keys() - set(there)))
        print(f"{folder} lacks {missing}. Restore them, or begin with an empty folder.", file=sys.stderr)
        return 1
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name, value in wanted.items():
        file = folder / name
        file.write_text(value, encoding="utf-8")
        file.chmod(0o444)
    print(
        f"{len(wanted)} secrets written to {folder}. The review page's first account is {USER!r}; its password:"
    )
    print(f"  {folder / 'admin_password'}")
    return 0


def values(database: str) -> Iterator[tuple[str, str]]:
    """Name and value of each."""
    ledger, prefect, access, key = (secrets.token_hex(24) for _ in range(4))
    yield "postgres_password", secrets.token_hex(24)
    yield "ledger_password", ledger
    yield "prefect_password", prefect
    yield "ledger_url", f"postgresql://parquetry:{ledger}@{database}/parquetry"
    yield "prefect_url", f"postgresql+asyncpg://prefect:{prefect}@{database}/prefect"
    yield "prefect_auth", f"{USER}:{secrets.token_hex(16)}"
    yield "admin_password", secrets.token_urlsafe(18)
    yield "hooks_token", secrets.token_hex(24)
    yield "metrics_token", secrets.token_hex(24)
    yield "s3_credentials", f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {key}\n"
    identity = {
        "name": "parquetry",
        "credentials": [{"accessKey": access, "secretKey": key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    yield "s3_identities.json", json.dumps({"identities": [identity]}, indent=1)


if __name__ == "__main__":
    sys.exit(main())
