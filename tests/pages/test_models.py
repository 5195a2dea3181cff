import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.datasets import get_dataset_summary
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.model_versions.versions import list_models
from db.tables import Dataset, ModelVersion
from tests.pages.conftest import run_page, store_fleet, texts
from tests.pages.training_jobs import confirm_deletion, run_epochs, start_job, succeed


@pytest.fixture
def dataset_id(user: CurrentUser) -> int:
    return store_fleet(user, "Pouch cells")


@pytest.fixture
def model_id(user: CurrentUser, dataset_id: int) -> int:
    _, (run_id,) = start_job(user, dataset_id)
    run_epochs(run_id, 4)
    return succeed(user, run_id)


def press(page: object, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception


def test_empty_list_says_what_to_do(user: CurrentUser) -> None:
    assert "No models yet" in texts(run_page("models", user))


def test_list_shows_errors_in_displayed_units(user: CurrentUser, model_id: int) -> None:
    frame = run_page("models", user).dataframe[0].value
    assert list(frame["Model"]) == ["My training v1"]
    assert frame["PCL RMSE, validation (%-points)"][0] == pytest.approx(0.5)
    assert "RUL RMSE, test (cycles)" not in frame
    assert frame["Labels"][0] == "Current"
    assert list(frame.columns[:2]) == ["Model", "Kind"]


def test_kind_and_dataset_stand_beside_every_error_and_can_be_chosen(
    user: CurrentUser, model_id: int, dataset_id: int
) -> None:
    _, (run_id,) = start_job(user, dataset_id, max_horizon=20)
    run_epochs(run_id, 4)
    succeed(user, run_id, max_horizon=20)
    frame = run_page("models", user).dataframe[0].value
    assert list(frame["Kind"]) == [
        "Forecast, errors 1 cycle ahead (it looks up to 20 cycles ahead)",
        "Estimate",
    ]
    assert list(frame["Dataset"]) == ["Pouch cells"] * 2
    for kind, left in (("Estimates", "Estimate"), ("Forecasts", "Forecast")):
        (row,) = run_page("models", user, {"kind": kind}).dataframe[0].value["Kind"]
        assert row.startswith(left)
    assert len(run_page("models", user, {"of_target": "PCL"}).dataframe[0].value) == 2
    assert "No model matches" in texts(run_page("models", user, {"of_target": "RUL"}))


def test_list_and_training_show_one_number_for_a_forecast(
    user: CurrentUser, dataset_id: int
) -> None:
    job_id, (run_id,) = start_job(user, dataset_id, max_horizon=20)
    run_epochs(run_id, 4)
    succeed(user, run_id, max_horizon=20)
    listed = run_page("models", user).dataframe[0].value
    page = run_page("runs", user, {"job": job_id})
    table = next(frame.value for frame in page.dataframe if "val_PCL" in frame.value)
    assert table["val_PCL"][0] == listed["PCL RMSE, validation (%-points)"][0]
    assert table["test_PCL"][0] == listed["PCL RMSE, test (%-points)"][0]
    assert "learning_PCL" not in table


def test_detail_states_units_and_denominators(user: CurrentUser, model_id: int) -> None:
    page = run_page("models", user, {"model": model_id})
    assert page.title[0].value == "My training v1"
    table = page.dataframe[0].value.set_index("metric")
    assert table.loc["RMSE of PCL", "unit"] == "%-points"
    assert table.loc["RMSE of PCL", "val"] == pytest.approx(0.5)
    assert "state of health" in table.loc["RMSPE of SOH", "meaning"]
    page = run_page("models", user, {"model": model_id, "model_view": "Settings"})
    settings = page.dataframe[0].value.set_index("Setting")["Value"]
    assert settings["Hidden size"] == "64"
    assert settings["Learning rate schedule"] == "Falls smoothly (cosine)"
    assert "Window length (cycles)" not in settings


def test_what_was_learned_is_shown_with_units(
    user: CurrentUser, dataset_id: int, model_id: int
) -> None:
    law = [
        {"target": "PCL", "name": "r", "value": 0.0021, "unit": "1/cycle"},
        {"target": "PCL", "name": "K", "value": 0.31, "unit": "fraction"},
    ]
    weights = {"PCL": {"My Baseline v1": 0.25, "My Trees v1": 0.75}}
    with session_scope() as session:
        model = session.get_one(ModelVersion, model_id)
        model.config = {**model.config, "law": law, "ensemble": weights}
    page = run_page("models", user, {"model": model_id})
    tables = {str(list(frame.value.columns)): frame.value for frame in page.dataframe}
    terms = tables["['Target', 'Parameter', 'Value', 'Unit', 'What it is']"]
    assert list(terms["Value"] + " " + terms["Unit"]) == ["0.0021 1/cycle", "31 %"]
    shares = tables["['member', 'PCL']"]
    assert list(shares["member"]) == ["My Trees v1", "My Baseline v1"]
    page = run_page("models", user, {"model": model_id, "model_view": "Settings"})
    assert "ensemble" not in set(page.dataframe[0].value["Setting"].str.lower())


def test_changed_labels_are_marked(user: CurrentUser, dataset_id: int, model_id: int) -> None:
    with session_scope() as session:
        schema = get_dataset_summary(session, user, dataset_id).schema.to_json()
        session.execute(
            update(Dataset)
            .where(Dataset.id == dataset_id)
            .values(feature_schema={**schema, "labels_version": 2})
        )
    assert run_page("models", user).dataframe[0].value["Labels"][0] == "Changed since"
    assert "refer to the old ones" in texts(run_page("models", user, {"model": model_id}))


def test_rename_takes_the_next_version(user: CurrentUser, model_id: int) -> None:
    page = run_page("models", user, {"model": model_id})
    page.text_input[0].set_value("Best so far")
    press(page, "Rename")
    assert page.title[0].value == "Best so far v1"
    page.text_input[0].set_value("   ")
    press(page, "Rename")
    assert "Give the model a name." in texts(page)


def test_delete_asks_for_the_name(user: CurrentUser, model_id: int) -> None:
    page = run_page("models", user, {"model": model_id})
    press(page, "Delete…")
    assert next(b for b in page.button if b.label == "Delete for good").disabled
    confirm_deletion(page, "My training v1", "delete_model_name")
    with read_scope() as session:
        assert not list_models(session, user)


def test_delete_is_refused_while_a_test_uses_it(
    user: CurrentUser, dataset_id: int, model_id: int
) -> None:
    start_test(user, TestRequest(model_id, dataset_id))
    page = run_page("models", user, {"model": model_id})
    press(page, "Delete…")
    assert "1 test uses this model" in texts(page)
    assert not any(button.label == "Delete for good" for button in page.button)


def test_what_belongs_to_another_user_does_not_exist(stranger: CurrentUser, model_id: int) -> None:
    for number in (model_id, 999):
        page = run_page("models", stranger, {"model": number})
        assert "No such model" in texts(page)
        assert "My training" not in texts(page)


def test_comparison_shows_only_what_differs(user: CurrentUser, dataset_id: int) -> None:
    for hidden_size in (32, 64):
        _, (run_id,) = start_job(user, dataset_id)
        run_epochs(run_id, 4)
        succeed(user, run_id, hidden_size=hidden_size)
    page = AppTest.from_function(_compare_all, kwargs={"user": user}).run()
    frame = page.dataframe[0].value
    assert list(frame["Setting"]) == ["Hidden size"]
    assert list(frame.iloc[0, 1:]) == ["64", "32"]
    page.toggle[0].set_value(False).run()
    everything = page.dataframe[0].value.set_index("Setting")
    assert everything.loc["Hidden size", "Differs"] == "yes"
    assert everything.loc["Learning rate", "Differs"] == ""


def _compare_all(user: "CurrentUser") -> None:
    from core.base.database import read_scope
    from core.model_versions.versions import list_models
    from ui.model_versions.settings import comparison

    with read_scope() as session:
        models = list_models(session, user)
    comparison(user, models)
