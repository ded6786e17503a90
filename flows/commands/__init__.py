"""The subcommands of ``parquetry``, one module each.

Importing them is cheap: what is heavy (torch, Prefect, SQLAlchemy, FastAPI) is imported when a command runs.
"""
