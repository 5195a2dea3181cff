"""Nominal capacity and end of life of a dataset: change, look at the effect, apply."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.datasets import DatasetDetail
from core.datasets.relabel import RelabelPreview, apply_relabel, preview_relabel
from core.ingest.early_end import early_end_text
from core.ingest.label_origins import LabelOrigins
from core.ingest.mapping import EOL_RANGE, EolRule
from ui.datasets.isolated import isolated_table
from ui.datasets.rul_end import rul_end_form
from ui.datasets.words import label_lines
from ui.shared.frame import shown_errors
from ui.shared.words import counted

FIRST, RUN = "First cycle below", "Several cycles in a row below"


@dataclass(frozen=True)
class _Wish:
    """The changes entered in the form; None = as stored."""

    nominal_capacity_ah: Mapping[str, float] | float | None
    eol: EolRule | None


def label_editor(user: CurrentUser, detail: DatasetDetail) -> None:
    """Where the labels come from, and the form that changes the computed ones."""
    summary = detail.summary
    st.markdown("\n".join(f"- {line}" for line in label_lines(summary)))
    isolated_table(user, summary)
    if summary.is_builtin:
        st.info("Built-in datasets are the same for everybody, so their labels cannot be changed.")
        return
    origins = LabelOrigins.of_labels(summary.schema.labels)
    fixed_rul = _all_rul_from_file(origins, len(detail.batteries))
    fixed_nominal = origins.pcl == "none" or (origins.pcl == "file" and origins.capacity == "file")
    nominal = None if fixed_nominal else _nominal_inputs(detail)
    if fixed_nominal:
        st.info("PCL is kept as the file has it, so the nominal capacity changes nothing.")
    eol = None if fixed_rul else eol_inputs(summary.eol, f"eol_{summary.id}")
    if fixed_rul:
        st.info("RUL and cycle life came with the file, so end of life cannot be set here.")
    rul_end_form(user, summary)
    wish = _Wish(nominal, None if eol == summary.eol else eol)
    _look_and_apply(user, detail, wish)


def eol_inputs(start: EolRule, key: str) -> EolRule:
    """Draw the inputs for threshold, rule and isolated readings, and return their values."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        percent = st.number_input(
            "End of life below (% of nominal capacity)",
            min_value=100 * EOL_RANGE[0],
            max_value=100 * EOL_RANGE[1],
            value=100 * start.threshold,
            step=1.0,
            format="%.1f",
            key=f"{key}_threshold",
            help="80 % is usual. A higher one gives more batteries a cycle life.",
            width=260,
        )
        rule = st.selectbox(
            "Which cycle counts",
            (FIRST, RUN),
            index=0 if start.rule == "first_crossing" else 1,
            key=f"{key}_rule",
            help="Several in a row wait until the battery stays below.",
            width=260,
        )
        length = 1
        if rule == RUN:
            length = st.number_input(
                "Cycles in a row",
                min_value=2,
                max_value=1000,
                value=max(2, start.consecutive),
                key=f"{key}_run",
                width=160,
            )
    counted_in = st.toggle(
        "Count isolated low readings",
        value=start.count_isolated,
        key=f"{key}_isolated",
        help="Off: a single row that reads far lower than the rows around it ends no life.",
    )
    threshold = round(percent / 100, 4)
    if rule == FIRST:
        return EolRule(threshold, count_isolated=counted_in)
    return EolRule(threshold, "consecutive", int(length), counted_in)


def _all_rul_from_file(origins: LabelOrigins, n_batteries: int) -> bool:
    return origins.rul == "none" or len(origins.file_rul_batteries) >= n_batteries


def _nominal_inputs(detail: DatasetDetail) -> Mapping[str, float] | float | None:
    stored = detail.batteries.set_index("battery_code")["nominal_capacity"]
    uniform = stored.nunique(dropna=False) == 1
    each = st.toggle(
        "A nominal capacity for each battery",
        value=not uniform,
        key=f"each_{detail.summary.id}",
        help="Off: one number for all batteries of the dataset.",
    )
    if each:
        return _nominal_table(detail)
    start = None if not uniform or pd.isna(stored.iloc[0]) else float(stored.iloc[0])
    value = st.number_input(
        "Nominal capacity (Ah)",
        min_value=0.0,
        value=start,
        format="%.4g",
        step=0.01,
        key=f"nominal_{detail.summary.id}",
        help="As on the data sheet. SOH is capacity over nominal capacity.",
        width=260,
    )
    first = detail.batteries["first_capacity_ah"].median()
    if value and pd.notna(first):
        st.caption(f"Median first capacity over nominal capacity: {first / value:.3f}")
    return None if value is None or value == start else float(value)


