"""Finished tests side by side: their metrics, and the errors of their batteries as boxes."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.results import TestResult
from core.testing import UNSEEN
from ui.figures import battery_errors_by_algorithm
from ui.frame import is_dark
from ui.links import link
from ui.result_numbers import styled_metrics
from ui.result_target import choose_target
from ui.result_words import horizon_text, metrics_of
from ui.theme import PLOTLY_CONFIG, algorithm_label
from ui.words import plain

SETTING = ("dataset", "horizon")


def comparison(results: Sequence[TestResult]) -> None:
    """Table and boxes of one target that all of the tests have."""
    shared = [t for t in ("PCL", "RUL") if all(t in result.targets for result in results)]
    target = choose_target(shared, "compared")
    names = _names(results)
    alike = _cautions(results, target)
    _table(results, names, target, mark_best=alike)
    _boxes(results, names, target)
    with st.container(horizontal=True):
        for result, name in zip(results, names, strict=True):
            link(f"Open {name}", "results", icon=":material/bar_chart:", test=result.info.id)


def _names(results: Sequence[TestResult]) -> list[str]:
    """Model titles, told apart by horizon, dataset or number where they are the same."""
    titles = [result.info.model_title for result in results]
    for extra in ("horizon", "dataset_name", "id"):
        counts = Counter(titles)
        titles = [
            title if counts[title] == 1 else f"{title}, {_told(result, extra)}"
            for title, result in zip(titles, results, strict=True)
        ]
    return titles


def _told(result: TestResult, extra: str) -> str:
    words = {
        "horizon": f"{result.info.horizon} ahead",
        "dataset_name": result.info.dataset_name,
        "id": f"test {result.info.id}",
    }
    return words[extra]


def _cautions(results: Sequence[TestResult], target: str) -> bool:
    """Say what keeps the numbers from meaning the same; whether nothing does."""
    differences = []
    if len({result.info.dataset_id for result in results}) > 1:
        differences.append("datasets")
    if len({result.info.horizon for result in results}) > 1:
        differences.append("horizons")
    if len({_unseen_codes(result, target) for result in results}) > 1:
        differences.append("unseen batteries")
    if differences:
        st.info(
            f"These tests differ in their {' and '.join(differences)}, so their numbers do not "
            "answer the same question.",
            icon=":material/info:",
        )
    return not differences


def _unseen_codes(result: TestResult, target: str) -> frozenset[str]:
    rows = result.batteries
    return frozenset(
        rows[(rows["target"] == target) & (rows["exposure"] == UNSEEN)]["battery_code"]
    )


def _table(
    results: Sequence[TestResult], names: Sequence[str], target: str, *, mark_best: bool
) -> None:
    items = metrics_of(target)
    records = []
    for result, name in zip(results, names, strict=True):
        values = result.overall.get(target, {})
        records.append(
            {
                "model": name,
                "algorithm": algorithm_label(result.info.algorithm),
                "dataset": f"tested on {result.info.dataset_name}",
                "horizon": horizon_text(result.info.horizon),
                "batteries": values.get("n_batteries"),
                "n": values.get("n"),
                **{i.key: _shown(values.get(i.key), i.quantity.factor) for i in items},
            }
        )
    frame = pd.DataFrame(records).astype(
        {"batteries": "Int64", "n": "Int64", **{item.key: "float64" for item in items}}
    )
    _say_what_is_alike(frame)
    column = st.column_config
    st.dataframe(
        styled_metrics(
            frame.drop(columns=[name for name in SETTING if frame[name].nunique() == 1]),
            {item.key: item.key for item in items},
            missing="none",
            mark_best=mark_best,
        ),
        hide_index=True,
        placeholder="none",
        alt=f"{target} metrics of the compared tests over unseen batteries.",
        column_config={
            "model": column.TextColumn("Model"),
            "algorithm": column.TextColumn("Algorithm"),
            "dataset": column.TextColumn("Tested on"),
            "horizon": column.TextColumn("Estimate or forecast"),
            "batteries": column.NumberColumn("Unseen batteries"),
            "n": column.NumberColumn("Cycles", format="localized"),
            **{item.key: column.NumberColumn(item.header, help=item.help) for item in items},
        },
    )


def _say_what_is_alike(frame: pd.DataFrame) -> None:
    """Name once what every row shares; the table then leaves it out."""
    alike = [frame[name].iloc[0] for name in SETTING if frame[name].nunique() == 1]
    if alike:
        st.caption(plain(f"All of them: {' · '.join(alike)}"))


def _shown(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _boxes(results: Sequence[TestResult], names: Sequence[str], target: str) -> None:
    items = {item.key: item for item in metrics_of(target)}
    key = st.segmented_control(
        "Metric of the boxes",
        list(items),
        format_func=lambda name: items[name].quantity.short,
        default="rmse",
        required=True,
        key=f"compared_metric_{target}",
    )
    item = items[key or "rmse"]
    parts = [_box_rows(r, n, target, item.key) for r, n in zip(results, names, strict=True)]
    st.plotly_chart(
        battery_errors_by_algorithm(
            pd.concat(parts, ignore_index=True),
            item.quantity.label,
            item.quantity.unit,
            factor=item.quantity.factor,
            dark=is_dark(),
        ),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"compared_{target}_{item.key}",
        alt=f"{item.quantity.label} of each unseen battery as a box per model.",
    )
    st.caption("Each point is an unseen battery.")


def _box_rows(result: TestResult, name: str, target: str, key: str) -> pd.DataFrame:
    rows = result.batteries
    rows = rows[(rows["target"] == target) & (rows["exposure"] == UNSEEN)]
    return pd.DataFrame(
        {
            "algorithm": result.info.algorithm,
            "name": name,
            "battery_code": rows["battery_code"],
            "value": rows[key].astype("float64") if key in rows else float("nan"),
        }
    )
