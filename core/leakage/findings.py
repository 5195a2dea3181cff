"""The leakage check of a training, a test or a dataset."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core.cycles import load_cycles
from core.datasets import DatasetSummary, Feature, get_dataset_summary, list_batteries
from core.leakage.battery_findings import duplicate_findings, role_findings, seen_findings
from core.leakage.column_findings import column_finding, label_findings
from core.leakage.columns import Fact, column_facts
from core.leakage.finding import Finding, Question, gravest_first
from core.leakage.relatives import (
    Duplicate,
    known_batteries,
    list_duplicates,
    relatives,
    seen_relatives,
)
from core.leakage.stored import load_sketches
from core.registry import get_model_info
from core.series import targets_of
from core.users import CurrentUser

if TYPE_CHECKING:
    from core.testing import TestRequest
    from core.training import TrainingRequest

# Enough to judge a column, and few enough to read whenever a page is drawn.
SAMPLED_BATTERIES = 12


def training_findings(
    session: Session, user: CurrentUser, request: "TrainingRequest"
) -> tuple[Finding, ...]:
    """Check a requested training; the gravest findings first."""
    summary = get_dataset_summary(session, user, request.dataset_id)
    batteries = load_sketches(session, user, request.dataset_id)
    roles = request.roles
    if roles is None:
        roles = {item.code: item.role for item in batteries if item.role is not None}
    used = [item for item in batteries if item.code in roles]
    fitted = [item.code for item in used if roles[item.code] == "train"]
    question = Question(targets_of(request.target), _has_estimator(request))
    return gravest_first(
        [
            *role_findings(relatives(used, used), roles),
            *_column_findings(session, user, summary, fitted, question),
            *label_findings(summary, question),
        ]
    )


def test_findings(
    session: Session, user: CurrentUser, request: "TestRequest"
) -> tuple[Finding, ...]:
    """Check a requested test; battery codes None takes all batteries of the dataset."""
    model = get_model_info(session, user, request.model_id)
    summary = get_dataset_summary(session, user, request.dataset_id)
    tested = [
        item
        for item in load_sketches(session, user, request.dataset_id)
        if request.battery_codes is None or item.code in request.battery_codes
    ]
    known = known_batteries(session, user, model)
    question = Question(targets_of(model.target), model.max_horizon == 0)
    needed = [name.casefold() for name in model.config.get("features", ())]
    return gravest_first(
        [
            *seen_findings(seen_relatives(known, tested), model.dataset_name),
            *_column_findings(
                session, user, summary, [item.code for item in tested], question, needed
            ),
            *label_findings(summary, question),
        ]
    )


test_findings.__test__ = False  # type: ignore[attr-defined]


def dataset_findings(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    duplicates: Sequence[Duplicate] | None = None,
) -> tuple[Finding, ...]:
    """Check a dataset by itself and against the user's other datasets.

    A caller that has the result of `list_duplicates` already passes it as `duplicates`.
    """
    if duplicates is None:
        duplicates = list_duplicates(session, user, dataset_id)
    summary = get_dataset_summary(session, user, dataset_id)
    codes = [str(code) for code in list_batteries(session, user, dataset_id)["battery_code"]]
    question = Question(("PCL", "RUL"), estimates=True)
    return gravest_first(
        [
            *duplicate_findings(duplicates, dataset_id),
            *_column_findings(session, user, summary, codes, question),
            *label_findings(summary, question),
        ]
    )


def _has_estimator(request: "TrainingRequest") -> bool:
    """Whether any algorithm of a request estimates the measured cycle."""
    shared = request.hyperparams.get("max_horizon", 0)
    overrides = request.hyperparams.get("overrides") or {}
    horizons = [
        (overrides.get(name) or {}).get("max_horizon", shared) for name in request.algorithms
    ]
    return not all(horizons) or not horizons


def _column_findings(
    session: Session,
    user: CurrentUser,
    summary: DatasetSummary,
    codes: Sequence[str],
    question: Question,
    needed: Sequence[str] | None = None,
) -> list[Finding]:
    """Findings on feature columns, from a sample of the batteries."""
    features = {
        feature.column: feature
        for feature in summary.features
        if needed is None or feature.name.casefold() in needed
    }
    batteries = list_batteries(session, user, summary.id).set_index("battery_code")
    step = max(1, -(-len(codes) // SAMPLED_BATTERIES))
    sampled = batteries.loc[sorted(codes)[::step]]
    if sampled.empty or not features:
        return []
    ids = [int(battery_id) for battery_id in sampled["battery_id"]]
    columns = [*features, "pcl", "rul"]
    frame = load_cycles(session, user, summary.id, columns, ids)
    lives = {str(code): float(life) for code, life in sampled["cycle_life"].dropna().items()}
    facts: dict[Fact, list[Feature]] = {}
    for fact in column_facts(frame, lives, list(features)):
        facts.setdefault(fact.fact, []).append(features[fact.column])
    found = (column_finding(fact, named, question) for fact, named in facts.items())
    return [finding for finding in found if finding is not None]
