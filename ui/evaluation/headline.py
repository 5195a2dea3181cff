"""Draws the headline numbers: the errors of a model on unseen batteries."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.evaluation.evaluations import UNSEEN
from core.evaluation.results import TestResult
from core.model_versions.stored_metrics import StoredMetrics
from ui.evaluation.intervals import interval_block, is_unlike
from ui.evaluation.words import (
    TARGET_TITLES,
    denominators,
    headline_metrics_of,
    metric,
    replacement_text,
)
from ui.shared.overruled import overruled_box
from ui.shared.theme import EXPOSURE_LABELS
from ui.shared.words import counted, plain


def headline_metrics(user: CurrentUser, result: TestResult) -> None:
    """Draw the overall metrics of each target, and the batteries they are taken over."""
    overruled_box(result.info.overruled)
    scored = {
        target: result.overall[target] for target in result.targets if target in result.overall
    }
    if scored:
        for place, (target, values) in zip(st.columns(len(scored)), scored.items(), strict=True):
            with place, st.container(border=True):
                _target_metrics(target, values)
                interval_block(user, result, target)
    _notes(result, set(scored))


def _target_metrics(target: str, values: StoredMetrics) -> None:
    st.subheader(TARGET_TITLES[target], anchor=False)
    with st.container(horizontal=True):
        for item in headline_metrics_of(target, values):
            st.metric(
                item.quantity.short,
                item.text(values.value(item.key)),
                help=f"{item.help}{denominators(values, item.key)} {_over(values)}",
                width="content",
            )
    if reason := replacement_text(target, values):
        st.caption(reason)
    macro = values.macro or {}
    parts = [
        f"{metric(key, target).quantity.short} {metric(key, target).text(macro.get(key))}"
        for key in ("rmse", "r2", "mape")
        if key != "mape" or macro.get(key) is not None
    ]
    st.caption(
        f"Over {_counts(values)}. Mean of the batteries: {', '.join(parts)}.",
        help="The mean of the batteries counts each battery alike, however long it lived.",
    )


def _over(values: StoredMetrics) -> str:
    return f"Taken over all cycles of {_counts(values)} at once."


def _counts(values: StoredMetrics) -> str:
    batteries = counted(values.n_batteries or 0, "unseen battery", "unseen batteries")
    return f"{batteries} with {counted(values.n or 0, 'cycle', 'cycles')}"


def _notes(result: TestResult, scored: set[str]) -> None:
    for note in result.label_notes.values():
        st.warning(plain(note), icon=":material/rule:")
    exposure = result.batteries.groupby("battery_code")["exposure"].first()
    known = exposure[exposure != UNSEEN]
    if len(known) == len(exposure):
        st.warning(
            "The model knew every battery of this test, so nothing here says how well it does on "
            "a new one. Test it on batteries that it never saw.",
            icon=":material/visibility:",
        )
    elif len(known):
        kinds = known.map(lambda kind: EXPOSURE_LABELS[kind].lower()).value_counts()
        listed = " and ".join(f"{n} {kind}" for kind, n in kinds.items())
        st.info(
            f"{counted(len(known), 'battery is', 'batteries are')} marked and kept out of these "
            f"numbers: {listed}.",
            icon=":material/visibility:",
        )
    _unlike_note(result)
    for target in result.targets:
        _unlabelled_note(result.batteries, target, target in scored)


def _unlike_note(result: TestResult) -> None:
    unlike = is_unlike(result)
    count = sum(unlike.values())
    if count:
        st.info(
            f"{count} of {counted(len(unlike), 'battery', 'batteries')} "
            f"{'is' if count == 1 else 'are'} unlike the training batteries, judged by early life: "
            "the model may not know such batteries. They are marked \u25b2 in curves and table.",
            icon=":material/explore_off:",
        )


def _unlabelled_note(batteries: pd.DataFrame, target: str, is_scored: bool) -> None:
    labelled = batteries[batteries["target"] == target]["battery_code"].nunique()
    missing = batteries["battery_code"].nunique() - labelled
    if not missing:
        return
    if not labelled:
        st.info(f"{target}: predicted, no metrics. No battery here has {target} labels.")
    else:
        st.info(
            f"{target}: {counted(missing, 'battery has', 'batteries have')} no labels, so "
            f"{'it is' if missing == 1 else 'they are'} predicted, without metrics."
            + ("" if is_scored else " None of the labelled ones was unseen.")
        )
