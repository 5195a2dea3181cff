"""New test: which model, on which batteries; one button starts it."""

import time
from dataclasses import replace

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import InvalidInput, NotFound
from core.base.paging import Listed
from core.datasets.datasets import get_dataset_summary, load_dataset
from core.evaluation.label_scoring import label_scoring
from core.evaluation.material import TestMaterial, load_test_material, matched_columns
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.model_versions.filters import ModelFilter
from core.model_versions.versions import ModelInfo, get_model_info, list_models
from ui.datasets.pick import pick_dataset_box
from ui.evaluation.choice import choose_batteries
from ui.evaluation.words import TARGET_TITLES, kind_word
from ui.leakage.findings import leakage_panel
from ui.leakage.reads import test_check
from ui.shared.frame import empty_state, page_header, shown_errors
from ui.shared.links import address_id, go, link, set_address
from ui.shared.pick_box import pick_box
from ui.shared.theme import algorithm_label
from ui.shared.words import counted, plain

# A second click on the button within this time counts as the same click.
DOUBLE_CLICK_S = 3.0
_LAST_START = "new_test.last_start"


def render(user: CurrentUser) -> None:
    """Draw the page."""
    page_header("New test", "See how well a model does on batteries it never saw.")
    questions, panel = st.columns([2.2, 1], gap="large")
    with questions:
        asked = _questions(user)
    if asked is not None:
        with panel, st.container(border=True):
            _start_panel(user, *asked)


def _questions(user: CurrentUser) -> tuple[TestRequest, TestMaterial] | None:
    try:
        model = _choose_model(user)
    except NotFound as error:
        st.error(str(error), icon=":material/error:")
        link("All models", "models", icon=":material/arrow_back:")
        return None
    if model is None:
        empty_state("No models yet. Train one first.", "New training", "new-training")
        return None
    try:
        dataset_id = _choose_dataset(user, model)
        material = _load(user, model, dataset_id)
    except NotFound as error:
        st.error(str(error), icon=":material/error:")
        link("All datasets", "datasets", icon=":material/arrow_back:")
        return None
    except InvalidInput as error:
        st.warning(str(error), icon=":material/warning:")
        return None
    st.subheader("How far ahead", anchor=False)
    horizon = _choose_horizon(model)
    st.subheader("Batteries", anchor=False)
    codes = choose_batteries(material)
    return TestRequest(model.id, dataset_id, codes, horizon), material


def _load(user: CurrentUser, model: ModelInfo, dataset_id: int) -> TestMaterial:
    """Model and dataset side by side; `InvalidInput` where the dataset lacks features."""
    with read_scope() as session:
        dataset = load_dataset(session, user, dataset_id)
        matched_columns(model, dataset.summary)
        return load_test_material(session, user, model, dataset)


def _choose_model(user: CurrentUser) -> ModelInfo | None:
    """The model of the address, or the newest; None where there is none."""
    current = None
    if "model" in st.query_params:
        with read_scope() as session:
            current = get_model_info(session, user, address_id("model") or 0)

    def find(part: str) -> Listed[ModelInfo]:
        with read_scope() as session:
            return list_models(session, user, ModelFilter(name=part))

    model = pick_box(
        "Model",
        find,
        current,
        _described,
        key="tested_model",
        help="Each training run gives one model.",
    )
    if model is None:
        return None
    set_address(model=model.id)
    if model.labels_changed:
        st.warning(
            f"The labels of {plain(model.dataset_name)} have changed since this model was "
            "trained, so it is compared with other values than it learned.",
            icon=":material/warning:",
        )
    return model


def _described(model: ModelInfo) -> str:
    ahead = f"forecasts up to {counted(model.max_horizon, 'cycle')} ahead"
    kind = ahead if model.max_horizon else "estimates"
    algorithm = algorithm_label(model.algorithm)
    named = model.title if algorithm in model.name else f"{model.title} · {algorithm}"
    return f"{named} · {TARGET_TITLES[model.target]} · {kind}"


def _choose_dataset(user: CurrentUser, model: ModelInfo) -> int:
    wanted = address_id("dataset") or 0 if "dataset" in st.query_params else model.dataset_id
    with read_scope() as session:
        current = get_dataset_summary(session, user, wanted)
    chosen = pick_dataset_box(
        user,
        current,
        lambda item: f"{item.name} · {counted(item.n_batteries, 'battery', 'batteries')}",
        # Another model starts from its own dataset.
        key=f"tested_dataset_{model.id}",
        help="It needs the features that the model was trained on, by the same names.",
    )
    dataset_id = chosen.id if chosen is not None else current.id
    set_address(dataset=None if dataset_id == model.dataset_id else dataset_id)
    return dataset_id


def _choose_horizon(model: ModelInfo) -> int:
    longest = model.max_horizon
    horizon = st.number_input(
        "Cycles ahead",
        min_value=1 if longest else 0,
        max_value=longest,
        value=1 if longest else 0,
        step=1,
        disabled=not longest,
        key=f"horizon_{model.id}",
        width=240,
        help="How many cycles after the last measured cycle the model predicts.",
    )
    if longest:
        st.markdown(
            f"This model forecasts **1 to {longest} cycles** ahead. 1 is the next cycle and the "
            "easiest; choose more to see how far ahead its forecasts are good."
        )
    else:
        st.caption(
            "This model estimates the state at the measured cycle itself. "
            "Train a forecasting model to look ahead."
        )
    return int(horizon)


def _start_panel(user: CurrentUser, request: TestRequest, material: TestMaterial) -> None:
    codes = request.battery_codes or ()
    n = len(codes)
    for sentence in label_scoring(material.model, material.dataset.summary).sentences(
        material.model.target
    ):
        st.warning(plain(sentence), icon=":material/rule:")
    st.metric("Batteries to test", f"{n:,}")
    st.metric("Estimate or forecast", kind_word(request.horizon or 0))
    clean = True
    if n:
        findings = test_check(user, material, codes)
        key = f"test_{request.model_id}_{request.dataset_id}"
        answer = leakage_panel(findings, request.dataset_id, key)
        clean, request = answer.may_start, replace(request, overrule_recognition=answer.reason)
    pressed = st.button(
        "Start test",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not n or not clean,
    )
    if not n:
        st.caption("Choose at least one battery.")
    if pressed:
        with shown_errors():
            go("results", test=_start(user, request))
    st.caption("It runs in the background; CSV and XLSX files are made with it.")


def _start(user: CurrentUser, request: TestRequest) -> int:
    """The id of the test; a double click starts one test, not two."""
    last_request, last_id, started_at = st.session_state.get(_LAST_START, (None, 0, 0.0))
    if last_request == request and time.monotonic() - started_at < DOUBLE_CLICK_S:
        return int(last_id)
    test_id = start_test(user, request)
    st.session_state[_LAST_START] = (request, test_id, time.monotonic())
    return test_id
