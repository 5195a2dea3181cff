"""Stored files as they lie on disk, for tests that look at them or spoil them."""

from pathlib import Path

from core.base.settings import get_settings


def on_disk(relative: str) -> Path:
    """Where the store has a file or folder."""
    return get_settings().files_root / relative
