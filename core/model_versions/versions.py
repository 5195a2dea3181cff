"""Model versions: the models that successful runs left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base import storage
from core.base.errors import Conflict, NotFound
from core.base.names import MAX_LENGTH, checked_name
from core.base.paging import FIRST, Listed, Page, page_ids, page_of
from core.datasets.overruled import Overruled, stored_overruled
from core.ingest.feature_schema import FeatureSchema
from core.ingest.label_meaning import UNKNOWN_MEANING, LabelMeaning, meaning_of
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.filters import EVERY_MODEL, MODEL_ORDERS, ModelFilter, filtered_models
from core.model_versions.learned import learned_values
from db.tables import Dataset, ModelVersion, TestJob, TrainingJob, TrainingJobRun
from db.tables.columns import Target


@dataclass(frozen=True)
class ModelInfo:
    """A model version; time in UTC.

    config : how it was made
    group_key : ties it to trainings that differ in seed or physics only
    dataset_labels_version : of the labels that its dataset has now
    metrics : its errors on validation and test batteries
    overruled : findings of the leakage check that were overruled for its training
    meaning : end of life and nominal capacity behind the labels that it learned
    """

    id: int
    name: str
    version: str
    algorithm: str
    target: Target
    run_id: int
    job_id: int
    dataset_id: int
    dataset_name: str
    config: ModelConfig
    metrics: ModelMetrics
    labels_changed: bool
    n_tests: int
    created_at: datetime
    group_key: str | None = None
    dataset_labels_version: int = 1
    overruled: Overruled | None = None
    meaning: LabelMeaning = UNKNOWN_MEANING

    @property
    def title(self) -> str:
        """Name with version."""
        return f"{self.name} {self.version}"

    @property
    def max_horizon(self) -> int:
        """0 for an estimator, else the furthest cycle it was trained to forecast."""
        return self.config.max_horizon


def list_models(
    session: Session,
    user: CurrentUser,
    wanted: ModelFilter = EVERY_MODEL,
    page: Page = FIRST,
) -> Listed[ModelInfo]:
    """A page of the user's model versions, newest first unless the page says otherwise."""
    query = filtered_models(guard.visible_models(user), wanted, page.order)
    ids = page_ids(session, query, ModelVersion.id, MODEL_ORDERS, page)
    return page_of(ids, describe_models(session, user, ids), lambda model: model.id)


def describe_models(
    session: Session, user: CurrentUser, model_ids: Sequence[int]
) -> list[ModelInfo]:
    """Those of the models that the user sees, in no special order; three statements."""
    models = session.scalars(guard.visible_models(user).where(ModelVersion.id.in_(model_ids)))
    return _describe(session, list(models))


def has_twins(session: Session, user: CurrentUser) -> bool:
    """Whether any model of the user was trained as a twin of another one."""
    twin = guard.visible_models(user).where(TrainingJob.group_key.is_not(None))
    return session.scalar(twin.with_only_columns(ModelVersion.id).limit(1)) is not None


def get_model_info(session: Session, user: CurrentUser, model_id: int) -> ModelInfo:
    """One model version."""
    return _describe(session, [guard.get_model(session, user, model_id)])[0]


def compare_configs(session: Session, user: CurrentUser, model_ids: Sequence[int]) -> pd.DataFrame:
    """Settings of several models side by side: one row per setting, one column per model.

    The column `differs` says whether the models disagree.
    """
    found = {model.id: model for model in describe_models(session, user, model_ids)}
    if set(model_ids) - set(found):
        raise NotFound("model")
    models = [found[model_id] for model_id in model_ids]
    columns = {}
    for model in models:
        title = model.title if model.title not in columns else f"{model.title} ({model.algorithm})"
        made = {"algorithm": model.algorithm, "target": model.target}
        settings = {"hyperparameters": model.config.hyperparameters, **model.config.facts()}
        columns[title] = made | _flat(settings) | learned_values(model.config)
    frame = pd.DataFrame(columns, dtype=object)
    frame["differs"] = frame.astype(str).nunique(axis=1) > 1
    return frame.rename_axis("setting").reset_index()


def rename_model(session: Session, user: CurrentUser, model_id: int, name: str) -> None:
    """Rename a model; it gets the next free version of the new name."""
    model = guard.get_model(session, user, model_id)
    cleaned = checked_name(name, "model")
    if cleaned != model.name:
        model.version = next_version(session, user.id, cleaned)
        model.name = cleaned
        session.flush()


