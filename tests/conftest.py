"""Fixtures that every test may use."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.accounts import passwords
from core.base import database
from core.base.settings import get_settings
from tests.lanes import (
    LANES_OF_SESSION,
    assign_lanes,
    check_places,
    lane_of_file,
    refuse_impure,
)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests side by side share the cores already; read by OpenMP when PyTorch is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_configure() -> None:
    """Nothing runs while a test is in no lane."""
    check_places()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of tests side by side, those of one file, or of one kind of server, share a worker."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrServer(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            # Databases on servers are made once per worker and kind.
            server = re.search(r"\b(sqlite|mysql|mariadb|postgresql)\b", nodeid.partition("[")[2])
            if server and nodeid.startswith("tests/db/"):
                return f"tests/db {server[0]}"
            return str(super()._split_scope(nodeid))

    return ByFileOrServer(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast lane alone does not even import the files of the others, which takes long."""
    if config.getoption("markexpr") != "fast" or not collection_path.is_file():
        return None
    return True if lane_of_file(collection_path) in {"thorough", "e2e"} else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every test gets its lane before `-m` chooses among them."""
    config.stash[LANES_OF_SESSION] = assign_lanes(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The fast lane stays pure."""
    refuse_impure(item)


@contextmanager
def settings_of(folder: Path, database_url: str = "") -> Iterator[None]:
    """Settings point to this data folder and its SQLite database, or another; hashes are cheap."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        patch.setenv("FADEBENCH_DATA_DIR", str(folder))
        patch.setenv("FADEBENCH_DATABASE_URL", database_url)
        get_settings.cache_clear()
        try:
            yield
        finally:
            get_settings.cache_clear()


@pytest.fixture(autouse=True)
def same_main_module() -> Iterator[None]:
    """AppTest puts its script in the place of `__main__`, which processes of others start from."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """An empty data folder; settings of this test point there."""
    with settings_of(tmp_path / "data"):
        yield tmp_path / "data"


@pytest.fixture(scope="session")
def migrated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated SQLite database, made once for all tests that copy it."""
    folder = tmp_path_factory.mktemp("migrated") / "data"
    with settings_of(folder):
        database.migrate()
        database.get_engine().dispose()
    return folder


@pytest.fixture
def fresh_database(migrated_folder: Path, data_dir: Path) -> Iterator[Path]:
    """A migrated SQLite database in an empty data folder; returns that folder."""
    shutil.copytree(migrated_folder, data_dir)
    yield data_dir
    database.get_engine().dispose()
