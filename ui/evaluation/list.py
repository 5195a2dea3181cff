"""Tests, a page at a time: a click opens one, ticks compare several."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.paging import Listed
from core.evaluation.evaluations import TestInfo, list_tests, test_statuses
from core.evaluation.filters import TEST_ORDERS, TestFilter
from ui.evaluation.words import TARGET_TITLES, headline, kind_word, metric
from ui.shared.frame import empty_state, status_text
from ui.shared.links import go
from ui.shared.list_boxes import (
    JOB_STATUSES,
    Boxes,
    is_beyond,
    list_boxes,
    no_match,
    page_buttons,
)
from ui.shared.numbers import styled_metrics
from ui.shared.overruled import marked, overruled_captions
from ui.shared.theme import algorithm_label
from ui.shared.words import counted

MOST_COMPARED = 8
UNSCROLLED_ROWS = 15


def show_tests(user: CurrentUser) -> None:
    """Draw the boxes, a page of tests, and what can be done with the ticked ones."""
    slot = st.empty()
    with slot.container():
        boxes = list_boxes(
            "model",
            list(TEST_ORDERS),
            JOB_STATUSES,
            dataset="Tested on",
            algorithm=True,
            question=True,
        )
    tests = _read(user, boxes)
    if is_beyond(tests):
        st.rerun()
    if tests:
        test_table(user, tests)
        page_buttons(tests)
    elif not boxes.are_empty:
        no_match("test")
    else:
        slot.empty()
        empty_state(
            "No tests yet. Train a model, then test it on batteries it never saw.",
            "New test",
            "new-test",
        )


def _read(user: CurrentUser, boxes: Boxes) -> Listed[TestInfo]:
    wanted = TestFilter(
        name=boxes.name,
        dataset=boxes.dataset,
        statuses=boxes.statuses,
        algorithm=boxes.algorithm,
        target=boxes.target,
        forecasts=boxes.forecasts,
        since=boxes.since,
    )
    with read_scope() as session:
        return list_tests(session, user, wanted, boxes.page())


def test_table(user: CurrentUser, tests: Sequence[TestInfo]) -> None:
    """Draw the table and what can be done with the ticked rows."""
    bar = st.container(horizontal=True, vertical_alignment="center")
    event = st.dataframe(
        styled_metrics(_frame(tests), {"PCL": "rmse", "RUL": "rmse"}, missing=""),
        hide_index=True,
        height="content" if len(tests) <= UNSCROLLED_ROWS else 560,
        # Another set of rows must not inherit the ticks of row numbers.
        key=f"test_table_{hash(tuple(test.id for test in tests))}",
        on_select="rerun",
        selection_mode=("multi-row", "single-cell"),
        placeholder="",
        alt="Tests with model, data, state and error. Choose a cell to open a test.",
        column_config=_columns(tests),
    )
    st.caption("RMSE over the batteries that the model never saw.")
    overruled_captions({test.model_title: test.overruled for test in tests if test.overruled})
    cells = event.selection.get("cells", [])
    if cells:
        go("results", test=tests[cells[0][0]].id)
    with bar:
        _selection_bar([tests[row] for row in event.selection.get("rows", [])])
    if any(test.is_active for test in tests):
        _watch(user, {test.id: test.status for test in tests})


test_table.__test__ = False  # type: ignore[attr-defined]


def comparable(tests: Sequence[TestInfo]) -> str:
    """Why these tests cannot be compared; empty if they can."""
    if len(tests) < 2:
        return "Tick two or more rows to compare them; choose a row's cell to open it."
    if len(tests) > MOST_COMPARED:
        return f"Up to {MOST_COMPARED} tests can be compared at once."
    if any(test.status != "SUCCEEDED" for test in tests):
        return "Only finished tests can be compared."
    if not set.intersection(*(set(test.targets) for test in tests)):
        return "These tests have no target in common."
    return ""


def _selection_bar(chosen: Sequence[TestInfo]) -> None:
    reason = comparable(chosen)
    if st.button("Compare", icon=":material/compare_arrows:", disabled=bool(reason)):
        go("results", compare=",".join(str(test.id) for test in chosen))
    if len(chosen) == 1 and st.button("Open", icon=":material/open_in_full:"):
        go("results", test=chosen[0].id)
    st.caption(reason or f"{counted(len(chosen), 'test')} ticked")


def _frame(tests: Sequence[TestInfo]) -> pd.DataFrame:
    created = pd.DatetimeIndex([test.created_at for test in tests]).tz_localize("UTC")
    return pd.DataFrame(
        {
            "model": [marked(test.model_title, test.overruled) for test in tests],
            "kind": [kind_word(test.horizon) for test in tests],
            "PCL": pd.Series([headline(test, "PCL") for test in tests], dtype="float64"),
            "RUL": pd.Series([headline(test, "RUL") for test in tests], dtype="float64"),
            "status": [_state(test) for test in tests],
            "algorithm": [algorithm_label(test.algorithm) for test in tests],
            "dataset": [test.dataset_name for test in tests],
            "target": [TARGET_TITLES[test.target] for test in tests],
            "unseen": pd.Series([_unseen(test) for test in tests], dtype="Int64"),
            "created": created,
        }
    )


def _columns(tests: Sequence[TestInfo]) -> dict[str, Any]:
    column = st.column_config
    zone = st.context.timezone or "UTC"
    errors: dict[str, Any] = {
        target: column.NumberColumn(
            f"{target} {metric('rmse', target).header}",
            help=metric("rmse", target).help,
        )
        if any(target in test.targets for test in tests)
        else None
        for target in ("PCL", "RUL")
    }
    return errors | {
        "model": column.TextColumn("Model"),
        "algorithm": column.TextColumn("Algorithm"),
        "dataset": column.TextColumn("Tested on"),
        "target": column.TextColumn("Target"),
        "kind": column.TextColumn(
            "Kind", help="Estimate of the measured cycle, or forecast of a later one."
        ),
        "status": column.TextColumn("Status"),
        "unseen": column.NumberColumn(
            "Batteries", help="Labelled batteries that the model never saw."
        ),
        "created": column.DatetimeColumn(
            f"Created ({zone})", format="YYYY-MM-DD HH:mm", timezone=zone
        ),
    }


def _state(test: TestInfo) -> str:
    if test.status == "RUNNING" and test.task is not None:
        return f"Running, {test.task.progress or 0:.0%}"
    return status_text(test.status)


def _unseen(test: TestInfo) -> int | None:
    counts = [values.n_batteries or 0 for values in test.overall.values()]
    return max(counts) if counts else None


@st.fragment(run_every=2.0)
def _watch(user: CurrentUser, shown: dict[int, str]) -> None:
    """Draw the page anew when a test has moved on."""
    with read_scope() as session:
        now = test_statuses(session, user, list(shown))
    if now != shown:
        st.rerun()
