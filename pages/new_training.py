"""New training: what to learn from which batteries, by which algorithms; one button starts it."""

import time
from dataclasses import replace
from typing import Any

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import FadeBenchError, NotFound
from core.datasets.datasets import DatasetSummary, LoadedDataset, load_dataset
from core.training.duration import estimate_duration_s, total_duration_s
from core.training.request import TrainingRequest
from core.training.start import start_training
from ui.leakage.findings import leakage_panel
from ui.leakage.reads import training_check
from ui.shared.frame import duration, empty_state, page_header, shown_errors
from ui.shared.links import go, link
from ui.shared.theme import algorithm_label
from ui.training.features import choose_features
from ui.training.form import choose_algorithms, choose_dataset, choose_kind, choose_target
from ui.training.hyperparameter_form import hyperparameter_form
from ui.training.roles import choose_roles

# A second click on the button within this time counts as the same click.
DOUBLE_CLICK_S = 3.0
_LAST_START = "new_training.last_start"

# The panel with the button stays in sight while the questions scroll.
PANEL_STYLE = """<style>
@media (min-width: 641px) {
  .stColumn:has(.st-key-start_panel) { position: sticky; top: 4.5rem; align-self: flex-start; }
}
.stElementContainer:has(> .stHtml > style) { display: none; }
</style>"""


def render(user: CurrentUser) -> None:
    """Draw the page."""
    st.html(PANEL_STYLE)
    page_header(
        "New training", "Teach one or more algorithms how your batteries fade, in the background."
    )
    questions, panel = st.columns([2.2, 1], gap="large")
    with questions:
        asked = _questions(user)
    if asked is not None:
        with panel, st.container(border=True, key="start_panel"):
            _start_panel(user, *asked)


def _questions(user: CurrentUser) -> tuple[TrainingRequest, LoadedDataset] | None:
    try:
        summary = choose_dataset(user)
        dataset = _load(user, summary) if summary is not None else None
    except NotFound as error:
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets")
        return None
    if summary is None or dataset is None:
        empty_state("No datasets yet. Upload cycling data first.", "Upload a file", "upload")
        return None
    target = choose_target(summary)
    hyperparams: dict[str, Any] = choose_kind()
    algorithms = choose_algorithms(target, hyperparams.get("max_horizon", 0))
    features = choose_features(summary)
    st.subheader("Batteries", anchor=False)
    roles = choose_roles(dataset)
    st.subheader("Settings", anchor=False)
    with st.expander("Epochs, learning rate, seed and more", icon=":material/tune:"):
        hyperparams |= hyperparameter_form(algorithms)
    request = TrainingRequest(
        dataset_id=summary.id,
        target=target,
        algorithms=algorithms,
        roles=roles,
        hyperparams=hyperparams,
        features=features,
    )
    return request, dataset


def _load(user: CurrentUser, summary: DatasetSummary) -> LoadedDataset:
    with read_scope() as session:
        return load_dataset(session, user, summary.id)


def _start_panel(user: CurrentUser, request: TrainingRequest, dataset: LoadedDataset) -> None:
    ready = _estimate(request, dataset)
    findings = training_check(user, request, dataset)
    answer = leakage_panel(findings, request.dataset_id, f"training_{request.dataset_id}")
    ready = answer.may_start and ready
    request = replace(request, overrule_recognition=answer.reason)
    name = st.text_input(
        "Name (optional)",
        max_chars=120,
        key="training_name",
        placeholder="The dataset's name",
        help="Models carry it too, with the algorithm and a version.",
    )
    if st.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not ready,
    ):
        with shown_errors():
            go("runs", job=_start(user, _named(request, name)))
    st.caption("It runs in the background; you may leave this page or close the browser.")


def _estimate(request: TrainingRequest, dataset: LoadedDataset) -> bool:
    """Show how long it takes; False, with the reason, if it cannot start like this."""
    try:
        durations_s = estimate_duration_s(request, dataset)
    except FadeBenchError as error:
        st.warning(str(error), icon=":material/warning:")
        return False
    st.metric(
        "Estimated time",
        f"about {duration(total_duration_s(durations_s))}",
        help="If every epoch and round is run; early stopping usually ends it sooner.",
    )
    lines = [f"{algorithm_label(name)}: {duration(s)}" for name, s in durations_s.items()]
    st.caption("  \n".join(lines))
    return True


def _named(request: TrainingRequest, name: str) -> TrainingRequest:
    return replace(request, name=name.strip() or None)


def _start(user: CurrentUser, request: TrainingRequest) -> int:
    """The id of the job; a double click starts one job, not two."""
    last_request, last_id, started_at = st.session_state.get(_LAST_START, (None, 0, 0.0))
    if last_request == request and time.monotonic() - started_at < DOUBLE_CLICK_S:
        return int(last_id)
    job_id = start_training(user, request)
    st.session_state[_LAST_START] = (request, job_id, time.monotonic())
    return job_id
