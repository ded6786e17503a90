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
    scratch,
)
from tests.readers import kept_readers, warm_readers  # noqa: F401

# Settings of the developer's shell must not decide whether a test passes.
for _name in [name for name in os.environ if name.startswith("PARQUETRY_")]:
    del os.environ[_name]
os.environ["DO_NOT_TRACK"] = "1"
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"

# A database waits for the disk at every commit, which is most of what a short test with one takes; not so in memory.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(scratch()))

# A shell's background job ignores SIGINT, and so would every process that the tests start and then interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
