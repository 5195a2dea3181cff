"""Finished tests side by side: metrics, paired differences, boxes, batteries and curves."""

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.evaluation.comparison import (
    COMPARED_METRICS,
    Comparison,
    compare_tests,
    label_groups_of,
)
from core.evaluation.evaluations import TestInfo
from core.evaluation.results import TestResult
from ui.evaluation.names import names_of, notes_by_name
from ui.evaluation.overlay import overlay_view
from ui.evaluation.paired import paired_view, verdict
from ui.evaluation.target import choose_target
from ui.evaluation.words import horizon_text, labels_text, metric, metrics_of
from ui.shared.figures import battery_errors_by_algorithm
from ui.shared.frame import is_dark, shown_errors
from ui.shared.links import go
from ui.shared.numbers import styled_metrics
from ui.shared.overruled import overruled_captions
from ui.shared.theme import PLOTLY_CONFIG, algorithm_label
from ui.shared.words import counted, plain

VIEWS = ("Differences", "Box plots", "Batteries", "Curves")


def comparison(user: CurrentUser, results: Sequence[TestResult]) -> None:
    """Everything about one target that all of the tests have, over their common batteries."""
    infos = [result.info for result in results]
    shared = [t for t in ("PCL", "RUL") if all(t in info.targets for info in infos)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        target = choose_target(shared, "compared")
        key = _choose_metric(target)
    infos = _of_one_group(infos, target)
    names = names_of(infos)
    with shown_errors():
        with read_scope() as session:
            found = compare_tests(session, user, [info.id for info in infos], target, key)
        _cautions(found)
        overruled_captions(notes_by_name(infos, names))
        st.markdown(verdict(found, names))
        _table(found, names)
        _views(user, found, names)
    with st.container(horizontal=True):
        for info, name in zip(infos, names, strict=True):
            # Not a link: those leave the old address in place when they stay on the page.
            if st.button(plain(f"Open {name}"), icon=":material/bar_chart:", key=f"open_{info.id}"):
                go("results", test=info.id)


def _of_one_group(infos: list[TestInfo], target: str) -> list[TestInfo]:
    """The tests that were scored against the same labels; the reader chooses which labels."""
    groups = label_groups_of(infos, target)
    if len({info.dataset_id for info in infos}) > 1 or len(groups) < 2:
        return infos
    st.warning(
        "These tests were scored against labels of different ends of life. Each group is compared "
        "on its own.",
        icon=":material/rule:",
    )
    chosen = st.selectbox(
        "Scored against",
        list(groups),
        format_func=lambda group: labels_text(group, infos[0].dataset_name),
        key=f"compared_labels_{target}",
        width=420,
    )
    return groups[chosen]


def _choose_metric(target: str) -> str:
    chosen = st.segmented_control(
        "Error",
        COMPARED_METRICS,
        format_func=lambda key: metric(key, target).quantity.short,
        default="rmse",
        required=True,
        key=f"compared_metric_{target}",
    )
    return chosen or "rmse"


def _cautions(found: Comparison) -> None:
    """Say what makes the numbers incomparable, and which batteries count."""
    if found.horizons_differ:
        st.info(
            "These tests differ in their horizons, so their numbers do not answer the same "
            "question.",
            icon=":material/info:",
        )
    if found.labels_differ:
        st.warning(
            "The labels changed between these tests, so they were scored against different true "
            "values. Test the older models again.",
            icon=":material/warning:",
        )
    fewest = min(test.n_unseen for test in found.tests)
    most = max(test.n_unseen for test in found.tests)
    if most > len(found.codes):
        own = str(most) if fewest == most else f"{fewest} to {most}"
        st.caption(
            f"Only the {counted(len(found.codes), 'battery', 'batteries')} that none of the models "
            f"had seen count here; each alone was tested on {own} unseen."
        )


def _table(found: Comparison, names: Sequence[str]) -> None:
    items = metrics_of(found.target)
    records = []
    for place, (test, name) in enumerate(zip(found.tests, names, strict=True)):
        mean = found.means.means[place]
        records.append(
            {
                "model": name,
                "algorithm": ("Floor: " if test.is_floor else "")
                + algorithm_label(test.info.algorithm),
                "mean": mean * metric(found.metric, found.target).quantity.factor,
                **{i.key: _shown(test.overall.value(i.key), i.quantity.factor) for i in items},
                "horizon": horizon_text(test.info.horizon),
                "batteries": test.overall.n_batteries,
                "n": test.overall.n,
            }
        )
    numbers = ["mean", *(item.key for item in items)]
    frame = pd.DataFrame(records).astype(
        {"batteries": "Int64", "n": "Int64", **dict.fromkeys(numbers, "float64")}
    )
    st.caption(_shared_setting(found, frame))
    column = st.column_config
    chosen = metric(found.metric, found.target)
    st.dataframe(
        styled_metrics(
            frame if found.horizons_differ else frame.drop(columns="horizon"),
            {"mean": found.metric} | {item.key: item.key for item in items},
            missing="none",
            mark_best=not found.horizons_differ,
        ),
        hide_index=True,
        placeholder="none",
        alt=f"{found.target} metrics of the compared tests over common unseen batteries.",
        column_config={
            "model": column.TextColumn("Model"),
            "algorithm": column.TextColumn("Algorithm"),
            "horizon": column.TextColumn("Estimate or forecast"),
            "batteries": column.NumberColumn("Unseen batteries"),
            "n": column.NumberColumn("Cycles", format="localized"),
            "mean": column.NumberColumn(
                f"Mean {chosen.header}", help="Mean over batteries: every battery counts the same."
            ),
            **{
                item.key: column.NumberColumn(
                    f"{item.header}, all cycles", help=f"Over all cycles together. {item.help}"
                )
                for item in items
            },
        },
    )


def _shared_setting(found: Comparison, frame: pd.DataFrame) -> str:
    """Name the settings that all rows share in one line."""
    alike = [f"tested on {found.tests[0].info.dataset_name}"]
    if not found.horizons_differ:
        alike.append(str(frame["horizon"].iloc[0]))
    return plain(f"All of them: {' · '.join(alike)}")


def _views(user: CurrentUser, found: Comparison, names: Sequence[str]) -> None:
    draw: tuple[Callable[[], None], ...] = (
        lambda: paired_view(found, names),
        lambda: _boxes(found, names),
        lambda: _batteries(found, names),
        lambda: overlay_view(user, found, names),
    )
    tabs = st.tabs(VIEWS, key="compared_view", on_change="rerun", bind="query-params")
    for tab, content in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                content()


def _boxes(found: Comparison, names: Sequence[str]) -> None:
    item = metric(found.metric, found.target)
    tests = {
        test.info.id: (test.info.algorithm, n) for test, n in zip(found.tests, names, strict=True)
    }
    rows = found.batteries.assign(
        algorithm=[tests[i][0] for i in found.batteries["test_id"]],
        name=[tests[i][1] for i in found.batteries["test_id"]],
        value=found.batteries[found.metric],
    )
    st.plotly_chart(
        battery_errors_by_algorithm(
            rows,
            item.quantity.label,
            item.quantity.unit,
            factor=item.quantity.factor,
            dark=is_dark(),
        ),
        theme=None,
        config=PLOTLY_CONFIG,
        key=f"compared_{found.target}_{found.metric}",
        alt=f"{item.quantity.label} of each common battery as a box per model.",
    )
    st.caption("Each point is a battery that none of the models had seen.")


def _batteries(found: Comparison, names: Sequence[str]) -> None:
    """Errors by battery, a column per model, the battery with the largest error first."""
    item = metric(found.metric, found.target)
    wide = found.batteries.pivot(index="battery_code", columns="test_id", values=found.metric)[
        [test.info.id for test in found.tests]
    ]
    wide = wide * item.quantity.factor
    wide.columns = pd.Index(names)
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False).index]
    unit = f", in {item.quantity.unit}" if item.quantity.unit else ""
    st.caption(f"{item.quantity.label} of each battery{unit}; the largest error on top.")
    st.dataframe(
        styled_metrics(
            wide.rename_axis("Battery").reset_index(),
            dict.fromkeys(names, found.metric),
            missing="none",
        ),
        hide_index=True,
        alt=f"{item.quantity.label} by battery and model.",
    )


def _shown(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
