"""A box that chooses one of many: the newest at first, others by a part of their name.

Never more than a page of them is read, however many there are.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import streamlit as st

from core.base.paging import PAGE_SIZE, Listed


class Named(Protocol):
    """Whatever has an id."""

    @property
    def id(self) -> int:
        """Its number."""
        ...


Thing = TypeVar("Thing", bound=Named)


def pick_box(
    label: str,
    find: Callable[[str], Listed[Thing]],
    current: Thing | None,
    words: Callable[[Thing], str],
    key: str,
    help: str | None = None,
    width: int | None = None,
) -> Thing | None:
    """Draw the box, and above it a search where there are more than a page; None if all is empty.

    Parameters
    ----------
    find : gives the first page of the things whose names hold a text, or of all
    current : chosen at first, and always among what is offered; None for the first one
    """
    found = find("")
    if found.next is not None:
        part = st.text_input(
            f"Find a {label.lower()}",
            key=f"{key}_find",
            max_chars=120,
            icon=":material/search:",
            placeholder="Part of the name",
            width=width or "stretch",
            help=f"There are more than {PAGE_SIZE}; the box below offers the newest that match.",
        )
        found = find(part) if part.strip() else found
        if not found:
            st.caption("Nothing matches.")
    offered = _offered(found.items, current)
    if not offered:
        return None
    by_id = {thing.id: thing for thing in offered}
    chosen: int = st.selectbox(
        label,
        list(by_id),
        index=list(by_id).index(current.id) if current is not None else 0,
        format_func=lambda thing_id: words(by_id[thing_id]),
        key=key,
        help=help,
        width=width or "stretch",
    )
    return by_id[chosen]


def _offered(found: Sequence[Thing], current: Thing | None) -> list[Thing]:
    if current is None or any(thing.id == current.id for thing in found):
        return list(found)
    return [current, *found]
