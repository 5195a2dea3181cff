"""The form for a column mapping; it starts from the proposed mapping.

It has two pieces, as the page shows the curves between them: what the columns mean, and nominal
capacity with end of life.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pandas as pd
import streamlit as st

from core.ingest.formats.preview import Preview
from core.ingest.mapping import MAX_FEATURES, BadRows, ColumnMapping, FeatureColumn, Parts
from core.ingest.recognition.column_names import split_unit
from ui.datasets.labels import eol_inputs
from ui.datasets.words import role_label, role_of_label
from ui.shared.theme import ROLE_LABELS
from ui.shared.words import plain

NOT_IN_FILE = "Not in the file"
ONE_PER_FILE = "One battery per file"
ROW_ORDER = "Row order"
WIDTH_PX = 260
UNIT_WIDTH_PX = 130
FEATURES_HEIGHT_PX = 320
KNOWN_FORMAT = "MATLAB"
CAPACITY_UNITS = ("Ah", "mAh")
SHARE_UNITS = {"fraction": "0 to 1", "percent": "%"}
PARTS_WORDS: dict[Parts, str] = {
    "ask": "Stop and say so",
    "join": "Parts of one test: continue the count",
    "split": "Different batteries",
}
BAD_ROWS: dict[BadRows, str] = {"stop": "Stop and list them", "drop": "Leave them out and go on"}


def columns_form(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    """What the columns mean; `start` gives the first values."""
    if not preview.format_label.startswith(KNOWN_FORMAT):
        return _bad_rows(_columns(preview, start, key), key)
    st.success(f"{preview.format_label}: every column is known.", icon=":material/check_circle:")
    with st.expander("Columns and features"):
        return _bad_rows(_columns(preview, start, key), key)


def life_form(start: ColumnMapping, key: str) -> ColumnMapping:
    """Nominal capacity and end of life."""
    return _end_of_life(_nominal(start, key), key)


def rows_form(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    """How rows are turned, joined or chosen; folded, as most files need none of it."""
    with st.expander("How the rows are read"):
        return _rows(preview, start, key)


def _columns(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    mapping = _identity(preview, start, key)
    mapping = _labels(preview, mapping, key)
    used = {column for _role, column in replace(mapping, features=()).named_columns()}
    return replace(mapping, features=_features(preview, start.features, used, key))


def _identity(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    st.subheader("Battery, cycle and split", anchor=False)
    numeric, every = preview.numeric_columns, preview.columns
    with st.container(horizontal=True):
        battery = _pick("Battery", every, start.battery_column, ONE_PER_FILE, f"{key}_battery")
        cycle = _pick("Cycle number", numeric, start.cycle_column, ROW_ORDER, f"{key}_cycle")
        split = _pick("Split", every, start.split_column, NOT_IN_FILE, f"{key}_split")
    values = start.split_values
    if split is not None:
        values = _split_values(values, key)
    return replace(
        start,
        battery_column=battery,
        cycle_column=cycle,
        split_column=split,
        split_values=values,
    )


def _labels(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    st.subheader("What the file says of the battery's state", anchor=False)
    numeric = preview.numeric_columns
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for role, label in (
            ("capacity", "Discharge capacity"),
            ("pcl", "PCL, percentage capacity loss"),
            ("soh", "SOH, state of health"),
            ("rul", "RUL, remaining useful life (cycles)"),
            ("life", "Cycle life of each battery"),
            ("nominal", "Nominal capacity of each battery"),
        ):
            before = getattr(start, f"{role}_column")
            column = _pick(label, numeric, before, NOT_IN_FILE, f"{key}_{role}")
            chosen[f"{role}_column"] = column
            if column is not None and role not in ("rul", "life"):
                chosen[f"{role}_unit"] = _unit(role, start, key)
    st.caption("What the file lacks is computed: PCL from capacity, RUL from end of life.")
    return replace(start, **chosen)


def _unit(role: str, start: ColumnMapping, key: str) -> str:
    names = {"capacity": "capacity", "nominal": "nominal capacity"}
    units = CAPACITY_UNITS if role in names else tuple(SHARE_UNITS)
    before = getattr(start, f"{role}_unit")
    return st.selectbox(
        f"Unit of {names.get(role, role.upper())}",
        units,
        index=units.index(before),
        format_func=lambda unit: SHARE_UNITS.get(unit, unit),
        key=f"{key}_{role}_unit",
        width=UNIT_WIDTH_PX,
    )


def _features(
    preview: Preview, start: Sequence[FeatureColumn], used: set[str], key: str
) -> tuple[FeatureColumn, ...]:
    """The ticked columns; those `used` otherwise are not offered."""
    st.subheader("Features", anchor=False)
    st.caption(f"What a model sees of each cycle; up to {MAX_FEATURES} columns.")
    first, editor_key = _first_features(start, used, f"{key}_features")
    edited = st.data_editor(
        _feature_frame(preview, first, used),
        hide_index=True,
        height=FEATURES_HEIGHT_PX,
        disabled=["Column"],
        key=editor_key,
        alt="Columns of the file; those ticked become features, with name and unit.",
        column_config={
            "Use": st.column_config.CheckboxColumn(width="small"),
            "Column": st.column_config.TextColumn("Column in the file"),
            "Name": st.column_config.TextColumn(max_chars=60, required=True),
            "Unit": st.column_config.TextColumn(max_chars=20),
        },
    )
    features = tuple(
        FeatureColumn(str(row.Name), str(row.Unit or ""), str(row.Column))
        for row in edited[edited["Use"]].itertuples()
    )
    st.session_state[f"{key}_features_ticked"] = features
    return features


def _first_features(
    start: Sequence[FeatureColumn], used: set[str], key: str
) -> tuple[Sequence[FeatureColumn], str]:
    """Features that the table starts from, and its key.

    They stay the same while the table is on the screen, as its edits are kept relative to them;
    where other columns become used, a new table starts from what is ticked by then.
    """
    turn, first, used_before = st.session_state.get(f"{key}_first", (0, start, used))
    if f"{key}_{turn}" not in st.session_state:
        first = start
    elif used != used_before:
        turn, first = turn + 1, st.session_state[f"{key}_ticked"]
    st.session_state[f"{key}_first"] = (turn, first, used)
    return first, f"{key}_{turn}"


def _feature_frame(
    preview: Preview, start: Sequence[FeatureColumn], used: set[str]
) -> pd.DataFrame:
    """Chosen columns first, in their order, then the other numeric ones; none that is used."""
    chosen = {feature.source_column for feature in start} | used
    rows = [
        (True, item.source_column, item.name, item.unit)
        for item in start
        if item.source_column not in used
    ]
    rows += [
        (False, column, *split_unit(column))
        for column in preview.numeric_columns
        if column not in chosen
    ]
    return pd.DataFrame(rows, columns=["Use", "Column", "Name", "Unit"])


def _split_values(start: dict[str, str], key: str) -> dict[str, str]:
    with st.expander("What the words of the split column mean"):
        frame = pd.DataFrame(
            {"Word in the file": list(start), "Role": [role_label(r) for r in start.values()]}
        )
        edited = st.data_editor(
            frame,
            hide_index=True,
            num_rows="dynamic",
            key=f"{key}_words",
            alt="Words of the split column and the role that each means.",
            column_config={
                "Word in the file": st.column_config.TextColumn(required=True),
                "Role": st.column_config.SelectboxColumn(
                    options=list(ROLE_LABELS.values()), required=True
                ),
            },
        )
    pairs = edited.dropna().itertuples(index=False)
    return {str(word): cast(str, role_of_label(label)) for word, label in pairs}


def _rows(preview: Preview, start: ColumnMapping, key: str) -> ColumnMapping:
    parts = st.selectbox(
        "A battery whose cycle counter starts again",
        tuple(PARTS_WORDS),
        index=tuple(PARTS_WORDS).index(start.parts),
        format_func=PARTS_WORDS.__getitem__,
        key=f"{key}_parts",
        width=WIDTH_PX,
    )
    fill_down = st.checkbox(
        "A blank battery is the one above", start.fill_down, key=f"{key}_fill_down"
    )
    cumulative = st.checkbox(
        "The capacity counter is never reset: take differences",
        start.cumulative,
        key=f"{key}_cumulative",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = _pick(
            "Column of charge and discharge",
            preview.columns,
            start.direction_column,
            NOT_IN_FILE,
            f"{key}_direction",
        )
        value = None
        if column is not None:
            value = st.text_input(
                "Its text for discharge",
                start.discharge_value or "",
                key=f"{key}_discharge",
                width=UNIT_WIDTH_PX,
            )
    return replace(
        start,
        parts=parts,
        fill_down=fill_down,
        cumulative=cumulative,
        direction_column=column,
        discharge_value=value or None,
    )


def _nominal(start: ColumnMapping, key: str) -> ColumnMapping:
    if start.nominal_column is not None:
        st.caption(f"Nominal capacity comes from the file ({plain(start.nominal_column)}).")
        return start
    if start.nominal_by_battery:
        return replace(start, nominal_by_battery=_nominal_table(start.nominal_by_battery, key))
    value = st.number_input(
        "Nominal capacity (Ah)",
        min_value=0.0,
        value=start.nominal_capacity_ah,
        format="%.4g",
        step=0.01,
        key=f"{key}_nominal_ah",
        help="Of every battery in the file, as on the data sheet. SOH is capacity over this.",
        width=WIDTH_PX,
    )
    return replace(start, nominal_capacity_ah=value or None)


def _nominal_table(start: dict[str, float], key: str) -> dict[str, float]:
    edited = st.data_editor(
        pd.DataFrame({"Battery": list(start), "Nominal capacity (Ah)": list(start.values())}),
        hide_index=True,
        height=min(220, 38 + 35 * len(start)),
        disabled=["Battery"],
        key=f"{key}_nominals",
        alt="Batteries with their nominal capacity, which can be changed.",
    )
    pairs = zip(edited["Battery"], edited["Nominal capacity (Ah)"], strict=True)
    return {str(code): float(ah) for code, ah in pairs if pd.notna(ah)}


def _end_of_life(start: ColumnMapping, key: str) -> ColumnMapping:
    if start.rul_column is not None:
        st.caption(
            f"RUL comes with the file ({plain(start.rul_column)}); end of life below serves "
            "batteries without it, and as the line in figures."
        )
    rule = eol_inputs(start.eol, key)
    return replace(
        start,
        eol_threshold=rule.threshold,
        eol_rule=rule.rule,
        eol_consecutive=rule.consecutive,
        count_isolated=rule.count_isolated,
    )


def _bad_rows(start: ColumnMapping, key: str) -> ColumnMapping:
    options: tuple[BadRows, ...] = ("stop", "drop")
    choice = st.radio(
        "Rows that cannot be used (blank, infinite or repeated)",
        options,
        index=options.index(start.bad_rows),
        format_func=BAD_ROWS.__getitem__,
        key=f"{key}_bad_rows",
        horizontal=True,
    )
    return replace(start, bad_rows=choice)


def _pick(
    label: str, columns: Sequence[str], before: str | None, none_label: str, key: str
) -> str | None:
    """A column of the file, or None under its own words."""
    options = [None, *columns]
    if before is not None and before not in options:
        options.append(before)
    return st.selectbox(
        label,
        options,
        index=options.index(before),
        format_func=lambda column: none_label if column is None else column,
        key=key,
        width=WIDTH_PX,
    )
