"""Upload: stores a file, asks what its columns mean, and makes a dataset of it."""

from dataclasses import replace
from pathlib import PurePath

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import BadFile, FadeBenchError, InvalidInput, NotFound
from core.base.names import MAX_LENGTH
from core.base.settings import get_settings
from core.datasets.uploads import (
    UploadInfo,
    check_mapping,
    confirm_mapping,
    get_upload_info,
    preview_upload,
    receive_upload,
    refuse_upload,
)
from core.ingest.formats.preview import Preview
from core.ingest.formats.readers import known_endings
from core.ingest.mapping import ColumnMapping
from ui.datasets.manage import download_original
from ui.datasets.mapping_form import mapping_form
from ui.datasets.overview import problem_table
from ui.datasets.uploads import (
    confirm_upload_deletion,
    reading_progress,
    reading_result,
    show_uploads,
)
from ui.shared.frame import file_size, local_time, page_header, shown_errors
from ui.shared.links import address_id, go, link
from ui.shared.list_boxes import forget_other_addresses
from ui.shared.words import plain

PURPOSE = "A file with one row per cycle becomes a dataset."
SAMPLE_HEIGHT_PX = 215
# The panel with the button stays in sight while the questions scroll.
PANEL_STYLE = """<style>
@media (min-width: 641px) {
  .stColumn:has(.st-key-read_panel) { position: sticky; top: 4.5rem; align-self: flex-start; }
}
.stElementContainer:has(> .stHtml > style) { display: none; }
</style>"""


def render(user: CurrentUser) -> None:
    """Draw the upload form, or the upload that the address names."""
    if "upload" in st.query_params:
        _one(user)
    else:
        _all(user)


def _all(user: CurrentUser) -> None:
    forget_other_addresses()
    page_header("Upload", PURPOSE)
    _choose_file(user)
    show_uploads(user)


def _choose_file(user: CurrentUser) -> None:
    limit_mb = get_settings().max_upload_mb
    turn = st.session_state.setdefault("upload_turn", 0)
    file = st.file_uploader(
        f"File with cycling data (at most {limit_mb:,} MB)",
        type=known_endings(),
        key=f"upload_file_{turn}",
        max_upload_size=limit_mb,
        help="MATLAB v5 file of the Severson study, CSV, Excel workbook, or a ZIP of CSV files.",
    )
    st.caption(
        "One row per cycle, with columns for battery, cycle number, features, and capacity, PCL "
        "or RUL. A ZIP may hold one CSV file per battery."
    )
    if file is None:
        return
    with shown_errors():
        with st.spinner("Storing the file"), session_scope() as session:
            upload_id = receive_upload(session, user, file.name, file)
        # A new key empties the widget, so that the file does not stay in memory.
        st.session_state["upload_turn"] = turn + 1
        go("upload", upload=upload_id)


def _one(user: CurrentUser) -> None:
    upload_id = address_id("upload")
    try:
        if upload_id is None:
            raise NotFound("upload")
        with read_scope() as session:
            info = get_upload_info(session, user, upload_id)
    except NotFound as error:
        page_header("Upload", PURPOSE)
        st.error(str(error), icon=":material/error:")
        link("All uploads", "upload", icon=":material/arrow_back:")
        return
    link("All uploads", "upload", icon=":material/arrow_back:")
    page_header(
        plain(info.original_filename),
        f"{file_size(info.file_size_bytes)} · uploaded {local_time(info.created_at)}",
    )
    if info.is_active:
        reading_progress(user, info.id)
    elif info.status == "SUCCEEDED" and info.dataset_id is not None:
        reading_result(user, info)
        with st.container(horizontal=True, vertical_alignment="center"):
            download_original(user, info.id)
            link("Upload another file", "upload", icon=":material/upload_file:")
    elif info.status == "SUCCEEDED":
        st.info("The dataset made of this file was deleted.")
    else:
        _map_columns(user, info)


def _map_columns(user: CurrentUser, info: UploadInfo) -> None:
    """The form of a file that waits for its columns, or that could not be read."""
    if info.status == "FAILED":
        _failure(user, info)
    preview = _look_into(user, info)
    if preview is not None:
        _mapping(user, info, preview)
    with st.container(horizontal=True):
        download_original(user, info.id)
        if st.button("Delete upload", icon=":material/delete:"):
            confirm_upload_deletion(user, info)


