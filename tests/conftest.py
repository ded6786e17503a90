"""What holds for all tests."""

from __future__ import annotations

import os
import signal

from tests.databases import (  # noqa: F401  fixtures of all tests
    empty_postgres_url,
    empty_url,
    ledger_url,
    postgres_server,
    postgres_template,
    postgres_url,
)

# Settings of the developer's shell must not decide whether a test passes.
for _name in [name for name in os.environ if name.startswith("PARQUETRY_")]:
    del os.environ[_name]
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

# A shell's background job ignores SIGINT, and so would every process that the tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
