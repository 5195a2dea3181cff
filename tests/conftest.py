"""Fixtures that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import database
from core.settings import get_settings


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data folder; settings of this test point there."""
    monkeypatch.setenv("FADEBENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("FADEBENCH_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    yield tmp_path / "data"
    get_settings.cache_clear()


@pytest.fixture
def fresh_database(data_dir: Path) -> Iterator[Path]:
    """A migrated SQLite database in an empty data folder; returns that folder."""
    database.migrate()
    yield data_dir
    database.get_engine().dispose()
