"""Datasets: the list below the newest dataset's curves, and the page of one dataset."""

from dataclasses import replace

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.datasets.builtin import demo_fleet_task
from core.datasets.datasets import DatasetDetail, DatasetSummary, describe_dataset, newest_fleet
from ui.datasets.batteries import battery_table, split_editor
from ui.datasets.corrected_labels import correction_banner
from ui.datasets.figure import fleet_figure
from ui.datasets.labels import label_editor
from ui.datasets.list import show_datasets
from ui.datasets.manage import manage_dataset
from ui.datasets.order import naturally
from ui.datasets.overview import overview
from ui.datasets.words import facts_line, kind_of
from ui.shared.frame import empty_state, local_time, page_header, task_progress
from ui.shared.links import address_id, go, link
from ui.shared.list_boxes import forget_other_addresses
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import plain

LIST_FIGURE_HEIGHT_PX = 360
VIEWS = ("Overview", "Batteries", "Split", "Labels", "Manage")


def render(user: CurrentUser) -> None:
    """Draw the list, or the dataset that the address names."""
    if "dataset" in st.query_params:
        _one(user)
    else:
        _all(user)


def _all(user: CurrentUser) -> None:
    forget_other_addresses()
    page_header("Datasets", "Cycling data to look at, train on and test with.", _upload_button)
    with read_scope() as session:
        newest = newest_fleet(session, user)
        coming = demo_fleet_task(session)
    if coming is not None:
        _demo_fleet_progress()
    if newest is None:
        if coming is None:
            empty_state(
                "No datasets yet. Upload a file with one row per cycle.", "Upload a file", "upload"
            )
        return
    _newest_fleet(user, newest)
    st.subheader("All datasets", anchor=False)
    show_datasets(user)


def _upload_button() -> None:
    if st.button("Upload a file", type="primary", icon=":material/upload_file:"):
        go("upload")


@st.fragment(run_every=1.0)
def _demo_fleet_progress() -> None:
    with read_scope() as session:
        task = demo_fleet_task(session)
    if task is None:
        st.rerun()
    st.caption("The demonstration fleet of 24 simulated cells is being made.")
    task_progress(task)


def _newest_fleet(user: CurrentUser, newest: DatasetSummary) -> None:
    """The curves of the newest dataset, with the ways to it."""
    with read_scope() as session:
        detail = describe_dataset(session, user, newest.id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(newest.name), anchor=False, width="content")
        if newest.is_simulated:
            st.badge("Simulated", icon=":material/science:", color="orange")
        if st.button("Open dataset", type="tertiary", icon=":material/database:"):
            go("datasets", dataset=newest.id)
        if st.button("Explore", type="tertiary", icon=":material/insights:"):
            go("explore", dataset=newest.id)
    figure = fleet_figure(user, newest, detail.batteries)
    figure.update_layout(height=LIST_FIGURE_HEIGHT_PX)
    st.plotly_chart(
        figure,
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"newest_{newest.id}",
        alt=f"State of health of every battery of {newest.name} against cycle number.",
    )


def _one(user: CurrentUser) -> None:
    dataset_id = address_id("dataset")
    try:
        if dataset_id is None:
            raise NotFound("dataset")
        with read_scope() as session:
            detail = describe_dataset(session, user, dataset_id)
    except NotFound as error:
        page_header("Datasets", "Cycling data to look at, train on and test with.")
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets", icon=":material/arrow_back:")
        return
    _detail(user, replace(detail, batteries=naturally(detail.batteries)))


def _detail(user: CurrentUser, detail: DatasetDetail) -> None:
    summary = detail.summary
    with st.container(horizontal=True):
        link("All datasets", "datasets", icon=":material/arrow_back:")
        link("Explore", "explore", dataset=summary.id, icon=":material/insights:")
    when = f"{kind_of(summary)} · added {local_time(summary.created_at)}"
    page_header(
        plain(summary.name), f"{facts_line(summary)} · {when}", lambda: _train_button(summary)
    )
    correction_banner(user, summary)
    tabs = st.tabs(VIEWS, key="view", on_change="rerun", bind="query-params")
    draw = (
        lambda: overview(user, detail),
        lambda: battery_table(detail),
        lambda: split_editor(user, detail),
        lambda: label_editor(user, detail),
        lambda: manage_dataset(user, detail),
    )
    for tab, content in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                content()


def _train_button(summary: DatasetSummary) -> None:
    if st.button("Train on it", type="primary", icon=":material/model_training:"):
        go("new-training", dataset=summary.id)
