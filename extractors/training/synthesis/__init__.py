"""Synthetic documents: contract, content, locales and drawing. Kinds and layouts are not built yet."""
