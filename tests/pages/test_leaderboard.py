"""The leaderboard and the comparison as pages, from stored numbers of eight batteries."""

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.base.database import get_engine
from tests.conftest import settings_of
from tests.core.finished import add_finished_test, add_fleet, add_trained_model, unseen_codes
from tests.core.seeding import add_account
from tests.pages.conftest import run_page, texts

CODES = unseen_codes()


class Bench:
    """Three models of one fleet, the floor among them, and their tests."""

    def __init__(self, folder: Path) -> None:
        self.user = add_account("ann@example.org")
        self.dataset_id = add_fleet(self.user, folder)
        generator = np.random.default_rng(5)
        self.tests = []
        for name, algorithm, mean in (
            ("Good", "BILSTM", 0.004),
            ("Poor", "BASELINE", 0.0101),
            ("Mean", "MEAN", 0.01),
        ):
            self.model_id = add_trained_model(self.user, self.dataset_id, algorithm, name)
            rmse = mean + generator.normal(0, 0.0004, len(CODES))
            errors = dict(zip(CODES, map(float, rmse), strict=True))
            self.tests.append(add_finished_test(self.user, self.model_id, self.dataset_id, errors))


@pytest.fixture(scope="module")
def bench(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("leaderboard")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        yield Bench(folder)
        get_engine().dispose()


def charts(page: AppTest) -> list[Any]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def compare(bench: Bench, **address: str) -> AppTest:
    ids = ",".join(map(str, bench.tests))
    return run_page("results", bench.user, {"compare": ids, **address})


def test_without_tests_it_says_where_to_begin(bench: Bench) -> None:
    page = run_page("leaderboard", add_account("new@example.org"))
    assert "No finished test to rank yet" in texts(page)


def test_ranks_are_shared_where_chance_explains_the_order(bench: Bench) -> None:
    page = run_page("leaderboard", bench.user)
    frame = page.dataframe[0].value
    assert list(frame["Rank"]) == ["1", "2-3", "2-3"]
    assert frame["Model"][0] == "Good v1"
    assert frame["Mean RMSE (%-points)"][0] == pytest.approx(0.4, abs=0.05)
    against = dict(zip(frame["Model"], frame["Against the floors"], strict=True))
    assert against["Good v1"] == "beats every floor"
    assert against["Poor v1"] == "not shown to beat Mean v1"
    assert against["Mean v1"] == "is a floor"
    shown = texts(page)
    assert "8 batteries that none of these models had seen" in shown
    assert "Good v1** has the lowest mean RMSE" in shown
    assert "Poor v1: not shown to beat a floor" in shown
    assert page.selectbox[0].value == bench.dataset_id


def test_the_forest_draws_floors_in_grey(bench: Bench) -> None:
    (forest,) = charts(run_page("leaderboard", bench.user))
    points = next(trace for trace in forest["data"] if trace["mode"] == "markers")
    grey = points["marker"]["color"][points["y"].index("Mean v1")]
    red, green, blue = (int(grey[i : i + 2], 16) for i in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) < 20
    assert len(forest["data"]) == 4


def test_the_file_holds_what_the_screen_shows(bench: Bench) -> None:
    from core.base.database import read_scope
    from core.evaluation.leaderboard import list_boards, rank_models, standings_frame

    page = run_page("leaderboard", bench.user)
    with read_scope() as session:
        found = rank_models(session, bench.user, list_boards(session, bench.user)[0])
    file = pd.read_csv(io.StringIO(standings_frame(found).to_csv(index=False)))
    shown = page.dataframe[0].value
    assert list(file["model"]) == list(shown["Model"])
    assert list(100 * file["mean_battery_rmse"]) == pytest.approx(
        list(shown["Mean RMSE (%-points)"])
    )
    assert [button.label for button in page.get("download_button")] == ["CSV"]


def test_another_error_is_kept_in_the_address(bench: Bench) -> None:
    page = run_page("leaderboard", bench.user, {"metric": "mae"})
    assert "Mean MAE (%-points)" in page.dataframe[0].value
    page = run_page("leaderboard", bench.user, {"dataset": 999})
    assert "no finished test of yours on that dataset" in texts(page)


def test_comparison_states_differences_with_intervals(bench: Bench) -> None:
    page = compare(bench)
    assert "better than every other one" in texts(page)
    assert "different" not in texts(page)
    assert page.selectbox[0].value == "Good v1"
    numbers = page.dataframe[1].value
    assert list(numbers["Differs"]) == ["yes", "yes"]
    assert list(numbers["Worse on"]) == [8, 8]
    (forest,) = charts(page)
    assert "minus that of Good v1" in forest["layout"]["title"]["text"]
    page.selectbox[0].set_value("All pairs").run()
    assert not page.exception
    assert list(page.dataframe[1].value["Differs"]).count("not shown") == 1


@pytest.mark.parametrize("view", ["Box plots", "Batteries", "Curves"])
def test_every_view_of_the_comparison_draws(bench: Bench, view: str) -> None:
    page = compare(bench, compared_view=view)
    if view == "Batteries":
        frame = page.dataframe[1].value
        assert list(frame.columns) == ["Battery", "Good v1", "Poor v1", "Mean v1"]
        assert len(frame) == len(CODES)
        return
    (figure,) = charts(page)
    assert len(figure["data"]) == (3 if view == "Box plots" else 4)
    if view == "Curves":
        assert figure["data"][0]["name"] == "True"


def test_comparison_of_different_datasets_is_refused(bench: Bench, tmp_path: Path) -> None:
    other = add_fleet(bench.user, tmp_path, 10)
    model_id = add_trained_model(bench.user, other, name="Elsewhere")
    test_id = add_finished_test(bench.user, model_id, other, {"b3": 0.1, "b4": 0.1})
    page = run_page("results", bench.user, {"compare": f"{bench.tests[0]},{test_id}"})
    assert "different datasets" in texts(page)
    assert not page.dataframe


def test_few_batteries_have_no_certain_rank(bench: Bench, tmp_path: Path) -> None:
    user = add_account("few@example.org")
    dataset_id = add_fleet(user, tmp_path, 5)
    for name, rmse in (("One", 0.001), ("Two", 0.1)):
        model_id = add_trained_model(user, dataset_id, name=name)
        add_finished_test(user, model_id, dataset_id, {"b3": rmse, "b4": rmse})
    page = run_page("leaderboard", user)
    assert list(page.dataframe[0].value["Rank"]) == ["1-2", "1-2"]
    assert "no interval can be stated" in texts(page)
    assert "No floor was tested here" in texts(page)
