"""Another nominal capacity or end of life: what is shown is done, to computed labels only."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.access.actor import CurrentUser
from core.accounts.accounts import sign_up
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, NotFound
from core.datasets.cycles import load_cycles
from core.datasets.datasets import get_dataset_summary, list_batteries
from core.datasets.relabel import apply_relabel, preview_relabel
from core.datasets.writing import create_loading_dataset, publish, write_rows
from core.ingest.build import assemble
from core.ingest.labels import label_cycles
from core.ingest.mapping import ColumnMapping, EolRule, FeatureColumn
from core.jobs.queue import enqueue
from core.removal.marking import delete_dataset
from core.studies.settings import StudySettings
from core.studies.studies import create_study
from db.tables import DataUpload, TrainingJob, TrainingJobRun

FEATURES = (FeatureColumn("temperature", "degC", "t"),)
CAPACITY = ColumnMapping(
    battery_column="b",
    cycle_column="c",
    capacity_column="q",
    nominal_capacity_ah=1.0,
    features=FEATURES,
)
FADE_PER_CYCLE = {"a": 0.01, "b": 0.002}
N_CYCLES = 30


@pytest.fixture
def user(fresh_database: Path) -> CurrentUser:
    with session_scope() as session:
        return sign_up(session, "ada@example.org", "Ada", "correct horse battery")


def store(user: CurrentUser, mapping: ColumnMapping = CAPACITY) -> int:
    """Two cells of 30 cycles: `a` falls below 0.80 of 1 Ah in cycle 21, `b` never does."""
    frame = pd.concat([cell(code, mapping) for code in FADE_PER_CYCLE], ignore_index=True)
    frame["battery_code"] = pd.Categorical(frame["battery_code"])
    result = assemble(label_cycles(frame, mapping), mapping)
    with session_scope() as session:
        upload = DataUpload(
            user_id=user.id, original_filename="f.csv", stored_path="x", file_size=1
        )
        session.add(upload)
        session.flush()
        dataset_id = create_loading_dataset(session, "Cells", user.id, upload.id)
    write_rows(dataset_id, result, lambda _share: None)
    with session_scope() as session:
        publish(session, dataset_id, result)
    return dataset_id


def cell(code: str, mapping: ColumnMapping) -> pd.DataFrame:
    cycle = np.arange(1.0, N_CYCLES + 1)
    soh = 1.0 - FADE_PER_CYCLE[code] * cycle
    columns = {"capacity": soh, "pcl": 1.0 - soh, "rul": N_CYCLES - cycle}
    given = {name: v for name, v in columns.items() if getattr(mapping, f"{name}_column")}
    return pd.DataFrame(
        {"battery_code": code, "file_row": cycle + 1, "cycle": cycle, "feature_1": 25.0, **given}
    )


def preview(user: CurrentUser, dataset_id: int, nominal: object, eol: EolRule | None):
    with read_scope() as session:
        return preview_relabel(session, user, dataset_id, nominal, eol)


def change(user: CurrentUser, dataset_id: int, nominal: object, eol: EolRule | None):
    with session_scope() as session:
        return apply_relabel(session, user, dataset_id, nominal, eol)


def stored(user: CurrentUser, dataset_id: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    with read_scope() as session:
        cycles = load_cycles(session, user, dataset_id, ["pcl", "rul", "capacity_ah"])
        return cycles, list_batteries(session, user, dataset_id).set_index("battery_code")


def test_preview_writes_nothing(user: CurrentUser) -> None:
    dataset_id = store(user)
    before = stored(user, dataset_id)

    found = preview(user, dataset_id, None, EolRule(0.95))

    assert found.labelled_before == {"PCL": 2, "RUL": 1}
    assert found.labelled_after == {"PCL": 2, "RUL": 2}
    assert found.batteries == 2
    assert (found.lives_before, found.lives_after) == ((21, 21), (6, 26))
    assert found.starting_below == 0
    pd.testing.assert_frame_equal(stored(user, dataset_id)[0], before[0])


def test_batteries_that_start_below_the_threshold_are_counted(user: CurrentUser) -> None:
    found = preview(user, store(user), {"a": 1.5}, None)

    assert found.starting_below == 1
    assert found.lives_after == (1, 1)


def test_end_of_life_moves_rul_and_cycle_life(user: CurrentUser) -> None:
    dataset_id = store(user)

    done = change(user, dataset_id, None, EolRule(0.9))

    cycles, batteries = stored(user, dataset_id)
    assert batteries.loc["a", "cycle_life"] == 11
    assert pd.isna(batteries.loc["b", "cycle_life"])
    of_a = cycles[cycles["battery_code"] == "a"]
    assert of_a["rul"].tolist()[:11] == list(range(10, -1, -1))
    assert of_a["rul"].iloc[11:].isna().all()
    assert done.batteries == 1
    with read_scope() as session:
        summary = get_dataset_summary(session, user, dataset_id)
    assert summary.labels_version == 2
    assert summary.eol == EolRule(0.9)
    assert "0.90" in summary.schema.labels["RUL"].rule


def test_nominal_capacity_moves_pcl_and_what_follows(user: CurrentUser) -> None:
    dataset_id = store(user)

    change(user, dataset_id, {"b": 1.2}, None)

    cycles, batteries = stored(user, dataset_id)
    assert batteries["nominal_capacity"].to_dict() == {"a": 1.0, "b": 1.2}
    of_b = cycles[cycles["battery_code"] == "b"]
    np.testing.assert_allclose(of_b["pcl"], 1.0 - of_b["capacity_ah"] / 1.2, rtol=1e-15)
    assert batteries.loc["b", "cycle_life"] == 21
    with read_scope() as session:
        assert get_dataset_summary(session, user, dataset_id).schema.nominal_capacity_ah is None


def test_what_is_applied_equals_what_reading_the_file_so_gives(user: CurrentUser) -> None:
    rule = EolRule(0.87, "consecutive", 3)
    by_relabel = store(user)
    change(user, by_relabel, 1.05, rule)
    mapping = ColumnMapping(
        **{
            **CAPACITY.__dict__,
            "nominal_capacity_ah": 1.05,
            "eol_threshold": 0.87,
            "eol_rule": "consecutive",
            "eol_consecutive": 3,
        }
    )

    by_reading = store(user, mapping)

    for one, other in zip(stored(user, by_relabel), stored(user, by_reading), strict=True):
        columns = [name for name in one if name != "battery_id"]
        pd.testing.assert_frame_equal(one[columns], other[columns], rtol=1e-14)


def test_labels_of_the_file_are_refused(user: CurrentUser) -> None:
    mapping = ColumnMapping(
        battery_column="b",
        cycle_column="c",
        capacity_column="q",
        pcl_column="p",
        rul_column="r",
        nominal_capacity_ah=1.0,
        features=FEATURES,
    )
    dataset_id = store(user, mapping)

    with pytest.raises(InvalidInput, match="RUL of this dataset came with the file"):
        change(user, dataset_id, None, EolRule(0.9))
    with pytest.raises(InvalidInput, match="nominal capacity changes nothing"):
        change(user, dataset_id, 1.1, None)


@pytest.mark.parametrize("nominal", [0.0, -1.0, float("nan"), float("inf"), {"nobody": 1.0}])
def test_impossible_nominal_capacities_are_refused(user: CurrentUser, nominal: object) -> None:
    dataset_id = store(user)

    with pytest.raises(InvalidInput):
        preview(user, dataset_id, nominal, None)


@pytest.mark.parametrize("eol", [EolRule(0.5), EolRule(0.99), EolRule(0.8, "consecutive", 0)])
def test_impossible_rules_are_refused(user: CurrentUser, eol: EolRule) -> None:
    with pytest.raises(InvalidInput, match="End of life must lie between"):
        preview(user, store(user), None, eol)


def test_refused_while_training_waits(user: CurrentUser) -> None:
    dataset_id = store(user)
    with session_scope() as session:
        job = TrainingJob(user_id=user.id, dataset_id=dataset_id, target="PCL", status="PENDING")
        session.add(job)
        session.flush()
        run = TrainingJobRun(job_id=job.id, algorithm="BASELINE", total_epochs=1)
        session.add(run)
        session.flush()
        enqueue(session, user.id, "TRAIN", run.id)

    with pytest.raises(Conflict, match="1 training run on it still waits or runs"):
        change(user, dataset_id, None, EolRule(0.9))


def test_a_waiting_study_keeps_the_labels_as_it_keeps_the_dataset(user: CurrentUser) -> None:
    dataset_id = store(user)
    with session_scope() as session:
        create_study(session, user, "ROW_SPLIT", "Study", StudySettings(), dataset_id=dataset_id)

    with pytest.raises(Conflict, match="labels cannot be changed yet: 1 study on it still waits"):
        change(user, dataset_id, None, EolRule(0.9))
    with session_scope() as session, pytest.raises(Conflict, match="deleted yet: 1 study on it"):
        delete_dataset(session, user, dataset_id)


def test_only_ones_own_dataset(user: CurrentUser) -> None:
    dataset_id = store(user)
    with session_scope() as session:
        stranger = sign_up(session, "eve@example.org", "Eve", "correct horse battery")

    for action in (preview, change):
        with pytest.raises(NotFound):
            action(stranger, dataset_id, None, EolRule(0.9))
