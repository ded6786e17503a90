"""The only package with IO, settings and Prefect: sources, ledger, landing, review page, flows, command line."""
