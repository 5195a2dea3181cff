"""The model page's card and twins, and the groups of the lists."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.model_versions.versions import get_model_info
from core.training.twins import find_twins, group_key
from core.training.views import list_jobs
from db.tables import ModelVersion
from tests.conftest import settings_of
from tests.core.finished import add_fleet, add_trained_model, finish_training, unseen_codes
from tests.core.seeding import add_account
from tests.pages.conftest import run_page, texts
from ui.training.groups import PHYSICS_VIEW

CODES = unseen_codes()


@pytest.fixture
def account(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CurrentUser, int]]:
    """An account and its model with physics."""
    folder = tmp_path_factory.mktemp("twins")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        dataset_id = add_fleet(user, folder)
        model_id = add_trained_model(
            user, dataset_id, "DEEPHPM", "Law", by_battery(0.009), physics_weight=0.5, epochs=2
        )
        yield user, model_id
        get_engine().dispose()


def by_battery(rmse: float, noise: float = 0.0) -> dict[str, Any]:
    errors = rmse + noise * np.linspace(-1, 1, len(CODES))
    found = {c: {"PCL": {"n": 20, "mae": e, "rmse": e}} for c, e in zip(CODES, errors, strict=True)}
    return {"val": {}, "test": found}


def physics_page(user: CurrentUser, model_id: int) -> AppTest:
    return run_page("models", user, {"model": model_id, "model_view": PHYSICS_VIEW})


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def finish(user: CurrentUser, model_id: int, without: float) -> None:
    with read_scope() as session:
        key = group_key(get_model_info(session, user, model_id))
        jobs = [job for job in list_jobs(session, user) if job.group_key == key]
    for job in jobs:
        rmse = 0.009 if job.hyperparams.physics_weight else without
        noise = 1e-4 if job.hyperparams.seed % 2 else 2e-4
        finish_training(user, job.id, job.name, by_battery(rmse, noise))


def test_twins_from_the_button_to_the_verdict(account: tuple[CurrentUser, int]) -> None:
    user, model_id = account
    page = physics_page(user, model_id)
    assert "5 trainings, about" in texts(page)
    press(page, "Train twins")
    page = physics_page(user, model_id)
    assert any(button.label == "Cancel the twins" for button in page.button)
    # One entry in the list of trainings beside the model's own.
    rows = run_page("runs", user).dataframe[0].value
    assert list(rows["name"]) == ["Twins of Law v1 (5 trainings)", "Law"]
    assert rows["algorithms"][0] == "DeepHPM, 0 of 5 ended"
    finish(user, model_id, without=0.010)
    page = physics_page(user, model_id)
    shown = texts(page)
    assert "physics helped on 8 of 8 batteries**, median -0.100 %-points" in shown
    assert "The physics helps" in shown
    assert "3 seeds on each side, on the test batteries" in shown
    assert len(page.get("plotly_chart")) == 1
    assert list(page.dataframe[0].value["Seed"]) == [0, 1, 2]
    # Twins stay out of the list of models until they are asked for.
    models = run_page("models", user)
    assert list(models.dataframe[0].value["Model"]) == ["Law v1"]
    models.toggle[0].set_value(True).run()
    assert len(models.dataframe[0].value) == 6
    with read_scope() as session:
        twin = find_twins(session, user, model_id).twins[-1].run.model_version_id
    assert "trained as a twin" in texts(physics_page(user, int(twin or 0)))


def test_an_interval_around_zero_is_called_that(account: tuple[CurrentUser, int]) -> None:
    user, model_id = account
    press(physics_page(user, model_id), "Train twins")
    finish(user, model_id, without=0.009)
    assert "do not show that physics matters" in texts(physics_page(user, model_id))


def test_cancelled_twins_are_offered_again(account: tuple[CurrentUser, int]) -> None:
    user, model_id = account
    press(physics_page(user, model_id), "Train twins")
    press(physics_page(user, model_id), "Cancel the twins")
    page = physics_page(user, model_id)
    assert "No seed has a model with and one without physics yet." in texts(page)
    assert any(button.label == "Train more twins" for button in page.button)


def test_the_card_is_shown_in_units(account: tuple[CurrentUser, int]) -> None:
    user, model_id = account
    with session_scope() as session:
        model = session.get_one(ModelVersion, model_id)
        overall = {"rmse": 0.009, "mae": 0.008, "n": 160, "n_batteries": 8}
        model.metrics = {
            **(model.metrics or {}),
            "test": {"PCL": overall},
            "floors": {"test": {"MEAN": {"PCL": {"rmse": 0.004}}}},
        }
    page = run_page("models", user, {"model": model_id, "model_view": "Model card"})
    numbers, floors = (frame.value for frame in page.dataframe)
    assert numbers["Value"][0] == "0.900 %-points"
    assert numbers["Batteries"][0] == "8 test"
    assert floors["Beaten"][0] == "no"
    shown = texts(page)
    assert "It does not beat every floor." in shown
    assert "It estimates the state at the measured cycle" in shown
    assert "8 batteries of one dataset" in shown
    assert [button.label for button in page.get("download_button")] == ["Download"]
