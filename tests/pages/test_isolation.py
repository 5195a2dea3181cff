"""Every page under every address of another account's things looks as if they did not exist."""

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.accounts import passwords
from core.base.database import get_engine, migrate
from core.base.settings import get_settings
from tests.core.seeding import World, add_account, add_world
from tests.pages.conftest import run_page, texts
from tests.paths import ROOT

MISSING = 999_999
PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py") if path.stem != "__init__")
SECRET_NAME = "Secret fleet of Ann"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, CurrentUser]]:
    """What Ann has, and Bob, who has nothing."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        patch.setenv("FADEBENCH_DATA_DIR", str(folder / "data"))
        patch.delenv("FADEBENCH_DATABASE_URL", raising=False)
        get_settings.cache_clear()
        migrate()
        yield add_world(add_account("ann@example.org"), folder, SECRET_NAME), add_account("bob@b.c")
        get_engine().dispose()
        get_settings.cache_clear()


def address_names() -> set[str]:
    """Every id that any page reads from its address."""
    found: set[str] = set()
    for folder in ("pages", "ui"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"""address_id\(\s*["'](\w+)["']""", path.read_text("utf-8")))
    return found


def ids_of(world: World) -> dict[str, int]:
    """Ids by the names that addresses use."""
    return {
        "upload": world.upload_id,
        "dataset": world.dataset_id,
        "job": world.job_id,
        "run": world.run_id,
        "model": world.model_id,
        "test": world.test_id,
        "result": world.test_id,
        "export": world.export_id,
        "study": world.study_id,
    }


def test_the_walk_knows_every_address(worlds: tuple[World, CurrentUser]) -> None:
    assert address_names() <= set(ids_of(worlds[0])), "add the new address to ids_of"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_nothing_of_others(worlds: tuple[World, CurrentUser], page: str) -> None:
    world, stranger = worlds
    ids = ids_of(world)
    for name in sorted(address_names() & set(ids)):
        shown = run_page(page, stranger, {name: ids[name]})
        foreign, missing = texts(shown), texts(run_page(page, stranger, {name: MISSING}))
        assert SECRET_NAME not in everything(shown)
        assert world.user.email not in everything(shown)
        assert foreign.replace(str(ids[name]), "ID") == missing.replace(str(MISSING), "ID"), name


def test_nothing_of_others_without_an_address(worlds: tuple[World, CurrentUser]) -> None:
    world, stranger = worlds
    for page in PAGES:
        assert SECRET_NAME not in everything(run_page(page, stranger)), page
    # The owner does see it, so that its absence above says something.
    seen = [page for page in PAGES if SECRET_NAME in everything(run_page(page, world.user))]
    assert {"datasets", "new_training", "new_test"} <= set(seen), seen


def everything(test: AppTest) -> str:
    """All elements with their options and values, and the rows of tables."""
    tables = "\n".join(table.value.to_string() for table in test.dataframe)
    return repr(test.main) + repr(test.sidebar) + tables
