from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.training.duration import total_duration_s
from core.training.views import get_job_info, list_jobs
from tests.core.wide import NAMES, import_features, write_wide
from tests.pages.conftest import run_page, store_fleet, texts


@pytest.fixture
def dataset_id(user: CurrentUser) -> int:
    return store_fleet(user, "Pouch cells")


def start_button(page: AppTest) -> object:
    return next(button for button in page.button if button.label == "Start training")


def press_start(page: AppTest) -> None:
    start_button(page).click()
    page.run()
    assert not page.exception


def only_job(user: CurrentUser) -> object:
    with read_scope() as session:
        jobs = list_jobs(session, user)
        assert len(jobs) == 1
        return get_job_info(session, user, jobs[0].id)


def test_without_data_it_offers_the_upload(user: CurrentUser) -> None:
    page = run_page("new_training", user)
    assert "No datasets yet" in texts(page)
    assert not any(button.label == "Start training" for button in page.button)


def test_defaults_start_the_usual_ones_and_open_the_job(user: CurrentUser, dataset_id: int) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert "about" in page.metric[0].value
    press_start(page)
    job = only_job(user)
    chosen = [run.algorithm for run in job.runs]
    assert chosen == ["BASELINE", "BILSTM", "DEEPHPM", "TREES", "MEAN"]
    assert (job.target, job.hyperparams.by_name(), job.name) == ("BOTH", {}, "Pouch cells")
    assert job.roles == {"train": 14, "val": 5, "test": 5}
    assert texts(page) == "runs"
    assert "".join(page.query_params["job"]) == str(job.id)


def test_choices_reach_the_job(user: CurrentUser, dataset_id: int) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    for name in ("DEEPHPM", "TREES", "MEAN"):
        page.checkbox(key=f"algorithm_{name}").uncheck()
    page.run()
    page.number_input(key="setting_epochs").set_value(3)
    page.number_input(key="setting_BILSTM_window_length").set_value(10)
    page.selectbox(key="setting_device").select("cpu")
    page.radio(key="kind").set_value("Forecast").run()
    page.number_input(key="max_horizon").set_value(20)
    assert page.checkbox(key="use_capacity_history").value
    page.text_input(key="training_name").set_value("Night run")
    page.run()
    press_start(page)
    job = only_job(user)
    assert job.name == "Night run"
    assert [run.algorithm for run in job.runs] == ["BASELINE", "BILSTM"]
    assert job.hyperparams.by_name() == {
        "epochs": 3,
        "device": "cpu",
        "max_horizon": 20,
        "use_capacity_history": True,
        "overrides": {"BILSTM": {"window_length": 10}},
    }


def test_chosen_features_reach_the_job(user: CurrentUser, tmp_path: Path) -> None:
    write_wide(tmp_path / "wide.csv")
    dataset_id = import_features(user, tmp_path / "wide.csv")
    page = run_page("new_training", user, {"dataset": dataset_id})
    box = page.multiselect(key=f"features_{dataset_id}")
    assert (box.value, box.options) == (list(NAMES[:8]), list(NAMES))
    box.set_value([]).run()
    assert not page.exception
    assert "Choose at least one feature" in texts(page)
    assert start_button(page).disabled
    page.multiselect(key=f"features_{dataset_id}").set_value(["x11", "x9", "temperature"]).run()
    assert "Choose at least one feature" not in texts(page)
    press_start(page)
    job = only_job(user)
    assert job.hyperparams.features == ("temperature", "x9", "x11")
    assert "features: temperature, x9, x11" in texts(run_page("runs", user, {"job": job.id}))


def test_a_feature_that_gives_the_answer_away_can_be_left_out(
    user: CurrentUser, tmp_path: Path
) -> None:
    path = tmp_path / "wide.csv"
    frame = write_wide(path)
    frame.assign(x10=frame["capacity"] * 3).to_csv(path, index=False)
    dataset_id = import_features(user, path)
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert not start_button(page).disabled
    page.multiselect(key=f"features_{dataset_id}").set_value(["x9", "x10"]).run()
    assert "'x10' is the capacity in another form" in texts(page)
    assert start_button(page).disabled
    page.multiselect(key=f"features_{dataset_id}").set_value(["x9", "x11"]).run()
    assert "x10" not in texts(page)
    assert not start_button(page).disabled


