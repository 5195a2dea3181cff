"""Installations of earlier versions: migrated, opened, predicted with, exported and worked on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from openpyxl import load_workbook
from sqlalchemy import select

from core.access import guard
from core.access.actor import CurrentUser
from core.accounts.accounts import user_by_email
from core.accounts.sign_in import check_login
from core.backups.make import LEFT_OUT, make_backup
from core.backups.restore import restore_backup
from core.base.database import get_engine, migrate, read_scope, session_scope
from core.base.errors import NotFound
from core.datasets.cycles import load_cycles
from core.datasets.datasets import get_dataset_summary
from core.datasets.series import make_series, targets_of
from core.datasets.uploads import list_uploads
from core.evaluation.evaluations import TestInfo, list_tests
from core.evaluation.exports import create_export, latest_exports, open_export
from core.evaluation.material import matched_columns
from core.evaluation.results import load_predictions
from core.jobs.queue import is_idle
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import ModelInfo, get_model_info, list_models, open_checkpoint
from core.studies.studies import list_studies
from core.training.views import list_jobs
from db.tables import BackgroundTask, Dataset, TestJobPrediction
from models.inputs.series import BatterySeries
from models.model.checkpoint import TrainedModel
from models.settings.catalogue import ALGORITHMS
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import work_off
from tests.db.servers import throwaway_database
from tests.golden.addresses import list_addresses, list_views
from tests.golden.installation import (
    ACCOUNTS,
    INSTALLATIONS,
    PASSWORD,
    count_rows,
    place_installation,
)
from tests.pages.conftest import run_page

ANN, BOB, CY = ACCOUNTS
SERVERS = ("sqlite", "mysql", "postgresql")
PLACES = [
    pytest.param((archive, server), id=f"{archive.removesuffix('.zip')}-{server}")
    for archive in INSTALLATIONS
    for server in SERVERS
]
# Of the largest number: networks answer in float32, and another processor rounds otherwise.
ROUNDING = 1e-5


@pytest.fixture(scope="module", params=PLACES)
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, int]]]:
    """A migrated installation that tests look at; the server, and its rows before that."""
    archive, server = request.param
    with place_installation(archive, server, tmp_path_factory.mktemp("look")) as rows:
        migrate()
        yield server, rows


@pytest.fixture(params=PLACES)
def worked_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A migrated installation of one test alone."""
    archive, server = request.param
    with place_installation(archive, server, tmp_path_factory.mktemp("work")):
        migrate()
        yield


@pytest.fixture(autouse=True)
def nothing_cached() -> Iterator[None]:
    """Ids mean something else in every installation."""
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def account(email: str) -> CurrentUser:
    with read_scope() as session:
        return user_by_email(session, email)


def test_a_migration_loses_no_row(installation: tuple[str, dict[str, int]]) -> None:
    before = installation[1]
    assert all(count > 0 for count in before.values()), before
    after = count_rows(get_engine())
    assert {table: after[table] for table in before} == before


@pytest.mark.parametrize("place", PLACES)
def test_a_backup_made_before_the_migration_is_whole_on_any_database(
    place: tuple[str, str], tmp_path: Path
) -> None:
    archive, server = place
    file = tmp_path / "backup.zip"
    with (
        place_installation(archive, "sqlite", tmp_path / "old") as before,
        file.open("wb") as target,
    ):
        make_backup(get_engine(), target, lambda stage, share: None)
    with throwaway_database(server, tmp_path) as url, settings_of(tmp_path / "new", url):
        restore_backup(get_engine(), file, False, lambda stage, share: None)
        after = count_rows(get_engine())
        kept = {table: count for table, count in before.items() if table not in LEFT_OUT}
        # Work that was cut off gets a line in its log.
        logs = {table for table in kept if table.endswith("_log")}
        assert all(after[table] >= kept[table] for table in logs)
        assert {t: after[t] for t in kept if t not in logs} == {
            t: count for t, count in kept.items() if t not in logs
        }
        for email in (ANN, BOB):
            user = account(email)
            with read_scope() as session:
                for info in list_models(session, user):
                    path, _ = open_checkpoint(session, user, info.id)
                    assert TrainedModel.load(on_disk(path)).algorithm == info.algorithm
        get_engine().dispose()


def test_everybody_signs_in_as_before(installation: Any) -> None:
    found = [check_login(email, PASSWORD) for email in ACCOUNTS]
    assert [(user.name, user.is_admin) for user in found] == [
        ("Ann", True),
        ("Bob", False),
        ("Cy", False),
    ]


