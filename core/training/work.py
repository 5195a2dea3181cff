"""Training one algorithm: load, fit, score, and store the model with one last transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser, load_user
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.base.version import version_facts
from core.base.words import counted
from core.datasets.cycles import fingerprint, load_cycles, with_further
from core.datasets.datasets import Feature, features_of, list_batteries
from core.datasets.series import make_series, targets_of
from core.ingest.feature_schema import FeatureSchema
from core.ingest.label_meaning import LabelMeaning, meaning_of
from core.jobs.context import TaskContext
from core.jobs.states import move
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.evidence import add_evidence, interval_facts, score_roles, training_share
from core.model_versions.learned import learned_lines
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import add_model
from core.training.ensembles import ENSEMBLE, list_members
from core.training.features import chosen_features
from core.training.trainings import unfinished_checkpoint, update_job
from core.training.views import RunInfo, get_job_info, get_run_info
from db.tables import TrainingJobRun, TrainingJobRunLog, TrainingJobRunMetric
from db.tables.columns import LogLevel, utc_now
from models.inputs.predictor import facts_of
from models.inputs.series import BatterySeries, make_task
from models.model.checkpoint import TrainedModel
from models.model.ensemble import combine
from models.model.fitting import EpochReport, FitResult, fit
from models.settings.catalogue import ALGORITHMS
from models.settings.hyperparameters import Hyperparameters
from models.settings.resolving import resolve


@dataclass(frozen=True)
class Assignment:
    """Everything that decides the outcome of a run."""

    user: CurrentUser
    run: RunInfo
    job_name: str
    n_algorithms: int
    hp: Hyperparameters
    features: tuple[Feature, ...]
    labels_version: int
    label_meaning: LabelMeaning
    series: dict[str, list[BatterySeries]]
    fingerprint: str

    @property
    def targets(self) -> tuple[str, ...]:
        """Single targets in the model's order."""
        return targets_of(self.run.target)


def work(context: TaskContext) -> None:
    """Train, score on validation and test batteries, and store one model version."""
    context.report("Loading cycles", 0.0)
    assignment = _load(context)
    _log(context, _summary(assignment, context.threads))
    result = _learn(context, assignment)
    if result.epochs_run > 1:
        stopped = ", stopped early" if result.stopped_early else ""
        _log(context, f"Best epoch {result.best_epoch} of {result.epochs_run}{stopped}.")
    result = replace(result, model=_surround(context, assignment, result.model))
    context.report("Scoring", 0.99)
    _store(context, assignment, result, score_roles(result.model, assignment.series))


def _learn(context: TaskContext, assignment: Assignment) -> FitResult:
    """Train the algorithm, or combine what the other runs of the job have trained."""
    names = [feature.name for feature in assignment.features]
    task = make_task(assignment.targets, names, assignment.hp)
    train, val = assignment.series["train"], assignment.series["val"]
    share = training_share(assignment.run.algorithm, train, val, task)
    learn = partial(fit, assignment.run.algorithm)
    if assignment.run.algorithm == ENSEMBLE:
        learn = partial(combine, _load_members(assignment))
    result = learn(
        train,
        val,
        task,
        assignment.hp,
        threads=context.threads,
        on_epoch=lambda report: _record_epoch(context, report, share),
        on_stage=lambda stage: _enter_stage(context, stage),
    )
    learned = ModelConfig.from_json(facts_of(result.model.predictor))
    for line in learned_lines(learned):
        _log(context, line)
    return result


def _surround(context: TaskContext, assignment: Assignment, model: TrainedModel) -> TrainedModel:
    """Add intervals, range of applicability and floors, all from the same batteries."""
    train, val = assignment.series["train"], assignment.series["val"]
    model = add_evidence(model, train, val, threads=context.threads, report=context.report)
    for name, fact in interval_facts(model).items():
        _log(context, f"{name.replace('_', ' ').replace('i', 'I', 1)}: {fact}")
    return model


def _load_members(assignment: Assignment) -> dict[str, TrainedModel]:
    with read_scope() as session:
        members = list_members(session, assignment.user, assignment.run.job_id)
    models = {}
    for member in members:
        with storage.open_file(member.checkpoint) as stream:
            models[member.title] = TrainedModel.load(stream)
    return models


def _load(context: TaskContext) -> Assignment:
    with read_scope() as session:
        user = load_user(session, context.user_id)
        run = get_run_info(session, user, context.subject_id)
        job = get_job_info(session, user, run.job_id)
        roles = get_job_roles(session, user, run.job_id)
        dataset = guard.get_dataset(session, user, run.dataset_id)
        schema = FeatureSchema.from_json(dataset.feature_schema)
        features = chosen_features(job.hyperparams.features, features_of(schema))
        columns = [feature.column for feature in features]
        frame = load_cycles(session, user, run.dataset_id, with_further(columns), list(roles))
        codes = _codes_by_role(session, user, run.dataset_id, roles)
    series = make_series(frame, targets_of(run.target), columns)
    return Assignment(
        user=user,
        run=run,
        job_name=job.name,
        n_algorithms=len(job.runs),
        hp=resolve(run.algorithm, job.hyperparams.by_name()),
        features=features,
        labels_version=schema.labels_version,
        label_meaning=meaning_of(schema),
        series={role: [series[c] for c in codes[role] if c in series] for role in codes},
        fingerprint=fingerprint(frame),
    )


