"""Tests on datasets whose end of life is another one than that of the model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import update

from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import InvalidInput
from core.datasets.datasets import get_dataset_summary, load_dataset
from core.datasets.uploads import confirm_mapping, get_upload_info, receive_upload
from core.evaluation.comparison import compare_tests, label_groups_of
from core.evaluation.evaluations import get_test_infos
from core.evaluation.export_work import information
from core.evaluation.label_scoring import label_scoring
from core.evaluation.leaderboard import list_boards, rank_models
from core.evaluation.material import default_batteries, load_test_material
from core.evaluation.request import TestRequest
from core.evaluation.results import get_result, load_predictions
from core.evaluation.start import start_test
from core.ingest.feature_schema import FeatureSchema, StoredLabel
from core.ingest.formats.readers import preview
from core.ingest.label_meaning import UNKNOWN_MEANING, LabelMeaning, meaning_of, same_rul
from core.ingest.mapping import EolRule
from core.model_versions.versions import get_model_info, list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from db.tables import Dataset, ModelVersion, TestJobMetricOverall
from tests.conftest import settings_of
from tests.core.seeding import add_account, work_off, write_csv
from tests.pages.conftest import run_page, texts


def computed(threshold: float = 0.8, **rule: object) -> LabelMeaning:
    return LabelMeaning(rul="computed", eol=EolRule(threshold, **rule), has_nominal=True)  # type: ignore[arg-type]


def from_file(threshold: float | None) -> LabelMeaning:
    return LabelMeaning(rul="file", file_threshold=threshold)


def test_what_agrees() -> None:
    assert same_rul(computed(), computed())
    assert not same_rul(computed(), computed(0.85))
    assert not same_rul(computed(), computed(0.8, rule="consecutive", consecutive=3))
    assert not same_rul(computed(), computed(0.8, count_isolated=True))
    assert same_rul(from_file(0.8), from_file(0.8))
    assert not same_rul(from_file(0.8), from_file(0.7))
    assert not same_rul(from_file(None), from_file(None))
    assert not same_rul(from_file(None), computed())
    assert not same_rul(UNKNOWN_MEANING, UNKNOWN_MEANING)
    assert same_rul(from_file(0.8), computed())
    assert not same_rul(from_file(0.8), computed(0.8, rule="consecutive", consecutive=3))


def test_the_meaning_of_a_dataset() -> None:
    schema = FeatureSchema(
        labels={"RUL": StoredLabel(origin="file"), "PCL": StoredLabel(origin="file")},
        rul_eol_threshold=0.75,
    )
    found = meaning_of(schema)
    assert (found.rul, found.file_threshold, found.has_nominal) == ("file", 0.75, False)
    assert found.rule == EolRule(0.75)
    assert meaning_of(FeatureSchema()).rul == "unknown"
    assert meaning_of(FeatureSchema()).rule is None
    assert LabelMeaning.model_validate(computed(0.7).model_dump(mode="json")) == computed(0.7)


class Bench:
    """A model of RUL to 80 %, and datasets of other ends of life with the same batteries' shape."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = add_account("ann@example.org")
        self.own = self.add("own", 0.80)
        self.at_90 = self.add("at-90", 0.90, shift=0.001)
        self.at_80 = self.add("at-80", 0.80, shift=0.002)
        self.at_80_model = self.train(self.own)
        self.at_90_model = self.train(self.at_90)

    def add(self, name: str, threshold: float, shift: float = 0.0, only_rul: bool = False) -> int:
        path = write_csv(self.folder / f"{name}.csv", cycles=60)
        frame = pd.read_csv(path)
        frame["capacity"] -= shift * frame["cycle"] / 60
        frame["resistance"] += 5 * shift
        if only_rul:
            # RUL of the file alone: no capacity to compute another life from.
            frame["RUL"] = 60 - frame["cycle"]
            frame = frame.drop(columns="capacity")
        frame.to_csv(path, index=False)
        found = preview(path, path.name).mapping
        changes = {"nominal_capacity_ah": None if only_rul else 1.1, "eol_threshold": threshold}
        mapping = type(found).from_json({**found.to_json(), **changes})
        with path.open("rb") as stream, session_scope() as session:
            upload_id = receive_upload(session, self.user, path.name, stream)
            confirm_mapping(session, self.user, upload_id, mapping, name)
        work_off()
        with read_scope() as session:
            dataset_id = get_upload_info(session, self.user, upload_id).dataset_id
        assert dataset_id is not None
        return dataset_id

    def train(self, dataset_id: int) -> int:
        request = TrainingRequest(dataset_id, "RUL", ["BASELINE"], hyperparams={"epochs": 1})
        start_training(self.user, request)
        work_off()
        with read_scope() as session:
            return list_models(session, self.user)[0].id

    def test(self, model_id: int, dataset_id: int) -> int:
        test_id = start_test(self.user, TestRequest(model_id, dataset_id))
        work_off()
        return test_id


