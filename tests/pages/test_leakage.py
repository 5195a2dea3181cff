"""The leakage check as a page, and as a part of starting a training or a test."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.access.actor import CurrentUser
from core.datasets.demo_fleet import make_demo_fleet
from core.ingest.build import IngestResult
from tests.core.seeding import add_dataset
from tests.pages.conftest import run_page, store_fleet, texts
from tests.pages.tested_models import trained_model


def fleet(copied: bool = False, life_fraction: bool = False) -> IngestResult:
    """Six cells of the simulated fleet; on demand with a copy of the first or a leaky feature."""
    result = make_demo_fleet()
    codes = [f"sim-{number:02d}" for number in range(1, 7)]
    roles = dict(zip(codes, ("train", "train", "train", "val", "test", "test"), strict=True))
    cycles = result.cycles[result.cycles["battery_code"].isin(codes)]
    cycles = cycles.assign(battery_code=cycles["battery_code"].astype(str))
    batteries = result.batteries[result.batteries["battery_code"].isin(codes)]
    batteries = batteries.assign(group_tag=batteries["battery_code"].map(roles))
    if copied:
        twin, row = (frame[frame["battery_code"] == codes[0]] for frame in (cycles, batteries))
        cycles = pd.concat([cycles, twin.assign(battery_code="twin")])
        batteries = pd.concat([batteries, row.assign(battery_code="twin", group_tag="test")])
    if life_fraction:
        lives = batteries.set_index("battery_code")["cycle_life"].astype(float)
        share = cycles["cycle_num"] / cycles["battery_code"].map(lives)
        cycles = cycles.assign(feature_3=share.to_numpy(np.float64))
    cycles = cycles.assign(battery_code=pd.Categorical(cycles["battery_code"]))
    cycles = cycles.reset_index(drop=True)
    return IngestResult(cycles, batteries, result.feature_schema, result.report)


def start(page: object, label: str) -> object:
    return next(button for button in page.button if button.label == label)


def test_without_data_it_offers_the_upload(user: CurrentUser) -> None:
    assert "No datasets yet" in texts(run_page("leakage", user))


def test_an_honest_dataset_is_green(user: CurrentUser) -> None:
    page = run_page("leakage", user, {"dataset": store_fleet(user, "Honest", fleet())})
    assert "No leakage found" in page.success[0].value
    assert not page.dataframe


def test_copies_here_and_elsewhere_are_listed(user: CurrentUser, stranger: CurrentUser) -> None:
    store_fleet(user, "First upload", fleet())
    store_fleet(stranger, "Secret", fleet())
    page = run_page("leakage", user, {"dataset": store_fleet(user, "Again", fleet(copied=True))})
    table = page.dataframe[0].value
    elsewhere = table[table["Other dataset"] == "First upload"]
    assert set(elsewhere["Battery"]) == {f"sim-{n:02d}" for n in range(1, 7)} | {"twin"}
    inside = table[table["Other dataset"] == "Again"]
    assert inside[["Battery", "Role", "Other name", "Role there"]].to_numpy().tolist() == [
        ["sim-01", "Train", "twin", "Test"]
    ]
    assert (table["What it is"] == "Same battery").all()
    assert "7 batteries also in 'First upload'" in texts(page)
    assert "Secret" not in texts(page) + table.to_string()


@pytest.mark.parametrize(
    ("leak", "words"),
    [
        ({"copied": True}, "sim-01 (training) = twin (test)"),
        ({"life_fraction": True}, "temperature\\_avg"),
    ],
    ids=["copy", "life fraction"],
)
def test_a_leak_keeps_a_training_from_starting(
    user: CurrentUser, leak: dict[str, bool], words: str
) -> None:
    dataset_id = store_fleet(user, "Leaky", fleet(**leak))
    page = run_page("new_training", user, {"dataset": dataset_id})
    assert words in page.error[0].value
    assert start(page, "Start training").disabled


def test_an_honest_training_may_start(user: CurrentUser) -> None:
    page = run_page("new_training", user, {"dataset": store_fleet(user, "Honest", fleet())})
    assert "no leakage found" in texts(page)
    assert not start(page, "Start training").disabled


def test_a_test_on_copies_warns_by_name(user: CurrentUser, tmp_path: Path) -> None:
    model_id, _ = trained_model(user, tmp_path)
    copy_folder = tmp_path / "again"
    _, copy_id = add_dataset(user, copy_folder, "The same again")
    page = run_page("new_test", user, {"model": model_id})
    assert "no leakage found" in texts(page)
    page = run_page("new_test", user, {"model": model_id, "dataset": copy_id})
    assert page.multiselect[0].value == ["b3", "b4"]
    page.multiselect[0].set_value(["b0", "b3"]).run()
    assert "**1** unseen · **1** seen in training" in texts(page)
    assert "fitted on 1 battery of this test" in page.warning[0].value
    assert not start(page, "Start test").disabled


@pytest.mark.parametrize("address", ["999", "stranger's"])
def test_a_dataset_that_is_not_there(
    user: CurrentUser, stranger: CurrentUser, address: str
) -> None:
    hidden = store_fleet(stranger, "Secret") if address != "999" else 999
    page = run_page("leakage", user, {"dataset": hidden})
    assert "No such dataset" in texts(page)
    assert "Secret" not in texts(page)
