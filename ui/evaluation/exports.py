"""The files of a finished test: made in the background, downloaded with one click."""

from collections.abc import Mapping

import streamlit as st

from core.access.actor import CurrentUser
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict
from core.evaluation.exports import (
    ExportFormat,
    ExportInfo,
    create_export,
    latest_exports,
    open_export,
)
from ui.shared.frame import file_size, shown_errors

FORMATS: dict[ExportFormat, tuple[str, str]] = {
    "CSV": ("text/csv", "Every prediction: battery, cycle, target, true and predicted value."),
    "XLSX": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "A workbook: information, overall and per-battery metrics, predictions.",
    ),
}


def export_buttons(user: CurrentUser, test_id: int) -> None:
    """A button per format: download, being prepared, or make again."""
    with read_scope() as session:
        exports = latest_exports(session, user, test_id)
    if any(export.is_active for export in exports.values()):
        _until_ready(user, test_id)
    else:
        _buttons(user, test_id, exports)


@st.fragment(run_every=1.0)
def _until_ready(user: CurrentUser, test_id: int) -> None:
    with read_scope() as session:
        exports = latest_exports(session, user, test_id)
    _buttons(user, test_id, exports)
    if not any(export.is_active for export in exports.values()):
        st.rerun()


def _buttons(user: CurrentUser, test_id: int, exports: Mapping[ExportFormat, ExportInfo]) -> None:
    with st.container(horizontal=True, gap="small"):
        for name in FORMATS:
            export = exports.get(name)
            if export is not None and export.is_active:
                st.button(
                    f"Preparing {name}",
                    icon=":material/hourglass_top:",
                    disabled=True,
                    key=f"preparing_{name}_{test_id}",
                )
            elif export is None or not _download(user, export):
                _make(user, test_id, name, export)


def _download(user: CurrentUser, export: ExportInfo) -> bool:
    """Draw the download button; False if there is no file."""
    try:
        with read_scope() as session:
            path = open_export(session, user, export.id)
    except Conflict:
        return False
    mime, content = FORMATS[export.format]
    st.download_button(
        export.format,
        data=lambda: storage.open_file(path),
        file_name=export.file_name,
        mime=mime,
        icon=":material/download:",
        on_click="ignore",
        key=f"download_{export.id}",
        help=f"{content} {file_size(export.file_size_bytes or 0)}.",
    )
    return True


def _make(user: CurrentUser, test_id: int, name: str, failed: ExportInfo | None) -> None:
    reason = failed.task.message if failed is not None and failed.task is not None else None
    label = f"Make {name} again" if failed is not None else f"Make {name}"
    pressed = st.button(
        label,
        icon=":material/refresh:",
        key=f"make_{name}_{test_id}",
        help=f"The last try failed: {reason}" if reason else "There is no file yet.",
    )
    if pressed:
        with shown_errors():
            with session_scope() as session:
                create_export(session, user, test_id, name)
            st.rerun()
