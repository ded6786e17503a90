"""From what a setting names (a model, a URI, the promoted one) to the very files that a run uses from its beginning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from extractors.models.stored import StoredModel, find_stored, is_folder, is_reference
from flows.ledger.records import PromotionRecord
from flows.modelstore import hub
from flows.modelstore.fetching import fetch
from flows.settings import Settings
from schemas.errors import ModelError

PROMOTED = "promoted"
_DIGEST_DIGITS = 64


@dataclass(frozen=True, slots=True)
class Pinned:
    """A model that stays what it is while a run lasts; ``uri`` is where another machine gets it."""

    model: str
    uri: str | None = None


def is_uri(model: str) -> bool:
    """Whether a model is named by where it lies, on the hub or in something that fsspec reaches."""
    scheme, mark, _ = model.partition("://")
    if not mark or Path(model).is_dir():
        return False
    from fsspec import available_protocols

    return model.startswith(hub.SCHEME) or (scheme in available_protocols() and not scheme.startswith("http"))


def pinned(model: str, settings: Settings) -> Pinned:
    """The model that a name means now. What is no name of the store, nor an address, stays as it is.

    ``promoted`` asks the ledger; an address is fetched into the store unless it is there.

    Raises:
        ModelError: nothing is promoted, or the model cannot be had.
        LedgerError: the ledger cannot be asked.
    """
    if model == PROMOTED:
        return _pin(_promoted(settings))
    if is_uri(model):
        return _pin(fetch(model, settings.cache))
    if not is_reference(model) or is_folder(model, settings.cache):
        return Pinned(model)
    try:
        return _pin(find_stored(model, settings.cache))
    except ModelError:
        if (known := _known_to_the_ledger(model, settings)) is not None:
            return _pin(_brought(known, settings.cache))
        return Pinned(model)  # what it is instead, loading it says


def bring(model: str, uri: str | None, cache: Path) -> None:
    """Sees that a pinned model is in the store of this machine; fetches it from where it came from.

    Raises:
        ModelError: it cannot be had, or is another one by now.
    """
    name, _, digest = model.partition("@")
    if uri is None or len(digest) != _DIGEST_DIGITS:
        return
    try:
        find_stored(model, cache)
    except ModelError:
        found = fetch(uri, cache, name=name)
        if found.digest != digest:
            raise ModelError(
                f"{uri} is no longer the model {name} {digest[:12]} that was asked for, but {found.digest[:12]}.",
                remedy="Restore it there, or promote what is there now.",
            ) from None


def _pin(found: StoredModel) -> Pinned:
    return Pinned(found.reference, found.manifest.uri)


def _promoted(settings: Settings) -> StoredModel:
    from flows.ledger.store import Ledger

    with Ledger.open(settings.database_url) as ledger:
        now = ledger.promoted_model()
    if now is None:
        raise ModelError(
            "No model has been promoted yet.",
            remedy='`parquetry models promote NAME` promotes one; or set model = "embedded".',
        )
    return _brought(now, settings.cache)


def _brought(known: PromotionRecord, cache: Path) -> StoredModel:
    reference = f"{known.name}@{known.manifest}"
    bring(reference, known.uri, cache)
    return find_stored(reference, cache)


def _known_to_the_ledger(model: str, settings: Settings) -> PromotionRecord | None:
    """A model with its whole digest that was promoted once, and so can be had."""
    name, _, digest = model.partition("@")
    if len(digest) != _DIGEST_DIGITS or (
        settings.database is None and not (settings.home / "ledger.db").exists()
    ):
        return None
    from flows.ledger.store import Ledger

    with Ledger.open(settings.database_url) as ledger:
        found = ledger.promotion_of(digest)
    return found if found is not None and found.name == name else None
