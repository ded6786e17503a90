"""The only package with input and output, settings, and Prefect."""
