"""Links between pages, and the address of every object."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ui.shared.words import plain

_PAGES = "fadebench_pages"


def register_pages(pages: Mapping[str, Any]) -> None:
    """Remember the pages of this run by name; `app.py` calls it before anything is drawn."""
    st.session_state[_PAGES] = dict(pages)


def link(label: str, page: str, icon: str | None = None, **address: Any) -> None:
    """A link to a page, or to one object on it: `link("Cells", "datasets", dataset=3)`."""
    st.page_link(
        st.session_state[_PAGES][page],
        label=plain(label),
        icon=icon,
        query_params={name: str(value) for name, value in address.items()},
    )


def go(page: str, **address: Any) -> None:
    """Leave for another page at once."""
    st.switch_page(
        st.session_state[_PAGES][page],
        query_params={name: str(value) for name, value in address.items()},
    )


def address_id(name: str) -> int | None:
    """The id that the address holds under `name`; None if it holds none or no number.

    The service that gets the id decides whether the user may see the object.
    """
    text = st.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def set_address(**address: Any) -> None:
    """Write the shown object into the address, so that reloads and copied links show it."""
    for name, value in address.items():
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != str(value):
            st.query_params[name] = str(value)