def test_without_an_algorithm_it_says_so_and_cannot_start(
    user: CurrentUser, dataset_id: int
) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    for name in ("BASELINE", "BILSTM", "DEEPHPM", "TREES", "MEAN"):
        page.checkbox(key=f"algorithm_{name}").uncheck()
    page.run()
    assert "Choose at least one algorithm." in texts(page)
    assert start_button(page).disabled


def test_floors_of_forecasts_are_offered_where_they_can_answer(
    user: CurrentUser, dataset_id: int
) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert page.checkbox(key="unavailable_LAST_VALUE").disabled
    assert "Last value and Last slope: for forecasts of PCL alone." in texts(page)
    page.radio(key="kind").set_value("Forecast").run()
    assert page.checkbox(key="unavailable_LAST_VALUE").disabled
    next(radio for radio in page.radio if radio.label == "Target").set_value("PCL").run()
    for name in ("LAST_VALUE", "LAST_SLOPE", "MEAN"):
        assert page.checkbox(key=f"algorithm_{name}").value
    assert "forecasts of PCL alone" not in texts(page)


def test_an_ensemble_of_too_few_is_refused_before_it_starts(
    user: CurrentUser, dataset_id: int
) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    for name in ("BASELINE", "BILSTM", "DEEPHPM"):
        page.checkbox(key=f"algorithm_{name}").uncheck()
    page.checkbox(key="algorithm_ENSEMBLE").check().run()
    assert "choose at least two other algorithms" in texts(page)
    assert start_button(page).disabled
    page.checkbox(key="algorithm_LINEAR").check().run()
    assert not start_button(page).disabled


def test_only_settings_that_the_chosen_algorithms_use_are_shown(
    user: CurrentUser, dataset_id: int
) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    shown = {widget.key for widget in page.number_input}
    assert {"setting_epochs", "setting_TREES_boosting_rounds"} <= shown
    page.checkbox(key="algorithm_TREES").uncheck().run()
    assert not any("boosting_rounds" in str(widget.key) for widget in page.number_input)
    for name in ("BASELINE", "BILSTM", "DEEPHPM"):
        page.checkbox(key=f"algorithm_{name}").uncheck()
    page.run()
    assert not [w for w in page.number_input if str(w.key).startswith("setting_")]
    assert "have no settings" in texts(page)


def test_proposed_split_replaces_the_one_of_the_dataset(user: CurrentUser, dataset_id: int) -> None:
    page = run_page("new_training", user, {"dataset": dataset_id})
    page.radio(key=f"roles_from_{dataset_id}").set_value("A proposed split").run()
    press_start(page)
    assert sum(only_job(user).roles.values()) == 24
    assert only_job(user).roles["val"] >= 4


@pytest.mark.parametrize("address", ["999", "stranger's"])
def test_a_dataset_that_is_not_there(
    user: CurrentUser, stranger: CurrentUser, dataset_id: int, address: str
) -> None:
    hidden = store_fleet(stranger, "Secret") if address != "999" else 999
    page = run_page("new_training", user, {"dataset": hidden})
    assert "No such dataset" in texts(page)
    assert "Secret" not in texts(page)
    assert not any(button.label == "Start training" for button in page.button)


def test_total_duration_counts_runs_side_by_side(data_dir: object) -> None:
    assert total_duration_s({"a": 10.0, "b": 4.0, "c": 5.0}) == 10.0
    assert total_duration_s({}) == 0.0
    # An ensemble comes after all others.
    assert total_duration_s({"a": 10.0, "ENSEMBLE": 2.0, "b": 4.0}) == 12.0