@pytest.fixture(scope="module")
def bench(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("end_of_life")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        yield Bench(folder)
        get_engine().dispose()


def true_rul(bench: Bench, test_id: int) -> pd.DataFrame:
    with read_scope() as session:
        return load_predictions(session, bench.user, test_id, "RUL")


def test_a_model_keeps_the_end_of_life_of_its_training(bench: Bench) -> None:
    with read_scope() as session:
        model = get_model_info(session, bench.user, bench.at_90_model)
    assert model.config.label_meaning is not None
    assert model.meaning.eol == EolRule(0.9)
    assert model.meaning.nominal_capacity_ah == 1.1


def test_another_end_of_life_is_scored_against_that_of_the_model(bench: Bench) -> None:
    test_id = bench.test(bench.at_80_model, bench.at_90)
    found = true_rul(bench, test_id).dropna(subset=["y_true"])
    with read_scope() as session:
        result = get_result(session, bench.user, test_id)
        model = get_model_info(session, bench.user, bench.at_80_model)
        loaded = load_dataset(session, bench.user, bench.at_90)
    lives = (found["cycle_num"] + found["y_true"]).groupby(found["battery_code"]).first()
    table = pd.read_csv(bench.folder / "at-90.csv")
    below = table[table["capacity"] / 1.1 < 0.8 - 1e-7]
    expected = below.groupby("battery")["cycle"].min()
    # Not the lives of the dataset, which end at 90 %.
    assert dict(lives) == dict(expected[lives.index])
    own = loaded.batteries.set_index("battery_code")["cycle_life"]
    assert (lives > own[lives.index]).all()
    values = result.overall["RUL"]
    assert values.rmse == pytest.approx(np.sqrt(np.mean((found["y_pred"] - found["y_true"]) ** 2)))
    assert "SOH < 0.80" in str(values.label_group)
    assert "SOH < 0.80" in result.label_notes["RUL"] and "SOH < 0.90" in result.label_notes["RUL"]
    assert ("Labels of RUL", result.label_notes["RUL"]) in information(result, model)
    page = run_page("results", bench.user, {"test": test_id})
    assert "trained with another end of life" in texts(page)


def test_the_form_warns_before_the_test(bench: Bench) -> None:
    page = run_page("new_test", bench.user, {"model": bench.at_80_model, "dataset": bench.at_90})
    assert "trained with another end of life" in texts(page)
    page = run_page("new_test", bench.user, {"model": bench.at_80_model, "dataset": bench.at_80})
    assert "end of life" not in texts(page)


def test_the_same_end_of_life_needs_no_words(bench: Bench) -> None:
    test_id = bench.test(bench.at_80_model, bench.at_80)
    with read_scope() as session:
        result = get_result(session, bench.user, test_id)
    assert result.label_notes == {}
    assert result.overall["RUL"].label_group == ""


def test_without_capacity_there_are_no_metrics(bench: Bench) -> None:
    bare = bench.add("bare", 0.8, only_rul=True)
    test_id = bench.test(bench.at_80_model, bare)
    with read_scope() as session:
        result = get_result(session, bench.user, test_id)
    assert "RUL" not in result.overall
    assert "no capacity to compute the labels anew" in result.label_notes["RUL"]
    assert true_rul(bench, test_id)["y_true"].isna().all()
    page = run_page("results", bench.user, {"test": test_id})
    assert "no capacity to compute the labels anew" in texts(page)


def test_tests_of_other_ends_of_life_never_rank_together(bench: Bench) -> None:
    ids = [bench.test(model, bench.at_90) for model in (bench.at_80_model, bench.at_90_model)]
    other = bench.train(bench.at_90)
    ids.append(bench.test(other, bench.at_90))
    with read_scope() as session:
        infos = get_test_infos(session, bench.user, ids)
        assert [len(part) for part in label_groups_of(infos, "RUL").values()] == [2, 1]
        with pytest.raises(InvalidInput, match="different ends of life"):
            compare_tests(session, bench.user, ids, "RUL")
        board = next(b for b in list_boards(session, bench.user) if b.dataset_id == bench.at_90)
        found = rank_models(session, bench.user, board)
    assert found.label_group == ""
    models = {standing.test.info.model_version_id for standing in found.standings}
    assert models == {bench.at_90_model, other}
    page = run_page("results", bench.user, {"compare": ",".join(map(str, ids))})
    assert "labels of different ends of life" in texts(page)
    assert len(page.dataframe[0].value) == 2


def test_results_of_earlier_releases_stand_apart(bench: Bench) -> None:
    test_id = bench.test(bench.at_80_model, bench.at_90)
    with session_scope() as session:
        row = TestJobMetricOverall.test_job_id == test_id
        stored = session.query(TestJobMetricOverall.metrics).filter(row).scalar()
        kept = {k: v for k, v in stored.items() if not k.startswith(("label_", "mape"))}
        session.execute(update(TestJobMetricOverall).where(row).values(metrics=kept))
    with read_scope() as session:
        (info,) = get_test_infos(session, bench.user, [test_id])
        result = get_result(session, bench.user, test_id)
    assert info.label_group("RUL") == "not compared"
    assert "did not compare ends of life" in result.label_notes["RUL"]
    assert info.overall["RUL"].mape is None
    page = run_page("results", bench.user, {"test": test_id})
    assert not page.exception


def test_models_of_earlier_releases_have_the_end_of_life_of_their_dataset(bench: Bench) -> None:
    with session_scope() as session:
        model = session.get_one(ModelVersion, bench.at_80_model)
        before = dict(model.config)
        model.config = {k: v for k, v in before.items() if k != "label_meaning"}
    try:
        with read_scope() as session:
            model_info = get_model_info(session, bench.user, bench.at_80_model)
            assert model_info.meaning.eol == EolRule(0.8)
        with session_scope() as session:
            dataset = session.get_one(Dataset, bench.own)
            schema = dict(dataset.feature_schema)
            dataset.feature_schema = {**schema, "labels_version": 7}
        with read_scope() as session:
            model_info = get_model_info(session, bench.user, bench.at_80_model)
            here = get_dataset_summary(session, bench.user, bench.at_80)
            own = get_dataset_summary(session, bench.user, bench.own)
        assert model_info.meaning == UNKNOWN_MEANING
        assert label_scoring(model_info, here).rul == "none"
        assert "not known" in label_scoring(model_info, here).rul_note
        assert label_scoring(model_info, own).rul == "own"
    finally:
        with session_scope() as session:
            session.get_one(ModelVersion, bench.at_80_model).config = before
            session.get_one(Dataset, bench.own).feature_schema = schema


def test_another_dataset_starts_with_all_unseen_batteries(bench: Bench) -> None:
    with read_scope() as session:
        model = get_model_info(session, bench.user, bench.at_80_model)
        for dataset_id, codes in ((bench.own, 2), (bench.at_80, 5)):
            loaded = load_dataset(session, bench.user, dataset_id)
            material = load_test_material(session, bench.user, model, loaded)
            assert len(default_batteries(material)) == codes
    page = run_page("new_test", bench.user, {"model": bench.at_80_model, "dataset": bench.at_80})
    assert page.radio[0].options[0] == "All unseen"
    assert page.multiselect[0].value == ["b0", "b1", "b2", "b3", "b4"]
