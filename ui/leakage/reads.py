"""Cached leakage checks: a page asks for them whenever it is drawn, and they rarely change.

The cache key holds everything that the answer depends on, the user among it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.datasets.datasets import LoadedDataset, every_dataset
from core.evaluation.leakage_check import test_findings
from core.evaluation.material import TestMaterial
from core.leakage.finding import Finding
from core.leakage.findings import dataset_findings
from core.leakage.relatives import Duplicate, list_duplicates
from core.training.leakage_check import training_findings
from core.training.request import TrainingRequest

TTL_S = 600
MAX_ENTRIES = 32


def training_check(
    user: CurrentUser, request: TrainingRequest, dataset: LoadedDataset
) -> tuple[Finding, ...]:
    """What a training as it stands on the page would give away; `dataset` is the request's."""
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
        dataset.summary.labels_version,
        request.target,
        tuple(request.algorithms),
        tuple(sorted((request.roles or dataset.summary.split).items())),
        horizons,
        None if request.features is None else tuple(request.features),
        user,
        request,
        dataset,
    )


def test_check(
    user: CurrentUser, material: TestMaterial, codes: Sequence[str]
) -> tuple[Finding, ...]:
    """What a test of these batteries, as it stands on the page, would give away."""
    summary = material.dataset.summary
    return _test(
        user.id,
        material.model.id,
        summary.id,
        (summary.labels_version, material.model.dataset_labels_version),
        tuple(codes),
        user,
        material,
    )


test_check.__test__ = False  # type: ignore[attr-defined]


def dataset_check(
    user: CurrentUser, dataset_id: int
) -> tuple[tuple[Finding, ...], list[Duplicate]]:
    """Check a dataset; returns its findings and its batteries that occur elsewhere."""
    with read_scope() as session:
        datasets = every_dataset(session, user)
        # Checked in every run: whether the user may still see it.
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
    features: tuple[str, ...] | None,
    _user: CurrentUser,
    _request: TrainingRequest,
    _loaded: LoadedDataset,
) -> tuple[Finding, ...]:
    with read_scope() as session:
        return training_findings(session, _user, _request, _loaded)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Checking for leakage")
def _test(
    user_id: int,
    model_id: int,
    dataset_id: int,
    labels_versions: tuple[int, int],
    codes: tuple[str, ...],
    _user: CurrentUser,
    _material: TestMaterial,
) -> tuple[Finding, ...]:
    with read_scope() as session:
        return test_findings(session, _user, _material, codes)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Comparing batteries")
def _dataset(
    user_id: int, dataset_id: int, state: tuple[tuple[Any, ...], ...], _user: CurrentUser
) -> tuple[tuple[Finding, ...], list[Duplicate]]:
    with read_scope() as session:
        duplicates = list_duplicates(session, _user, dataset_id)
        return dataset_findings(session, _user, dataset_id, duplicates), duplicates
