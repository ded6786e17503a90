"""Lists that are no tables with figures: single values, and entries of sections that are printed block by block."""

from extractors.backends.scripted.lists.find import find_items
from extractors.backends.scripted.lists.wanted import Wanted, wanted_of

__all__ = ["Wanted", "find_items", "wanted_of"]
