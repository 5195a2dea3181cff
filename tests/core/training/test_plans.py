"""Starting trainings and tests: few statements, none twice, and nothing stale is written."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, NotFound
from core.datasets.datasets import load_dataset
from core.datasets.relabel import apply_relabel
from core.evaluation.evaluations import cancel_test
from core.evaluation.material import load_test_material
from core.evaluation.request import TestRequest
from core.evaluation.start import plan_test, start_test, write_test
from core.ingest.mapping import EolRule
from core.model_versions.versions import get_model_info
from core.removal.marking import delete_dataset, delete_job
from core.training.request import TrainingRequest
from core.training.start import plan_training, start_training, write_trainings
from core.training.trainings import cancel_job
from core.training.views import get_job_info
from models.settings.catalogue import ALGORITHMS
from tests.core.conftest import Dataset
from tests.core.finished import add_fleet, add_trained_model
from tests.core.seeding import World, add_account, add_dataset
from tests.core.statements import counted_statements

MOST = 15


def train_every_algorithm(user: CurrentUser, folder: Path, batteries: int) -> list[str]:
    dataset_id = add_fleet(user, folder, batteries)
    algorithms = [name for name in ALGORITHMS if name not in ("LAST_VALUE", "LAST_SLOPE")]
    with counted_statements() as statements:
        job_id = start_training(user, TrainingRequest(dataset_id, "PCL", algorithms))
    with session_scope() as session:
        cancel_job(session, user, job_id)
    return statements


def statements_of_test(user: CurrentUser, model_id: int, dataset_id: int) -> list[str]:
    with counted_statements() as statements:
        test_id = start_test(user, TestRequest(model_id, dataset_id))
    # Its model has no weights: nobody must work on it.
    with session_scope() as session:
        cancel_test(session, user, test_id)
    return statements


def test_at_home(user: CurrentUser, folder: Path, batteries: int) -> list[str]:
    dataset_id = add_fleet(user, folder, batteries)
    model_id = add_trained_model(user, dataset_id)
    return statements_of_test(user, model_id, dataset_id)


def test_elsewhere(user: CurrentUser, folder: Path, batteries: int) -> list[str]:
    model_id = add_trained_model(user, add_fleet(user, folder, 10))
    (folder / "other").mkdir()
    dataset_id = add_fleet(user, folder / "other", batteries)
    return statements_of_test(user, model_id, dataset_id)


for _start in (test_at_home, test_elsewhere):
    _start.__test__ = False  # type: ignore[attr-defined]


# The model once more when it is kept; the batteries of a second dataset.
REPEATED = {train_every_algorithm: 0, test_at_home: 1, test_elsewhere: 2}


@pytest.mark.parametrize("start", [train_every_algorithm, test_at_home, test_elsewhere])
def test_starting_takes_the_same_few_statements_for_any_number_of_batteries(
    fresh_database: Path, tmp_path: Path, start: Callable[..., list[str]]
) -> None:
    counts = []
    for batteries in (10, 100):
        folder = tmp_path / str(batteries)
        folder.mkdir()
        user = add_account(f"ann{batteries}@example.org")
        statements = start(user, folder, batteries)
        counts.append(len(statements))
        twice = [text for text, n in Counter(statements).items() if n > 1]
        assert len(twice) == REPEATED[start], twice
    assert counts[0] == counts[1] <= MOST, counts


def test_what_is_written_is_not_searched_for(world: World) -> None:
    """No cycles, sketches or labels are read once the write lock is held."""
    with read_scope() as session:
        training = plan_training(
            session, world.user, TrainingRequest(world.dataset_id, "PCL", ["MEAN"])
        )
        test = plan_test(session, world.user, TestRequest(world.model_id, world.dataset_id))
    with counted_statements() as statements, session_scope() as session:
        write_trainings(session, world.user, [training])
        write_test(session, world.user, test)
    assert not [text for text in statements if "cycle_data" in text or "sketch" in text]


def test_labels_changed_between_plan_and_writing_are_a_conflict(world: World) -> None:
    user = world.user
    with read_scope() as session:
        training = plan_training(session, user, TrainingRequest(world.dataset_id, "PCL", ["MEAN"]))
        test = plan_test(session, user, TestRequest(world.model_id, world.dataset_id))
    with session_scope() as session:
        apply_relabel(session, user, world.dataset_id, None, EolRule(0.85))
    sentence = "The labels of 'Small fleet' were changed a moment ago"
    with pytest.raises(Conflict, match=sentence), session_scope() as session:
        write_trainings(session, user, [training])
    with pytest.raises(Conflict, match=sentence), session_scope() as session:
        write_test(session, user, test)
    assert start_training(user, training.request)


def test_labels_of_the_model_s_own_dataset_count_too(world: World, tmp_path: Path) -> None:
    """Copies of its batteries are recognised by capacities, which new labels may change."""
    _, other_id = add_dataset(world.user, tmp_path / "other", "Other")
    with read_scope() as session:
        plan = plan_test(session, world.user, TestRequest(world.model_id, other_id))
    with session_scope() as session:
        apply_relabel(session, world.user, world.dataset_id, None, EolRule(0.85))
    with pytest.raises(Conflict, match="'Small fleet'"), session_scope() as session:
        write_test(session, world.user, plan)


def test_what_was_deleted_between_plan_and_writing_is_not_found(
    world: World, tmp_path: Path
) -> None:
    user = world.user
    with read_scope() as session:
        training = plan_training(session, user, TrainingRequest(world.dataset_id, "PCL", ["MEAN"]))
        test = plan_test(session, user, TestRequest(world.model_id, world.dataset_id))
    with session_scope() as session:
        delete_job(session, user, world.job_id)
    with pytest.raises(NotFound, match="model"), session_scope() as session:
        write_test(session, user, test)
    with session_scope() as session:
        delete_dataset(session, user, world.dataset_id)
    with pytest.raises(NotFound, match="dataset"), session_scope() as session:
        write_trainings(session, user, [training])


def test_what_the_page_has_loaded_is_not_asked_again(world: World) -> None:
    """Dataset and model come once; with them a page has all that its questions need."""
    with counted_statements() as statements, read_scope() as session:
        model = get_model_info(session, world.user, world.model_id)
        dataset = load_dataset(session, world.user, world.dataset_id)
        material = load_test_material(session, world.user, model, dataset)
    assert material.exposure
    assert max(Counter(statements).values()) == 1
    assert len(statements) <= 7


def test_runs_keep_the_order_of_the_algorithms(dataset: Dataset) -> None:
    user, dataset_id = dataset
    chosen = ["MEAN", "TREES", "BASELINE", "ENSEMBLE"]
    job_id = start_training(user, TrainingRequest(dataset_id, "PCL", chosen))
    with read_scope() as session:
        runs = get_job_info(session, user, job_id).runs
    assert [run.algorithm for run in runs] == [name for name in ALGORITHMS if name in chosen]
    assert [run.task is None for run in runs] == [run.algorithm == "ENSEMBLE" for run in runs]
    queued = [run.task.id for run in runs if run.task is not None]
    assert queued == sorted(queued)
