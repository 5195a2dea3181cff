"""Which labels finished tests were scored against, also for tests that did not keep it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.evaluation.label_scoring import OWN_LABELS, UNCHECKED
from core.ingest.feature_schema import FeatureSchema
from core.ingest.label_meaning import meaning_of, same_rul
from core.model_versions.config import ModelConfig
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import learned_meaning
from db.tables import Dataset, ModelVersion, TestJob, TrainingJob, TrainingJobRun

ByTarget = Mapping[str, StoredMetrics]


def label_groups(session: Session, overall: Mapping[int, ByTarget]) -> dict[int, dict[str, str]]:
    """The group of labels by test and target.

    Tests of releases that did not compare ends of life were scored against the dataset's labels:
    RUL of models of another end of life gets a group of its own.

    Parameters
    ----------
    overall : metrics of finished tests by id and target
    """
    found = {
        test_id: {target: values.label_group or OWN_LABELS for target, values in targets.items()}
        for test_id, targets in overall.items()
    }
    old = [
        test_id
        for test_id, targets in overall.items()
        if "RUL" in targets and targets["RUL"].label_group is None
    ]
    for test_id in _differing(session, old) if old else ():
        found[test_id]["RUL"] = UNCHECKED
    return found


def _differing(session: Session, test_ids: Sequence[int]) -> list[int]:
    """Those of the tests whose model learned another end of life than the dataset has."""
    rows = session.execute(
        select(TestJob.id, TestJob.dataset_id, ModelVersion.config, TrainingJob.dataset_id)
        .join(ModelVersion, ModelVersion.id == TestJob.model_version_id)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .where(TestJob.id.in_(test_ids), TestJob.dataset_id != TrainingJob.dataset_id)
    ).all()
    ids = {dataset_id for row in rows for dataset_id in (row[1], row[3])}
    schemas = {
        dataset_id: FeatureSchema.from_json(stored)
        for dataset_id, stored in session.execute(
            select(Dataset.id, Dataset.feature_schema).where(Dataset.id.in_(ids))
        )
    }
    return [
        test_id
        for test_id, tested, config, trained in rows
        if not same_rul(
            learned_meaning(ModelConfig.from_json(config), schemas[trained]),
            meaning_of(schemas[tested]),
        )
    ]
