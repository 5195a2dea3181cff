"""Renaming, downloading and deleting a dataset that the user owns."""

import streamlit as st
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base import storage
from core.base.database import read_scope, session_scope
from core.datasets.datasets import DatasetDetail, DatasetSummary, rename_dataset
from core.datasets.uploads import open_upload
from core.removal.marking import Dependents, delete_dataset, list_dataset_dependents
from ui.shared.frame import confirm_by_name, shown_errors
from ui.shared.links import go
from ui.shared.renaming import rename_form
from ui.shared.words import counted, plain

NOUNS = {
    "batteries": ("battery", "batteries"),
    "cycles": ("cycle", "cycles"),
    "uploads": ("uploaded file", "uploaded files"),
    "training_jobs": ("training", "trainings"),
    "runs": ("run", "runs"),
    "models": ("model", "models"),
    "tests": ("test", "tests"),
    "predictions": ("prediction", "predictions"),
    "exports": ("export", "exports"),
    "studies": ("study", "studies"),
}


def manage_dataset(user: CurrentUser, detail: DatasetDetail) -> None:
    """Draw the three forms, or why there are none."""
    summary = detail.summary
    if summary.is_builtin:
        st.info(
            "Built-in datasets are the same for everybody: they cannot be renamed or deleted here."
        )
        return
    _rename(user, summary)
    if detail.upload_id is not None:
        st.subheader("Original file", anchor=False)
        download_original(user, detail.upload_id)
    st.subheader("Delete", anchor=False)
    st.caption("Deletes the dataset, its file, and every training, model and test made of it.")
    if st.button("Delete dataset", icon=":material/delete:"):
        _confirm_deletion(user, summary)


def download_original(user: CurrentUser, upload_id: int) -> None:
    """Draw a button that downloads an uploaded file unchanged."""
    with shown_errors(), read_scope() as session:
        path, name = open_upload(session, user, upload_id)
        st.download_button(
            "Download original file",
            data=lambda: storage.open_file(path),
            file_name=name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            key=f"original_{upload_id}",
        )


def _rename(user: CurrentUser, summary: DatasetSummary) -> None:
    st.subheader("Name", anchor=False)

    def save(session: Session, name: str) -> None:
        rename_dataset(session, user, summary.id, name)

    rename_form("dataset", summary.name, save)


@st.dialog("Delete dataset", icon=":material/delete:")
def _confirm_deletion(user: CurrentUser, summary: DatasetSummary) -> None:
    with read_scope() as session:
        counts = list_dataset_dependents(session, user, summary.id)
    st.markdown(f"This deletes **{plain(summary.name)}**, and with it {_listed(counts)}.")
    st.markdown("This cannot be undone.")
    confirmed = confirm_by_name(summary.name, "dataset", f"confirm_{summary.id}")
    if not st.button("Delete for good", type="primary", disabled=not confirmed):
        return
    with shown_errors():
        with session_scope() as session:
            delete_dataset(session, user, summary.id)
        st.toast("Dataset deleted.", icon=":material/check:")
        go("datasets")


def _listed(counts: Dependents) -> str:
    found = counts.as_dict()
    words = [counted(found[key], *nouns) for key, nouns in NOUNS.items() if found[key]]
    return ", ".join(words) or "nothing else"
