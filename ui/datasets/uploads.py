"""The list of uploads, and what becomes of one: busy, read, or refused."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.datasets import get_dataset_summary
from core.datasets.filters import UPLOAD_ORDERS, UploadFilter
from core.datasets.uploads import (
    UploadInfo,
    cancel_upload,
    delete_upload,
    get_upload_info,
    list_uploads,
)
from ui.datasets.list import opening_table
from ui.datasets.overview import problem_table
from ui.datasets.words import split_line
from ui.shared.frame import confirm_by_name, file_size, shown_errors, status_text, task_progress
from ui.shared.links import go, link
from ui.shared.list_boxes import UPLOAD_STATUSES, is_beyond, list_boxes, no_match, page_buttons
from ui.shared.words import plain

WAITS_FOR_YOU = "Waits for your columns"


def show_uploads(user: CurrentUser) -> None:
    """Draw a page of the uploads under their boxes; nothing where there has been none."""
    slot = st.empty()
    with slot.container():
        st.subheader("Your uploads", anchor=False)
        boxes = list_boxes("file", list(UPLOAD_ORDERS), UPLOAD_STATUSES)
    with read_scope() as session:
        wanted = UploadFilter(name=boxes.name, statuses=boxes.statuses, since=boxes.since)
        uploads = list_uploads(session, user, wanted, boxes.page())
    if is_beyond(uploads):
        st.rerun()
    if uploads:
        upload_table(uploads)
        page_buttons(uploads)
    elif boxes.are_empty:
        slot.empty()
    else:
        no_match("upload")


def upload_table(uploads: Sequence[UploadInfo]) -> None:
    """Uploads with their state; choosing a row opens one."""
    zone = st.context.timezone or "UTC"
    times = pd.DatetimeIndex([item.created_at for item in uploads]).tz_localize("UTC")
    frame = pd.DataFrame(
        {
            "File": [item.original_filename for item in uploads],
            "State": [state_of(item) for item in uploads],
            "Dataset": [item.dataset_name if item.dataset_id else "" for item in uploads],
            "Size (MB)": [item.file_size_bytes / 1e6 for item in uploads],
            "Uploaded": times,
        }
    )
    row = opening_table(
        frame,
        "upload_table",
        alt="Your uploads with their state. Choose a row to open one.",
        column_config={
            "Size (MB)": st.column_config.NumberColumn(format="localized"),
            "Uploaded": st.column_config.DatetimeColumn(
                f"Uploaded ({zone})", format="YYYY-MM-DD HH:mm", timezone=zone
            ),
        },
    )
    st.caption("Choose a row to open the upload.")
    if row is not None:
        go("upload", upload=uploads[row].id)


def state_of(info: UploadInfo) -> str:
    """The state of an upload in words."""
    if info.status == "PENDING" and not info.is_active:
        return WAITS_FOR_YOU
    return status_text(info.status)


@st.fragment(run_every=1.0)
def reading_progress(user: CurrentUser, upload_id: int) -> None:
    """Stage and share of the reading, with the button that stops it."""
    with read_scope() as session:
        info = get_upload_info(session, user, upload_id)
    if info.task is None or not info.task.is_active:
        st.rerun()
    task_progress(info.task)
    st.caption("You may leave this page; the reading goes on.")
    stopping = info.task.cancel_requested
    if st.button("Cancelling" if stopping else "Cancel", disabled=stopping):
        with shown_errors(), session_scope() as session:
            cancel_upload(session, user, upload_id)
        st.rerun()


def reading_result(user: CurrentUser, info: UploadInfo) -> None:
    """What the file became: numbers, warnings, and the way on."""
    report = info.report or {}
    if _is_changed_since(user, info):
        st.caption(
            "As read: labels or split of the dataset have been changed since. The dataset shows "
            "what holds now."
        )
        database = ":material/database:"
        link("Dataset as it is now", "datasets", icon=database, dataset=info.dataset_id)
    labelled = report.get("labelled", {})
    with st.container(horizontal=True, gap="large"):
        st.metric("Batteries", f"{report.get('batteries', 0):,}", width="content")
        st.metric("Cycles", f"{report.get('cycles', 0):,}", width="content")
        st.metric("Cycles with PCL", _percent(labelled.get("PCL", 0)), width="content")
        st.metric("Cycles with RUL", _percent(labelled.get("RUL", 0)), width="content")
        st.metric("Without cycle life", f"{report.get('censored', 0):,}", width="content")
    origin = "as in the file" if report.get("split_origin") == "file" else "proposed"
    st.markdown(f"**Split** ({origin}): {split_line(report.get('split', {}))}")
    for warning in report.get("warnings", []):
        st.warning(plain(warning), icon=":material/warning:")
    problem_table(report)
    with st.container(horizontal=True):
        if st.button("Open dataset", type="primary", icon=":material/database:"):
            go("datasets", dataset=info.dataset_id)
        if st.button("Explore", icon=":material/insights:"):
            go("explore", dataset=info.dataset_id)
        if st.button("Train on it", icon=":material/model_training:"):
            go("new-training", dataset=info.dataset_id)


def _is_changed_since(user: CurrentUser, info: UploadInfo) -> bool:
    """Whether the dataset has other labels or another split than the file gave it."""
    if info.dataset_id is None:
        return False
    with read_scope() as session:
        summary = get_dataset_summary(session, user, info.dataset_id)
    as_read = split_line((info.report or {}).get("split", {}))
    return summary.labels_version > 1 or split_line(summary.split) != as_read


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


@st.dialog("Delete upload", icon=":material/delete:")
def confirm_upload_deletion(user: CurrentUser, info: UploadInfo) -> None:
    """Ask for the file's name, then delete the upload."""
    size = file_size(info.file_size_bytes)
    st.markdown(f"This deletes **{plain(info.original_filename)}** ({size}). It cannot be undone.")
    confirmed = confirm_by_name(info.original_filename, "file", f"confirm_upload_{info.id}")
    if not st.button("Delete for good", type="primary", disabled=not confirmed):
        return
    with shown_errors():
        with session_scope() as session:
            delete_upload(session, user, info.id)
        st.toast("Upload deleted.", icon=":material/check:")
        go("upload")
