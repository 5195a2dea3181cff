"""The leakage check of a training: its batteries, their roles, and the columns it learns from."""

from functools import partial

from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.datasets.battery_sketches import load_records, load_sketches
from core.datasets.datasets import LoadedDataset
from core.datasets.series import targets_of
from core.leakage.battery_findings import role_findings
from core.leakage.column_findings import label_findings
from core.leakage.finding import Finding, Question, gravest_first
from core.leakage.findings import find_column_leaks
from core.leakage.relatives import relatives
from core.training.features import usual_features
from core.training.request import TrainingRequest


def training_findings(
    session: Session, user: CurrentUser, request: TrainingRequest, dataset: LoadedDataset
) -> tuple[Finding, ...]:
    """What a training as requested would give away; the gravest first.

    dataset : the one that the request names
    """
    batteries = load_sketches(session, user, dataset.summary.id)
    roles = request.roles
    if roles is None:
        roles = {item.code: item.role for item in batteries if item.role is not None}
    used = [item for item in batteries if item.code in roles]
    fitted = [item.code for item in used if roles[item.code] == "train"]
    ties = relatives(used, used, partial(load_records, session, user))
    question = Question(targets_of(request.target), _has_estimator(request))
    return gravest_first(
        [
            *role_findings(ties, roles),
            *find_column_leaks(session, user, dataset, fitted, question, _used(request, dataset)),
            *label_findings(dataset.summary, question),
        ]
    )


def _used(request: TrainingRequest, dataset: LoadedDataset) -> list[str]:
    """Names of the features that the training learns from, folded to lower case."""
    usual = [feature.name for feature in usual_features(dataset.summary.features)]
    return [name.casefold() for name in (usual if request.features is None else request.features)]


def _has_estimator(request: TrainingRequest) -> bool:
    """Whether any algorithm of a request answers for the measured cycle."""
    shared = request.hyperparams.get("max_horizon", 0)
    overrides = request.hyperparams.get("overrides") or {}
    horizons = [
        (overrides.get(name) or {}).get("max_horizon", shared) for name in request.algorithms
    ]
    return not all(horizons) or not horizons
