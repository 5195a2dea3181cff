"""Draws the error of predicted cycle life by the number of cycles seen."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.evaluation.cycles_seen import CYCLES_SEEN, CyclesSeenErrors
from core.evaluation.results import TestResult
from ui.evaluation.peers import Drawn, choose_drawn
from ui.evaluation.reads import cycles_seen_of
from ui.shared.figures import error_against_cycles_seen
from ui.shared.frame import is_dark
from ui.shared.links import link
from ui.shared.numbers import fixed_digits, styled_metrics
from ui.shared.theme import PLOTLY_CONFIG
from ui.shared.words import counted, plain

VIEW = "Cycles seen"
FLOOR_NAME = "Mean life of the training batteries"
WITHIN = ", within 15 %"
ERRORS = {"rmse": "RMSE", "median_absolute": "Median absolute error"}
MEANINGS = {
    "rmse": "Root of the mean squared difference between predicted and true cycle life.",
    "median_absolute": "Half of the batteries err by less than this.",
}


def cycles_seen_view(user: CurrentUser, result: TestResult) -> None:
    """Draw figure, finding and table, or the reason why there is nothing to show."""
    reason = _reason_for_nothing(result)
    if reason:
        st.info(reason, icon=":material/hourglass_disabled:")
        return
    st.markdown(
        "After *k* cycles of a new battery: cycle life = cycle + predicted remaining life at the "
        "last recorded cycle up to *k*."
    )
    left, right = st.columns([1, 2])
    with left:
        key = st.segmented_control(
            "Error of cycle life",
            list(ERRORS),
            format_func=ERRORS.__getitem__,
            default="rmse",
            required=True,
            key="cycles_seen_error",
        )
    with right:
        drawn = choose_drawn(user, result, "RUL", "cycles_seen")
    found = cycles_seen_of(user, tuple(test.info.id for test in drawn))
    if found.tests.empty:
        st.info(
            "No unseen battery with a known cycle life is recorded in its first "
            f"{CYCLES_SEEN[-1]} cycles and still alive after {CYCLES_SEEN[0]}, so there is nothing "
            "to compare with.",
            icon=":material/hourglass_disabled:",
        )
        return
    _draw(found, drawn, result.info.id, key or "rmse")


def _reason_for_nothing(result: TestResult) -> str:
    if "RUL" not in result.targets:
        return (
            "This model predicts capacity loss (PCL) only. Cycle life from the cycles seen needs a "
            "model of remaining life (RUL)."
        )
    if result.info.horizon:
        return (
            "This is a forecast: it answers for a cycle ahead, not for the last one seen. Cycle "
            "life from the cycles seen needs a model that estimates the measured cycle."
        )
    return ""


def _draw(found: CyclesSeenErrors, drawn: Sequence[Drawn], test_id: int, key: str) -> None:
    frame = _lines(found, drawn, key)
    own = found.tests[found.tests["test_id"] == test_id]
    _say_where_it_beats_the_floor(own, found, key, drawn[0].name)
    label = f"{ERRORS[key]} of cycle life"
    st.plotly_chart(
        error_against_cycles_seen(frame, label, "cycles", subtitle=_over(own), dark=is_dark()),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"cycles_seen_{test_id}_{key}",
        alt=f"{label} against the number of cycles seen, a line per model and floor.",
    )
    _table(frame, own, key)
    if "early-prediction" in st.session_state.get("fadebench_pages", {}):
        link(
            "Predict cycle life from the first 100 cycles alone",
            "early-prediction",
            icon=":material/timeline:",
        )


def _lines(found: CyclesSeenErrors, drawn: Sequence[Drawn], key: str) -> pd.DataFrame:
    tests = {test.info.id: test for test in drawn}
    rows = found.tests
    models = pd.DataFrame(
        {
            "name": rows["test_id"].map({i: test.name for i, test in tests.items()}),
            "algorithm": rows["test_id"].map({i: test.info.algorithm for i, test in tests.items()}),
            "cycles_seen": rows["cycles_seen"],
            "value": rows[key],
            "within_15": rows["within_15"],
            "n_batteries": rows["n_batteries"],
        }
    )
    order = {test.name: place for place, test in enumerate(drawn)}
    models = models.sort_values("name", key=lambda names: names.map(order), kind="stable")
    floor = found.floor.rename(columns={key: "value"}).assign(name=FLOOR_NAME, algorithm="MEAN")
    return pd.concat([models, floor[list(models.columns)]], ignore_index=True)


def _say_where_it_beats_the_floor(
    own: pd.DataFrame, found: CyclesSeenErrors, key: str, name: str
) -> None:
    pair = own.merge(found.floor, on="cycles_seen", suffixes=("", "_floor"))
    if pair.empty:
        st.markdown("There is no floor: no training battery has a known cycle life.")
        return
    better = pair[key] < pair[f"{key}_floor"]
    won = pair[better]["cycles_seen"]
    floor = (
        f"the mean life of {counted(found.n_training, 'training battery', 'training batteries')}"
    )
    if better.all():
        text = f"beats {floor} after any number of cycles shown"
    elif not better.any():
        text = f"does not beat {floor} after any number of cycles shown"
    elif list(better) == sorted(better):
        text = f"beats {floor} from {won.min()} cycles seen on, not before"
    else:
        seen = ", ".join(str(k) for k in won)
        text = f"beats {floor} after {seen} cycles seen, not after the others"
    last = pair.iloc[-1]
    st.markdown(
        f"{plain(name)} {text}. After {int(last['cycles_seen'])} cycles it errs by "
        f"**{fixed_digits(last[key])} cycles** ({ERRORS[key]}), the floor by "
        f"{fixed_digits(last[f'{key}_floor'])} cycles."
    )


def _over(own: pd.DataFrame) -> str:
    fewest, most = int(own["n_batteries"].min()), int(own["n_batteries"].max())
    batteries = counted(most, "unseen battery", "unseen batteries")
    return f"Over {batteries} of known life" + (
        "" if fewest == most else f", {fewest:,} where fewest are recorded and still alive"
    )


def _table(frame: pd.DataFrame, own: pd.DataFrame, key: str) -> None:
    wide = frame.pivot(index="cycles_seen", columns="name", values="value")
    wide = wide[list(dict.fromkeys(frame["name"]))]
    counts = own.set_index("cycles_seen")["n_batteries"]
    right = 100.0 * frame.pivot(index="cycles_seen", columns="name", values="within_15")
    right = right[list(wide.columns)].add_suffix(WITHIN)
    shown = (
        wide.join(right).assign(batteries=counts.reindex(wide.index).astype("Int64")).reset_index()
    )
    column = st.column_config
    st.dataframe(
        styled_metrics(shown, dict.fromkeys(wide.columns, "rmse"), missing="none"),
        hide_index=True,
        height="content",
        placeholder="none",
        alt=f"{ERRORS[key]} of cycle life of each model by cycles seen.",
        column_config={
            "cycles_seen": column.NumberColumn("Cycles seen"),
            **{
                name: column.NumberColumn(f"{name} (cycles)", help=MEANINGS[key])
                for name in wide.columns
            },
            **{
                name: column.NumberColumn(
                    f"{name} (%)",
                    help="Share of the batteries whose life is told within 15 % of the true one.",
                    format="%.0f",
                )
                for name in right.columns
            },
            "batteries": column.NumberColumn(
                "Batteries",
                help="Unseen batteries of known life that are recorded by then and still alive.",
            ),
        },
    )