def _codes_by_role(
    session: Session, user: CurrentUser, dataset_id: int, roles: Mapping[int, str]
) -> dict[str, list[str]]:
    frame = list_batteries(session, user, dataset_id)
    codes = dict(zip(frame["battery_id"], frame["battery_code"], strict=True))
    return {
        role: sorted(codes[i] for i, value in roles.items() if value == role)
        for role in ("train", "val", "test")
    }


def _summary(assignment: Assignment, threads: int) -> str:
    counts = ", ".join(
        f"{counted(len(batteries), f'{role} battery')} "
        f"({counted(sum(map(len, batteries)), 'cycle')})"
        for role, batteries in assignment.series.items()
    )
    features = counted(len(assignment.features), "feature")
    return f"{counts}; {features}; {counted(threads, 'thread')}."


def _enter_stage(context: TaskContext, stage: str) -> None:
    context.report(stage, context.progress)
    _log(context, stage)


def _record_epoch(context: TaskContext, report: EpochReport, share: float) -> None:
    context.report(
        f"Epoch {report.epoch} of {report.total_epochs}",
        share * report.epoch / report.total_epochs,
    )
    row = {
        "run_id": context.subject_id,
        "epoch": report.epoch,
        "train_loss": report.train_loss,
        "val_loss": report.val_loss,
        "metrics": {**report.metrics, "learning_rate": report.learning_rate},
        "created_at": utc_now(),
    }
    context.record(_write_epochs, row)


def _write_epochs(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(TrainingJobRunMetric), rows)
    session.execute(
        update(TrainingJobRun)
        .where(TrainingJobRun.id == rows[-1]["run_id"])
        .values(current_epoch=rows[-1]["epoch"])
    )
    update_job(session, rows[-1]["run_id"])


def _log(context: TaskContext, message: str, level: LogLevel = "INFO") -> None:
    row = {
        "run_id": context.subject_id,
        "user_id": context.user_id,
        "level": level,
        "message": message[:2000],
        "created_at": utc_now(),
    }
    context.record(_write_log, row)


def _write_log(session: Session, rows: list[dict[str, Any]]) -> None:
    session.execute(insert(TrainingJobRunLog), rows)


def _store(
    context: TaskContext,
    assignment: Assignment,
    result: FitResult,
    scores: ModelMetrics,
) -> None:
    unfinished = unfinished_checkpoint(assignment.user.id, context.subject_id)
    with storage.atomic_file(unfinished) as path:
        result.model.save(path)
    context.flush()
    try:
        with session_scope() as session:
            context.finish(session)
            moved = move(
                session,
                TrainingJobRun,
                context.subject_id,
                "SUCCEEDED",
                finished_at=utc_now(),
                current_epoch=result.epochs_run,
            )
            if not moved:
                raise TaskFailed("The run was ended while its model was being stored.")
            update_job(session, context.subject_id)
            # Last, because the checkpoint that it puts in place would outlive a rollback.
            add_model(
                session,
                user_id=assignment.user.id,
                run_id=context.subject_id,
                algorithm=assignment.run.algorithm,
                name=_model_name(assignment),
                config=_config(assignment, result, context.threads),
                metrics=scores,
                unfinished_path=unfinished,
            )
    finally:
        storage.remove_file(unfinished)


def _model_name(assignment: Assignment) -> str:
    """The name given, or the dataset's; with the algorithm where a job trains several."""
    given = assignment.job_name != assignment.run.dataset_name
    if given and assignment.n_algorithms == 1:
        return assignment.job_name
    label = ALGORITHMS[assignment.run.algorithm].label
    return f"{assignment.job_name[: 119 - len(label)]} {label}"


def _config(assignment: Assignment, result: FitResult, threads: int) -> ModelConfig:
    made = {
        "hyperparameters": assignment.hp.to_json(),
        "features": [f.name for f in assignment.features],
        "feature_units": [f.unit for f in assignment.features],
        "targets": list(assignment.targets),
        "train_batteries": len(assignment.series["train"]),
        "val_batteries": len(assignment.series["val"]),
        "test_batteries": len(assignment.series["test"]),
        "train_cycles": int(np.sum([len(s) for s in assignment.series["train"]])),
        "best_epoch": result.best_epoch,
        "epochs_run": result.epochs_run,
        "stopped_early": result.stopped_early,
        **interval_facts(result.model),
        "dataset_fingerprint": assignment.fingerprint,
        "labels_version": assignment.labels_version,
        "label_meaning": assignment.label_meaning.model_dump(mode="json"),
        "threads": threads,
        **version_facts(assignment.run.algorithm),
        **facts_of(result.model.predictor),
    }
    return ModelConfig.from_json(made)
