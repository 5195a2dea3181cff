"""The reads of each page, as the page asks for them."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from benchmarks.list_filling import Filled, known
from core.base.database import read_scope
from core.base.paging import Page
from core.datasets import uploads
from core.datasets.datasets import (
    describe_dataset,
    get_dataset_summary,
    list_datasets,
    newest_fleet,
)
from core.datasets.filters import DatasetFilter, UploadFilter
from core.evaluation import drawable, exports, results
from core.evaluation.comparison import compare_tests
from core.evaluation.evaluations import get_test_info, list_tests, test_log
from core.evaluation.filters import EVERY_TEST, TestFilter
from core.evaluation.leaderboard import list_boards, rank_models
from core.model_versions.filters import EVERY_MODEL, ModelFilter
from core.model_versions.versions import get_model_info, has_twins, list_models
from core.studies import studies
from core.studies.early_life import KIND
from core.studies.filters import StudyFilter
from core.training import twins
from core.training.entries import training_board
from core.training.filters import EVERY_TRAINING, TrainingFilter
from core.training.views import get_job_info, list_jobs, list_runs, run_log, run_metrics

Read = Callable[[Session, Filled], Any]


@cache
def _place(n_jobs: int) -> str | None:
    """Where the middle of the list of trainings begins; found once, before time is taken."""
    with read_scope() as session:
        pages = Page(limit=1000)
        for _ in range(n_jobs // 2000):
            user = known(n_jobs).user
            pages = replace(pages, after=list_jobs(session, user, EVERY_TRAINING, pages).next)
    return pages.after


def _models(session: Session, f: Filled) -> Any:
    return has_twins(session, f.user), list_models(session, f.user, ModelFilter(twins=False))


def _datasets(session: Session, f: Filled) -> Any:
    fleet = newest_fleet(session, f.user)
    if fleet is not None:
        describe_dataset(session, f.user, fleet.id)
    return list_datasets(session, f.user)


def _job(session: Session, f: Filled) -> Any:
    job = get_job_info(session, f.user, f.job_id)
    run_metrics(session, f.user, [run.id for run in job.runs])
    return run_log(session, f.user, f.run_id)


def _result(session: Session, f: Filled) -> Any:
    found = results.get_result(session, f.user, f.test_id)
    exports.latest_exports(session, f.user, f.test_id)
    results.prediction_curves(session, f.user, f.test_id, "PCL", ["b3", "b4"])
    return found, test_log(session, f.user, f.test_id)


def _compared(session: Session, f: Filled) -> Any:
    wanted = TestFilter(dataset_id=f.dataset_id, statuses=("SUCCEEDED",))
    tests = list_tests(session, f.user, wanted, Page(limit=2))
    return compare_tests(session, f.user, [test.id for test in tests], "PCL")


def _ranked(session: Session, f: Filled) -> Any:
    boards = list_boards(session, f.user)
    return rank_models(session, f.user, next(b for b in boards if b.n_models > 1))


READS: dict[str, Read] = {
    "Runs: first page": lambda s, f: training_board(s, f.user),
    "Runs: by name, of a dataset": lambda s, f: training_board(
        s, f.user, TrainingFilter(dataset="fleet 7"), Page(order="name")
    ),
    "Runs: failed, of an algorithm, by dataset": lambda s, f: training_board(
        s, f.user, TrainingFilter(statuses=("FAILED",), algorithm="BILSTM"), Page(order="dataset")
    ),
    "Runs: nothing matches": lambda s, f: training_board(
        s, f.user, TrainingFilter(name="no such name")
    ),
    "Runs: a page in the middle": lambda s, f: training_board(
        s, f.user, EVERY_TRAINING, Page(after=_place(f.job_id))
    ),
    "runs (command line)": lambda s, f: list_runs(s, f.user),
    "runs --sort algorithm": lambda s, f: list_runs(
        s, f.user, EVERY_TRAINING, Page(order="algorithm")
    ),
    "One training with curves and log": _job,
    "Models: first page": _models,
    "Models: by name": lambda s, f: list_models(s, f.user, EVERY_MODEL, Page(order="name")),
    "Models: found by name, by dataset": lambda s, f: list_models(
        s, f.user, ModelFilter(name="training 7"), Page(order="dataset")
    ),
    "One model": lambda s, f: (
        get_model_info(s, f.user, f.model_id),
        twins.twin_origins(s, f.user, [None]),
    ),
    "Results: first page": lambda s, f: list_tests(s, f.user),
    "Results: by status": lambda s, f: list_tests(s, f.user, EVERY_TEST, Page(order="status")),
    "Results: of a dataset, by algorithm": lambda s, f: list_tests(
        s, f.user, TestFilter(dataset="fleet 7"), Page(order="algorithm")
    ),
    "One result with curves, files and log": _result,
    "Tests to draw beside a result": lambda s, f: drawable.list_peers(s, f.user, f.test_id, "PCL"),
    "Two results compared": _compared,
    "Leaderboard": _ranked,
    "Datasets: first page with the newest fleet": _datasets,
    "Datasets: found by name, by name": lambda s, f: list_datasets(
        s, f.user, DatasetFilter(name="fleet 7"), Page(order="name")
    ),
    "Uploads: first page": lambda s, f: uploads.list_uploads(s, f.user),
    "Uploads: found by name, by status": lambda s, f: uploads.list_uploads(
        s, f.user, UploadFilter(name="7.csv"), Page(order="status")
    ),
    "Early prediction: first page": lambda s, f: studies.list_studies(
        s, f.user, StudyFilter(kind=KIND)
    ),
    "Early prediction: found by name, by dataset": lambda s, f: studies.list_studies(
        s, f.user, StudyFilter(name="study 7", kind=KIND), Page(order="dataset")
    ),
    "New test: models and datasets to choose from": lambda s, f: (
        list_models(s, f.user),
        get_test_info(s, f.user, f.test_id),
        list_datasets(s, f.user),
        get_dataset_summary(s, f.user, f.dataset_id),
    ),
    "New training: datasets to choose from": lambda s, f: list_datasets(
        s, f.user, DatasetFilter(name="7")
    ),
}
