"""A reader that looks at the lake all the while, with pyarrow and nothing of ours."""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from benchmarks.program import Plan

SAMPLE = 25
"""So many of the files seen before are read again in each pass; new ones all are."""
_SHOWN = 5


@dataclass
class Seen:
    """What a reader has seen. ``failed``, ``changed``, ``vanished`` and ``twice`` must stay empty."""

    passes: int = 0
    reads: int = 0
    files: int = 0
    rows: int = 0
    failed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)


def file_system(plan: Plan) -> tuple[pafs.FileSystem, str]:
    """What the lake is read through, and its path there."""
    parts = urlsplit(plan.lake)
    if parts.scheme != "s3":
        return pafs.LocalFileSystem(), plan.lake
    environment = plan.environment
    endpoint = urlsplit(environment["AWS_ENDPOINT_URL"])
    system = pafs.S3FileSystem(
        access_key=environment["AWS_ACCESS_KEY_ID"],
        secret_key=environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=endpoint.netloc,
        scheme=endpoint.scheme,
        region=environment["AWS_DEFAULT_REGION"],
    )
    return system, f"{parts.netloc}{parts.path}"


def parquet_files(system: pafs.FileSystem, root: str) -> list[str]:
    """Every Parquet file of the lake, as a glob of ``**/*.parquet`` finds them."""
    found = system.get_file_info(pafs.FileSelector(root, recursive=True, allow_not_found=True))
    names = (info.path for info in found if info.type == pafs.FileType.File)
    return sorted(n for n in names if n.endswith(".parquet") and not n.rsplit("/", 1)[-1].startswith("."))


def look(plan: Plan, name: str) -> None:
    """Looks until the stop file of the readers exists; what it saw is in ``<name>.json``."""
    reader = Reader(plan)
    while not (plan.folder / "stop-looking").exists():
        reader.look()
        write_seen(plan, name, reader.seen)
        time.sleep(0.05)
    reader.look()
    write_seen(plan, name, reader.seen)


def write_seen(plan: Plan, name: str, seen: Seen) -> None:
    """Leaves what was seen for the one who asks at the end."""
    aside = plan.folder / f"{name}.json.new"
    aside.write_text(json.dumps(asdict(seen)), encoding="utf-8")
    aside.replace(plan.folder / f"{name}.json")


def read_seen(plan: Plan, name: str) -> Seen:
    """What the reader of that name saw."""
    return Seen(**json.loads((plan.folder / f"{name}.json").read_text(encoding="utf-8")))


class Reader:
    """Remembers every file it has read: none may change, vanish, or bring a row that another has."""

    def __init__(self, plan: Plan) -> None:
        self._system, self._root = file_system(plan)
        self._digests: dict[str, str] = {}
        self._random = random.Random(0)
        self.seen = Seen()

    def look(self) -> None:
        """One pass: all new files whole, some old ones again, and all as one dataset."""
        names = parquet_files(self._system, self._root)
        self._note(self.seen.vanished, sorted(set(self._digests) - set(names)))
        old = [name for name in names if name in self._digests]
        for name in old if len(old) <= SAMPLE else self._random.sample(old, SAMPLE):
            digest = self._read(name)
            if digest is not None and digest != self._digests[name]:
                self._note(self.seen.changed, [name])
        for name in (name for name in names if name not in self._digests):
            digest = self._read(name)
            if digest is not None:
                self._digests[name] = digest
        self._look_at_all(names)
        self.seen.passes += 1
        self.seen.files = len(names)

    def _read(self, name: str) -> str | None:
        self.seen.reads += 1
        try:
            with self._system.open_input_stream(name) as stream:
                data = stream.read()
            pq.read_table(pa.BufferReader(data))
        except (OSError, pa.ArrowException) as error:
            self._note(self.seen.failed, [f"{name}: {error}"])
            return None
        return hashlib.sha256(data).hexdigest()

    def _look_at_all(self, names: list[str]) -> None:
        if not names:
            return
        try:
            dataset = ds.dataset(names, filesystem=self._system, format="parquet")
            table = dataset.to_table(columns=["row_key", "version"])
        except (OSError, pa.ArrowException) as error:
            self._note(self.seen.failed, [f"as a dataset: {error}"])
            return
        rows = list(zip(table["row_key"].to_pylist(), table["version"].to_pylist(), strict=True))
        self.seen.rows = len(rows)
        if len(set(rows)) < len(rows):
            self._note(self.seen.twice, [f"{len(rows) - len(set(rows))} rows in {len(names)} files"])

    def _note(self, where: list[str], faults: list[str]) -> None:
        where.extend(faults)
        if len(where) > 100 * _SHOWN:
            del where[100 * _SHOWN :]
