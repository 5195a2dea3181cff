"""What trainings and tests are told, and refused, on small datasets of one account."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select, update

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.datasets.datasets import load_dataset
from core.datasets.relabel import apply_relabel
from core.datasets.uploads import get_upload_info
from core.evaluation.leakage_check import test_findings
from core.evaluation.material import TestMaterial, default_batteries, load_test_material
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.leakage.finding import Finding
from core.leakage.findings import dataset_findings
from core.leakage.relatives import list_duplicates
from core.model_versions.versions import get_model_info
from core.training.leakage_check import training_findings
from core.training.request import TrainingRequest
from core.training.start import start_training
from db.tables import BatteryUnit, Dataset, TestJobBattery
from tests.core.conftest import Dataset as OwnedDataset
from tests.core.seeding import World, queue_upload, work_off, write_csv

ROLES = {"b0": "train", "b1": "train", "b2": "val", "b3": "test"}
Change = Callable[[pd.DataFrame], pd.DataFrame]


def add_changed(user: CurrentUser, folder: Path, change: Change, name: str = "Changed") -> int:
    """The small fleet after a change, as a dataset; returns its id."""
    path = write_csv(folder / "changed.csv")
    change(pd.read_csv(path)).to_csv(path, index=False)
    upload_id = queue_upload(user, path, name)
    work_off()
    with read_scope() as session:
        dataset_id = get_upload_info(session, user, upload_id).dataset_id
    assert dataset_id is not None
    return dataset_id


def turned_around(frame: pd.DataFrame) -> pd.DataFrame:
    """The batteries b0..b4 under the names c4..c0, with later cycle numbers."""
    codes = {f"b{number}": f"c{4 - number}" for number in range(5)}
    return frame.assign(battery=frame["battery"].map(codes), cycle=frame["cycle"] + 7)


def with_a_twin(frame: pd.DataFrame) -> pd.DataFrame:
    """b0, in train, once more as b9 in test."""
    twin = frame[frame["battery"] == "b0"].assign(battery="b9", split="test")
    return pd.concat([frame, twin])


def check(user: CurrentUser, request: TrainingRequest) -> tuple[Finding, ...]:
    with read_scope() as session:
        dataset = load_dataset(session, user, request.dataset_id)
        return training_findings(session, user, request, dataset)


def material_of(user: CurrentUser, model_id: int, dataset_id: int) -> TestMaterial:
    with read_scope() as session:
        model = get_model_info(session, user, model_id)
        return load_test_material(session, user, model, load_dataset(session, user, dataset_id))


def check_test(user: CurrentUser, material: TestMaterial, codes: list[str]) -> tuple[Finding, ...]:
    with read_scope() as session:
        return test_findings(session, user, material, codes)


def kinds(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.kind, finding.severity) for finding in findings]


def test_an_honest_training_finds_nothing(dataset: OwnedDataset) -> None:
    user, dataset_id = dataset
    assert check(user, TrainingRequest(dataset_id, "BOTH", ["BASELINE"])) == ()


def test_one_battery_under_two_names_is_refused_across_roles(
    dataset: OwnedDataset, tmp_path: Path
) -> None:
    user, _ = dataset
    dataset_id = add_changed(user, tmp_path, with_a_twin)
    request = TrainingRequest(dataset_id, "PCL", ["BASELINE"])
    assert kinds(check(user, request)) == [("same battery", "block")]
    with pytest.raises(InvalidInput) as refused:
        start_training(user, request)
    assert "b0 (training) = b9 (test)" in str(refused.value)
    assert "Give both the same role" in str(refused.value)
    mended = TrainingRequest(dataset_id, "PCL", ["BASELINE"], {**ROLES, "b9": "train"})
    assert kinds(check(user, mended)) == [("counted twice", "info")]
    assert start_training(user, mended)
    with read_scope() as session:
        found = dataset_findings(session, user, dataset_id)
        twins = list_duplicates(session, user, dataset_id)
    assert ("duplicate same", "warn") in kinds(found)
    inside = [item for item in twins if item.other_dataset_id == dataset_id]
    assert [(item.battery_code, item.other_code, item.kind) for item in inside] == [
        ("b0", "b9", "same")
    ]


def test_a_feature_that_tells_the_share_of_life_is_refused(
    dataset: OwnedDataset, tmp_path: Path
) -> None:
    user, _ = dataset
    dataset_id = add_changed(
        user,
        tmp_path,
        lambda f: f.assign(
            resistance=f["cycle"] / (40 * (0.8 + 0.03 * f["battery"].str[1:].astype(int)))
        ),
    )
    roles = {**ROLES, "b3": "train", "b4": "train"}
    request = TrainingRequest(dataset_id, "PCL", ["BASELINE"], roles)
    with pytest.raises(InvalidInput, match="'resistance' tells"):
        start_training(user, request)
    assert check(user, request)[0].columns == ("resistance",)


def test_capacity_as_a_feature_is_for_forecasts_only(dataset: OwnedDataset, tmp_path: Path) -> None:
    user, _ = dataset
    dataset_id = add_changed(
        user, tmp_path, lambda f: f.assign(resistance=1000 * f["capacity"].round(6))
    )
    request = TrainingRequest(dataset_id, "PCL", ["BASELINE"])
    with pytest.raises(InvalidInput, match="'resistance' is the cap"):
        start_training(user, request)
    forecast = TrainingRequest(dataset_id, "PCL", ["BASELINE"], hyperparams={"max_horizon": 5})
    assert check(user, forecast) == ()
    assert kinds(check(user, TrainingRequest(dataset_id, "RUL", ["BASELINE"]))) == [
        ("column capacity", "warn")
    ]


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "from before sketches"])
def test_copies_of_known_batteries_are_exposed(world: World, tmp_path: Path, stored: bool) -> None:
    user = world.user
    dataset_id = add_changed(user, tmp_path, turned_around, "Renamed fleet")
    if not stored:
        with session_scope() as session:
            session.execute(update(BatteryUnit).values(capacity_sketch=None))
    material = material_of(user, world.model_id, dataset_id)
    codes = material.dataset.codes
    assert default_batteries(material) == ["c0", "c1"]
    found = check_test(user, material, sorted(codes.values()))
    at_home = material_of(user, world.model_id, world.dataset_id)
    assert check_test(user, at_home, sorted(at_home.dataset.codes.values())) == ()
    exposure = {codes[battery_id]: value for battery_id, value in material.exposure.items()}
    seen = {"c4": "train", "c3": "train", "c2": "val"}
    assert exposure == {"c0": "unseen", "c1": "unseen", **seen}
    assert kinds(found) == [("seen before", "warn"), ("seen before", "warn")]
    assert "b0 = c4, b1 = c3" in found[0].message
    assert found[1].batteries == ("c2",)
    test_id = start_test(user, TestRequest(world.model_id, dataset_id, ["c4", "c0"]))
    with read_scope() as session:
        rows = session.execute(
            select(TestJobBattery.battery_id, TestJobBattery.exposure).where(
                TestJobBattery.test_job_id == test_id
            )
        )
        assert {codes[row.battery_id]: row.exposure for row in rows} == {
            "c4": "train",
            "c0": "unseen",
        }


def test_a_second_half_of_a_known_battery_is_told(world: World, tmp_path: Path) -> None:
    """World's model was fitted on b0; its next cycles come in a file of their own."""
    user = world.user

    def split(frame: pd.DataFrame) -> pd.DataFrame:
        later = frame[frame["battery"] == "b0"].assign(cycle=lambda f: f["cycle"] + 39)
        last = later["capacity"].iloc[-1]
        return later.assign(battery="later", capacity=last - 0.003 * np.arange(len(later)))

    dataset_id = add_changed(user, tmp_path, split, "Second halves")
    found = check_test(user, material_of(user, world.model_id, dataset_id), ["later"])
    assert kinds(found) == [("partly seen", "warn")]
    assert "b0 with later" in found[0].message


