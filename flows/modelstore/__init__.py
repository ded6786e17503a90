"""The store of models: fetched from a hub, a folder or a bucket, pinned and verified; one of them is promoted."""

from flows.modelstore.fetching import fetch
from flows.modelstore.resolve import Pinned, bring, pinned

__all__ = ["Pinned", "bring", "fetch", "pinned"]
