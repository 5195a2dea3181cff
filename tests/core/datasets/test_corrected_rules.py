"""Datasets of older rules keep their labels until the corrected ones are accepted."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select, update

from core.access.actor import CurrentUser
from core.accounts.accounts import sign_up
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, NotFound
from core.datasets.corrected_rules import (
    Correction,
    accept_correction,
    follows_older_rules,
    preview_correction,
)
from core.datasets.cycles import load_cycles
from core.datasets.datasets import get_dataset_summary, list_batteries
from core.datasets.explore import battery_cycles, isolated_readings
from core.datasets.relabel import apply_relabel, preview_relabel
from core.datasets.rul_end import state_rul_end_of_life
from core.datasets.writing import create_loading_dataset, publish, write_rows
from core.ingest.build import assemble
from core.ingest.feature_schema import LABEL_RULES, FeatureSchema
from core.ingest.labels import label_cycles
from core.ingest.mapping import ColumnMapping, EolRule, FeatureColumn
from core.jobs.queue import enqueue
from db.tables import BatteryUnit, CycleData, DataUpload, TrainingJob, TrainingJobRun

MAPPING = ColumnMapping(
    battery_column="b",
    cycle_column="c",
    capacity_column="q",
    nominal_capacity_ah=1.0,
    features=(FeatureColumn("temperature", "degC", "t"),),
)
N_CYCLES, DIP = 60, 10


@pytest.fixture
def admin(fresh_database: Path) -> CurrentUser:
    with session_scope() as session:
        return sign_up(session, "ada@example.org", "Ada", "correct horse battery")


@pytest.fixture
def member(admin: CurrentUser) -> Iterator[CurrentUser]:
    with session_scope() as session:
        found = sign_up(session, "eve@example.org", "Eve", "correct horse battery")
    assert admin.is_admin and not found.is_admin
    yield found


def frame(dip: bool = True, rul: np.ndarray | None = None) -> pd.DataFrame:
    """`a` falls below 0.80 in cycle 41 and reads low once in cycle 10; `b` stays above."""
    cycle = np.arange(1.0, N_CYCLES + 1)
    parts = []
    for code, slope in (("a", 0.005), ("b", 0.001)):
        part = pd.DataFrame({"cycle": cycle, "capacity": 1.0 - slope * cycle, "feature_1": 25.0})
        if rul is not None:
            part["rul"] = rul
        parts.append(part.assign(battery_code=code, file_row=cycle + 1))
    found = pd.concat(parts, ignore_index=True)
    if dip:
        found.loc[DIP - 1, "capacity"] = 0.5
    return found.assign(battery_code=pd.Categorical(found["battery_code"]))


def store(owner: CurrentUser | None, raw: pd.DataFrame, mapping: ColumnMapping = MAPPING) -> int:
    """A dataset as the older rules left it: the dip ends a life, its schema has no rules."""
    old = replace(mapping, count_isolated=True)
    result = assemble(label_cycles(raw, old), mapping)
    stored = result.feature_schema.to_json()
    del stored["label_rules"]
    result = replace(result, feature_schema=FeatureSchema.from_json(stored))
    with session_scope() as session:
        upload_id = None
        if owner is not None:
            upload = DataUpload(
                user_id=owner.id, original_filename="f.csv", stored_path="x", file_size=1
            )
            session.add(upload)
            session.flush()
            upload_id = upload.id
        owner_id = owner.id if owner else None
        dataset_id = create_loading_dataset(session, "Cells", owner_id, upload_id)
    write_rows(dataset_id, result, lambda _share: None)
    with session_scope() as session:
        publish(session, dataset_id, result)
    return dataset_id


def look(user: CurrentUser, dataset_id: int) -> Correction:
    with read_scope() as session:
        return preview_correction(session, user, dataset_id)


def accept(user: CurrentUser, dataset_id: int) -> Correction:
    with session_scope() as session:
        return accept_correction(session, user, dataset_id)


def schema(user: CurrentUser, dataset_id: int) -> FeatureSchema:
    with read_scope() as session:
        return get_dataset_summary(session, user, dataset_id).schema


def lives(user: CurrentUser, dataset_id: int) -> dict[str, int | None]:
    with read_scope() as session:
        found = list_batteries(session, user, dataset_id)
    pairs = zip(found["battery_code"], found["cycle_life"], strict=True)
    return {code: None if pd.isna(life) else int(life) for code, life in pairs}


def test_what_is_stored_keeps_its_labels_until_they_are_accepted(member: CurrentUser) -> None:
    dataset_id = store(member, frame())
    assert follows_older_rules(schema(member, dataset_id))

    found = look(member, dataset_id)

    assert found.describe() == "By the corrected rules 1 of 2 lives changes, by 31 cycles."
    assert found.lives.values.tolist() == [["a", DIP, 41]]
    assert found.may_accept
    assert lives(member, dataset_id) == {"a": DIP, "b": None}

    accept(member, dataset_id)

    assert lives(member, dataset_id) == {"a": 41, "b": None}
    now = schema(member, dataset_id)
    assert (now.label_rules, now.labels_version) == (LABEL_RULES, 2)
    with read_scope() as session:
        rul = load_cycles(session, member, dataset_id, ["rul"])["rul"].to_numpy()[:N_CYCLES]
    np.testing.assert_array_equal(rul[:41], 41 - np.arange(1, 42))
    assert np.isnan(rul[41:]).all()
    with pytest.raises(Conflict, match="follow the corrected rules already"):
        accept(member, dataset_id)


def test_where_nothing_changes_models_are_not_marked(member: CurrentUser) -> None:
    dataset_id = store(member, frame(dip=False))
    assert look(member, dataset_id).describe().endswith("nothing changes.")

    accept(member, dataset_id)

    now = schema(member, dataset_id)
    assert (now.label_rules, now.labels_version) == (LABEL_RULES, 1)


def test_a_built_in_dataset_is_corrected_by_an_administrator(
    admin: CurrentUser, member: CurrentUser
) -> None:
    dataset_id = store(None, frame())
    assert not look(member, dataset_id).may_accept
    with pytest.raises(NotFound):
        accept(member, dataset_id)
    assert lives(member, dataset_id)["a"] == DIP

    accept(admin, dataset_id)

    assert lives(member, dataset_id)["a"] == 41
    with session_scope() as session, pytest.raises(NotFound):
        apply_relabel(session, admin, dataset_id, 1.1, None)


def test_an_administrator_cannot_correct_what_belongs_to_others(
    admin: CurrentUser, member: CurrentUser
) -> None:
    dataset_id = store(member, frame())
    for action in (look, accept):
        with pytest.raises(NotFound):
            action(admin, dataset_id)


def test_refused_while_work_on_it_waits(member: CurrentUser) -> None:
    dataset_id = store(member, frame())
    with session_scope() as session:
        job = TrainingJob(user_id=member.id, dataset_id=dataset_id, target="PCL", status="PENDING")
        session.add(job)
        session.flush()
        run = TrainingJobRun(job_id=job.id, algorithm="BASELINE", total_epochs=1)
        session.add(run)
        session.flush()
        enqueue(session, member.id, "TRAIN", run.id)
    with pytest.raises(Conflict, match="1 training run on it still waits or runs"):
        accept(member, dataset_id)
    assert follows_older_rules(schema(member, dataset_id))


def test_another_end_of_life_brings_the_corrected_rules_and_says_so(member: CurrentUser) -> None:
    dataset_id = store(member, frame())
    with read_scope() as session:
        assert preview_relabel(session, member, dataset_id, None, EolRule(0.90)).corrects_rules
    with session_scope() as session:
        apply_relabel(session, member, dataset_id, None, EolRule(0.90))
    assert lives(member, dataset_id) == {"a": 21, "b": None}
    assert schema(member, dataset_id).label_rules == LABEL_RULES
    with read_scope() as session:
        assert not preview_relabel(session, member, dataset_id, None, EolRule(0.8)).corrects_rules


def test_rul_of_the_file_ends_with_its_most_frequent_life(member: CurrentUser) -> None:
    """Older rules kept zeros to the end of the file, and took the median of cycle + RUL."""
    rul = np.maximum(20.0 - np.arange(1, N_CYCLES + 1), 0)
    dataset_id = store(member, frame(rul=rul), replace(MAPPING, rul_column="r"))
    with session_scope() as session:
        ids = session.scalars(select(BatteryUnit.id).where(BatteryUnit.dataset_id == dataset_id))
        rows = CycleData.battery_id.in_(list(ids))
        session.execute(update(CycleData).where(rows, CycleData.cycle_num > 20).values(rul=0))
        session.execute(
            update(BatteryUnit).where(BatteryUnit.dataset_id == dataset_id).values(cycle_life=31)
        )

    found = accept(member, dataset_id)

    assert found.cycles == 2 * (N_CYCLES - 20)
    assert lives(member, dataset_id) == {"a": 20, "b": 20}
    with read_scope() as session:
        kept = load_cycles(session, member, dataset_id, ["rul"])["rul"].to_numpy()[:N_CYCLES]
    np.testing.assert_array_equal(kept[:20], rul[:20])
    assert np.isnan(kept[20:]).all()


def test_the_end_of_the_file_s_rul_is_stated(member: CurrentUser) -> None:
    rul = np.maximum(30.0 - np.arange(1, N_CYCLES + 1), 0)
    dataset_id = store(member, frame(rul=rul), replace(MAPPING, rul_column="r"))
    for stated in (0.75, None):
        with session_scope() as session:
            state_rul_end_of_life(session, member, dataset_id, stated)
        assert schema(member, dataset_id).rul_eol_threshold == stated
    computed = store(member, frame())
    with session_scope() as session:
        with pytest.raises(InvalidInput, match="between 60% and 95%"):
            state_rul_end_of_life(session, member, dataset_id, 0.5)
        with pytest.raises(InvalidInput, match="is computed"):
            state_rul_end_of_life(session, member, computed, 0.8)


def test_isolated_readings_are_listed_and_marked(member: CurrentUser) -> None:
    dataset_id = store(member, frame())
    with read_scope() as session:
        found = isolated_readings(session, member, dataset_id)
        cycles = battery_cycles(session, member, dataset_id, "a")
    assert found.values.tolist() == [["a", DIP, pytest.approx(0.5)]]
    assert cycles.loc[cycles["isolated"], "cycle_num"].tolist() == [DIP]
