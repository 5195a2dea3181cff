"""Results: the list of tests, one test with all its numbers and curves, or several compared."""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import FadeBenchError, NotFound
from core.evaluation.evaluations import TestInfo, get_test_info, get_test_infos
from core.evaluation.results import TestResult, get_result
from core.removal.marking import delete_test
from ui.evaluation import cycles_seen, horizon
from ui.evaluation.batteries import battery_view
from ui.evaluation.busy import busy_test, ended_without_result, log_lines
from ui.evaluation.compare import comparison
from ui.evaluation.curves import CURVES_VIEW, VIEW_KEY, curve_view
from ui.evaluation.exports import export_buttons
from ui.evaluation.headline import headline_metrics
from ui.evaluation.list import comparable, show_tests
from ui.evaluation.lives import lives_table
from ui.evaluation.spread import distribution_view, scatter_view
from ui.evaluation.target import choose_target
from ui.evaluation.words import TARGET_TITLES, horizon_text
from ui.shared.frame import confirm_by_name, local_time, page_header, shown_errors
from ui.shared.links import address_id, go, link
from ui.shared.list_boxes import forget_other_addresses
from ui.shared.words import counted, plain

PURPOSE = "How well your models do on the batteries they were tested on."
VIEWS = (
    CURVES_VIEW,
    "Batteries",
    "Distribution",
    "Scatter",
    horizon.VIEW,
    cycles_seen.VIEW,
)


def render(user: CurrentUser) -> None:
    """Draw the list, the test that the address names, or the comparison."""
    if "test" in st.query_params:
        _one(user)
    elif "compare" in st.query_params:
        _compare(user)
    else:
        _all(user)


def _all(user: CurrentUser) -> None:
    forget_other_addresses()
    page_header("Results", PURPOSE, _new_test_button)
    show_tests(user)


def _new_test_button() -> None:
    if st.button("New test", type="primary", icon=":material/science:"):
        go("new-test")


def _one(user: CurrentUser) -> None:
    test_id = address_id("test")
    try:
        if test_id is None:
            raise NotFound("test")
        with read_scope() as session:
            info, result = _found(session, user, test_id)
    except NotFound as error:
        _not_found(error)
        return
    link("All results", "results", icon=":material/arrow_back:")
    _heading(user, info, result)
    if info.is_active:
        busy_test(user, info.id)
    elif result is None:
        ended_without_result(user, info)
        _deletion(user, info, 0)
    else:
        _finished(user, result)


def _found(session: Session, user: CurrentUser, test_id: int) -> tuple[TestInfo, TestResult | None]:
    """A test, with its result once it has one."""
    try:
        result = get_result(session, user, test_id)
    except NotFound:
        return get_test_info(session, user, test_id), None
    return result.info, result


def _heading(user: CurrentUser, info: TestInfo, result: TestResult | None) -> None:
    done = f"tested {local_time(info.finished_at)}" if info.finished_at else "not finished"
    purpose = f"{horizon_text(info.horizon)} · {TARGET_TITLES[info.target]} · {done}"
    actions: Callable[[], None] | None = None
    if result is not None:

        def actions() -> None:
            export_buttons(user, info.id)

    page_header(plain(info.title), purpose, actions)
    with st.container(horizontal=True):
        link(
            info.model_title, "models", icon=":material/deployed_code:", model=info.model_version_id
        )
        link(info.dataset_name, "datasets", icon=":material/database:", dataset=info.dataset_id)


def _finished(user: CurrentUser, result: TestResult) -> None:
    headline_metrics(user, result)
    lives_table(user, result)
    target = choose_target(result.targets, str(result.info.id))
    tabs = st.tabs(VIEWS, key=VIEW_KEY, on_change="rerun", bind="query-params")
    draw = (
        lambda: curve_view(user, result, target),
        lambda: battery_view(result, target),
        lambda: distribution_view(user, result, target),
        lambda: scatter_view(user, result, target),
        lambda: horizon.horizon_view(user, result, target),
        lambda: cycles_seen.cycles_seen_view(user, result),
    )
    for tab, content in zip(tabs, draw, strict=True):
        if tab.open:
            with tab:
                content()
    log_lines(user, result.info.id)
    _deletion(user, result.info, result.batteries["battery_code"].nunique())


def _deletion(user: CurrentUser, info: TestInfo, n_batteries: int) -> None:
    if st.button("Delete test", icon=":material/delete:", type="tertiary"):
        _confirm_deletion(user, info, n_batteries)


@st.dialog("Delete test", icon=":material/delete:")
def _confirm_deletion(user: CurrentUser, info: TestInfo, n_batteries: int) -> None:
    batteries = counted(n_batteries, "battery", "batteries")
    what = f", the predictions and metrics of {batteries}" if n_batteries else ""
    st.markdown(f"This deletes the test **{plain(info.title)}**{what}, its log and its files.")
    st.markdown("The model stays. This cannot be undone.")
    confirmed = confirm_by_name(info.title, "test", f"confirm_test_{info.id}")
    if not st.button("Delete for good", type="primary", disabled=not confirmed):
        return
    with shown_errors():
        with session_scope() as session:
            delete_test(session, user, info.id)
        st.toast("Test deleted.", icon=":material/check:")
        go("results")


def _compare(user: CurrentUser) -> None:
    ids = [part for part in st.query_params.get("compare", "").split(",") if part]
    try:
        if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in ids):
            raise NotFound("test")
        with read_scope() as session:
            infos = get_test_infos(session, user, [int(part) for part in dict.fromkeys(ids)])
            problem = comparable(infos)
            results = [get_result(session, user, info.id) for info in infos if not problem]
    except FadeBenchError as error:
        _not_found(error)
        return
    link("All results", "results", icon=":material/arrow_back:")
    page_header("Compare tests", "The same numbers side by side, over batteries never seen.")
    if problem:
        st.warning(problem, icon=":material/warning:")
    else:
        comparison(user, results)


def _not_found(error: FadeBenchError) -> None:
    page_header("Results", PURPOSE)
    st.error(str(error), icon=":material/error:")
    link("All results", "results", icon=":material/arrow_back:")
