"""Early prediction from the empty page to a result, and the study of random rows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.jobs.kinds import settle_task
from core.jobs.supervisor import Supervisor
from core.studies import early_life_fit, early_life_models
from core.studies.early_life import create_from_table
from core.studies.early_life_table import make_table, propose_columns, read_battery_table
from core.studies.row_split import create_row_split
from core.studies.studies import cancel_study, list_studies
from db.tables import BackgroundTask
from tests.core.seeding import add_dataset, work_off
from tests.core.studies.early_tables import fading_table
from tests.core.studies.test_early_life_table import csv, fleet_frame
from tests.pages.conftest import run_page, store_fleet, texts
from tests.paths import SHARED_DATA, needs_shared_data

DELTA_Q = SHARED_DATA / "severson" / "severson_delta_q_100_10.csv"
PAGE = "early_prediction"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One repetition and few resamples: what is fitted is not looked at here."""
    monkeypatch.setattr(early_life_models, "REPEATS", 1)
    monkeypatch.setattr(early_life_fit, "RESAMPLES", 1000)
    yield


def queue(user: CurrentUser) -> int:
    with session_scope() as session:
        return create_from_table(
            session,
            user,
            "Early life",
            fading_table(),
            file_name="fleet.csv",
            left_out=[("x7", "no cycle life")],
            variance="delta_q_variance",
        )


def studies_of(user: CurrentUser) -> list[Any]:
    with read_scope() as session:
        return list_studies(session, user)


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click()
    page.run()
    assert not page.exception


def charts(page: AppTest) -> list[Any]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def test_the_empty_page_starts_a_study_of_a_dataset(user: CurrentUser) -> None:
    dataset_id = store_fleet(None, "Demonstration fleet")
    page = run_page(PAGE, user)
    assert "No studies yet" in texts(page)
    press(page, "Start study")
    (study,) = studies_of(user)
    assert (study.dataset_id, study.name) == (
        dataset_id,
        "Life from 100 cycles: Demonstration fleet",
    )
    work_off()
    page = run_page(PAGE, user, {"study": study.id})
    frame = page.dataframe[0].value
    assert list(frame["Model"]) == ["Best single feature", "Ridge", "PCR", "PLSR", "Mean (floor)"]
    assert {"Train (cycles)", "Validation (cycles)", "Test (cycles)", "Test (%)"} <= set(frame)
    assert "first 100 cycles" in texts(page)
    assert len(charts(page)) == 3


def test_a_table_is_mapped_and_started(user: CurrentUser) -> None:
    page = run_page(PAGE, user)
    page.segmented_control(key="early_source").set_value("A table of features").run()
    page.file_uploader(key="early_file").set_value(("fleet.csv", csv(fleet_frame()), "text/csv"))
    page.run()
    assert not page.exception
    assert "40 batteries**: 24 train, 16 primary test" in texts(page)
    press(page, "Start study")
    assert [study.source for study in studies_of(user)] == ["fleet.csv"]


def test_a_table_that_cannot_be_used_says_why(user: CurrentUser) -> None:
    page = run_page(PAGE, user)
    page.segmented_control(key="early_source").set_value("A table of features").run()
    file = ("fleet.csv", csv(fleet_frame().tail(20)), "text/csv")
    page.file_uploader(key="early_file").set_value(file).run()
    assert "at least 10 are needed" in texts(page)
    assert "Start study" not in [button.label for button in page.button]


def test_a_result_shows_scores_files_and_who_was_left_out(user: CurrentUser) -> None:
    study_id = queue(user)
    busy = run_page(PAGE, user, {"study": study_id})
    assert "It runs in the background" in texts(busy)
    work_off()
    page = run_page(PAGE, user, {"study": study_id})
    assert [metric.label for metric in page.metric][:2] == ["Chosen model", "Primary test: RMSE"]
    assert "Against predicting the mean of the training batteries" in texts(page)
    assert page.dataframe[1].value["Battery"].tolist() == ["x7"]
    scatter = charts(page)[0]
    assert {"Train (24)", "Primary test (16)"} <= {trace.get("name") for trace in scatter["data"]}
    assert {item.label for item in page.get("download_button")} == {"CSV", "XLSX"}
    listed = run_page(PAGE, user).dataframe[0].value
    assert listed["State"].tolist() == ["Done"]


