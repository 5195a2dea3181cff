"""One account's small things, made once by the real services and copied into each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.access.actor import CurrentUser
from core.base.database import get_engine
from tests.conftest import settings_of
from tests.core.seeding import World, add_account, add_dataset, add_world

Dataset = tuple[CurrentUser, int]


@pytest.fixture(scope="session")
def dataset_folder(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Dataset, Path]:
    """Ann and the id of her dataset, and the data folder that holds it."""
    folder = tmp_path_factory.mktemp("dataset")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        _, dataset_id = add_dataset(user, folder)
        get_engine().dispose()
    return (user, dataset_id), folder / "data"


@pytest.fixture(scope="session")
def world_folder(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[World, Path]:
    """Ann's dataset, model, test and exports, and the data folder that holds them."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        world = add_world(add_account("ann@example.org"), folder)
        get_engine().dispose()
    return world, folder / "data"


@pytest.fixture
def dataset(dataset_folder: tuple[Dataset, Path], data_dir: Path) -> Iterator[Dataset]:
    """Ann and the id of her dataset, in a data folder of this test alone."""
    made, folder = dataset_folder
    shutil.copytree(folder, data_dir)
    yield made
    get_engine().dispose()


@pytest.fixture
def world(world_folder: tuple[World, Path], data_dir: Path) -> Iterator[World]:
    """Ann's dataset, model, test and exports, in a data folder of this test alone."""
    made, folder = world_folder
    shutil.copytree(folder, data_dir)
    yield made
    get_engine().dispose()
