"""Where the database is when nobody says: the rule of core.base.settings, which db may not import.

tests/db/test_migrations.py holds the two together.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def configured_url() -> str:
    """URL of the database that the environment chooses."""
    chosen = os.environ.get("FADEBENCH_DATABASE_URL")
    if chosen:
        return chosen
    folder = ROOT / os.environ.get("FADEBENCH_DATA_DIR", "data")
    return f"sqlite:///{(folder / 'fadebench.db').as_posix()}"
