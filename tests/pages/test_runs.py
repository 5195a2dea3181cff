import pytest

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.training.views import get_job_info, list_jobs
from tests.pages.conftest import run_page, store_fleet, texts
from tests.pages.training_jobs import confirm_deletion, fail, run_epochs, start_job, succeed


@pytest.fixture
def dataset_id(user: CurrentUser) -> int:
    return store_fleet(user, "Pouch cells")


def labels(page: object) -> list[str]:
    return [button.label for button in page.button]


def test_empty_list_says_what_to_do(user: CurrentUser) -> None:
    assert "No training yet" in texts(run_page("runs", user))


def test_list_shows_jobs_and_filters(user: CurrentUser, dataset_id: int) -> None:
    _, (done,) = start_job(user, dataset_id)
    run_epochs(done, 4)
    succeed(user, done)
    _, (broken,) = start_job(user, dataset_id)
    fail(broken, "The loss exploded.")
    page = run_page("runs", user)
    frame = page.dataframe[0].value
    assert list(frame["status"]) == ["Failed", "Done"]
    assert list(frame["progress"]) == [0, 100]
    page.selectbox(key="status").select("Done").run()
    assert list(page.dataframe[0].value["algorithms"]) == ["Baseline"]


def test_running_job_shows_progress_curves_and_errors(user: CurrentUser, dataset_id: int) -> None:
    job_id, (first, _) = start_job(user, dataset_id, ("BASELINE", "BILSTM"))
    run_epochs(first, 2)
    page = run_page("runs", user, {"job": job_id})
    assert page.title[0].value == "My training"
    assert {"Cancel all", "Cancel Baseline", "Cancel BiLSTM"} <= set(labels(page))
    table = page.dataframe[0].value
    assert list(table["status"]) == ["Running", "Waiting"]
    assert table["learning_PCL"][0] == pytest.approx(1.0)
    assert table["best_epoch"][0] == 2
    bars = [bar.proto.text for bar in page.get("progress")]
    assert any("Waiting for a free process" in text for text in bars)


def test_cancelling_a_waiting_run_ends_it(user: CurrentUser, dataset_id: int) -> None:
    job_id, (first, _) = start_job(user, dataset_id, ("BASELINE", "BILSTM"))
    page = run_page("runs", user, {"job": job_id})
    page.button(key=f"cancel_{first}").click().run()
    assert not page.exception
    with read_scope() as session:
        statuses = [run.status for run in get_job_info(session, user, job_id).runs]
    assert statuses == ["CANCELED", "PENDING"]
    page.button(key="cancel_all").click().run()
    with read_scope() as session:
        assert get_job_info(session, user, job_id).status == "CANCELED"


def test_failed_run_is_counted_beside_and_gives_its_reason(
    user: CurrentUser, dataset_id: int
) -> None:
    job_id, (first, second) = start_job(user, dataset_id, ("BASELINE", "BILSTM"))
    run_epochs(first, 4)
    succeed(user, first)
    fail(second, "The loss exploded in epoch 1. Lower the learning rate.")
    page = run_page("runs", user, {"job": job_id})
    assert "Lower the learning rate" in texts(page)
    assert "1 of 2 failed" in texts(page)
    assert not any(label.startswith("Cancel") for label in labels(page))
    assert page.dataframe[0].value["test_PCL"][0] == pytest.approx(0.5)


def test_floors_and_ensembles_show_numbers_and_no_curve(user: CurrentUser, dataset_id: int) -> None:
    chosen = ("BASELINE", "BILSTM", "ENSEMBLE", "MEAN")
    job_id, (first, second, ensemble, mean) = start_job(user, dataset_id, chosen)
    run_epochs(mean, 1)
    succeed(user, mean)
    page = run_page("runs", user, {"job": job_id})
    bars = [bar.proto.text for bar in page.get("progress")]
    assert "Waiting for the other runs, to combine their models" in bars
    assert "Floor: a model must beat it to be of use." in texts(page)
    assert "Trained in one step, in less than a second." in texts(page)
    assert "Mean curve" not in page.get("plotly_chart")[0].proto.spec
    assert page.dataframe[0].value["best_epoch"].isna().all()
    page.button(key=f"cancel_{ensemble}").click().run()
    assert "Cancelled by you" in texts(page)
    for run_id in (first, second):
        fail(run_id, "The loss exploded.")
    with read_scope() as session:
        assert get_job_info(session, user, job_id).status == "SUCCEEDED"


def test_run_in_the_address_opens_its_job_and_log(user: CurrentUser, dataset_id: int) -> None:
    _, (_, second) = start_job(user, dataset_id, ("BASELINE", "BILSTM"))
    fail(second, "No disk space.")
    page = run_page("runs", user, {"run": second})
    assert page.title[0].value == "My training"
    assert "No disk space." in page.code[0].value
    assert "".join(page.query_params["run"]) == str(second)


@pytest.mark.parametrize("name", ["job", "run"])
def test_what_belongs_to_another_user_does_not_exist(
    user: CurrentUser, stranger: CurrentUser, dataset_id: int, name: str
) -> None:
    job_id, (run_id,) = start_job(user, dataset_id)
    mine = job_id if name == "job" else run_id
    for number in (mine, 999):
        page = run_page("runs", stranger, {name: number})
        assert "No such" in texts(page)
        assert "My training" not in texts(page)


def test_deleting_needs_the_name_and_lists_what_goes(user: CurrentUser, dataset_id: int) -> None:
    job_id, (run_id,) = start_job(user, dataset_id)
    run_epochs(run_id, 4)
    succeed(user, run_id)
    page = run_page("runs", user, {"job": job_id})
    next(button for button in page.button if button.label == "Delete…").click().run()
    assert "1 training, 1 run, 1 model" in texts(page)
    final = next(button for button in page.button if button.label == "Delete for good")
    assert final.disabled
    confirm_deletion(page, "My training", "delete_job_name")
    with read_scope() as session:
        assert not list_jobs(session, user)
