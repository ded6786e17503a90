"""Models in folders of this machine, and in whatever fsspec can reach."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

from extractors.models.guard import check_name, files_of
from flows.modelstore.listing import Listing, SourceFile, default_name, write_stream
from flows.sources import public_uri
from flows.sources.objects import brief, open_regular
from flows.sources.remote import file_system, version_of
from flows.sources.uris import file_uri
from schemas.errors import ModelError, SourceError

MAX_FILES = 1000


def list_folder(path: Path) -> Listing:
    """The files of a folder, hidden ones aside.

    Raises:
        ModelError: it is none, or has links in it.
    """
    try:
        folder = path.resolve(strict=True)
        if not folder.is_dir():
            raise NotADirectoryError(20, "it is no folder")
        files = {
            name: SourceFile(one.stat().st_size, partial(_copy_local, one))
            for name, one in files_of(folder).items()
        }
    except OSError as error:
        raise ModelError(
            f"The model {path} cannot be fetched: {error.strerror or error}.", remedy="Give a model folder."
        ) from error
    return Listing(file_uri(folder), default_name(folder.name, folder.parent.name), None, files)


def _copy_local(path: Path, to: Path) -> None:
    with open_regular(path) as stream:
        write_stream(stream, to)


def list_remote(uri: str) -> Listing:
    """The objects below a URI.

    Raises:
        ModelError: it cannot be reached, nothing is there, or a name points out of it.
    """
    shown = public_uri(uri)
    try:
        system, root = file_system(uri)
        found = _find(system, root)
    except ModelError:
        raise
    except SourceError as error:
        raise ModelError(f"The model {shown} cannot be fetched: {error}", remedy=error.remedy) from error
    except Exception as error:  # every file system has exceptions of its own
        raise ModelError(
            f"The model {shown} cannot be fetched: {brief(error)}.",
            remedy="Check the address, the credentials, and that something is there.",
        ) from error
    if not found:
        raise ModelError(
            f"Nothing is at {shown}.",
            remedy="Give the folder that has the model's files, such as s3://bucket/models/x.",
        )
    files = {
        name: SourceFile(info.get("size"), partial(_copy_remote, system, str(info["name"])))
        for name, info in found.items()
    }
    parts = [part for part in root.rstrip("/").split("/") if part]
    name = default_name(parts[-1], parts[-2] if len(parts) > 1 else "")
    version = _version(found)
    return Listing(shown, name, None, files, version, lambda: _version(_find(system, root)) == version)


def _find(system: Any, root: str) -> dict[str, dict[str, Any]]:
    """What is below a folder by its name there; what is an object itself is no model."""
    system.invalidate_cache()
    prefix = root.rstrip("/") + "/"
    found: dict[str, dict[str, Any]] = {}
    for path, info in system.find(root, detail=True).items():
        if info.get("type") == "directory" or str(path).endswith("/") or not str(path).startswith(prefix):
            continue
        name = str(path)[len(prefix) :]
        check_name(root, name)
        found[name] = dict(info)
        if len(found) > MAX_FILES:
            raise ModelError(
                f"{root} has more than {MAX_FILES} objects: it is no model.",
                remedy="Give the model's own folder.",
            )
    return found


def _version(found: dict[str, dict[str, Any]]) -> str:
    """Hash of what the source says of all files; empty when it says nothing of one."""
    versions = {name: version_of(info) for name, info in sorted(found.items())}
    if not all(versions.values()):
        return ""
    return hashlib.sha256(json.dumps(versions).encode("utf-8", "surrogatepass")).hexdigest()


def _copy_remote(system: Any, path: str, to: Path) -> None:
    with system.open(path, "rb") as stream:
        write_stream(stream, to)