def test_repaired_labels_are_told_to_all_who_use_them(dataset: OwnedDataset) -> None:
    user, dataset_id = dataset
    with session_scope() as session:
        row = session.get_one(Dataset, dataset_id)
        row.feature_schema = {**(row.feature_schema or {}), "label_notes": ["Repaired later."]}
    estimate = TrainingRequest(dataset_id, "PCL", ["BASELINE"])
    forecast = TrainingRequest(dataset_id, "RUL", ["BASELINE"], hyperparams={"max_horizon": 9})
    assert [f.severity for f in check(user, estimate) + check(user, forecast)] == ["info", "info"]
    assert "judged by the repaired" in check(user, estimate)[0].message
    assert "know later cycles" in check(user, forecast)[0].message
    assert check(user, TrainingRequest(dataset_id, "RUL", ["BASELINE"])) == ()


def test_a_new_nominal_capacity_renews_the_sketches(dataset: OwnedDataset, tmp_path: Path) -> None:
    """Where the file brings PCL alone, capacities follow from the nominal one."""
    user, _ = dataset
    path = write_csv(tmp_path / "pcl.csv")
    frame = pd.read_csv(path)
    frame.assign(pcl=1 - frame.pop("capacity") / 1.1).to_csv(path, index=False)
    upload_id = queue_upload(user, path, "PCL only")
    work_off()
    with read_scope() as session:
        other_id = get_upload_info(session, user, upload_id).dataset_id
        assert len(list_duplicates(session, user, other_id)) == 5
    for nominal_ah, copies in ((2.0, 0), (1.1, 5)):
        with session_scope() as session:
            apply_relabel(session, user, other_id, nominal_ah, None)
        with read_scope() as session:
            assert len(list_duplicates(session, user, other_id)) == copies
