"""Draws one model: its errors, card, settings and origin, with rename, download and delete."""

import streamlit as st
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.overruled import overruled_notes
from core.model_versions.package import package_model, package_name
from core.model_versions.versions import ModelInfo, delete_model, rename_model
from models.settings.catalogue import ALGORITHMS
from ui.model_versions.card import card_view
from ui.model_versions.learned import learned_tables
from ui.model_versions.metrics import metrics_table
from ui.model_versions.settings import settings_table
from ui.model_versions.twins import twins_section
from ui.shared.frame import confirm_by_name, local_time, page_header, shown_errors
from ui.shared.links import go, link
from ui.shared.overruled import overruled_box
from ui.shared.renaming import rename_form
from ui.shared.theme import algorithm_label
from ui.shared.words import plain
from ui.training.errors import kind_text
from ui.training.groups import PHYSICS_VIEW
from ui.training.list import target_text


def show_model(user: CurrentUser, model: ModelInfo) -> None:
    """Draw the page of one model."""
    purpose = (
        f"{algorithm_label(model.algorithm)} · {target_text(model.target)} · "
        f"{kind_text(model.max_horizon)} · created {local_time(model.created_at)}"
    )
    page_header(plain(model.title), purpose, lambda: _test(model))
    with st.container(horizontal=True, vertical_alignment="center"):
        link("All models", "models", icon=":material/arrow_back:")
        link(model.dataset_name, "datasets", icon=":material/database:", dataset=model.dataset_id)
        link("Its run", "runs", icon=":material/timeline:", run=model.run_id)
        _rename(user, model)
        _download(user, model)
        if st.button("Delete…", icon=":material/delete:"):
            _confirm_deletion(user, model)
    if model.labels_changed:
        st.warning(
            "The labels of the dataset were recomputed after this training: these errors refer "
            "to the old ones. Train again for numbers on the new ones.",
            icon=":material/warning:",
        )
    overruled_box(overruled_notes(model.overruled))
    _views(user, model)


def _views(user: CurrentUser, model: ModelInfo) -> None:
    draw = {
        "Errors": lambda: _errors(model),
        "Model card": lambda: card_view(user, model),
        PHYSICS_VIEW: lambda: twins_section(user, model),
        "Settings": lambda: settings_table(model),
    }
    if not ALGORITHMS[model.algorithm].physics:
        del draw[PHYSICS_VIEW]
    tabs = st.tabs(list(draw), key="model_view", on_change="rerun", bind="query-params")
    for tab, content in zip(tabs, draw.values(), strict=True):
        if tab.open:
            with tab:
                content()


def _errors(model: ModelInfo) -> None:
    metrics_table(model)
    learned_tables(model)


def _test(model: ModelInfo) -> None:
    if st.button("Test this model", type="primary", icon=":material/science:"):
        go("new-test", model=model.id)


def _rename(user: CurrentUser, model: ModelInfo) -> None:
    def save(session: Session, name: str) -> None:
        rename_model(session, user, model.id, name)

    with st.popover("Rename", icon=":material/edit:"):
        rename_form("model", model.name, save, "It takes the next free version of that name.")


def _download(user: CurrentUser, model: ModelInfo) -> None:
    def archive() -> bytes:
        with read_scope() as session:
            return package_model(session, user, model.id)

    with shown_errors():
        with read_scope() as session:
            file_name = package_name(session, user, model.id)
        st.download_button(
            "Download",
            data=archive,
            file_name=file_name,
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
            help="The weights with everything needed to use them, and the model card, as one ZIP.",
        )


@st.dialog("Delete this model")
def _confirm_deletion(user: CurrentUser, model: ModelInfo) -> None:
    if model.n_tests:
        noun = "test uses" if model.n_tests == 1 else "tests use"
        st.warning(f"{model.n_tests} {noun} this model. Delete those first.")
        link("Results", "results", icon=":material/bar_chart:")
        return
    st.markdown("This deletes the model and its checkpoint. Its run and loss curves stay.")
    matches = confirm_by_name(model.title, "model", key="delete_model_name")
    if st.button("Delete for good", type="primary", disabled=not matches):
        with shown_errors():
            with session_scope() as session:
                delete_model(session, user, model.id)
            go("models")
