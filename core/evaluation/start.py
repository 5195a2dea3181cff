"""Starts tests: a plan is read and checked first, then written in a short transaction."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.datasets.datasets import keep_datasets, load_dataset
from core.datasets.overruled import Overruled
from core.evaluation.leakage_check import test_findings
from core.evaluation.material import (
    TestMaterial,
    default_batteries,
    load_test_material,
    matched_columns,
    without_recognition,
)
from core.evaluation.request import TestRequest
from core.jobs.queue import enqueue
from core.leakage.overruling import settle_findings
from core.model_versions.versions import ModelInfo, get_model_info
from db.tables import TestJob, TestJobBattery
from db.tables.columns import Exposure


@dataclass(frozen=True)
class TestPlan:
    """A test that has passed all checks.

    exposures : "train", "val" or "unseen" of each battery to test, by id
    labels_versions : version of the labels that were checked, by id of the dataset, for the
        tested dataset and the one that the model was trained on
    overruled : findings that the owner overruled
    """

    __test__ = False
    model_id: int
    dataset_id: int
    target: str
    horizon: int
    exposures: Mapping[int, Exposure]
    labels_versions: Mapping[int, int]
    overruled: Overruled | None = None


def start_test(user: CurrentUser, request: TestRequest) -> int:
    """Check a request and queue its test; returns the test's id.

    Raises
    ------
    InvalidInput, NotFound
        As `plan_test`.
    Conflict
        As `write_test`.
    """
    with read_scope() as session:
        plan = plan_test(session, user, request)
    with session_scope() as session:
        return write_test(session, user, plan)


def plan_test(session: Session, user: CurrentUser, request: TestRequest) -> TestPlan:
    """Read and check all that a test needs, without writing.

    Raises
    ------
    InvalidInput
        The dataset lacks a feature of the model, a battery is unknown, the horizon is not one the
        model was trained for, or the leakage check forbids the test.
    """
    model = get_model_info(session, user, request.model_id)
    dataset = load_dataset(session, user, request.dataset_id)
    matched_columns(model, dataset.summary)
    horizon = _checked_horizon(model, request.horizon)
    material = load_test_material(session, user, model, dataset)
    if request.overrule_recognition:
        material = without_recognition(material)
    chosen = _chosen_batteries(material, request)
    found = test_findings(session, user, material, chosen)
    overruled = settle_findings(found, request.overrule_recognition)
    return TestPlan(
        model_id=model.id,
        dataset_id=request.dataset_id,
        target=model.target,
        horizon=horizon,
        exposures={battery_id: material.exposure[battery_id] for battery_id in chosen.values()},
        labels_versions={
            model.dataset_id: model.dataset_labels_version,
            request.dataset_id: dataset.summary.labels_version,
        },
        overruled=overruled,
    )


def write_test(session: Session, user: CurrentUser, plan: TestPlan) -> int:
    """Store a planned test and queue it; returns its id.

    Raises
    ------
    NotFound
        The dataset or the model has been deleted since the plan was made.
    Conflict
        The labels of one of the datasets have been changed since.
    """
    keep_datasets(session, user, plan.labels_versions)
    guard.get_model(session, user, plan.model_id, keep=True)
    test = TestJob(
        user_id=user.id,
        model_version_id=plan.model_id,
        dataset_id=plan.dataset_id,
        target=plan.target,
        horizon=plan.horizon,
        overruled=plan.overruled.to_json() if plan.overruled else None,
    )
    session.add(test)
    session.flush()
    session.execute(
        insert(TestJobBattery),
        [
            {"test_job_id": test.id, "battery_id": battery_id, "exposure": exposure}
            for battery_id, exposure in plan.exposures.items()
        ],
    )
    enqueue(session, user.id, "TEST", test.id)
    return test.id


def _chosen_batteries(material: TestMaterial, request: TestRequest) -> dict[str, int]:
    """Return the ids of the batteries to test, by code."""
    if request.battery_codes is None:
        codes = default_batteries(material)
    else:
        codes = list(dict.fromkeys(request.battery_codes))
    if not codes:
        raise InvalidInput("Choose at least one battery.")
    return material.dataset.ids_of(codes)


def _checked_horizon(model: ModelInfo, horizon: int | None) -> int:
    longest = model.max_horizon
    value = (1 if longest else 0) if horizon is None else horizon
    if not longest and value != 0:
        raise InvalidInput(
            f"{model.title!r} estimates the measured cycle; its horizon is 0. Train a forecasting "
            "model to look ahead."
        )
    if longest and not 1 <= value <= longest:
        raise InvalidInput(
            f"{model.title!r} was trained to look 1 to {longest} cycles ahead; {value} is outside."
        )
    return value
