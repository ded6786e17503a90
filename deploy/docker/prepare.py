"""What must be so before anything runs: buckets, the ledger's tables, a first account, what Prefect's server knows.

Run it again at any time, as at every start: what is there already stays as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from flows.ledger.store import Ledger
from flows.settings import Settings, load_settings
from schemas.errors import ParquetryError

DEPLOY = Path(__file__).resolve().parents[1]


def main() -> int:
    """Does all of it; the exit code is that of the first step that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--make-buckets", action="store_true", help="make the buckets of source and lake")
    parser.add_argument("--admin", help="name of the first account, when there is none")
    parser.add_argument("--admin-password-file", type=Path, help="file with its password")
    parser.add_argument("--pool", default="parquetry", help="name of the work pool")
    parser.add_argument("--pool-type", default="process", help="process, docker or kubernetes")
    parser.add_argument("--image", help="image of runs in containers")
    parser.add_argument("--gpus", default="0", help="GPUs of each run in a container")
    asked = parser.parse_args()
    try:
        settings = load_settings()
        if asked.make_buckets:
            make_buckets(settings)
        with Ledger.open(settings.database_url) as ledger:  # makes or upgrades its tables
            accounts = ledger.has_accounts()
        print("ledger: at today's version", flush=True)
    except ParquetryError as error:
        print(f"{error} {error.remedy}", file=sys.stderr)
        return error.exit_code
    if asked.admin and asked.admin_password_file and not accounts:
        password = asked.admin_password_file.read_text(encoding="utf-8").strip() + "\n"
        run(["people", "add", asked.admin, "--role", "admin", "--password-stdin"], said=password)
    pool = ["--pool", asked.pool, "--pool-type", asked.pool_type, "--work-pools", str(DEPLOY / "work_pools")]
    if asked.pool_type != "process":
        pool += ["--gpus", asked.gpus, *(["--image", asked.image] if asked.image else [])]
    run(["deploy", "apply", *pool])
    return 0


def make_buckets(settings: Settings) -> None:
    """Makes the buckets of source and lake, if they are in buckets and these are missing, and the source's folder."""
    names = sorted(buckets(settings))
    if not names:
        return
    import s3fs

    system = s3fs.S3FileSystem()
    for bucket in names:
        if system.exists(bucket):
            print(f"bucket {bucket}: there", flush=True)
        else:
            system.mkdir(bucket)
            print(f"bucket {bucket}: made", flush=True)
    source = urlsplit(settings.source.get_secret_value() if settings.source is not None else "")
    folder = source.path.strip("/")
    if source.scheme == "s3" and folder and not system.exists(f"{source.netloc}/{folder}"):
        # Until the first document comes the source is empty, not missing: a mark, as consoles of object stores make it.
        system.call_s3("put_object", Bucket=source.netloc, Key=f"{folder}/", Body=b"")
        print(f"folder {folder} of bucket {source.netloc}: made", flush=True)


def buckets(settings: Settings) -> set[str]:
    """Names of the buckets that the settings speak of."""
    said: Iterable[str] = (
        settings.source.get_secret_value() if settings.source is not None else "",
        settings.lake_uri,
    )
    return {urlsplit(uri).netloc for uri in said if uri.startswith("s3://")}


def run(words: list[str], said: str = "") -> None:
    """One command of parquetry; ends this program when it fails."""
    done = subprocess.run([sys.executable, "-m", "flows.cli", *words], input=said, text=True, check=False)
    if done.returncode != 0:
        print(f"parquetry {words[0]} {words[1]} failed", file=sys.stderr)
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
