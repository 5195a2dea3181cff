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
from core.ingest.mapping import ColumnMapping, Layout
from core.ingest.recognition.layout import LAYOUT_WORDS
from core.ingest.recognition.questions import Question
from ui.datasets.manage import download_original
from ui.datasets.mapping_form import columns_form, life_form, rows_form
from ui.datasets.outlook import show_outlook
from ui.datasets.overview import problem_table
from ui.datasets.questions import ask_questions, unanswered
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
    layout: Layout | None = st.session_state.get(f"layout_{info.id}")
    if info.mapping is not None:
        sheet = sheet or info.mapping.sheet
        layout = layout or info.mapping.layout
    try:
        return _preview(user.id, info.id, sheet, layout, user)
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
def _preview(
    user_id: int, upload_id: int, sheet: str | None, layout: Layout | None, _user: CurrentUser
) -> Preview:
    with read_scope() as session:
        return preview_upload(session, _user, upload_id, sheet, layout)


def _mapping(user: CurrentUser, info: UploadInfo, preview: Preview) -> None:
    """The questions beside the panel with the button that reads the file."""
    st.html(PANEL_STYLE)
    questions, panel = st.columns([2.2, 1], gap="large")
    with questions:
        mapping, open_questions = _questions(user, info, preview)
    with panel, st.container(border=True, key="read_panel"):
        name = st.text_input(
            "Name of the dataset",
            _suggested_name(info),
            max_chars=MAX_LENGTH,
            key=f"name_{info.id}",
        )
        _confirm(user, info, preview, mapping, name, open_questions)


def _questions(
    user: CurrentUser, info: UploadInfo, preview: Preview
) -> tuple[ColumnMapping, tuple[Question, ...]]:
    """What must be asked, what the file would become, its first rows, what its columns mean."""
    found = preview.mapping
    before = info.mapping
    asked, start, answers = preview.questions, found, dict[str, str]()
    if before is not None and (before.sheet, before.layout) == (found.sheet, found.layout):
        asked, start = (), before
    else:
        start, answers = ask_questions(asked, found, f"ask_{info.id}_{found.sheet}")
    key = f"map_{info.id}_{found.sheet}_{found.layout}_{sorted(answers.items())}"
    outlook = st.container()
    _first_rows(info, preview)
    mapping = columns_form(preview, start, key)
    mapping = rows_form(preview, mapping, key)
    _left_out(preview, mapping)
    with outlook:
        st.subheader("Capacity and end of life", anchor=False)
        mapping = life_form(mapping, key)
        if _is_usable(mapping, preview):
            show_outlook(user, info, mapping)
    return mapping, unanswered(asked, answers)


def _first_rows(info: UploadInfo, preview: Preview) -> None:
    st.subheader("First rows", anchor=False)
    st.caption(_described(preview))
    with st.container(horizontal=True):
        if len(preview.sheets) > 1:
            st.selectbox(
                "Worksheet",
                preview.sheets,
                index=_sheet_index(preview),
                placeholder="All with the same columns",
                key=f"sheet_{info.id}",
                width=260,
            )
        layouts: tuple[Layout, ...] = tuple(LAYOUT_WORDS)
        st.selectbox(
            "Layout",
            layouts,
            index=layouts.index(preview.mapping.layout),
            format_func=LAYOUT_WORDS.__getitem__,
            key=f"layout_{info.id}",
            width=260,
        )
    st.dataframe(
        preview.sample,
        hide_index=True,
        height=SAMPLE_HEIGHT_PX,
        placeholder="",
        alt="The first rows of the file as they were read.",
    )
    if preview.guesses:
        st.info("\n".join(f"- {plain(guess)}" for guess in preview.guesses), icon=":material/help:")


def _sheet_index(preview: Preview) -> int | None:
    """Position of the sheet that is read; None where several are."""
    sheet = preview.mapping.sheet
    return preview.sheets.index(sheet) if sheet in preview.sheets else None


def _left_out(preview: Preview, mapping: ColumnMapping) -> None:
    """The columns that are not used, and why."""
    used = {column for _role, column in mapping.named_columns()}
    rows = [(column, reason) for column, reason in preview.left_out if column not in used]
    if not rows:
        return
    with st.expander(f"Columns not used ({len(rows)})"):
        st.markdown("\n".join(f"- **{plain(column)}** {plain(reason)}" for column, reason in rows))


def _is_usable(mapping: ColumnMapping, preview: Preview) -> bool:
    try:
        check_mapping(mapping, preview.columns)
    except InvalidInput:
        return False
    return True


def _confirm(
    user: CurrentUser,
    info: UploadInfo,
    preview: Preview,
    mapping: ColumnMapping,
    name: str,
    open_questions: tuple[Question, ...],
) -> None:
    valid = not open_questions
    if open_questions:
        st.warning(
            "Answer the question on the left first: the labels depend on it.",
            icon=":material/help:",
        )
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
