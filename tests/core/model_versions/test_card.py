"""The model card and the archive that it travels in."""

import io
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import update

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import NotFound
from core.datasets.datasets import get_dataset_summary, list_batteries
from core.model_versions.card import model_card
from core.model_versions.card_limits import known_limits
from core.model_versions.card_text import card_markdown
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.package import package_model, package_name
from core.model_versions.versions import get_model_info, rename_model
from db.tables import ModelVersion, TestJobBattery
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.finished import (
    CYCLES,
    add_finished_test,
    add_fleet,
    add_trained_model,
    metrics_of,
    unseen_codes,
)
from tests.core.seeding import add_account

CODES = unseen_codes()
RMSE = dict(zip(CODES, np.linspace(0.004, 0.011, len(CODES)), strict=True))
INTERVAL = {
    "nominal": 0.9,
    "observed": 0.71,
    "observed_low": 0.6,
    "observed_high": 0.8,
    "expected_low": 0.83,
    "expected_high": 0.97,
    "mean_width": 0.02,
    "n_batteries": 8,
    "method": "split",
    "n_calibration": 9,
    "verdict": "too low",
}


@pytest.fixture(scope="module")
def made(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CurrentUser, int, int]]:
    """An account, a model with all evidence, and a bare one of an earlier version."""
    folder = tmp_path_factory.mktemp("card")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        dataset_id = add_fleet(user, folder)
        test = {code: {"PCL": {"n": CYCLES, "mae": e, "rmse": e}} for code, e in RMSE.items()}
        model_id = add_trained_model(user, dataset_id, batteries={"val": {}, "test": test})
        pooled = metrics_of(float(np.sqrt(np.mean(np.square(list(RMSE.values()))))))
        pooled |= {"n": CYCLES * len(CODES), "n_batteries": len(CODES)}
        _add_metrics(
            model_id,
            test={"PCL": pooled | {"interval": INTERVAL}},
            floors={"val": {}, "test": {"MEAN": {"PCL": metrics_of(0.02)}}},
        )
        bare_id = add_trained_model(user, dataset_id, name="Bare")
        _add_metrics(bare_id, test={"PCL": pooled})
        add_finished_test(user, model_id, dataset_id, {CODES[-1]: 0.011})
        yield user, model_id, bare_id
        get_engine().dispose()


def _add_metrics(model_id: int, **more: Any) -> None:
    with session_scope() as session:
        model = session.get_one(ModelVersion, model_id)
        session.execute(
            update(ModelVersion)
            .where(ModelVersion.id == model_id)
            .values(metrics={**(model.metrics or {}), **more})
        )


def test_numbers_have_intervals_over_batteries(made: tuple[CurrentUser, int, int]) -> None:
    user, model_id, _ = made
    with read_scope() as session:
        card = model_card(session, user, model_id)
    number = card.numbers[0]
    assert (number.target, number.role, number.metric) == ("PCL", "test", "rmse")
    assert number.interval is not None
    assert number.interval.low < number.value < number.interval.high
    assert (number.n_batteries, number.n_cycles) == (8, 160)
    assert card.roles["test"] == tuple(CODES)
    assert card.features == (("resistance", "ohm"), ("temperature", "degC"))
    labels = [label for label, _ in card.settings]
    assert "Seed" in labels and "Boosting rounds" not in labels


def test_floors_coverage_and_worst_batteries(made: tuple[CurrentUser, int, int]) -> None:
    user, model_id, _ = made
    with read_scope() as session:
        card = model_card(session, user, model_id)
    (floor,) = card.floors
    assert floor.floor == "MEAN" and floor.is_beaten
    assert card.coverage["PCL"]["verdict"] == "too low"
    assert [item.code for item in card.worst] == CODES[:-4:-1]
    assert [item.test_id is not None for item in card.worst] == [True, False, False]
    assert any("fewer cycles of the test batteries than promised" in line for line in card.limits)
    assert any("computed" in line for line in card.limits)


def test_unlike_batteries_are_counted(made: tuple[CurrentUser, int, int]) -> None:
    user, model_id, _ = made
    with session_scope() as session:
        session.execute(update(TestJobBattery).values(distance_ratio=1.7))
    with read_scope() as session:
        lines = model_card(session, user, model_id).applicability
    assert "8 batteries of one dataset" in lines[0]
    assert "1 of 1 battery was unlike" in lines[1]


def test_models_of_an_earlier_version_say_what_is_missing(
    made: tuple[CurrentUser, int, int],
) -> None:
    user, _, bare_id = made
    with read_scope() as session:
        card = model_card(session, user, bare_id)
        text = card_markdown(card, "bare.pt")
    assert card.numbers[0].interval is None
    assert not card.floors and not card.worst
    assert any("earlier version" in line for line in card.limits)
    assert "not stated" in text


def test_limits_name_censored_batteries_and_few_tests(made: tuple[CurrentUser, int, int]) -> None:
    user, _, bare_id = made
    with read_scope() as session:
        model = get_model_info(session, user, bare_id)
        dataset = get_dataset_summary(session, user, model.dataset_id)
        batteries = list_batteries(session, user, model.dataset_id).assign(role="train")
    batteries["cycle_life"] = pd.Series([None] * 3 + [30] * 17, dtype="Int64")
    both = replace(
        model,
        target="BOTH",
        labels_changed=True,
        metrics=ModelMetrics.from_json({"test": {"PCL": {"n_batteries": 2}}}),
    )
    lines = " ".join(known_limits(both, dataset, batteries))
    assert "3 of 20 batteries did not reach end of life" in lines
    assert "Only 2 test batteries" in lines
    assert "refer to the old ones" in lines
    forecast = replace(
        model, config=ModelConfig(hyperparameters={"max_horizon": 50}), metrics=ModelMetrics()
    )
    lines = " ".join(known_limits(forecast, dataset, batteries))
    assert "forecasts up to 50 cycles" in lines
    assert "flatter the model" in lines


def test_the_archive_holds_weights_and_card(made: tuple[CurrentUser, int, int]) -> None:
    user, model_id, _ = made
    with session_scope() as session:
        rename_model(session, user, model_id, "A|B <b>")
    with read_scope() as session:
        name = package_name(session, user, model_id)
        archive = zipfile.ZipFile(io.BytesIO(package_model(session, user, model_id)))
    assert name == "A_B__b__v1.zip"
    assert archive.namelist() == ["A_B__b__v1.pt", "MODEL_CARD.md"]
    assert archive.read("A_B__b__v1.pt") == b"weights"
    text = archive.read("MODEL_CARD.md").decode()
    assert "# Model card: A\\|B \\<b\\> v1" in text
    assert "| RMSE of PCL | test | 0.784 %-points |" in text
    assert f"/results?test=1&battery={CODES[-1]}" in text
    assert 'TrainedModel.load("A_B__b__v1.pt")' in text
    assert "Mean curve | PCL | test | 2 %-points | 0.784 %-points | yes |" in text
    assert "0123abcd" in text
    for line in (line for line in text.splitlines() if line.startswith("|")):
        assert len(line.replace("\\|", "").split("|")) == 8


def test_a_lost_checkpoint_is_said(made: tuple[CurrentUser, int, int]) -> None:
    user, _, bare_id = made
    with read_scope() as session:
        path = on_disk(session.get_one(ModelVersion, bare_id).checkpoint_path)
        path.unlink()
        with pytest.raises(NotFound):
            package_model(session, user, bare_id)
