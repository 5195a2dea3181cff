"""The form of a study of early cycles: from a dataset, or a table with one row per battery."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import NotFound
from core.base.names import MAX_LENGTH
from core.datasets.datasets import DatasetSummary, get_dataset_summary
from core.studies.battery_table import GROUP_LABELS, is_severson
from core.studies.early_life import (
    DEFAULT_K,
    LARGEST_K,
    SMALLEST_K,
    create_from_dataset,
    create_from_table,
    usual_name,
)
from core.studies.early_life_table import (
    LEFT_OUT,
    RawTable,
    TableColumns,
    make_table,
    propose_columns,
    propose_groups,
    read_battery_table,
)
from ui.datasets.pick import pick_dataset_box
from ui.shared.frame import empty_state, shown_errors
from ui.shared.links import address_id, go
from ui.shared.words import counted, plain

DATASET, TABLE = "A dataset", "A table of features"
NONE = "(none)"
SAMPLE_ROWS = 6


def start_form(user: CurrentUser) -> None:
    """Draw the form; opens the study once it is started."""
    source = st.segmented_control(
        "Start from",
        [DATASET, TABLE],
        default=DATASET,
        required=True,
        key="early_source",
        help="Of a dataset, features are computed from the first cycles. A table brings features "
        "of its own, such as those of the discharge curves, with one row per battery.",
    )
    if source == TABLE:
        _from_table(user)
    else:
        _from_dataset(user)


def _from_dataset(user: CurrentUser) -> None:
    chosen = pick_dataset_box(
        user,
        _addressed(user),
        _described,
        key="early_dataset",
        help="Its training batteries are fitted on; validation and test batteries are predicted.",
    )
    if chosen is None:
        empty_state("No datasets yet. Upload a file to look at.", "Upload a file", "upload")
        return
    k = st.number_input(
        "Look at the first cycles, up to cycle",
        min_value=SMALLEST_K,
        max_value=LARGEST_K,
        value=DEFAULT_K,
        step=10,
        key="early_k",
        width=280,
        help="No later cycle is used. Batteries whose end of life comes before it are left out.",
    )
    name = _name(usual_name(chosen.name, int(k)), f"dataset_{chosen.id}_{k}")
    if st.button("Start study", type="primary", icon=":material/play_arrow:"):
        with shown_errors():
            with session_scope() as session:
                study_id = create_from_dataset(session, user, name, chosen.id, int(k))
            go("early-prediction", study=study_id)


def _addressed(user: CurrentUser) -> DatasetSummary | None:
    """The dataset of the address; None where that names none that the user sees."""
    wanted = address_id("dataset")
    if wanted is None:
        return None
    try:
        with read_scope() as session:
            return get_dataset_summary(session, user, wanted)
    except NotFound:
        return None


def _described(summary: DatasetSummary) -> str:
    return f"{summary.name} · {counted(summary.n_batteries, 'battery', 'batteries')}"


def _from_table(user: CurrentUser) -> None:
    file = st.file_uploader(
        "CSV or XLSX file with one row per battery",
        type=["csv", "tsv", "txt", "xlsx"],
        key="early_file",
        max_upload_size=5,
        help="Columns: battery, cycle life, split (train, test), and numeric features. The file "
        "of Severson et al. with the statistics of Q100(V) - Q10(V) is recognised.",
    )
    if file is None:
        st.caption(
            "For example: battery, split, cycle life, variance of Q100(V) - Q10(V). Only features "
            "that are known early say anything about early prediction."
        )
        return
    with shown_errors():
        raw = _read(file.name, file.getvalue())
        _shown(raw)
        columns = _columns(raw)
        meanings = _meanings(raw, columns.split)
        _check_and_start(user, raw, columns, meanings)


@st.cache_data(ttl=600, max_entries=8, show_spinner="Reading the table")
def _read(file_name: str, content: bytes) -> RawTable:
    return read_battery_table(file_name, content)


def _shown(raw: RawTable) -> None:
    st.dataframe(
        raw.cells.head(SAMPLE_ROWS).astype("string"),
        hide_index=True,
        placeholder="",
        alt="The first rows of the table as they were read.",
    )
    st.caption(f"{counted(len(raw.cells), 'row')}, {counted(len(raw.columns), 'column')}.")


def _columns(raw: RawTable) -> TableColumns:
    proposed = propose_columns(raw)
    numeric = list(raw.numbers)
    with st.container(horizontal=True):
        battery = _choose("Battery", list(raw.columns), proposed.battery, optional=True)
        life = _choose("Cycle life (cycles)", numeric, proposed.life, optional=False)
        split = _choose("Split", list(raw.columns), proposed.split, optional=True)
    left = [name for name in numeric if name not in {battery, life, split}]
    features = st.multiselect(
        "Features known early",
        left,
        default=[name for name in proposed.features if name in left],
        key=f"early_features_{raw.file_name}_{battery}_{life}_{split}",
        help="Leave out what is known only later, such as the last cycle or the final capacity.",
    )
    variance = _choose(
        "Feature of the variance model",
        features,
        proposed.variance if proposed.variance in features else None,
        optional=True,
        help="Severson's one-feature model: log10 of cycle life on log10 of the variance of "
        "Q100(V) - Q10(V). With none, the best single feature is looked for.",
    )
    return TableColumns(battery, life, split, tuple(features), variance)


def _choose(
    label: str, names: list[str], start: str | None, *, optional: bool, help: str | None = None
) -> str | None:
    options = [NONE, *names] if optional else names
    chosen = st.selectbox(
        label,
        options,
        index=options.index(start) if start in options else 0,
        key=f"early_{label}_{len(options)}",
        width=280,
        help=help,
    )
    return None if chosen == NONE else chosen


def _meanings(raw: RawTable, split: str | None) -> dict[str, str]:
    """Draw what each value of the split column means, for the reader to correct."""
    if split is None:
        st.caption("Without a split, 60 % of the batteries are chosen for training.")
        return {}
    labels = {**GROUP_LABELS, LEFT_OUT: "Left out"}
    chosen = {}
    with st.container(horizontal=True):
        for value, group in propose_groups(raw, split).items():
            chosen[value] = st.selectbox(
                f"“{plain(value)}” means",
                list(labels),
                index=list(labels).index(group),
                format_func=lambda key: labels[key],
                key=f"early_meaning_{split}_{value}",
                width=200,
            )
    return chosen


def _check_and_start(
    user: CurrentUser, raw: RawTable, columns: TableColumns, meanings: dict[str, str]
) -> None:
    table, left_out = make_table(raw, columns, meanings)
    counts = ", ".join(f"{n} {GROUP_LABELS[group].lower()}" for group, n in table.counts().items())
    st.markdown(f"**{counted(len(table.codes), 'battery', 'batteries')}**: {counts}.")
    if is_severson(table.groups, table.cycle_life):
        st.info(
            "These are the 124 cells of Severson et al. (2019) in their published split, so the "
            "result is shown beside the published errors.",
            icon=":material/check_circle:",
        )
    if left_out:
        with st.expander(f"{counted(len(left_out), 'battery', 'batteries')} left out"):
            st.dataframe(
                pd.DataFrame(left_out, columns=["Battery", "Reason"]),
                hide_index=True,
                alt="Batteries that are left out, with the reason.",
            )
    name = _name(usual_name(raw.file_name, None), f"table_{raw.file_name}")
    if st.button("Start study", type="primary", icon=":material/play_arrow:"):
        with session_scope() as session:
            study_id = create_from_table(
                session,
                user,
                name,
                table,
                file_name=raw.file_name,
                left_out=left_out,
                variance=columns.variance,
            )
        go("early-prediction", study=study_id)


def _name(proposed: str, key: str) -> str:
    return st.text_input(
        "Name of the study", proposed, max_chars=MAX_LENGTH, key=f"early_name_{key}"
    )
