"""A finding that rests on recognition is overruled on the form, and marked on every page after."""

import pytest

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.model_versions.versions import list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import list_jobs
from tests.core.seeding import add_dataset, work_off
from tests.pages.conftest import run_page, store_fleet, texts
from tests.pages.test_leakage import fleet, start
from tests.pages.tested_models import trained_model
from ui.leakage.overruling import ASK
from ui.shared.overruled import MARK

REASON = "Measured on two channels of one cycler, see the lab book."
SAID = "Leakage finding overruled"


def box(page: object) -> object:
    return next((item for item in page.checkbox if item.label == ASK), None)


def test_the_form_starts_a_refused_training_only_with_a_reason(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Twice", fleet(copied=True))
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert start(page, "Start training").disabled
    box(page).check().run()
    assert start(page, "Start training").disabled
    page.text_area[0].set_value("too short").run()
    assert start(page, "Start training").disabled
    page.text_area[0].set_value(REASON).run()
    assert not start(page, "Start training").disabled
    start(page, "Start training").click().run()
    assert not page.exception
    with read_scope() as session:
        (job,) = list_jobs(session, user)
    assert job.overruled is not None and job.overruled.reason == REASON
    run = run_page("runs", user, {"job": job.id})
    assert SAID in texts(run) and "lab book" in texts(run)


def test_what_is_certain_cannot_be_overruled_on_the_form(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Leaky", fleet(life_fraction=True))
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert start(page, "Start training").disabled
    assert box(page) is None


def test_every_page_with_numbers_shows_it(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Twice", fleet(copied=True))
    start_training(
        user,
        TrainingRequest(dataset_id, "PCL", ["MEAN", "LINEAR"], overrule_recognition=REASON),
    )
    work_off()
    with read_scope() as session:
        models = list(list_models(session, user))
    tests = [start_test(user, TestRequest(m.id, dataset_id, ["sim-05", "sim-06"])) for m in models]
    work_off()
    addresses = [
        ("models", {"model": models[0].id}),
        ("models", {}),
        ("results", {"test": tests[0]}),
        ("results", {}),
        ("results", {"compare": ",".join(map(str, tests))}),
        ("leaderboard", {"dataset": dataset_id}),
    ]
    for name, query in addresses:
        page = run_page(name, user, query)
        assert SAID in texts(page), name
        assert "lab book" in texts(page), name
    board = run_page("leaderboard", user, {"dataset": dataset_id})
    names = next(t.value["Model"] for t in board.dataframe if "Model" in t.value)
    assert len(names) == 2 and all(name.endswith(MARK) for name in names)


def test_the_form_of_a_test_counts_overruled_batteries_as_unseen(
    user: CurrentUser, tmp_path: pytest.TempPathFactory
) -> None:
    model_id, _ = trained_model(user, tmp_path)
    _, copy_id = add_dataset(user, tmp_path / "again", "The same again")
    page = run_page("new_test", user, {"model": model_id, "dataset": copy_id})
    assert box(page) is None
    page.multiselect[0].set_value(["b0", "b3"]).run()
    box(page).check().run()
    assert start(page, "Start test").disabled
    page.text_area[0].set_value(REASON).run()
    start(page, "Start test").click().run()
    assert not page.exception
    work_off()
    shown = run_page("results", user, {"test": 1})
    assert SAID in texts(shown)
    assert "2 unseen batteries" in texts(shown)
