"""Synthetic documents with perfect truth: `sheets.make_sheet` makes one from a seed."""
