"""Every service function, asked by a second account for what belongs to the first."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.accounts import accounts, passwords, sessions
from core.base.database import get_engine, migrate, read_scope
from core.base.errors import FadeBenchError, NotFound
from core.base.settings import get_settings
from core.datasets import cycles, datasets, uploads
from core.evaluation import leaderboard
from core.evaluation import material as test_material
from core.evaluation import start as test_start
from core.evaluation.request import TestRequest
from core.model_versions import versions as registry
from core.removal import marking
from core.training import twins
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import World, add_account, add_dataset, add_world
from tests.core.test_isolation import (
    AT_THE_EDGE,
    BY_ID,
    DESCRIBED,
    LISTS,
    MISSING,
    QUERIES,
    plan_of_test,
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, CurrentUser]]:
    """What the first account has, and a second account with a dataset of its own."""
    folder = tmp_path_factory.mktemp("isolation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ROUNDS", 4)
        patch.setenv("FADEBENCH_DATA_DIR", str(folder / "data"))
        patch.delenv("FADEBENCH_DATABASE_URL", raising=False)
        get_settings.cache_clear()
        migrate()
        first = add_world(add_account("ann@example.org"), folder)
        second = add_account("bob@example.org")
        add_dataset(second, folder, "Bob's fleet")
        yield first, second
        get_engine().dispose()
        get_settings.cache_clear()


@contextmanager
def undone() -> Iterator[Session]:
    """A session whose changes are never committed."""
    with read_scope() as session:
        yield session
        session.rollback()


@pytest.mark.parametrize("function", BY_ID, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_another_account_hears_what_is_said_of_missing_things(
    worlds: tuple[World, CurrentUser], function: Callable[..., Any]
) -> None:
    first, second = worlds
    call = BY_ID[function]
    with undone() as session, pytest.raises(NotFound) as foreign:
        call(session, second, first)
    ids = {name: MISSING for name in vars(first) if name.endswith("_id")}
    with undone() as session, pytest.raises(NotFound) as missing:
        call(session, second, replace(first, **ids))
    assert str(foreign.value) == str(missing.value)


@pytest.mark.parametrize("function", BY_ID, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_the_owner_is_not_refused(
    worlds: tuple[World, CurrentUser], function: Callable[..., Any]
) -> None:
    """Otherwise the walk would pass wrong ids and prove nothing."""
    first, _ = worlds
    with undone() as session:
        try:
            BY_ID[function](session, first.user, first)
        except NotFound as error:
            pytest.fail(f"the owner was told: {error}")
        except FadeBenchError:
            pass  # in use, or no such value: it was found at any rate


@pytest.mark.parametrize("function", AT_THE_EDGE, ids=lambda f: f.__name__)
def test_nothing_is_started_on_what_belongs_to_others(
    worlds: tuple[World, CurrentUser], function: Callable[..., Any]
) -> None:
    first, second = worlds
    with pytest.raises(NotFound):
        AT_THE_EDGE[function](second, first)


@pytest.mark.parametrize("function", LISTS, ids=lambda f: f.__name__)
def test_lists_show_nothing_of_others(
    worlds: tuple[World, CurrentUser], function: Callable[..., Any]
) -> None:
    first, second = worlds
    with read_scope() as session:
        theirs = {item.id for item in function(session, first.user)}
        seen = {item.id for item in function(session, second)}
    assert theirs
    assert not theirs & seen


@pytest.mark.parametrize("function", DESCRIBED, ids=lambda f: f.__name__)
def test_what_belongs_to_others_is_passed_over(
    worlds: tuple[World, CurrentUser], function: Callable[..., Any]
) -> None:
    first, second = worlds
    with read_scope() as session:
        assert DESCRIBED[function](session, first.user, first)
        assert not DESCRIBED[function](session, second, first)


@pytest.mark.parametrize("query", QUERIES, ids=lambda f: f.__name__)
def test_queries_select_nothing_of_others(
    worlds: tuple[World, CurrentUser], query: Callable[..., Any]
) -> None:
    first, second = worlds
    with read_scope() as session:
        theirs = {row.id for row in session.scalars(query(first.user))}
        seen = {row.id for row in session.scalars(query(second))}
    assert theirs
    assert not theirs & seen


def test_ids_of_others_do_not_pass_beside_an_own_one(worlds: tuple[World, CurrentUser]) -> None:
    first, second = worlds
    with read_scope() as session:
        own = datasets.list_datasets(session, second)[0].id
        theirs = list(datasets.battery_ids(session, first.user, first.dataset_id, ["b0"]).values())
        assert cycles.load_cycles(session, second, own, battery_ids=theirs).empty
    with undone() as session:
        with pytest.raises(NotFound):
            test_start.plan_test(session, second, TestRequest(first.model_id, own))
        model = registry.get_model_info(session, first.user, first.model_id)
        dataset = datasets.load_dataset(session, second, own)
        with pytest.raises(NotFound):
            test_material.load_test_material(session, second, model, dataset)
        plan = plan_of_test(session, first)
        plan = replace(plan, dataset_id=own, labels_versions={own: 1})
        with pytest.raises(NotFound):
            test_start.write_test(session, second, plan)


def test_an_account_acts_only_on_itself(worlds: tuple[World, CurrentUser]) -> None:
    first, second = worlds
    with undone() as session:
        assert marking.list_account_dependents(session, second).models == 0
        assert not accounts.preview_deletion(session, second).rows.get("models")
        assert leaderboard.list_boards(session, second) == []
        key = twins.group_key(registry.get_model_info(session, first.user, first.model_id))
        assert twins.twin_origins(session, first.user, [key])
        assert twins.twin_origins(session, second, [key]) == {}
        sessions.start_session(session, first.user)
        assert sessions.list_sessions(session, second) == []
        assert sessions.end_all_sessions(session, second) == 0
        marking.delete_everything_of(session, second)
        assert guard.get_model(session, first.user, first.model_id)
        assert not sessions.account_of_email(session, "bob@example.org")
        assert sessions.account_of_email(session, "ann@example.org")
    with undone() as session:
        new_id = uploads.receive_upload(session, second, "../../1/x.csv", io.BytesIO(b"a,b\n1,2\n"))
        path, _ = uploads.open_upload(session, second, new_id)
        home = get_settings().files_root / str(second.id)
        assert on_disk(path).resolve().is_relative_to(home.resolve())
        on_disk(path).unlink()
