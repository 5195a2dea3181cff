"""Twins with and without physics: what is trained, and what the comparison says."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import Conflict, InvalidInput
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import get_model_info
from core.training.entries import training_board
from core.training.filters import TrainingFilter
from core.training.start import plan_training
from core.training.twin_plans import estimate_twins, fits, plan_twins, start_twins, write_twins
from core.training.twin_report import twin_report
from core.training.twins import cancel_twins, find_twins, group_key, twin_origins
from core.training.views import list_jobs
from db.tables import ModelVersion
from tests.conftest import settings_of
from tests.core.finished import add_fleet, add_trained_model, finish_training, unseen_codes
from tests.core.seeding import add_account
from tests.core.statements import counted_statements

CODES = unseen_codes()
Account = tuple[CurrentUser, int]


@pytest.fixture(scope="module")
def account(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("twins")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        yield user, add_fleet(user, folder)
        get_engine().dispose()


def by_battery(rmse: list[float], role: str = "test") -> dict[str, Any]:
    """Errors by battery as a training stores them."""
    values = {
        code: {"PCL": {"n": 20, "mae": e, "rmse": e}} for code, e in zip(CODES, rmse, strict=True)
    }
    return {"val": {}, "test": {}} | {role: values}


def physics_model(
    account: Account, role: str = "test", rmse: float = 0.010, **settings: Any
) -> int:
    user, dataset_id = account
    batteries = by_battery([rmse] * len(CODES), role)
    settings = {"seed": 4, "physics_weight": 0.5, "epochs": 2, **settings}
    return add_trained_model(user, dataset_id, "DEEPHPM", "Law", batteries, **settings)


def finish_twins(account: Account, model_id: int, gain: float, role: str = "test") -> None:
    """Every waiting twin gets a model; those with physics err less by `gain` on most batteries."""
    user, _ = account
    generator = np.random.default_rng(0)
    with read_scope() as session:
        key = group_key(get_model_info(session, user, model_id))
        jobs = [job for job in list_jobs(session, user) if job.group_key == key and job.is_active]
    for job in jobs:
        better = gain if job.hyperparams.physics_weight else 0.0
        rmse = 0.010 - better + generator.normal(0, 0.0002, len(CODES))
        finish_training(user, job.id, job.name, by_battery(list(rmse), role))


def test_a_group_has_the_model_and_what_it_lacks(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account)
    with read_scope() as session:
        count, seconds = estimate_twins(session, user, model_id)
        assert (count, find_twins(session, user, model_id).twins) == (5, ())
        assert seconds > 0
    key = start_twins(user, model_id)
    with read_scope() as session:
        model = get_model_info(session, user, model_id)
        jobs = [job for job in list_jobs(session, user) if job.group_key == key]
        sides = {(job.hyperparams.physics_weight, job.hyperparams.seed) for job in jobs}
        assert sides == {(0.5, 5), (0.5, 6), (0.0, 4), (0.0, 5), (0.0, 6)}
        for job in jobs:
            same = {"seed": 0, "physics_weight": 0}
            assert job.hyperparams.by_name() | same == model.config.hyperparameters | same
            roles = get_job_roles(session, user, job.id)
            assert roles == get_job_roles(session, user, model.job_id)
            assert [run.algorithm for run in job.runs] == ["DEEPHPM"]
            assert run_epochs(job) == 2
        group = find_twins(session, user, model_id)
        assert len(group.twins) == 6 and group.is_active and group.seeds == ()
        assert group.progress == pytest.approx(1 / 6)
        assert twin_report(session, user, model_id).problem.startswith("No seed")
        assert twin_origins(session, user, [key, None])[key].id == model_id
        board = training_board(session, user)
        single = training_board(session, user, TrainingFilter(name="physics, seed 5")).listed
    together = next(entry for entry in board.listed if entry.origin is not None)
    assert len(board.listed) == 2
    assert len(together.job.runs) == 5
    assert [entry.origin.id for entry in board.active if entry.origin] == [model_id]
    assert [entry.origin for entry in single] == [None, None]


def run_epochs(job: Any) -> int:
    return int(job.runs[0].total_epochs)


def test_the_report_counts_batteries_and_seeds(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account, rmse=0.009)
    start_twins(user, model_id)
    finish_twins(account, model_id, gain=0.001)
    with read_scope() as session:
        report = twin_report(session, user, model_id)
        assert report.group.is_complete and not report.group.is_active
        with pytest.raises(Conflict, match="has its 3 seeds"):
            start_twins(user, model_id)
        assert estimate_twins(session, user, model_id, 4)[0] == 2
    (found,) = report.targets
    assert (found.target, found.role) == ("PCL", "test")
    assert found.difference.n_batteries == len(CODES)
    assert found.difference.first_better == len(CODES)
    assert found.difference.estimate == pytest.approx(-0.001, rel=0.2)
    assert found.difference.differs
    assert list(found.seeds["seed"]) == [4, 5, 6]
    assert list(found.batteries["battery_code"]) == CODES


def test_no_gain_is_not_called_one(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account, role="val")
    start_twins(user, model_id)
    finish_twins(account, model_id, gain=0.0, role="val")
    with read_scope() as session:
        (found,) = twin_report(session, user, model_id).targets
    assert found.role == "val"
    assert not found.difference.differs
    assert found.difference.interval is not None
    assert found.difference.interval.low < 0 < found.difference.interval.high


def test_cancelled_twins_can_be_started_again(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account)
    start_twins(user, model_id)
    with pytest.raises(Conflict, match="wait or run"):
        start_twins(user, model_id)
    with session_scope() as session:
        cancel_twins(session, user, model_id)
    with read_scope() as session:
        assert not find_twins(session, user, model_id).is_active
    start_twins(user, model_id)
    with read_scope() as session:
        assert len(find_twins(session, user, model_id).twins) == 6


def test_of_two_who_start_twins_at_once_the_second_is_refused(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account)
    with read_scope() as session:
        first, second = (plan_twins(session, user, model_id) for _ in range(2))
    with session_scope() as session:
        write_twins(session, user, first)
    with pytest.raises(Conflict, match="wait or run"), session_scope() as session:
        write_twins(session, user, second)
    with read_scope() as session:
        assert len([j for j in list_jobs(session, user) if j.group_key == first.group_key]) == 5


def test_twins_share_one_check_of_their_data(account: Account) -> None:
    """Planning five trainings reads the data as planning one does."""
    user, _ = account
    model_id = physics_model(account)
    with read_scope() as session:
        plan = plan_twins(session, user, model_id)
        with counted_statements() as statements:
            one = plan_training(session, user, plan.trainings[0].request)
    assert one == plan.trainings[0]
    assert len({plan.labels_version for plan in plan.trainings}) == 1
    with counted_statements() as all_statements, session_scope() as session:
        write_twins(session, user, plan)
    assert len(statements) <= 5
    # Per training: its row, its batteries, its runs, their ids, their tasks.
    assert len(all_statements) == 5 * 5 + 3


def test_models_of_another_version_of_the_algorithm_do_not_count(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account)
    with session_scope() as session:
        model = get_model_info(session, user, model_id)
        session.execute(
            update(ModelVersion)
            .where(ModelVersion.id == model_id)
            .values(config={**model.config.to_json(), "algorithm_version": 0})
        )
    with read_scope() as session:
        assert estimate_twins(session, user, model_id)[0] == 6
    start_twins(user, model_id)
    finish_twins(account, model_id, gain=0.001)
    with read_scope() as session:
        (found,) = twin_report(session, user, model_id).targets
    assert list(found.seeds["seed"]) == [4, 5, 6]


def test_models_from_before_versions_by_algorithm_count_as_the_first(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account)
    with session_scope() as session:
        model = get_model_info(session, user, model_id)
        config = {k: v for k, v in model.config.to_json().items() if k != "algorithm_version"}
        session.execute(
            update(ModelVersion)
            .where(ModelVersion.id == model_id)
            .values(config={**config, "code_version": "0.1.0+3f2a9c11"})
        )
    with read_scope() as session:
        assert fits(get_model_info(session, user, model_id))


def test_models_without_errors_by_battery_say_so(account: Account) -> None:
    user, dataset_id = account
    model_id = add_trained_model(user, dataset_id, "VERHULST", "Old", seed=1)
    with read_scope() as session:
        assert estimate_twins(session, user, model_id)[0] == 6
    start_twins(user, model_id)
    with read_scope() as session:
        key = group_key(get_model_info(session, user, model_id))
        jobs = [job.id for job in list_jobs(session, user) if job.group_key == key]
    for job_id in jobs:
        finish_training(user, job_id, "Old twin")
    with read_scope() as session:
        assert "earlier version" in twin_report(session, user, model_id).problem


def test_what_has_no_physics_has_no_twins(account: Account) -> None:
    user, dataset_id = account
    plain = add_trained_model(user, dataset_id, name="Plain")
    switched_off = physics_model(account, physics_weight=0.0)
    with_physics = physics_model(account)
    for model_id, words in (
        (plain, "no physics to switch off"),
        (switched_off, "physics weight of 0"),
    ):
        with pytest.raises(InvalidInput, match=words):
            start_twins(user, model_id)
    with pytest.raises(InvalidInput, match="3 to 10"):
        start_twins(user, with_physics, 2)


def test_seeds_stay_within_their_bounds(account: Account) -> None:
    user, _ = account
    model_id = physics_model(account, seed=2**31 - 1)
    start_twins(user, model_id)
    with read_scope() as session:
        seeds = {twin.seed for twin in find_twins(session, user, model_id).twins}
    assert seeds == {2**31 - 1, 2**31 - 2, 2**31 - 3}
