"""One model: its errors, how it was made, where it came from, and what can be done with it."""

import streamlit as st

from core.database import read_scope, session_scope
from core.registry import ModelInfo, delete_model, open_checkpoint, rename_model
from core.users import CurrentUser
from ui.frame import confirm_by_name, local_time, page_header, shown_errors
from ui.links import go, link
from ui.model_list import kind_text
from ui.model_metrics import metrics_table
from ui.model_settings import settings_table
from ui.theme import algorithm_label
from ui.training_list import target_text
from ui.words import plain


def show_model(user: CurrentUser, model: ModelInfo) -> None:
    """Draw a model with everything that belongs to it."""
    purpose = (
        f"{algorithm_label(model.algorithm)} · {target_text(model.target)} · {kind_text(model)} · "
        f"created {local_time(model.created_at)}"
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
            "The labels of the dataset were computed anew after this training: these errors refer "
            "to the old ones. Train again for numbers on the new ones.",
            icon=":material/warning:",
        )
    st.subheader("Errors", anchor=False)
    metrics_table(model)
    st.subheader("Settings", anchor=False)
    settings_table(model)


def _test(model: ModelInfo) -> None:
    if st.button("Test this model", type="primary", icon=":material/science:"):
        go("new-test", model=model.id)


def _rename(user: CurrentUser, model: ModelInfo) -> None:
    with (
        st.popover("Rename", icon=":material/edit:"),
        st.form("rename_model", border=False),
    ):
        name = st.text_input("New name", value=model.name, max_chars=120)
        st.caption("It takes the next free version of that name.")
        if st.form_submit_button("Save name", type="primary"):
            with shown_errors():
                with session_scope() as session:
                    rename_model(session, user, model.id, name or "")
                st.rerun()


def _download(user: CurrentUser, model: ModelInfo) -> None:
    with shown_errors():
        with read_scope() as session:
            path, file_name = open_checkpoint(session, user, model.id)
        st.download_button(
            "Checkpoint",
            data=path.read_bytes,
            file_name=file_name,
            mime="application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            help="The weights with everything needed to use them, as a PyTorch file.",
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
