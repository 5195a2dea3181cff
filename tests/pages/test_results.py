"""The list of tests, one test in every state, and the comparison."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.base.database import get_engine, migrate, read_scope, session_scope
from core.base.settings import get_settings
from core.evaluation.evaluations import cancel_test, get_test_info
from core.evaluation.exports import latest_exports, open_export
from core.evaluation.results import get_result
from core.jobs.kinds import settle_task
from core.jobs.queue import latest_tasks
from db.tables import BackgroundTask, TestExport
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import add_account
from tests.pages.conftest import run_page, texts
from tests.pages.tested_models import (
    finished_test,
    queued_test,
    trained_model,
    work_off_one,
)
from ui.shared.numbers import fixed_digits


class Bench:
    """One account with a model, a plain test and one on every battery."""

    def __init__(self, folder: Path) -> None:
        self.user = add_account("ann@example.org")
        self.model_id, self.dataset_id = trained_model(self.user, folder)
        self.test_id = finished_test(self.user, self.model_id, self.dataset_id)
        everything = [f"b{i}" for i in range(5)]
        self.all_id = finished_test(self.user, self.model_id, self.dataset_id, everything)


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FADEBENCH_DATA_DIR", str(folder / "data"))
        patch.delenv("FADEBENCH_DATABASE_URL", raising=False)
        get_settings.cache_clear()
        migrate()
        yield Bench(folder)
        get_engine().dispose()
        get_settings.cache_clear()


def charts(page: AppTest) -> list[Any]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def press(page: AppTest, *names: str) -> None:
    for name in names:
        next(b for b in page.button if b.label == name).click()
    page.run()
    assert not page.exception


def test_without_tests_it_says_where_to_begin(tested: Bench) -> None:
    page = run_page("results", add_account("new@example.org"))
    assert "No tests yet" in texts(page)


def test_the_list_shows_the_headline_with_units(tested: Bench) -> None:
    page = run_page("results", tested.user)
    frame = page.dataframe[0].value
    with read_scope() as session:
        overall = get_test_info(session, tested.user, tested.test_id).overall
    row = frame.iloc[-1]
    assert row["PCL"] == pytest.approx(100 * overall["PCL"].rmse)
    assert row["RUL"] == pytest.approx(overall["RUL"].rmse)
    columns = json.loads(page.dataframe[0].proto.columns)
    assert columns["PCL"]["label"] == "PCL RMSE (%-points)"
    assert columns["RUL"]["label"] == "RUL RMSE (cycles)"
    assert next(b for b in page.button if b.label == "Compare").disabled


def test_headline_numbers_are_those_of_the_service(tested: Bench) -> None:
    page = run_page("results", tested.user, {"test": tested.test_id})
    with read_scope() as session:
        result = get_result(session, tested.user, tested.test_id)
    shown = [metric.value for metric in page.metric]
    pcl = f"{fixed_digits(100 * result.overall['PCL'].rmse)} %-points"
    assert shown[0] == pcl
    assert shown[3].endswith(" cycles")
    assert "SOH" in page.metric[1].label
    assert "end of life" in page.metric[4].help
    assert "2 unseen batteries" in texts(page)
    assert "Estimate of the measured cycle" in texts(page)
    assert "kept out" not in texts(page)


def test_known_batteries_are_kept_out_of_the_headline(tested: Bench) -> None:
    plain = run_page("results", tested.user, {"test": tested.test_id})
    everything = run_page("results", tested.user, {"test": tested.all_id})
    assert [m.value for m in everything.metric] == [m.value for m in plain.metric]
    assert "3 batteries are marked and kept out" in texts(everything)
    assert "2 seen in training" in texts(everything)
    assert "1 used for selection" in texts(everything)


def test_a_test_of_known_batteries_only_has_no_headline(tested: Bench) -> None:
    test_id = finished_test(tested.user, tested.model_id, tested.dataset_id, ["b0"])
    page = run_page("results", tested.user, {"test": test_id})
    assert not page.metric
    assert "The model knew every battery of this test" in texts(page)


def test_the_worst_batteries_are_preselected_unseen_ones_first(tested: Bench) -> None:
    with read_scope() as session:
        rows = get_result(session, tested.user, tested.all_id).batteries
    rows = rows[(rows["target"] == "PCL") & (rows["exposure"] == "unseen")]
    page = run_page("results", tested.user, {"test": tested.all_id})
    chosen = page.multiselect[0].value
    assert chosen[:2] == list(rows.sort_values("rmse", ascending=False)["battery_code"])
    assert len(chosen) == 3
    titles = [note["text"] for note in charts(page)[0]["layout"]["annotations"]]
    assert [title.split("<br>")[0] for title in titles[:3]] == [f"Battery {c}" for c in chosen]


def test_batteries_and_target_of_the_address(tested: Bench) -> None:
    page = run_page(
        "results", tested.user, {"test": tested.all_id, "target": "RUL", "battery": "b1"}
    )
    assert page.multiselect[0].value == ["b1"]
    assert "RUL" in charts(page)[0]["layout"]["title"]["text"]


def test_every_view_draws(tested: Bench) -> None:
    for target in ("PCL", "RUL"):
        address = {"test": tested.all_id, "target": target}
        page = run_page("results", tested.user, address | {"view": "Batteries"})
        frame = page.dataframe[0].value
        assert set(frame["note"]) == {"", "Worst", "Best"}
        assert "Seen in training" in set(frame["exposure"])
        assert frame["rmse"].is_monotonic_decreasing
        page = run_page("results", tested.user, address | {"view": "Distribution"})
        assert len(charts(page)) == 2
        page = run_page("results", tested.user, address | {"view": "Scatter"})
        assert len(charts(page)) == 2
        assert page.toggle[0].value


def test_both_files_can_be_downloaded(tested: Bench) -> None:
    page = run_page("results", tested.user, {"test": tested.test_id})
    assert [button.label for button in page.get("download_button")] == ["CSV", "XLSX"]


def test_files_being_made_and_failed_ones(tested: Bench) -> None:
    test_id = queued_test(tested.user, tested.model_id, tested.dataset_id)
    work_off_one()
    page = run_page("results", tested.user, {"test": test_id})
    assert {"Preparing CSV", "Preparing XLSX"} <= set(labels(page))
    with session_scope() as session:
        for export in latest_exports(session, tested.user, test_id).values():
            assert export.task is not None
            task = session.get_one(BackgroundTask, export.task.id)
            settle_task(session, task, "FAILED", "The disk is full.")
    page = run_page("results", tested.user, {"test": test_id})
    again = next(b for b in page.button if b.label == "Make CSV again")
    assert "The disk is full." in again.help
    again.click().run()
    assert "Preparing CSV" in labels(page)


def test_a_waiting_test_shows_its_progress_and_can_be_cancelled(tested: Bench) -> None:
    test_id = queued_test(tested.user, tested.model_id, tested.dataset_id)
    page = run_page("results", tested.user, {"test": test_id})
    assert "Waiting" in texts(page)
    next(b for b in page.button if b.label == "Cancel").click().run()
    page = run_page("results", tested.user, {"test": test_id})
    assert "You cancelled this test" in texts(page)
    assert "Delete test" in labels(page)


def test_a_failed_test_says_why(tested: Bench) -> None:
    test_id = queued_test(tested.user, tested.model_id, tested.dataset_id)
    with session_scope() as session:
        task = latest_tasks(session, "TEST", [test_id])[test_id]
        row = session.get_one(BackgroundTask, task.id)
        settle_task(session, row, "FAILED", "The checkpoint is missing. Train it again.")
    page = run_page("results", tested.user, {"test": test_id})
    assert "The test failed. The checkpoint is missing. Train it again." in texts(page)


def test_a_test_is_deleted_after_typing_its_name(tested: Bench) -> None:
    test_id = finished_test(tested.user, tested.model_id, tested.dataset_id, ["b3"])
    page = run_page("results", tested.user, {"test": test_id})
    # A dialog lives for one run here, so each run opens it again.
    press(page, "Delete test")
    assert next(b for b in page.button if b.label == "Delete for good").disabled
    with read_scope() as session:
        page.text_input[0].set_value(get_test_info(session, tested.user, test_id).title)
    press(page, "Delete test")
    press(page, "Delete test", "Delete for good")
    assert "No such test" in texts(run_page("results", tested.user, {"test": test_id}))


def test_comparison_shows_the_stored_numbers(tested: Bench) -> None:
    both = f"{tested.test_id},{tested.all_id}"
    page = run_page("results", tested.user, {"compare": both})
    with read_scope() as session:
        stored = get_test_info(session, tested.user, tested.test_id).overall["PCL"]
    frame = page.dataframe[0].value
    assert list(frame["rmse"]) == pytest.approx([100 * stored.rmse] * 2)
    assert frame["model"].is_unique
    assert len(charts(page)) == 1
    assert "answer the same question" not in texts(page)


def test_tests_that_cannot_be_compared(tested: Bench) -> None:
    waiting = queued_test(tested.user, tested.model_id, tested.dataset_id)
    page = run_page("results", tested.user, {"compare": f"{tested.test_id},{waiting}"})
    assert "Only finished tests can be compared." in texts(page)
    page = run_page("results", tested.user, {"compare": str(tested.test_id)})
    assert "two or more" in texts(page)
    with session_scope() as session:
        cancel_test(session, tested.user, waiting)


def test_addresses_that_lead_nowhere(tested: Bench) -> None:
    stranger = add_account("eve@example.org")
    for address in ({"test": tested.test_id}, {"compare": f"{tested.test_id},{tested.all_id}"}):
        assert "No such test" in texts(run_page("results", stranger, address))
    for address in ({"test": "x"}, {"test": 999}, {"compare": "1,x"}, {"compare": "²,1"}):
        assert "No such test" in texts(run_page("results", tested.user, address))


def test_a_file_lost_on_disk_can_be_made_again(tested: Bench) -> None:
    test_id = finished_test(tested.user, tested.model_id, tested.dataset_id, ["b4"])
    with session_scope() as session:
        export = latest_exports(session, tested.user, test_id)["CSV"]
        on_disk(open_export(session, tested.user, export.id)).unlink()
        session.execute(update(TestExport).where(TestExport.id == export.id).values(file_size=1))
    page = run_page("results", tested.user, {"test": test_id})
    assert "Make CSV again" in labels(page)
    assert [button.label for button in page.get("download_button")] == ["XLSX"]