def test_ann_has_something_of_every_kind_and_in_every_state(installation: Any) -> None:
    ann = account(ANN)
    with read_scope() as session:
        runs = [run for job in list_jobs(session, ann) for run in job.runs]
        states = {run.status for run in runs}
        assert {test.status for test in list_tests(session, ann)} == states
        assert {study.status for study in list_studies(session, ann)} == states
        uploads = {upload.status for upload in list_uploads(session, ann)}
        algorithms = {model.algorithm for model in list_models(session, ann)}
        versions = {m.labels_changed for m in list_models(session, ann)}
    assert states == {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"}
    assert uploads == {"PENDING", "PROCESSING", "SUCCEEDED", "FAILED"}
    assert len(algorithms) >= 10 and algorithms <= set(ALGORITHMS)
    assert versions == {True, False}


@pytest.mark.parametrize("email", ACCOUNTS)
def test_every_page_opens(installation: Any, email: str) -> None:
    user, on_sqlite = account(email), installation[0] == "sqlite"
    known = stored_messages(user)
    # The reads are the same everywhere: on servers one object of each look is enough.
    for page, params in list_addresses(user, all_objects=on_sqlite):
        open_page(page, user, params, known)


def test_every_further_view_opens(installation: Any) -> None:
    if installation[0] != "sqlite":
        pytest.skip("the views are opened on SQLite")
    ann = account(ANN)
    known = stored_messages(ann)
    for page, params in list_views(list_addresses(ann, all_objects=False)):
        open_page(page, ann, params, known)


def open_page(page: str, user: CurrentUser, params: Any, known: list[str]) -> None:
    """Fails on an exception, and on an error that tells nothing that was stored."""
    shown = run_page(page, user, params, timeout_s=120.0)
    for error in shown.error:
        said = _words(str(error.value))
        assert any(message in said for message in known), (page, params, error.value)


def stored_messages(user: CurrentUser) -> list[str]:
    """Why things failed or ended early, in letters and digits alone."""
    with read_scope() as session:
        tasks = session.scalars(select(BackgroundTask.message)).all()
        uploads = [upload.error_message for upload in list_uploads(session, user)]
    return [_words(message) for message in {*tasks, *uploads} if message]


def _words(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def test_nobody_sees_what_belongs_to_others(installation: Any) -> None:
    kinds = {
        guard.get_upload: list_uploads,
        guard.get_job: list_jobs,
        guard.get_model: list_models,
        guard.get_test: list_tests,
        guard.get_study: list_studies,
    }
    for owner, others in ((ANN, (BOB, CY)), (BOB, (ANN, CY))):
        for get_one, list_all in kinds.items():
            with read_scope() as session:
                found = list_all(session, account(owner))
                assert found
                for one in found:
                    assert get_one(session, account(owner), one.id) is not None
                    for other in others:
                        with pytest.raises(NotFound):
                            get_one(session, account(other), one.id)


@pytest.mark.parametrize("email", [ANN, BOB])
def test_every_model_loads_and_predicts_the_batteries_of_its_training(
    installation: Any, email: str
) -> None:
    user = account(email)
    with read_scope() as session:
        models = list_models(session, user)
    for info in models:
        model, series = load_model(user, info, info.dataset_id)
        horizon = 1 if model.task.is_forecast else 0
        assert model.algorithm == info.algorithm
        assert model.task.targets == targets_of(info.target)
        for battery in series.values():
            assert np.isfinite(model.predict(battery, horizon).y_pred).all()


@pytest.mark.parametrize("email", [ANN, BOB])
def test_every_finished_test_would_find_the_same_today(installation: Any, email: str) -> None:
    user = account(email)
    with read_scope() as session:
        tests = [test for test in list_tests(session, user) if test.status == "SUCCEEDED"]
    assert tests
    for test in tests:
        with read_scope() as session:
            info = get_model_info(session, user, test.model_version_id)
            stored = load_predictions(session, user, test.id)
        model, series = load_model(user, info, test.dataset_id)
        for (code, target), part in stored.groupby(["battery_code", "target"], observed=True):
            assert_same(model, series[str(code)], test, str(target), part)


def load_model(
    user: CurrentUser, info: ModelInfo, dataset_id: int
) -> tuple[TrainedModel, dict[str, BatterySeries]]:
    """The model, and the batteries of a dataset as it sees them, by code."""
    with read_scope() as session:
        columns = matched_columns(info, get_dataset_summary(session, user, dataset_id))
        frame = load_cycles(session, user, dataset_id)
        path, _ = open_checkpoint(session, user, info.id)
    model = TrainedModel.load(on_disk(path))
    return model, make_series(frame, model.task.targets, columns)


def assert_same(
    model: TrainedModel, series: BatterySeries, test: TestInfo, target: str, stored: pd.DataFrame
) -> None:
    """What was stored of one battery and target is what the model says."""
    found = model.predict(series, test.horizon)
    column = model.task.targets.index(target)
    assert found.cycle_num.tolist() == stored["cycle_num"].tolist()
    expected = stored["y_pred"].to_numpy(np.float64)
    np.testing.assert_allclose(
        found.y_pred[:, column], expected, rtol=0, atol=ROUNDING * np.abs(expected).max()
    )
    bounded = np.isfinite(found.y_upper[:, column])
    assert bounded.tolist() == stored["y_upper"].notna().tolist()


@pytest.mark.parametrize("email", [ANN, BOB])
def test_files_that_were_made_then_can_be_downloaded(installation: Any, email: str) -> None:
    user = account(email)
    with read_scope() as session:
        tests = [test for test in list_tests(session, user) if test.status == "SUCCEEDED"]
        for test in tests:
            done = [e for e in latest_exports(session, user, test.id).values() if e.is_ready]
            assert done
            for export in done:
                path = on_disk(open_export(session, user, export.id))
                assert path.stat().st_size == export.file_size_bytes


def test_what_was_left_unfinished_is_settled_done_or_removed(worked_on: None) -> None:
    ann = account(ANN)
    supervisor = Supervisor()
    supervisor.watch()
    with read_scope() as session:
        killed = next(job for job in list_jobs(session, ann) if job.name == "Killed")
        reading = next(u for u in list_uploads(session, ann) if "reading" in u.original_filename)
        assert not session.scalars(
            select(BackgroundTask.id).where(BackgroundTask.status == "RUNNING")
        ).all()
    assert [run.status for run in killed.runs if run.algorithm == "BASELINE"] == ["FAILED"]
    assert reading.status == "FAILED" and "Nothing was heard" in (reading.error_message or "")
    supervisor.sweep()
    with read_scope() as session:
        assert not session.scalars(select(Dataset.id).where(Dataset.loading.is_(True))).all()
        failed = [test.id for test in list_tests(session, ann) if test.status == "FAILED"]
        left = select(TestJobPrediction.id).where(TestJobPrediction.test_job_id.in_(failed))
        assert failed and not session.scalars(left).all()
    work_off()
    with read_scope() as session:
        assert is_idle(session)
        jobs = {job.name: job for job in list_jobs(session, ann)}
        waited = {upload.original_filename: upload.status for upload in list_uploads(session, ann)}
        active = [s.name for s in list_studies(session, ann) if s.is_active]
        active += [test.title for test in list_tests(session, ann) if test.is_active]
    assert jobs["Waiting"].status == "SUCCEEDED" and active == []
    # One model is too few for the ensemble of the job whose other run was killed.
    states = {run.algorithm: run.status for run in jobs["Killed"].runs}
    assert states == {"BASELINE": "FAILED", "LINEAR": "SUCCEEDED", "ENSEMBLE": "FAILED"}
    assert (waited["waiting.csv"], waited["not_mapped.csv"]) == ("SUCCEEDED", "PENDING")


def test_every_finished_test_is_exported_anew(worked_on: None) -> None:
    for email in (ANN, BOB):
        user = account(email)
        with read_scope() as session:
            tests = [test for test in list_tests(session, user) if test.status == "SUCCEEDED"]
            rows = {test.id: len(load_predictions(session, user, test.id)) for test in tests}
        with session_scope() as session:
            wanted = {
                (test.id, kind): create_export(session, user, test.id, kind)
                for test in tests
                for kind in ("CSV", "XLSX")
            }
        work_off()
        for (test_id, kind), export_id in wanted.items():
            with read_scope() as session:
                path = on_disk(open_export(session, user, export_id))
            assert _exported_rows(path, kind) == rows[test_id] > 0


def _exported_rows(path: Path, kind: str) -> int:
    if kind == "CSV":
        return len(pd.read_csv(path))
    workbook = load_workbook(path, read_only=True)
    n_rows = sum(1 for _ in workbook["Predictions"].iter_rows(values_only=True))
    workbook.close()
    return n_rows - 1
