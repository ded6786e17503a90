"""The store of models in the cache folder, and where a model lies that is given by name.

    CACHE/store/NAME/DIGEST/    files and manifest.json; never changed after it appeared

``NAME@DIGEST`` (the first seven digits do, or of a commit) says which; ``NAME`` alone the one fetched last. Filling it
is `flows.modelstore`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from extractors.models.manifest import Manifest, read_manifest
from schemas.errors import ModelError

STORE = "store"
EMBEDDED = Path(__file__).parent / "embedded"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RESERVED = frozenset({"embedded", "embedded-base", "scripted", "promoted", "vllm"})
_MARKS = ("model.json", "config.json")
_CONTENT = re.compile(r"(?<=-)[0-9a-f]{12}(-scripted-\d+)?$")
_REFERENCE = re.compile(rf"({NAME.pattern})(?:@([0-9a-f]{{7,64}}))?")


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model of the store, as its manifest tells; nothing is verified yet."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.folder.parent.name

    @property
    def digest(self) -> str:
        """What its files must hash to, since its folder is called so."""
        return self.folder.name

    @property
    def reference(self) -> str:
        return f"{self.name}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model lies. ``digest``: what it must hash to; ``None`` of folders outside the store."""

    name: str
    folder: Path
    digest: str | None = None
    revision: str | None = None


def content_of(model_id: str) -> str:
    """The part of a ``model_id`` that says what is in it, without the name of the folder that it lay in."""
    match = _CONTENT.search(model_id)
    return match.group() if match else model_id


def store_folder(cache: Path) -> Path:
    """The store under a cache folder."""
    return cache / STORE


def stored_models(cache: Path) -> list[StoredModel]:
    """All models of the store, by name, the one fetched last first; without `damaged_models`."""
    return _look_through(cache)[0]


def damaged_models(cache: Path) -> dict[Path, ModelError]:
    """Folders of the store whose manifest cannot be read, and why. The models beside them are as good as ever."""
    return _look_through(cache)[1]


def _look_through(cache: Path) -> tuple[list[StoredModel], dict[Path, ModelError]]:
    found, damaged = [], dict[Path, ModelError]()
    for path in store_folder(cache).glob("*/*/manifest.json"):
        if not NAME.fullmatch(path.parent.parent.name):
            continue
        try:
            manifest = read_manifest(path.parent)
        except ModelError as error:
            damaged[path.parent] = error
            continue
        if manifest is not None:
            found.append(StoredModel(path.parent, manifest))
    found.sort(key=lambda one: (one.manifest.fetched_at, one.digest), reverse=True)
    return sorted(found, key=lambda one: one.name), damaged


def is_reference(model: str) -> bool:
    """Whether a text may name a model of the store."""
    return _REFERENCE.fullmatch(model) is not None and model not in RESERVED


def find_stored(reference: str, cache: Path) -> StoredModel:
    """The model of the store that ``NAME`` or ``NAME@REVISION`` means.

    Raises:
        ModelError: there is none, or several, or what may be meant is damaged.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None or reference in RESERVED:
        raise ModelError(
            f"{reference!r} is no name of a stored model.",
            remedy="Write NAME, or NAME@REVISION; `parquetry models list` shows them.",
        )
    name, revision = match.groups()
    models, damaged = _look_through(cache)
    for folder, error in damaged.items():
        if folder.parent.name == name and folder.name.startswith(revision or ""):
            raise error  # and not another model in its place
    of_name = [one for one in models if one.name == name]
    if not of_name:
        known = ", ".join(sorted({one.name for one in models})) or "none"
        raise ModelError(
            f"The store in {cache} has no model {name!r} (it has: {known}).",
            remedy="Fetch it: parquetry models fetch URI --name NAME.",
        )
    if revision is None:
        return of_name[0]
    chosen = [
        one
        for one in of_name
        if one.digest.startswith(revision) or one.manifest.revision.startswith(revision)
    ]
    if len(chosen) != 1:
        why = "has no revision" if not chosen else "has several revisions that begin with"
        raise ModelError(
            f"{name} {why} {revision}.", remedy="`parquetry models list` shows them; give more digits."
        )
    return chosen[0]


def is_folder(model: str, cache: Path | None) -> bool:
    """Whether a model is given as a folder; labelled documents that are called like a model of the store are none."""
    folder = Path(model)
    if not folder.is_dir():
        return False
    if cache is None or not is_reference(model) or any((folder / name).is_file() for name in _MARKS):
        return True
    return not any(one.name == model.partition("@")[0] for one in stored_models(cache))


def locate(model: str, cache: Path | None) -> Located:
    """Where a model lies: ``embedded``, a folder, or a model of the store.

    Raises:
        ModelError: there is none of that name.
    """
    if model == "embedded":
        return Located(model, EMBEDDED)
    if is_folder(model, cache):
        folder = Path(model)
        return Located(folder.name or folder.resolve().name, folder)
    if cache is None or not is_reference(model):
        raise ModelError(
            f"No model named {model!r}.",
            remedy="Use embedded, scripted, the path of a model folder, or a name that `parquetry models list` shows.",
        )
    try:
        found = find_stored(model, cache)
    except ModelError as error:
        raise ModelError(f"No model named {model!r}: {error}", remedy=error.remedy) from error
    return Located(found.name, found.folder, found.digest, found.manifest.revision)
