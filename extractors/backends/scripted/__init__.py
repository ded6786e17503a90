"""The backend without weights: reads labels, columns and positions by fixed rules.

Deterministic and fast; for tests, load runs and a first look without a model. It never invents: every value
is a run of words of the document, with its place.
"""

from extractors.backends.scripted.backend import MARK, RULES, ScriptedBackend

__all__ = ["MARK", "RULES", "ScriptedBackend"]
