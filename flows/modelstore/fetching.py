"""A model from its source into the store: looked through, hashed, whole or not at all."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from extractors.models.base import BASE_NAME
from extractors.models.guard import MANIFEST, check_name, is_known, refused
from extractors.models.manifest import Checked, Manifest, check_folder
from extractors.models.stored import (
    NAME,
    RESERVED,
    StoredModel,
    find_stored,
    is_reference,
    store_folder,
    stored_models,
)
from flows.modelstore import hub, places
from flows.modelstore.listing import Listing, SourceFile, disk_full
from flows.modelstore.scratch import scratch, settle, sync_folder
from flows.sources import local_path
from flows.sources.uris import has_credentials, public_uri
from schemas.errors import ModelError

log = logging.getLogger(__name__)
Say = Callable[[str], None]
_AGAIN = "Fetch it again; if it stays so, the source is damaged."


def fetch(
    uri: str, cache: Path, *, name: str | None = None, base: str | None = None, say: Say = lambda line: None
) -> StoredModel:
    """Brings a model into the store, unless it is there. Others that do the same at once do no harm.

    Args:
        uri: ``hf://org/name@revision``, a folder, or an fsspec URI of one.
        cache: folder of the store.
        name: in the store; ``None``: as it is called at its source.
        base: of a tuned model, a model of the store that it is built on, instead of the one it names.
        say: told what is done, in short lines.

    Raises:
        ModelError: it cannot be had, is not what the source says, or has what must not be loaded.
    """
    if has_credentials(uri):
        raise ModelError(
            f"The address {public_uri(uri)} carries credentials; they would be kept with the model.",
            remedy="Give them as your provider's tools take them (AWS_ACCESS_KEY_ID, HF_TOKEN, ...).",
        )
    found = _pinned_here(uri, cache, name)
    if found is None:
        listing = _list(uri)
        called = _name_of(listing, name)
        found = _unchanged_here(listing, called, cache) if base is None else None
    if found is not None:
        say(f"{found.reference} is in the store already")
        return found
    wanted = _wanted(listing, say)
    try:
        store_folder(cache).mkdir(parents=True, exist_ok=True)
        _see_room(cache, wanted)
        with scratch(store_folder(cache)) as folder:
            for file_name, one in wanted.items():
                _get(listing, file_name, one, folder, say)
            if not listing.unchanged():
                raise ModelError(f"{listing.uri} changed while it was fetched.", remedy=_AGAIN)
            manifest = _manifest(listing, called, check_folder(folder), folder, base, cache)
            _write_manifest(folder, manifest)
            return _place(folder, store_folder(cache) / called / manifest.digest, manifest, say)
    except OSError as error:
        if trouble := disk_full(cache, error):
            raise trouble from error
        raise ModelError(
            f"The store in {cache} cannot be written: {error.strerror or error}.",
            remedy="Correct its permissions, or set another folder as cache in parquetry.toml.",
        ) from error


def _list(uri: str) -> Listing:
    if uri.startswith(hub.SCHEME):
        return hub.list_hub(uri)
    if not uri:
        raise ModelError("The address is empty.", remedy="Give hf://ORG/NAME@REVISION, a folder, or a URI.")
    path = local_path(uri)
    return places.list_folder(path) if path is not None else places.list_remote(uri)


def _pinned_here(uri: str, cache: Path, name: str | None) -> StoredModel | None:
    """A commit of the hub that is in the store is not asked for again, so that it is there without a connection."""
    if not uri.startswith(hub.SCHEME):
        return None
    repository, revision = hub.parse(uri)
    called = name or repository.partition("/")[2]
    if revision is None or not hub.COMMIT.fullmatch(revision):
        return None
    return _whole(one for one in stored_models(cache) if one.name == called and one.manifest.uri == uri)


def _unchanged_here(listing: Listing, called: str, cache: Path) -> StoredModel | None:
    """What is in the store already as its source has it now."""
    same = (one for one in stored_models(cache) if one.name == called and one.manifest.uri == listing.uri)
    if listing.revision is not None:
        return _whole(one for one in same if one.manifest.revision == listing.revision)
    version = listing.version
    return _whole(one for one in same if version and one.manifest.source_version == version)


def _whole(found: Iterable[StoredModel]) -> StoredModel | None:
    """The first that is not damaged."""
    for one in found:
        with suppress(ModelError):
            check_folder(one.folder, one.digest)
            return one
    return None


def _name_of(listing: Listing, name: str | None) -> str:
    called = name or listing.name
    if not NAME.fullmatch(called) or called in RESERVED:
        raise ModelError(
            f"A model of the store cannot be called {called!r}.",
            remedy="Give --name: letters, digits, dots, dashes; not embedded, scripted or promoted.",
        )
    return called


def _wanted(listing: Listing, say: Say) -> dict[str, SourceFile]:
    """The files that are part of a model. A name of code or of a pickle ends it; others are left where they are."""
    for name in listing.files:
        check_name(listing.uri, name)
    wanted = {name: one for name, one in listing.files.items() if is_known(listing.uri, name)}
    if left := sorted(listing.files.keys() - wanted.keys()):
        say(f"left out: {', '.join(left[:5])}" + (f" and {len(left) - 5} more" if len(left) > 5 else ""))
    weights = [name for name in wanted if name.endswith(".safetensors")]
    tuned = "model.json" in wanted
    needed = ["adapter_config.json", "adapter_model.safetensors"] if tuned else ["config.json"]
    if missing := [name for name in needed if name not in wanted] or ([] if weights else ["*.safetensors"]):
        raise ModelError(
            f"{listing.uri} has no {missing[0]}: it is no model that can be loaded.",
            remedy="Give the folder of a checkpoint with safetensors weights, or one that `parquetry train` wrote.",
        )
    return wanted


def _see_room(cache: Path, wanted: dict[str, SourceFile]) -> None:
    needed, free = sum(one.size or 0 for one in wanted.values()), shutil.disk_usage(cache).free
    if needed > free:
        raise ModelError(
            f"The model has {needed / 1e6:,.0f} MB, and the disk of {cache} has {free / 1e6:,.0f} MB left.",
            remedy="Make room there, or set another folder as cache in parquetry.toml (PARQUETRY_CACHE).",
        )


def _get(listing: Listing, name: str, one: SourceFile, folder: Path, say: Say) -> None:
    """Fetches a file and holds it against what its source says of it."""
    say(f"fetching {name}" + (f" ({one.size / 1e6:,.1f} MB)" if one.size else ""))
    to = folder / name
    to.parent.mkdir(parents=True, exist_ok=True)
    try:
        one.copy(to)
    except ModelError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and disk_full(folder, error):
            raise
        raise ModelError(
            f"{listing.uri}: {name} cannot be fetched: {type(error).__name__}.",
            remedy="Check the connection and the permissions, and fetch it again.",
        ) from error
    size = to.stat().st_size
    if one.size is not None and size != one.size:
        raise refused(listing.uri, name, f"{size} bytes came, and not {one.size}", _AGAIN)
    if one.sha256 is not None and _hash("sha256", to) != one.sha256:
        raise refused(listing.uri, name, "its SHA-256 is not what the source says", _AGAIN)
    if one.git_sha1 is not None and _hash("sha1", to, b"blob %d\0" % size) != one.git_sha1:
        raise refused(listing.uri, name, "its hash is not what the source says", _AGAIN)


def _hash(algorithm: str, path: Path, before: bytes = b"") -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, before, usedforsecurity=False)
        ).hexdigest()


def _manifest(
    listing: Listing, name: str, checked: Checked, folder: Path, base: str | None, cache: Path
) -> Manifest:
    made = Manifest(
        name=name,
        uri=listing.uri,
        source_version=listing.version,
        fetched_at=dt.datetime.now(dt.UTC).isoformat(timespec="microseconds"),
        base=_base(listing, checked, folder, base, cache),
        files=checked.files,
    )
    return made.model_copy(update={"revision": listing.revision or made.digest})


def _base(listing: Listing, checked: Checked, folder: Path, base: str | None, cache: Path) -> str | None:
    """The base of a tuned model, pinned as it is in the store; ``None`` of a whole checkpoint."""
    path = folder / "model.json"
    if not path.is_file():
        return None
    card: Any = json.loads(path.read_bytes())
    named = card.get("base") if isinstance(card, dict) else None
    wanted = base or (checked.manifest.base if checked.manifest else None) or named
    if not isinstance(wanted, str):
        raise refused(listing.uri, "model.json", "it names no base")
    if wanted == BASE_NAME:
        return wanted
    if not is_reference(wanted):
        raise ModelError(
            f"{listing.uri} is built on the folder {wanted!r} of the machine that trained it.",
            remedy="Fetch that base too, and name it: parquetry models fetch URI --base NAME@REVISION.",
        )
    found = find_stored(wanted, cache)
    check_folder(found.folder, found.digest)
    return found.reference


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    """Last of all: a folder without it is no model of the store."""
    path = folder / MANIFEST
    path.unlink(missing_ok=True)  # the source's own, if it had one, was held against already
    with path.open("x", encoding="utf-8") as out:
        out.write(manifest.model_dump_json(indent=1, exclude_none=True) + "\n")
        out.flush()
        os.fsync(out.fileno())
    sync_folder(folder)


def _place(folder: Path, target: Path, manifest: Manifest, say: Say) -> StoredModel:
    """Makes a complete folder the model of the store; one that is there and whole stays."""
    placed = StoredModel(target, manifest)
    if not settle(folder, target):
        try:
            checked = check_folder(target, placed.digest)
        except ModelError as error:
            say(f"the one in the store was damaged, and is replaced: {error}")
            settle(folder, target, replace=True)
        else:
            assert checked.manifest is not None
            say(f"{placed.reference} is in the store already")
            return StoredModel(target, checked.manifest)
    log.info("%s is in the store, from %s", placed.reference, manifest.uri)
    return placed
