"""Early prediction: how long a battery lives, judged by its first cycles."""

import streamlit as st

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import NotFound
from core.base.paging import Page
from core.studies.early_life import KIND
from core.studies.filters import StudyFilter
from core.studies.studies import get_study_info, list_studies
from ui.shared.frame import local_time, page_header
from ui.shared.links import address_id, go, link
from ui.shared.list_boxes import forget_other_addresses
from ui.shared.words import counted, plain
from ui.studies.early_life_form import start_form
from ui.studies.early_life_result import download_buttons, read_result, result_view
from ui.studies.progress import busy_study, ended_without_result, manage_buttons, show_studies

PURPOSE = "How long will a battery live, judged by its first cycles alone?"
PAGE = "early-prediction"


def render(user: CurrentUser) -> None:
    """Draw the list, the form, or the study that the address names."""
    if "study" in st.query_params:
        _one(user)
    elif "new" in st.query_params or "dataset" in st.query_params:
        _new(user)
    else:
        _all(user)


def _all(user: CurrentUser) -> None:
    forget_other_addresses()
    with read_scope() as session:
        has_studies = bool(list_studies(session, user, StudyFilter(kind=KIND), Page(limit=1)))
    if has_studies:
        page_header("Early prediction", PURPOSE, _new_button)
        show_studies(user, KIND, PAGE)
        return
    page_header("Early prediction", PURPOSE)
    st.markdown(
        "No studies yet. Linear models learn cycle life from features of the first cycles of some "
        "batteries and predict that of others; the result says how far off they are."
    )
    start_form(user)


def _new_button() -> None:
    if st.button("New study", type="primary", icon=":material/add:"):
        go(PAGE, new=1)


def _new(user: CurrentUser) -> None:
    link("All studies", PAGE, icon=":material/arrow_back:")
    page_header("New study", PURPOSE)
    start_form(user)


def _one(user: CurrentUser) -> None:
    study_id = address_id("study")
    try:
        if study_id is None:
            raise NotFound("study")
        with read_scope() as session:
            info = get_study_info(session, user, study_id)
        if info.kind != KIND:
            raise NotFound("study")
    except NotFound as error:
        page_header("Early prediction", PURPOSE)
        st.error(str(error), icon=":material/error:")
        link("All studies", PAGE, icon=":material/arrow_back:")
        return
    link("All studies", PAGE, icon=":material/arrow_back:")
    if info.status != "SUCCEEDED":
        page_header(plain(info.name), plain(info.source))
        if info.is_active:
            busy_study(user, info.id)
            return
        ended_without_result(info)
        link("Start another study", PAGE, icon=":material/refresh:", new=1)
    else:
        result = read_result(user, info.id)
        batteries = counted(sum(result.counts.values()), "battery", "batteries")
        seen = f"first {result.k} cycles" if result.k else "features of the table"
        page_header(
            plain(info.name),
            f"{plain(info.source)} · {batteries} · {seen} · {local_time(info.finished_at)}",
            lambda: download_buttons(info, result),
        )
        result_view(info, result)
    manage_buttons(user, info, PAGE)
