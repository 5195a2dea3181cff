"""The default place of the database, for tools that run without core.base.settings.

db must not import core, so the rule stands twice; tests/db/test_migrations.py keeps both alike.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def configured_url() -> str:
    """Return the URL of the database that the environment variables choose."""
    chosen = os.environ.get("FADEBENCH_DATABASE_URL")
    if chosen:
        return chosen
    folder = ROOT / os.environ.get("FADEBENCH_DATA_DIR", "data")
    return f"sqlite:///{(folder / 'fadebench.db').as_posix()}"
