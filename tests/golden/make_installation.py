"""Makes a small installation in which everything occurs that an installation can hold.

`python -m tests.golden.make_installation FILE.zip` works in a folder of its own, with the services
and background processes of the product. Run it when tables or formats have changed, for a new
archive; those that are committed stay as they are.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from core.access.actor import CurrentUser
from core.accounts.accounts import add_user
from core.accounts.sessions import end_session, start_session
from core.accounts.sign_in import count_attempt
from core.base import storage
from core.base.database import get_engine, migrate, read_scope, session_scope
from core.base.settings import get_settings
from core.datasets import demo_fleet
from core.datasets.builtin import DEMO_NAME, find_builtin
from core.datasets.relabel import apply_relabel
from core.datasets.uploads import cancel_upload, get_upload_info, refuse_upload
from core.datasets.writing import create_loading_dataset, publish, write_rows
from core.evaluation.evaluations import cancel_test, list_tests
from core.evaluation.exports import create_export
from core.evaluation.writing import PredictedCurve, write_predictions
from core.ingest.mapping import EolRule
from core.model_versions.versions import rename_model
from core.removal.marking import delete_test
from core.studies.early_life import create_from_dataset, create_from_table
from core.studies.row_split import create_row_split
from core.studies.studies import cancel_study, delete_study
from core.training.trainings import cancel_job, cancel_run
from core.training.twin_plans import start_twins
from core.training.views import get_job_info
from core.wiring import wire
from db.tables import BatteryUnit
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.studies.early_tables import fading_table
from tests.golden import files
from tests.golden.acting import (
    claim_all,
    kill_in_the_middle,
    model_of,
    models_of,
    receive,
    test,
    train,
    upload,
    work,
)
from tests.golden.archive import pack
from tests.golden.installation import ACCOUNTS, PASSWORD

TINY = {
    "device": "cpu",
    "epochs": 3,
    "hidden_size": 4,
    "num_layers": 1,
    "window_length": 4,
    "boosting_rounds": 2,
    "max_leaf_nodes": 4,
    "min_samples_leaf": 20,
}
AHEAD = TINY | {"max_horizon": 10, "use_capacity_history": True}
# Far more than the process gets done before it is killed.
ENDLESS = TINY | {"epochs": 10_000, "patience": 10_000, "hidden_size": 256, "batch_size": 4}
NO_GPU = {"device": "cuda"}


def main(target: Path) -> None:
    """Make the installation in a temporary folder and pack it."""
    wire()
    with TemporaryDirectory() as name, settings_of(Path(name) / "data"):
        allow_processes(2)
        folder, inbox = Path(name) / "data", Path(name) / "inbox"
        inbox.mkdir()
        migrate()
        ann, bob = add_accounts()
        add_demo_fleet()
        fleet = add_datasets(ann, inbox)
        add_models(ann, fleet)
        add_tests(ann, fleet)
        add_studies(ann, fleet)
        add_belongings_of(bob, inbox)
        leave_unfinished(ann, fleet, inbox)
        get_engine().dispose()
        pack(folder, target)


def add_accounts() -> list[CurrentUser]:
    """Three accounts, the first an administrator; a browser signed in, one out, failed logins."""
    with session_scope() as session:
        ann, bob, _cy = (add_user(session, mail, name, PASSWORD) for mail, name in ACCOUNTS.items())
        start_session(session, ann)
        end_session(session, start_session(session, ann))
        start_session(session, bob)
        count_attempt(session, "nobody@example.org")
    return [ann, bob]


def add_demo_fleet() -> None:
    """The demonstration fleet with fewer cells and shorter lives, for the size of the archive."""
    demo_fleet.N_CELLS, demo_fleet.SPLIT_COUNTS = 6, (3, 2, 1)
    demo_fleet.LIFE_RANGE_CYCLES = (50, 90)
    result = demo_fleet.make_demo_fleet()
    with session_scope() as session:
        dataset_id = create_loading_dataset(session, DEMO_NAME, None, None)
    write_rows(dataset_id, result, lambda share: None)
    with session_scope() as session:
        publish(session, dataset_id, result)


def add_datasets(user: CurrentUser, inbox: Path) -> dict[str, int]:
    """A dataset of each kind of file and of labels, by name; and uploads that came to nothing."""
    uploads = {
        name: upload(user, path, name, **mapping)
        for name, (path, mapping) in files.write_all(inbox).items()
    }
    cancelled = upload(user, files.write_csv(inbox / "cancelled.csv", 3, seed=9), "Cancelled")
    with session_scope() as session:
        cancel_upload(session, user, cancelled)
    upload(user, files.write_bad_rows(inbox / "bad_rows.csv"), "Bad rows")
    unusable = receive(user, files.write_unusable(inbox / "picture.csv"))
    with session_scope() as session:
        refuse_upload(session, user, unusable, "The file has no table that can be read.")
    work()
    with read_scope() as session:
        found = {name: get_upload_info(session, user, i).dataset_id for name, i in uploads.items()}
    assert all(found.values()), found
    return {name: int(dataset_id or 0) for name, dataset_id in found.items()}


def add_models(user: CurrentUser, fleet: dict[str, int]) -> None:
    """Models of every algorithm, twins, and trainings that failed or were cancelled."""
    everything = ("BASELINE", "BILSTM", "DEEPHPM", "VERHULST", "TREES", "LINEAR", "MEAN")
    train(user, fleet["Fleet"], "BOTH", *everything, "ENSEMBLE", name="Estimates", settings=TINY)
    few = files.roles_with_few_to_validate()
    small = ("BASELINE", "LINEAR", "ENSEMBLE")
    train(user, fleet["Fleet"], "PCL", *small, name="Five folds", roles=few, settings=TINY)
    floors = ("MEAN", "LAST_VALUE", "LAST_SLOPE")
    train(
        user,
        fleet["Fleet"],
        "PCL",
        "BILSTM",
        "TREES",
        "LINEAR",
        *floors,
        name="Ahead",
        settings=AHEAD,
    )
    train(user, fleet["Fleet"], "BOTH", "BASELINE", name="Both ahead", settings=AHEAD)
    train(user, fleet["Fleet"], "RUL", "DEEPHPM", name="Physics", settings=TINY)
    train(user, fleet["Workbook"], "PCL", "BASELINE", "LINEAR", name="Old labels", settings=TINY)
    train(user, fleet["Severson-like"], "RUL", "LINEAR", settings=TINY)
    train(user, fleet["Fleet"], "PCL", "BASELINE", name="No GPU", settings=TINY | NO_GPU)
    partly = TINY | {"overrides": {"BASELINE": NO_GPU}}
    three = ("BASELINE", "LINEAR", "MEAN")
    mixed = train(user, fleet["Fleet"], "PCL", *three, name="Mixed", settings=partly)
    cancelled = train(user, fleet["Fleet"], "PCL", "BASELINE", name="Cancelled", settings=TINY)
    with session_scope() as session:
        cancel_job(session, user, cancelled)
        runs = {run.algorithm: run.id for run in get_job_info(session, user, mixed).runs}
        cancel_run(session, user, runs["MEAN"])
    work()
    physics, named = model_of(user, "Physics"), model_of(user, "Severson-like Linear")
    start_twins(user, physics)
    with session_scope() as session:
        rename_model(session, user, named, "Renamed")
    work()
    with session_scope() as session:
        apply_relabel(session, user, fleet["Workbook"], None, EolRule(0.85))


def add_tests(user: CurrentUser, fleet: dict[str, int]) -> None:
    """Finished tests of estimates and forecasts, on other data too; one failed, one cancelled."""
    for model in models_of(user):
        if model.name.startswith(("Estimates", "Ahead", "Five folds", "Both ahead")):
            test(user, model.id, model.dataset_id)
    linear = model_of(user, "Ahead Linear")
    test(user, linear, fleet["Fleet"], horizon=7)
    test(user, model_of(user, "Estimates Baseline"), fleet["Workbook"])
    test(user, model_of(user, "Estimates Linear"), fleet["Without labels"])
    test(user, model_of(user, "Old labels Baseline"), fleet["Zellen für Ærø 電池"])
    # On batteries that the model has seen.
    test(user, model_of(user, "Five folds Linear"), fleet["Fleet"], codes=["cell00", "cell12"])
    cancelled = test(user, linear, fleet["Fleet"])
    with session_scope() as session:
        cancel_test(session, user, cancelled)
    work()
    lost = on_disk(storage.checkpoint_path(user.id, linear))
    aside = lost.rename(lost.with_suffix(".aside"))
    test(user, linear, fleet["Fleet"])
    work()
    aside.rename(lost)


def add_studies(user: CurrentUser, fleet: dict[str, int]) -> None:
    """Finished studies of each kind and source; one failed, one cancelled."""
    with session_scope() as session:
        create_from_dataset(session, user, "Life from 30 cycles", fleet["Fleet"], 30)
        create_from_table(
            session,
            user,
            "Life from a table",
            fading_table(),
            file_name="fleet.csv",
            left_out=[("x7", "no cycle life")],
            variance="delta_q_variance",
        )
        create_row_split(session, user, fleet["Fleet"])
        create_row_split(session, user, fleet["Without labels"])
        cancelled = create_row_split(session, user, fleet["Workbook"])
        cancel_study(session, user, cancelled)
    work()


def add_belongings_of(user: CurrentUser, inbox: Path) -> None:
    """What nobody else may see: a dataset, models of it and of the demonstration fleet, a test."""
    path = files.write_csv(inbox / "private.csv", 5, seed=5)
    upload_id = upload(user, path, "Bob's own cells")
    work()
    with read_scope() as session:
        own = get_upload_info(session, user, upload_id).dataset_id
        demonstration = find_builtin(session, DEMO_NAME)
    assert own is not None and demonstration is not None
    train(user, own, "PCL", "BASELINE", name="Bob's", settings=TINY)
    train(user, demonstration, "BOTH", "LINEAR", name="Bob's simulated", settings=TINY)
    work()
    for model in models_of(user):
        test(user, model.id, model.dataset_id)
    with session_scope() as session:
        create_row_split(session, user, own)
    work()


def leave_unfinished(user: CurrentUser, fleet: dict[str, int], inbox: Path) -> None:
    """What is waiting, running or marked for removal when somebody pulls the plug."""
    # One at a time: the second run of the training waits, and the ensemble has no task yet.
    allow_processes(1)
    together = ("BASELINE", "LINEAR", "ENSEMBLE")
    job_id = train(user, fleet["Fleet"], "PCL", *together, name="Killed", settings=ENDLESS)
    kill_in_the_middle(user, job_id)
    allow_processes(9)
    leave_running(user, fleet, inbox)
    leave_waiting(user, fleet, inbox)
    leave_marked(user, fleet)


def leave_running(user: CurrentUser, fleet: dict[str, int], inbox: Path) -> None:
    """A test with a part of its predictions, a study, and an upload with an unfinished dataset."""
    model_id = model_of(user, "Estimates Linear")
    test_id = test(user, model_id, fleet["Fleet"])
    reading = upload(user, files.write_csv(inbox / "reading.csv", 3, seed=7), "Being read")
    with session_scope() as session:
        create_row_split(session, user, fleet["Fleet"])
    claim_all("short")
    with session_scope() as session:
        create_loading_dataset(session, "Being read", user.id, reading)
        tested = select(BatteryUnit.id).where(BatteryUnit.dataset_id == fleet["Fleet"])
        battery_id = session.scalars(tested).first()
    assert battery_id is not None
    part = PredictedCurve(battery_id, "PCL", *files.some_numbers())
    write_predictions(test_id, [part], lambda share: None)


def leave_waiting(user: CurrentUser, fleet: dict[str, int], inbox: Path) -> None:
    """One of each kind of work that nobody has begun, and an upload without a mapping."""
    train(user, fleet["Fleet"], "RUL", "LINEAR", "MEAN", name="Waiting", settings=TINY)
    model_id = model_of(user, "Estimates Linear")
    finished = test_of(user, "Estimates Linear")
    test(user, model_id, fleet["Workbook"])
    with session_scope() as session:
        create_export(session, user, finished, "CSV")
        create_row_split(session, user, fleet["Workbook"])
    receive(user, files.write_csv(inbox / "not_mapped.csv", 3, seed=8))
    upload(user, files.write_csv(inbox / "waiting.csv", 3, seed=6), "Waiting to be read")


def leave_marked(user: CurrentUser, fleet: dict[str, int]) -> None:
    """A finished test and a study that are deleted already, with all their rows still there."""
    with session_scope() as session:
        doomed = create_row_split(session, user, fleet["Workbook"])
        cancel_study(session, user, doomed)
        delete_study(session, user, doomed)
    doomed = test_of(user, "Five folds Baseline")
    with session_scope() as session:
        delete_test(session, user, doomed)


def test_of(user: CurrentUser, model_name: str) -> int:
    """The first finished test of a model of this name."""
    with read_scope() as session:
        found = list_tests(session, user)[::-1]
    title = f"{model_name} v1"
    return next(t.id for t in found if t.status == "SUCCEEDED" and t.model_title == title)


test_of.__test__ = False  # type: ignore[attr-defined]


def allow_processes(number: int) -> None:
    """How many may work at the same time from here on."""
    os.environ["FADEBENCH_MAX_PROCESSES"] = str(number)
    get_settings.cache_clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
