"""The page that sets up a test."""

from pathlib import Path

import pytest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.datasets import set_split
from core.evaluation.evaluations import list_tests
from tests.pages.conftest import run_page, store_fleet, texts
from tests.pages.tested_models import trained_model


@pytest.fixture
def model(user: CurrentUser, tmp_path: Path) -> tuple[int, int]:
    return trained_model(user, tmp_path)


def test_without_models_it_says_where_to_begin(user: CurrentUser) -> None:
    assert "No models yet" in texts(run_page("new_test", user))


def test_it_starts_on_the_test_batteries_and_shows_the_result(
    user: CurrentUser, model: tuple[int, int]
) -> None:
    page = run_page("new_test", user, {"model": model[0]})
    assert page.multiselect[0].value == ["b3", "b4"]
    assert "**2** unseen" in texts(page)
    next(b for b in page.button if b.label == "Start test").click().run()
    assert not page.exception
    with read_scope() as session:
        tests = list_tests(session, user)
    assert len(tests) == 1
    assert page.text[0].value == "results"
    assert page.query_params["test"] in (str(tests[0].id), [str(tests[0].id)])


def test_known_batteries_are_marked(user: CurrentUser, model: tuple[int, int]) -> None:
    page = run_page("new_test", user, {"model": model[0]})
    page.radio[0].set_value("All").run()
    assert "**2** unseen · **1** used for selection · **2** seen in training" in texts(page)
    assert "b0 (seen in training)" in page.multiselect[0].options
    page.multiselect[0].set_value(["b0"]).run()
    assert "no headline numbers" in texts(page)
    page.multiselect[0].set_value([]).run()
    assert next(b for b in page.button if b.label == "Start test").disabled


def test_all_unseen_is_the_default_without_test_batteries(
    user: CurrentUser, model: tuple[int, int]
) -> None:
    with session_scope() as session:
        set_split(session, user, model[1], {"b3": None, "b4": None})
    page = run_page("new_test", user, {"model": model[0]})
    assert page.radio[0].options[0] == "All unseen"
    assert page.multiselect[0].value == ["b3", "b4"]


def test_an_estimator_has_no_horizon_to_choose(user: CurrentUser, model: tuple[int, int]) -> None:
    page = run_page("new_test", user, {"model": model[0]})
    assert page.number_input[0].disabled
    assert page.number_input[0].value == 0
    assert "estimates the state at the measured cycle itself" in texts(page)


def test_a_forecaster_looks_up_to_its_longest_horizon(user: CurrentUser, tmp_path: Path) -> None:
    model_id, _ = trained_model(user, tmp_path, "PCL", max_horizon=7)
    page = run_page("new_test", user, {"model": model_id})
    horizon = page.number_input[0]
    assert (horizon.min, horizon.max, horizon.value) == (1, 7, 1)
    horizon.set_value(5).run()
    next(b for b in page.button if b.label == "Start test").click().run()
    with read_scope() as session:
        assert list_tests(session, user)[0].horizon == 5


def test_a_dataset_without_the_features_is_refused_by_name(
    user: CurrentUser, model: tuple[int, int]
) -> None:
    other = store_fleet(user, "Other fleet")
    page = run_page("new_test", user, {"model": model[0], "dataset": other})
    assert "lacks 2 of the features" in texts(page)
    assert not page.button


def test_addresses_that_lead_nowhere(
    user: CurrentUser, stranger: CurrentUser, model: tuple[int, int]
) -> None:
    for page in (
        run_page("new_test", user, {"model": 999}),
        run_page("new_test", user, {"model": "x"}),
        run_page("new_test", stranger, {"model": model[0]}),
    ):
        assert "No such model" in texts(page)
    page = run_page("new_test", user, {"model": model[0], "dataset": 999})
    assert "No such dataset" in texts(page)