@needs_shared_data
def test_the_published_figures_stand_beside_the_known_cells(user: CurrentUser) -> None:
    raw = read_battery_table(DELTA_Q.name, DELTA_Q.read_bytes())
    columns = propose_columns(raw)
    table, left_out = make_table(raw, columns)
    with session_scope() as session:
        study_id = create_from_table(
            session,
            user,
            "Severson",
            table,
            file_name=DELTA_Q.name,
            left_out=left_out,
            variance=columns.variance,
        )
    work_off()
    page = run_page(PAGE, user, {"study": study_id})
    shown = texts(page)
    assert "97 cycles on the primary test, 176 cycles on the secondary test" in shown
    assert "Without battery 043, which short-circuited" in shown
    row = page.dataframe[0].value.set_index("Model").loc["Variance model"]
    assert row["Primary (cycles)"] == pytest.approx(137.9, abs=0.1)
    assert row["Without 043 (cycles)"] == pytest.approx(138.3, abs=0.1)


def test_failed_and_cancelled_studies_say_so(user: CurrentUser) -> None:
    failed, cancelled = queue(user), queue(user)
    task_id = Supervisor()._claim("short")
    with session_scope() as session:
        settle_task(session, session.get_one(BackgroundTask, task_id), "FAILED", "Out of memory.")
        cancel_study(session, user, cancelled)
    assert "The study failed. Out of memory." in texts(run_page(PAGE, user, {"study": failed}))
    assert "You cancelled this study" in texts(run_page(PAGE, user, {"study": cancelled}))


def test_a_study_gets_another_name_but_not_an_empty_one(user: CurrentUser) -> None:
    study_id = queue(user)
    work_off()
    page = run_page(PAGE, user, {"study": study_id})
    for name, stored in (("  Fleet of  May ", "Fleet of May"), (" ", "Fleet of May")):
        box = next(field for field in page.text_input if field.label == "Name of the study")
        box.set_value(name)
        press(page, "Rename")
        assert studies_of(user)[0].name == stored
    assert any("name" in error.value for error in page.error)
    assert page.title[0].value == "Fleet of May"


def test_a_study_of_another_kind_is_not_shown_here(user: CurrentUser, tmp_path: Path) -> None:
    _, dataset_id = add_dataset(user, tmp_path)
    with session_scope() as session:
        study_id = create_row_split(session, user, dataset_id)
    assert "No such study" in texts(run_page(PAGE, user, {"study": study_id}))


def _section(user: "CurrentUser", dataset_id: int) -> None:
    from ui.studies.row_split_study import row_split_section

    row_split_section(user, dataset_id)


def test_random_rows_and_whole_batteries_side_by_side(user: CurrentUser, tmp_path: Path) -> None:
    _, dataset_id = add_dataset(user, tmp_path)
    page = AppTest.from_function(
        _section, default_timeout=30, kwargs={"user": user, "dataset_id": dataset_id}
    ).run()
    press(page, "Compare now")
    assert "It runs in the background" in texts(page)
    work_off()
    page.run()
    assert not page.exception
    assert "a random split shows an RMSE of" in texts(page)
    assert "neighbouring cycles of one battery are nearly alike" in texts(page)
    scores = page.dataframe[0].value
    assert scores["Model"].tolist() == ["Gradient-boosted trees", "Ridge"]
    assert scores["Ratio"].iloc[0] > 1
    first, second = charts(page)[:2]
    assert first["layout"]["xaxis"]["range"] == second["layout"]["xaxis"]["range"]


def test_a_failed_comparison_can_be_tried_again(user: CurrentUser, tmp_path: Path) -> None:
    _, dataset_id = add_dataset(user, tmp_path)
    with session_scope() as session:
        create_row_split(session, user, dataset_id)
    task_id = Supervisor()._claim("short")
    with session_scope() as session:
        settle_task(session, session.get_one(BackgroundTask, task_id), "FAILED", "Disk full.")
    page = AppTest.from_function(
        _section, default_timeout=30, kwargs={"user": user, "dataset_id": dataset_id}
    ).run()
    assert "The study failed. Disk full." in texts(page)
    press(page, "Try again")
    assert len(studies_of(user)) == 2
