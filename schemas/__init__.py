"""Data contracts of parquetry: what a document, an extraction, an outcome and a schema are.

Depends on the standard library and pydantic only; everything else in the project may import it.
"""