def _failure(user: CurrentUser, info: UploadInfo) -> None:
    message = plain(info.error_message or "The file could not be read.")
    if info.was_cancelled:
        st.info("You cancelled the reading. The file is still here.", icon=":material/block:")
        return
    st.error(message, icon=":material/error:")
    problem_table(info.report or {}, expanded=True)
    if info.has_unusable_rows and info.mapping is not None:
        mapping = replace(info.mapping, bad_rows="drop")
        if st.button("Leave these rows out and read again", type="primary"):
            _read(user, info, mapping, info.dataset_name)


def _look_into(user: CurrentUser, info: UploadInfo) -> Preview | None:
    """The first rows; a file that cannot be used at all is marked as failed."""
    sheet: str | None = st.session_state.get(f"sheet_{info.id}")
    if sheet is None and info.mapping is not None:
        sheet = info.mapping.sheet
    try:
        return _preview(user.id, info.id, sheet, user)
    except BadFile as error:
        if info.status == "PENDING":
            with session_scope() as session:
                refuse_upload(session, user, info.id, str(error))
            st.rerun()
        return None
    except FadeBenchError as error:
        st.error(str(error), icon=":material/error:")
        return None


@st.cache_data(ttl=600, max_entries=16, show_spinner="Looking into the file")
def _preview(user_id: int, upload_id: int, sheet: str | None, _user: CurrentUser) -> Preview:
    with read_scope() as session:
        return preview_upload(session, _user, upload_id, sheet)


def _mapping(user: CurrentUser, info: UploadInfo, preview: Preview) -> None:
    """The questions beside the panel with the button that reads the file."""
    st.html(PANEL_STYLE)
    questions, panel = st.columns([2.2, 1], gap="large")
    with questions:
        mapping = _questions(info, preview)
    with panel, st.container(border=True, key="read_panel"):
        name = st.text_input(
            "Name of the dataset",
            _suggested_name(info),
            max_chars=MAX_LENGTH,
            key=f"name_{info.id}",
        )
        _confirm(user, info, preview, mapping, name)


def _questions(info: UploadInfo, preview: Preview) -> ColumnMapping:
    """The first rows and what the columns mean."""
    st.subheader("First rows", anchor=False)
    st.caption(_described(preview))
    if len(preview.sheets) > 1:
        start = preview.sheets.index(preview.mapping.sheet or preview.sheets[0])
        st.selectbox("Worksheet", preview.sheets, index=start, key=f"sheet_{info.id}", width=260)
    st.dataframe(
        preview.sample,
        hide_index=True,
        height=SAMPLE_HEIGHT_PX,
        placeholder="",
        alt="The first rows of the file as they were read.",
    )
    if preview.guesses:
        st.info("\n".join(f"- {plain(guess)}" for guess in preview.guesses), icon=":material/help:")
    before = info.mapping
    fits = before is not None and before.sheet == preview.mapping.sheet
    start_mapping = before if fits and before is not None else preview.mapping
    key = f"map_{info.id}_{preview.mapping.sheet}"
    return mapping_form(preview, start_mapping, key)


def _confirm(
    user: CurrentUser, info: UploadInfo, preview: Preview, mapping: ColumnMapping, name: str
) -> None:
    valid = True
    try:
        for warning in check_mapping(mapping, preview.columns):
            st.warning(warning, icon=":material/warning:")
    except InvalidInput as error:
        st.error(plain(str(error)), icon=":material/error:")
        valid = False
    if st.button(
        "Read file",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        disabled=not valid,
    ):
        _read(user, info, mapping, name)


def _read(user: CurrentUser, info: UploadInfo, mapping: ColumnMapping, name: str) -> None:
    with shown_errors():
        with session_scope() as session:
            confirm_mapping(session, user, info.id, mapping, name)
        st.rerun()


def _described(preview: Preview) -> str:
    columns = f"{len(preview.columns)} columns"
    files = f", {preview.n_tables:,} files" if preview.n_tables > 1 else ""
    return f"{preview.format_label}, {columns}{files}"


def _suggested_name(info: UploadInfo) -> str:
    stem = PurePath(info.dataset_name).stem if info.mapping is None else info.dataset_name
    return " ".join(stem.replace("_", " ").split())[:MAX_LENGTH]
