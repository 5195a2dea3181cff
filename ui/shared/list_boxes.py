"""The boxes above a long list, its pages, and what to say when nothing matches.

What is chosen stands in the address, so that reload, Back and a copied link find the same page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from core.base.paging import NEWEST, PAGE_SIZE, Listed, Page, is_place
from models.settings.catalogue import ALGORITHMS
from ui.shared.frame import STATUS_LOOK, status_text
from ui.shared.theme import algorithm_label

ANY = "All"
FIND, DATASET, STATUS, ALGORITHM, TARGET, KIND, SINCE, SORT = (
    "find",
    "in_dataset",
    "status",
    "algorithm",
    "of_target",
    "kind",
    "since",
    "sort",
)
PLACE = "page"
ADDRESS = (FIND, DATASET, STATUS, ALGORITHM, TARGET, KIND, SINCE, SORT, PLACE)
TARGETS = {"PCL": "PCL", "RUL": "RUL", "PCL and RUL": "BOTH"}
# Label -> whether forecasts are wanted.
KINDS = {"Estimates": False, "Forecasts": True}
DAYS = {"Last 2 days": 1, "Last 7 days": 7, "Last 30 days": 30, "Last 12 months": 365}
ORDER_LABELS = {
    NEWEST: "Newest first",
    "oldest": "Oldest first",
    "name": "Name",
    "dataset": "Dataset",
    "status": "Status",
    "algorithm": "Algorithm",
}


@dataclass(frozen=True)
class Boxes:
    """What the boxes hold; empty where nothing is chosen. `since` is in UTC."""

    name: str = ""
    dataset: str = ""
    statuses: tuple[str, ...] = ()
    algorithm: str | None = None
    target: str | None = None
    forecasts: bool | None = None
    since: datetime | None = None
    order: str = NEWEST

    @property
    def are_empty(self) -> bool:
        """Whether everything is let through."""
        return self == Boxes(order=self.order)

    def page(self) -> Page:
        """The page of the list that the address names."""
        place = st.query_params.get(PLACE)
        return Page(
            after=place if place and is_place(place, self.order) else None, order=self.order
        )


def forget_other_addresses() -> None:
    """Leave only the list's own address; a link that stays on the page would keep the old one."""
    for name in set(st.query_params) - set(ADDRESS):
        del st.query_params[name]


def list_boxes(
    noun: str,
    orders: Sequence[str],
    statuses: Sequence[str] = (),
    *,
    dataset: str = "",
    algorithm: bool = False,
    question: bool = False,
) -> Boxes:
    """Draw the boxes; `dataset` is the label of that box, and no label means no box.

    question : whether there are boxes for target and for estimate or forecast
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = _text(f"Find a {noun}", FIND)
        source = _text(dataset, DATASET) if dataset else ""
        status = _choice("Status", STATUS, [status_text(key) for key in statuses])
        labels = {algorithm_label(key): key for key in ALGORITHMS} if algorithm else {}
        chosen = _choice("Algorithm", ALGORITHM, list(labels))
        target = _choice("Target", TARGET, list(TARGETS) if question else [])
        kind = _choice("Kind", KIND, list(KINDS) if question else [])
        since = _choice("Date", SINCE, list(DAYS), everything="Any time")
        order = st.selectbox(
            "Sort by",
            [ORDER_LABELS[key] for key in orders],
            key=SORT,
            bind="query-params",
            on_change=first_page,
            width=140,
        )
    return Boxes(
        name=name,
        dataset=source,
        statuses=tuple(key for key in statuses if status == status_text(key)),
        algorithm=labels.get(chosen),
        target=TARGETS.get(target),
        forecasts=KINDS.get(kind),
        since=_start(since),
        order=next(key for key in orders if ORDER_LABELS[key] == order),
    )


def no_match(noun: str) -> None:
    """Say that the boxes let nothing through, with the button that empties them."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f":material/filter_alt: No {noun} matches.", text_alignment="center")
        pressed = st.button("Clear filters", icon=":material/filter_alt_off:", on_click=clear_boxes)
    # Of a list that follows what runs only the list would be drawn again, not the boxes.
    if pressed:
        st.rerun()


def page_buttons(listed: Listed[Any]) -> None:
    """Lead to the pages before and after, where there are any."""
    if listed.next is None and listed.previous is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        _turn_button("Previous", ":material/chevron_left:", listed.previous)
        _turn_button("Next", ":material/chevron_right:", listed.next)
        st.caption(
            f"{PAGE_SIZE} a page. A column's header sorts this page alone; Sort by sorts all.",
            width="content",
        )


def is_beyond(listed: Listed[Any]) -> bool:
    """Whether the page of the address is empty by now; goes back to the first one then."""
    if listed or PLACE not in st.query_params:
        return False
    first_page()
    return True


def first_page() -> None:
    """Go back to the first page, as after every change of the boxes."""
    st.query_params.pop(PLACE, None)


def clear_boxes() -> None:
    """Empty all boxes but the order."""
    first_page()
    for name in (FIND, DATASET):
        if name in st.session_state:
            st.session_state[name] = ""
    boxes = {STATUS: ANY, ALGORITHM: ANY, TARGET: ANY, KIND: ANY, SINCE: "Any time"}
    for name, everything in boxes.items():
        if name in st.session_state:
            st.session_state[name] = everything


def _text(label: str, key: str) -> str:
    value = st.text_input(
        label,
        key=key,
        max_chars=120,
        bind="query-params",
        on_change=first_page,
        placeholder="Part of the name",
        icon=":material/search:",
        width=180,
    )
    return (value or "").strip()


def _choice(label: str, key: str, options: Sequence[str], everything: str = ANY) -> str:
    if not options:
        return everything
    chosen: str = st.selectbox(
        label,
        [everything, *options],
        key=key,
        bind="query-params",
        on_change=first_page,
        width=140,
    )
    return chosen


def _start(since: str) -> datetime | None:
    if since not in DAYS:
        return None
    midnight = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=DAYS[since])


def _turn_button(label: str, icon: str, place: str | None) -> None:
    st.button(
        label,
        icon=icon,
        key=f"list_{label.lower()}",
        disabled=place is None,
        on_click=_turn,
        args=(place,),
    )


def _turn(place: str) -> None:
    st.query_params[PLACE] = place


JOB_STATUSES = tuple(key for key in STATUS_LOOK if key != "PROCESSING")
UPLOAD_STATUSES = ("PENDING", "PROCESSING", "SUCCEEDED", "FAILED")
