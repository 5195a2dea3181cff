"""Leakage checks, kept for a while: a page asks at each of its turns and little changes between.

Every key holds what the answer depends on; the user is part of it, so nothing is shared.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.database import read_scope
from core.datasets import every_dataset, get_dataset_summary
from core.errors import NotFound
from core.leakage.finding import Finding
from core.leakage.findings import dataset_findings, test_findings, training_findings
from core.leakage.relatives import Duplicate, list_duplicates
from core.testing import TestRequest
from core.training import TrainingRequest
from core.users import CurrentUser

TTL_S = 600
MAX_ENTRIES = 32


def training_check(user: CurrentUser, request: TrainingRequest) -> tuple[Finding, ...]:
    """What a training as it stands on the page would give away."""
    with read_scope() as session:
        summary = get_dataset_summary(session, user, request.dataset_id)
    horizons = {
        "max_horizon": request.hyperparams.get("max_horizon", 0),
        "overrides": {
            name: {"max_horizon": settings["max_horizon"]}
            for name, settings in (request.hyperparams.get("overrides") or {}).items()
            if "max_horizon" in settings
        },
    }
    return _training(
        user.id,
        request.dataset_id,
        summary.labels_version,
        request.target,
        tuple(request.algorithms),
        tuple(sorted((request.roles or summary.split).items())),
        horizons,
        user,
        request,
    )


def test_check(user: CurrentUser, request: TestRequest) -> tuple[Finding, ...]:
    """What a test as it stands on the page would give away."""
    with read_scope() as session:
        version = get_dataset_summary(session, user, request.dataset_id).labels_version
    codes = tuple(request.battery_codes or ())
    return _test(user.id, request.model_id, request.dataset_id, version, codes, user, request)


test_check.__test__ = False  # type: ignore[attr-defined]


def dataset_check(
    user: CurrentUser, dataset_id: int
) -> tuple[tuple[Finding, ...], list[Duplicate]]:
    """What a dataset gives away, and which of its batteries are elsewhere, too."""
    with read_scope() as session:
        datasets = every_dataset(session, user)
        # Asked in every turn: whether the user may still see it.
        if not any(item.id == dataset_id for item in datasets):
            raise NotFound("dataset")
    state = tuple((item.id, item.name, item.labels_version, str(item.split)) for item in datasets)
    return _dataset(user.id, dataset_id, state, user)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Checking for leakage")
def _training(
    user_id: int,
    dataset_id: int,
    labels_version: int,
    target: str,
    algorithms: tuple[str, ...],
    roles: tuple[tuple[str, Any], ...],
    horizons: Mapping[str, Any],
    _user: CurrentUser,
    _request: TrainingRequest,
) -> tuple[Finding, ...]:
    with read_scope() as session:
        return training_findings(session, _user, _request)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Checking for leakage")
def _test(
    user_id: int,
    model_id: int,
    dataset_id: int,
    labels_version: int,
    codes: tuple[str, ...],
    _user: CurrentUser,
    _request: TestRequest,
) -> tuple[Finding, ...]:
    with read_scope() as session:
        return test_findings(session, _user, _request)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Comparing batteries")
def _dataset(
    user_id: int, dataset_id: int, state: tuple[tuple[Any, ...], ...], _user: CurrentUser
) -> tuple[tuple[Finding, ...], list[Duplicate]]:
    with read_scope() as session:
        duplicates = list_duplicates(session, _user, dataset_id)
        return dataset_findings(session, _user, dataset_id, duplicates), duplicates
