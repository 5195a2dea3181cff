"""Cached reads that are slow and rarely change; the cache is never shared between users.

The caller checks in every run, without the cache, whether the user may still see the dataset.
"""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.datasets import explore
from core.datasets.corrected_rules import Correction, preview_correction
from core.datasets.datasets import DatasetSummary

TTL_S = 600
MAX_ENTRIES = 48


def curves_of(user: CurrentUser, summary: DatasetSummary, column: str) -> pd.DataFrame:
    """One quantity of every battery, thinned: battery_code, cycle_num, value, cycle_life."""
    return _curves(user.id, summary.id, summary.labels_version, column, user)


def values_of(user: CurrentUser, summary: DatasetSummary, column: str) -> pd.DataFrame:
    """Values of one quantity for box plots: battery_code, value."""
    return _values(user.id, summary.id, summary.labels_version, column, user)


def correlations_of(user: CurrentUser, summary: DatasetSummary) -> pd.DataFrame:
    """Rank correlations of features and targets."""
    return _correlations(user.id, summary.id, summary.labels_version, user)


def correction_of(user: CurrentUser, summary: DatasetSummary) -> Correction:
    """What the corrected rules of labels change in a dataset."""
    return _correction(user.id, summary.id, summary.labels_version, user)


def isolated_of(user: CurrentUser, summary: DatasetSummary) -> pd.DataFrame:
    """Isolated low readings: battery_code, cycle_num, soh."""
    return _isolated(user.id, summary.id, summary.labels_version, user)


# Roles are not cached, so that a changed split shows at once.


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading cycles")
def _curves(
    user_id: int, dataset_id: int, labels_version: int, column: str, _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        frame = explore.fleet_curves(session, _user, dataset_id, column)
    return frame.drop(columns="group_tag")


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading cycles")
def _values(
    user_id: int, dataset_id: int, labels_version: int, column: str, _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        frame = explore.feature_values(session, _user, dataset_id, column)
    return frame.drop(columns="group_tag")


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Comparing columns")
def _correlations(
    user_id: int, dataset_id: int, labels_version: int, _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        return explore.correlations(session, _user, dataset_id)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Comparing labels")
def _correction(
    user_id: int, dataset_id: int, labels_version: int, _user: CurrentUser
) -> Correction:
    with read_scope() as session:
        return preview_correction(session, _user, dataset_id)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading cycles")
def _isolated(
    user_id: int, dataset_id: int, labels_version: int, _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        return explore.isolated_readings(session, _user, dataset_id)
