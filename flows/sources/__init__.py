"""Where documents come from: files, folders, and whatever fsspec can reach."""

from flows.sources.discover import discover, local_path, reopen
from flows.sources.objects import Fetched, SourceObject, StillWrittenError, sniff
from flows.sources.uris import display_name, public_uri

__all__ = [
    "Fetched",
    "SourceObject",
    "StillWrittenError",
    "discover",
    "display_name",
    "local_path",
    "public_uri",
    "reopen",
    "sniff",
]
