"""Document and schema in, extraction out. Never imports prefect, sqlalchemy or fsspec, never reads the environment."""