def _nominal_table(detail: DatasetDetail) -> Mapping[str, float] | None:
    start = pd.DataFrame(
        {
            "Battery": detail.batteries["battery_code"],
            "First capacity (Ah)": detail.batteries["first_capacity_ah"],
            "Nominal capacity (Ah)": detail.batteries["nominal_capacity"],
        }
    )
    number = st.column_config.NumberColumn
    edited = st.data_editor(
        start,
        hide_index=True,
        height=min(320, 38 + 35 * len(start)),
        disabled=["Battery", "First capacity (Ah)"],
        key=f"nominals_{detail.summary.id}_{detail.summary.labels_version}",
        alt="Batteries with first and nominal capacity; the nominal one can be changed.",
        column_config={
            "First capacity (Ah)": number(format="%.4g"),
            "Nominal capacity (Ah)": number(format="%.4g", min_value=0.0),
        },
    )
    pairs = zip(edited["Battery"], edited["Nominal capacity (Ah)"], strict=True)
    old = dict(zip(start["Battery"], start["Nominal capacity (Ah)"], strict=True))
    changed = {str(c): float(ah) for c, ah in pairs if pd.notna(ah) and ah != old[c]}
    return changed or None


def _look_and_apply(user: CurrentUser, detail: DatasetDetail, wish: _Wish) -> None:
    """Show what would change, and offer to apply exactly the change that was shown."""
    key = f"relabel_{detail.summary.id}_{detail.summary.labels_version}"
    nothing = wish == _Wish(None, None)
    if st.button("Show what changes", disabled=nothing, icon=":material/visibility:"):
        with shown_errors(), st.spinner("Computing labels"), read_scope() as session:
            preview = preview_relabel(
                session, user, detail.summary.id, wish.nominal_capacity_ah, wish.eol
            )
            st.session_state[key] = (wish, preview)
    looked_at, preview = st.session_state.get(key, (None, None))
    if preview is None or looked_at != wish:
        return
    _show(preview)
    if not st.button("Apply", type="primary", disabled=not preview.cycles):
        return
    with shown_errors():
        with st.spinner("Storing labels"), session_scope() as session:
            apply_relabel(session, user, detail.summary.id, wish.nominal_capacity_ah, wish.eol)
        del st.session_state[key]
        st.toast("Labels recomputed.", icon=":material/check:")
        st.rerun()


def _show(preview: RelabelPreview) -> None:
    if not preview.cycles:
        st.info("No label changes by this.")
        return
    corrected = (
        "This includes the corrected rules of labels, which this dataset does not follow yet."
    )
    rows = [
        *([corrected] if preview.corrects_rules else []),
        f"Values change in {counted(preview.cycles, 'cycle')} of "
        f"{counted(preview.batteries, 'battery', 'batteries')}.",
    ]
    for target in ("PCL", "RUL"):
        before, after = preview.labelled_before[target], preview.labelled_after[target]
        rows.append(f"Batteries with {target}: {before:,} now, {after:,} then.")
    lives = (_life_range(preview.lives_before), _life_range(preview.lives_after))
    rows.append(f"Cycle life: {lives[0]} now, {lives[1]} then.")
    if preview.models_affected:
        rows.append(
            f"{counted(preview.models_affected, 'model')} trained on the present labels will "
            "be marked as trained on older labels."
        )
    st.markdown("\n".join(f"- {row}" for row in rows))
    if preview.starting_below:
        st.warning(early_end_text(preview.starting_below), icon=":material/warning:")


def _life_range(lives: tuple[int, int] | None) -> str:
    return "none" if lives is None else f"{lives[0]:,} to {lives[1]:,} cycles"
