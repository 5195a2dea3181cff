"""Every JSON of the golden installation is read as a typed object and written back unchanged."""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import DamagedData
from core.base.stored_json import StoredJson
from core.ingest.feature_schema import FeatureSchema
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.stored_metrics import StoredMetrics
from core.studies.settings import StudySettings
from core.training.settings import TrainingSettings
from tests.paths import ROOT

COLUMNS: dict[tuple[str, str], type[StoredJson]] = {
    ("dataset", "feature_schema"): FeatureSchema,
    ("study", "settings"): StudySettings,
    ("training_job", "hyperparams"): TrainingSettings,
    ("model_version", "config"): ModelConfig,
    ("model_version", "metrics"): ModelMetrics,
    ("test_job_metric_overall", "metrics"): StoredMetrics,
    ("test_job_battery_metric", "metrics"): StoredMetrics,
    ("test_job_horizon_metric", "metrics"): StoredMetrics,
}
NEWER = {"version": 9, "made_of": {"colour": "blue"}}


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    folder = tmp_path_factory.mktemp("golden")
    with zipfile.ZipFile(ROOT / "tests/golden/installation_1.zip") as archive:
        path = Path(archive.extract("fadebench.db", folder))
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def _stored(golden: sqlite3.Connection, table: str, column: str) -> list[dict[str, Any]]:
    rows = golden.execute(f"select {column} from {table} where {column} is not null")
    return [json.loads(text) for (text,) in rows]


@pytest.mark.parametrize(("place", "kind"), COLUMNS.items())
def test_what_was_stored_is_written_back(
    golden: sqlite3.Connection, place: tuple[str, str], kind: type[StoredJson]
) -> None:
    stored = _stored(golden, *place)
    assert stored
    for content in stored:
        read = kind.from_json(content)
        assert read.content() == _with_new_keys(content)
        assert read.to_json() == {**_with_new_keys(content), "version": 1}
        assert kind.from_json(read.to_json()).content() == _with_new_keys(content)


@pytest.mark.parametrize("kind", [FeatureSchema, ModelConfig, ModelMetrics, StoredMetrics])
def test_what_tables_and_files_show_keeps_its_order(
    golden: sqlite3.Connection, kind: type[StoredJson]
) -> None:
    for place in (place for place, found in COLUMNS.items() if found is kind):
        for content in _stored(golden, *place):
            assert list(kind.from_json(content).content()) == list(content)


@pytest.mark.parametrize(("place", "kind"), COLUMNS.items())
def test_keys_of_a_newer_release_survive(
    golden: sqlite3.Connection, place: tuple[str, str], kind: type[StoredJson]
) -> None:
    content = {**_stored(golden, *place)[0], **NEWER}
    assert kind.from_json(content).to_json() == _with_new_keys(content)


@pytest.mark.parametrize(("place", "kind"), COLUMNS.items())
@given(data=st.data())
def test_any_key_may_be_missing(
    golden: sqlite3.Connection,
    place: tuple[str, str],
    kind: type[StoredJson],
    data: st.DataObject,
) -> None:
    content = data.draw(st.sampled_from(_stored(golden, *place)))
    kept = data.draw(st.sets(st.sampled_from(sorted(content)))) if content else set()
    part = {key: value for key, value in content.items() if key in kept}
    assert kind.from_json(part).to_json() == {**_with_new_keys(part), "version": 1}


@pytest.mark.parametrize("kind", COLUMNS.values())
@given(extra=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_any_unknown_keys_survive(kind: type[StoredJson], extra: dict[str, Any]) -> None:
    extra = {key: value for key, value in extra.items() if key not in kind.model_fields}
    assert kind.from_json(extra).to_json() == {**extra, "version": 1}


@pytest.mark.parametrize("kind", COLUMNS.values())
def test_nothing_stored_reads_as_the_defaults(kind: type[StoredJson]) -> None:
    assert kind.from_json(None) == kind.from_json({})
    assert kind.from_json(None).version == 1


@pytest.mark.parametrize(
    ("kind", "damaged", "place"),
    [
        (FeatureSchema, {"features": [{"unit": "Ah"}]}, "features / 0 / name"),
        (FeatureSchema, {"labels": {"PCL": {"origin": "guessed"}}}, "labels / PCL / origin"),
        (FeatureSchema, {"labels_version": "second"}, "labels_version"),
        (StudySettings, {"source": "guess"}, "source"),
        (TrainingSettings, {"overrides": {"TREES": 1}}, "overrides / TREES"),
        (ModelConfig, {"hyperparameters": 3}, "hyperparameters"),
        (ModelConfig, {"law": [{"target": "PCL"}]}, "law / 0 / name"),
        (ModelMetrics, {"test": {"PCL": {"rmse": "small"}}}, "test / PCL / rmse"),
        (FeatureSchema, {"eol": {"threshold": "low"}}, "eol / threshold"),
    ],
)
def test_damaged_json_names_the_place(
    kind: type[StoredJson], damaged: dict[str, Any], place: str
) -> None:
    with pytest.raises(DamagedData) as caught:
        kind.from_json(damaged)
    assert f"The stored {kind.noun} cannot be read ({place}: " in str(caught.value)
    assert "restore a backup" in str(caught.value)


def _with_new_keys(content: dict[str, Any]) -> dict[str, Any]:
    """What was stored, with the keys that a rule of end of life has got since."""
    if not isinstance(content.get("eol"), dict):
        return content
    return {**content, "eol": {**content["eol"], "count_isolated": False}}