def open_checkpoint(session: Session, user: CurrentUser, model_id: int) -> tuple[str, str]:
    """Path of a checkpoint, for core.base.storage, and a file name for downloading it."""
    model = guard.get_model(session, user, model_id)
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{model.name}_{model.version}")
    return model.checkpoint_path, f"{safe}.pt"


def delete_model(session: Session, user: CurrentUser, model_id: int) -> None:
    """Delete a model version and its checkpoint.

    Raises
    ------
    Conflict
        Tests use it.
    """
    model = guard.get_model(session, user, model_id, lock=True)
    tests = session.scalar(
        select(func.count()).select_from(TestJob).where(TestJob.model_version_id == model_id)
    )
    if tests:
        noun = "test uses" if tests == 1 else "tests use"
        raise Conflict(f"{tests} {noun} this model. Delete those first, on the Results page.")
    path = model.checkpoint_path
    session.delete(model)
    session.flush()
    storage.remove_file(path)


def add_model(
    session: Session,
    *,
    user_id: int,
    run_id: int,
    algorithm: str,
    name: str,
    config: ModelConfig,
    metrics: ModelMetrics,
    unfinished_path: str,
) -> int:
    """Store the model of a run under the next version of its name; returns its id.

    unfinished_path : relative path of the checkpoint, which is renamed to its final place
    """
    for attempt in range(5):
        try:
            with session.begin_nested():
                model = ModelVersion(
                    user_id=user_id,
                    run_id=run_id,
                    algorithm=algorithm,
                    name=name[:MAX_LENGTH],
                    version=next_version(session, user_id, name[:MAX_LENGTH]),
                    config=config.to_json(),
                    metrics=metrics.to_json(),
                    checkpoint_path="",
                )
                session.add(model)
                session.flush()
            break
        except IntegrityError:
            # Another run has just taken the same version.
            if attempt == 4:
                raise
    model.checkpoint_path = storage.checkpoint_path(user_id, model.id)
    session.flush()
    storage.remove_on_rollback(session, model.checkpoint_path)
    storage.move_file(unfinished_path, model.checkpoint_path)
    return model.id


def next_version(session: Session, user_id: int, name: str) -> str:
    """Next version of a user's model name: v1, v2, ..."""
    taken = session.scalars(
        select(ModelVersion.version).where(
            ModelVersion.user_id == user_id, ModelVersion.name == name
        )
    )
    numbers = [int(version[1:]) for version in taken if version[1:].isdigit()]
    return f"v{max(numbers, default=0) + 1}"


def _describe(session: Session, models: list[ModelVersion]) -> list[ModelInfo]:
    ids = [model.id for model in models]
    rows = session.execute(
        select(ModelVersion.id, TrainingJob, Dataset)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .join(Dataset, Dataset.id == TrainingJob.dataset_id)
        .where(ModelVersion.id.in_(ids))
    )
    origin = {model_id: (job, dataset) for model_id, job, dataset in rows}
    tests = dict(
        session.execute(
            select(TestJob.model_version_id, func.count())
            .where(TestJob.model_version_id.in_(ids), TestJob.deleting.is_not(True))
            .group_by(TestJob.model_version_id)
        ).all()
    )
    return [_info(model, *origin[model.id], tests.get(model.id, 0)) for model in models]


def _info(model: ModelVersion, job: TrainingJob, dataset: Dataset, n_tests: int) -> ModelInfo:
    config = ModelConfig.from_json(model.config)
    schema = FeatureSchema.from_json(dataset.feature_schema)
    return ModelInfo(
        id=model.id,
        name=model.name,
        version=model.version,
        algorithm=model.algorithm,
        target=job.target,
        run_id=model.run_id,
        job_id=job.id,
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        config=config,
        metrics=ModelMetrics.from_json(model.metrics),
        labels_changed=config.labels_version != schema.labels_version,
        n_tests=n_tests,
        created_at=model.created_at,
        group_key=job.group_key,
        dataset_labels_version=schema.labels_version,
        overruled=stored_overruled(job.overruled),
        meaning=learned_meaning(config, schema),
    )


def learned_meaning(config: ModelConfig, schema: FeatureSchema) -> LabelMeaning:
    """What the labels meant that a model learned.

    Models of earlier releases did not keep it: it is that of their dataset, as long as its labels
    are still those of the training, and unknown afterwards.

    Parameters
    ----------
    schema : of the dataset that the model was trained on, as it is now
    """
    if config.label_meaning is not None:
        return config.label_meaning
    if config.labels_version == schema.labels_version:
        return meaning_of(schema)
    return UNKNOWN_MEANING


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= {str(name): inner for name, inner in value.items()}
        else:
            flat[key] = ", ".join(map(str, value)) if isinstance(value, list) else value
    return flat
