"""Models of the Hugging Face hub: ``hf://org/name@revision``, pinned to a commit before anything is fetched.

The hub is that of ``HF_ENDPOINT``, with the token of ``HF_TOKEN``; ``HF_HUB_OFFLINE=1`` keeps this from being asked.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from flows.modelstore.listing import Listing, SourceFile, disk_full
from flows.sources import public_uri
from schemas.errors import ModelError

SCHEME = "hf://"
DEFAULT_ENDPOINT = "https://huggingface.co"
COMMIT = re.compile(r"[0-9a-f]{40}")
_ADDRESS = re.compile(r"hf://([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([\w][\w./-]*))?")
_TIMEOUT = 30.0
_TRUE = {"1", "true", "yes", "on"}


def is_offline() -> bool:
    """Whether the environment forbids asking the hub."""
    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return any(os.environ.get(name, "").strip().lower() in _TRUE for name in names)


def parse(uri: str) -> tuple[str, str | None]:
    """Repository and revision of an address.

    Raises:
        ModelError: it is none.
    """
    match = _ADDRESS.fullmatch(uri)
    if match is None or ".." in uri:
        raise ModelError(
            f"{uri!r} is no address of a model on the hub.",
            remedy="Write hf://ORGANISATION/NAME@REVISION, with a full commit hash to pin it.",
        )
    return match.group(1), match.group(2)


def pinned_uri(repository: str, commit: str) -> str:
    """The address of one commit."""
    return f"{SCHEME}{repository}@{commit}"


def list_hub(uri: str) -> Listing:
    """The files of a repository at one commit; a branch or tag is looked up, and pinned.

    Raises:
        ModelError: it is not there, not to be had without a token, or the hub cannot be asked.
    """
    repository, revision = parse(uri)
    if is_offline():
        raise ModelError(
            f"{uri} is not in the store, and the hub must not be asked: HF_HUB_OFFLINE is set.",
            remedy="Fetch it where there is a connection, and copy the folder of the store; or unset HF_HUB_OFFLINE.",
        )
    from huggingface_hub import HfApi, constants

    constants.HF_HUB_DISABLE_TELEMETRY = True  # else its client asks who runs it, at an address of its own
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or DEFAULT_ENDPOINT
    try:
        info = HfApi(endpoint=endpoint).model_info(
            repository, revision=revision, files_metadata=True, timeout=_TIMEOUT
        )
    except Exception as error:
        raise _trouble(uri, endpoint, error) from error
    commit = str(info.sha or "")
    if not COMMIT.fullmatch(commit) or (revision and COMMIT.fullmatch(revision) and revision != commit):
        raise ModelError(
            f"{public_uri(endpoint)} answers {commit or 'nothing'!r} for {uri}: that is not the commit that was "
            "asked for.",
            remedy="Do not use this hub; check HF_ENDPOINT.",
        )
    files: dict[str, SourceFile] = {}
    for sibling in info.siblings or []:
        copy = partial(_download, endpoint, repository, commit, sibling.rfilename)
        lfs: Any = sibling.lfs
        files[sibling.rfilename] = SourceFile(
            sibling.size,
            copy,
            sha256=str(lfs["sha256"]) if lfs else None,
            git_sha1=None if lfs else sibling.blob_id,
        )
    return Listing(pinned_uri(repository, commit), repository.partition("/")[2], commit, files)


def _download(endpoint: str, repository: str, commit: str, name: str, to: Path) -> None:
    """One file, through the hub's own client; it is held against the hub's hash by the caller."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()
    aside = to.parent / f".{to.name}.download"
    aside.mkdir()
    try:
        got = hf_hub_download(
            repository,
            name,
            revision=commit,
            local_dir=aside,
            cache_dir=aside / ".none",  # nothing is taken from elsewhere on this machine
            endpoint=endpoint,
        )
        with Path(got).open("rb+") as file:
            os.fsync(file.fileno())
        Path(got).rename(to)
    except Exception as error:
        if isinstance(error, OSError) and disk_full(to, error):
            raise
        raise _trouble(f"{pinned_uri(repository, commit)}, {name}", endpoint, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _trouble(what: str, endpoint: str, error: Exception) -> ModelError:
    """An error of the hub's client, in a sentence; its own would show the address with whatever is in it."""
    from huggingface_hub import errors

    endpoint = public_uri(endpoint)
    if isinstance(error, errors.GatedRepoError):
        return ModelError(
            f"{what} is gated.", remedy="Accept its terms on the hub, and give a token of yours as HF_TOKEN."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return ModelError(
            f"{endpoint} has no model {what}, or not for everybody.",
            remedy="Check the address; of a private one give a token as HF_TOKEN.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return ModelError(
            f"{endpoint} has no such revision: {what}.",
            remedy="Give a full commit hash (40 digits), a branch or a tag.",
        )
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        said = f"HTTP status {error.response.status_code}"
    else:
        said = type(error).__name__
    return ModelError(
        f"{what} cannot be fetched from {endpoint}: {said}.",
        remedy="Check the connection and HF_ENDPOINT. Without a connection, fetch it elsewhere and give the folder.",
    )
