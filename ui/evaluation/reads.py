"""Cached reads of finished results, which are slow and never change; never shared between users.

The caller checks in every run, without the cache, whether the user may still see the test.
"""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation import results
from core.evaluation.cycles_seen import CyclesSeenErrors, get_cycles_seen

TTL_S = 600
MAX_ENTRIES = 48


def curves_of(user: CurrentUser, test_id: int, target: str, codes: tuple[str, ...]) -> pd.DataFrame:
    """Predicted and true curves of some batteries, thinned."""
    return _curves(user.id, test_id, target, codes, user)


def points_of(user: CurrentUser, test_id: int, target: str) -> pd.DataFrame:
    """Labelled predictions of all batteries, thinned evenly."""
    return _points(user.id, test_id, target, user)


def boxes_of(user: CurrentUser, test_id: int, target: str) -> pd.DataFrame:
    """Quartiles of the errors of each battery's cycles."""
    return _boxes(user.id, test_id, target, user)


def cycles_seen_of(user: CurrentUser, test_ids: tuple[int, ...]) -> CyclesSeenErrors:
    """Errors of cycle life by cycles seen."""
    return _cycles_seen(user.id, test_ids, user)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading predictions")
def _curves(
    user_id: int, test_id: int, target: str, codes: tuple[str, ...], _user: CurrentUser
) -> pd.DataFrame:
    with read_scope() as session:
        return results.prediction_curves(session, _user, test_id, target, codes)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading predictions")
def _points(user_id: int, test_id: int, target: str, _user: CurrentUser) -> pd.DataFrame:
    with read_scope() as session:
        return results.error_points(session, _user, test_id, target)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading predictions")
def _boxes(user_id: int, test_id: int, target: str, _user: CurrentUser) -> pd.DataFrame:
    with read_scope() as session:
        return results.cycle_error_boxes(session, _user, test_id, target)


@st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner="Reading predictions")
def _cycles_seen(user_id: int, test_ids: tuple[int, ...], _user: CurrentUser) -> CyclesSeenErrors:
    with read_scope() as session:
        return get_cycles_seen(session, _user, test_ids)
