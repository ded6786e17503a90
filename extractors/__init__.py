"""Document and schema in, extraction out. Never imports prefect, sqlalchemy or fsspec, never reads the environment."""

import os

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime, since 1.29 on Linux too; read when its library is loaded
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""What keeps libraries from telling their makers that they run. Set here, before any of them is imported."""

os.environ.update(QUIET)
