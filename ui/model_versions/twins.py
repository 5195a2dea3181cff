"""Draws the twins of a model: start, progress, and whether the physics helps."""

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.model_versions.versions import ModelInfo
from core.training.twin_plans import estimate_twins, start_twins, twin_refusal
from core.training.twin_report import TargetTwins, TwinReport, twin_report
from core.training.twins import FEWEST_SEEDS, MOST_SEEDS, TwinGroup, cancel_twins, twin_origins
from ui.model_versions.twin_words import role_note, twin_quantity, twin_sentence
from ui.shared.figures.differences import twin_strip
from ui.shared.frame import duration, is_dark, shown_errors, status_text
from ui.shared.links import link
from ui.shared.numbers import styled_metrics
from ui.shared.theme import PLOTLY_CONFIG, Quantity
from ui.shared.words import counted
from ui.training.groups import PHYSICS_VIEW


def twins_section(user: CurrentUser, model: ModelInfo) -> None:
    """Draw the section for a model with physics; for others, a line that says why not."""
    with read_scope() as session:
        origin = twin_origins(session, user, [model.group_key]).get(model.group_key or "")
    if origin is not None:
        st.markdown("This model was trained as a twin, to see whether the physics helps.")
        link(
            f"Twins of {origin.title}",
            "models",
            icon=":material/call_split:",
            model=origin.id,
            model_view=PHYSICS_VIEW,
        )
        return
    if problem := twin_refusal(model):
        st.caption(problem)
        return
    with read_scope() as session:
        report = twin_report(session, user, model.id)
    if report.group.is_active:
        _live(user, model)
        return
    _outcome(user, model, report)


@st.fragment(run_every=2.0)
def _live(user: CurrentUser, model: ModelInfo) -> None:
    with shown_errors():
        with read_scope() as session:
            report = twin_report(session, user, model.id)
        if not report.group.is_active:
            st.rerun()
        _progress(user, model, report.group)
        _results(model, report)
        _trainings(report.group)


def _progress(user: CurrentUser, model: ModelInfo, group: TwinGroup) -> None:
    done = sum(not twin.run.is_active for twin in group.twins)
    st.progress(
        group.progress,
        text=f"{done} of {len(group.twins)} trainings done · {group.progress:.0%}. You may leave "
        "this page; they go on.",
    )
    if st.button("Cancel the twins", icon=":material/block:"):
        with session_scope() as session:
            cancel_twins(session, user, model.id)
        st.rerun()


def _outcome(user: CurrentUser, model: ModelInfo, report: TwinReport) -> None:
    if not report.group.twins:
        st.markdown(
            "Trains this model again with and without its physics: same batteries, settings and "
            "epochs, several seeds on each side. The difference of each battery shows whether "
            "the physics helps."
        )
    elif report.problem:
        st.info(report.problem, icon=":material/info:")
    _results(model, report)
    _start(user, model, report.group)
    if report.group.twins:
        _trainings(report.group)


def _start(user: CurrentUser, model: ModelInfo, group: TwinGroup) -> None:
    """Number of seeds and the button, with what it would take."""
    have = len(group.seeds)
    if have >= MOST_SEEDS:
        return
    first = min(max(FEWEST_SEEDS, have + (1 if group.is_complete else 0)), MOST_SEEDS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n_seeds = st.number_input(
            "Seeds on each side",
            min_value=first,
            max_value=MOST_SEEDS,
            value=first,
            key=f"twin_seeds_{model.id}_{have}",
            width=140,
            help="Trainings differ by chance; several seeds show how much. At least three.",
        )
        with shown_errors():
            with read_scope() as session:
                count, seconds = estimate_twins(session, user, model.id, int(n_seeds))
            label = "Train more twins" if group.twins else "Train twins"
            if st.button(label, icon=":material/call_split:", disabled=not count):
                start_twins(user, model.id, int(n_seeds))
                st.rerun()
            st.caption(f"{counted(count, 'training')}, about {duration(seconds)} at most.")


def _results(model: ModelInfo, report: TwinReport) -> None:
    for found in report.targets:
        quantity = twin_quantity(found.target)
        st.markdown(twin_sentence(found))
        interval = found.difference.interval
        st.plotly_chart(
            twin_strip(
                found.batteries,
                quantity,
                model.algorithm,
                median=found.difference.estimate,
                interval=(interval.low, interval.high) if interval else None,
                dark=is_dark(),
            ),
            theme=None,
            config=PLOTLY_CONFIG,
            key=f"twins_{model.id}_{found.target}",
            alt=f"Difference of {quantity.label} with and without physics for each battery.",
        )
        st.caption(role_note(found))
        _seed_table(found, quantity)


def _seed_table(found: TargetTwins, quantity: Quantity) -> None:
    """Mean error of each seed on both sides: how much chance alone moves it."""
    frame = found.seeds.assign(
        **{name: found.seeds[name] * quantity.factor for name in found.seeds.columns[1:]}
    )
    unit = quantity.unit
    shown = frame.rename(
        columns={
            "seed": "Seed",
            "with_physics": f"With physics ({unit})",
            "without": f"Without ({unit})",
            "difference": f"Difference ({unit})",
        }
    )
    st.dataframe(
        styled_metrics(shown, dict.fromkeys(shown.columns[1:], "rmse"), missing="-"),
        hide_index=True,
        alt=f"Mean {quantity.label} of a battery by seed, with and without physics.",
    )


def _trainings(group: TwinGroup) -> None:
    """List the trainings of the group, each with its state and a link."""
    with st.expander(f"The {counted(len(group.twins), 'training')} of this comparison"):
        frame = pd.DataFrame(
            {
                "Physics": ["with" if twin.with_physics else "without" for twin in group.twins],
                "Seed": [twin.seed for twin in group.twins],
                "State": [status_text(twin.run.status) for twin in group.twins],
                "Progress": [f"{twin.run.progress:.0%}" for twin in group.twins],
            }
        )
        st.dataframe(frame, hide_index=True, alt="Trainings of this comparison.")
        with st.container(horizontal=True):
            for twin in group.twins:
                side = "with" if twin.with_physics else "without"
                link(f"Seed {twin.seed} {side}", "runs", run=twin.run.id)
