"""The script of each visit: signs the user in and draws the page of the address.

It lies in a folder of its own because Streamlit serves every file of a `pages/` folder beside its
script by itself, past the login (tests/e2e/test_first_request.py).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import streamlit as st
from streamlit.errors import FragmentHandledException

from core.access.actor import CurrentUser
from pages import (
    account,
    datasets,
    early_prediction,
    explore,
    leaderboard,
    leakage,
    models,
    new_test,
    new_training,
    results,
    runs,
    upload,
)
from shell.errors import show_error
from ui.accounts.login import require_user, sign_out_button
from ui.shared.links import go, register_pages

# Of our own: the browser would fetch a Material icon from a font server.
ICON = Path(__file__).parent / "icon.svg"

# Section, address, title, icon, module.
SCREENS: list[tuple[str, str, str, str, ModuleType]] = [
    ("Data", "datasets", "Datasets", "database", datasets),
    ("Data", "upload", "Upload", "upload_file", upload),
    ("Data", "explore", "Explore", "insights", explore),
    ("Data", "leakage", "Leakage check", "verified_user", leakage),
    ("Train", "new-training", "New training", "model_training", new_training),
    ("Train", "runs", "Runs", "timeline", runs),
    ("Train", "models", "Models", "deployed_code", models),
    ("Test", "new-test", "New test", "science", new_test),
    ("Test", "results", "Results", "bar_chart", results),
    ("Test", "early-prediction", "Early prediction", "av_timer", early_prediction),
    ("Test", "leaderboard", "Leaderboard", "leaderboard", leaderboard),
    ("Account", "account", "Account", "person", account),
]


def main() -> None:
    """Log in, then draw the page that the address names."""
    st.set_page_config(page_title="FadeBench", page_icon=str(ICON), layout="wide")
    signed_in: list[CurrentUser] = []
    # Streamlit gives its default page the bare address alone; as a page of its own that only
    # forwards, it leaves `/datasets` to the datasets.
    home = st.Page(_forward, title="FadeBench", default=True, visibility="hidden")
    screens: dict[str, Any] = {
        address: st.Page(
            partial(_render, module.render, title, signed_in),
            title=title,
            icon=f":material/{icon}:",
            url_path=address,
        )
        for _, address, title, icon, module in SCREENS
    }
    register_pages(screens)
    # Before the login, so that the address of a deep link survives it.
    current = st.navigation([home, *screens.values()], position="hidden")
    user = require_user()
    signed_in.append(user)
    with st.sidebar:
        _navigation(screens)
        sign_out_button(user)
    current.run()


def _navigation(screens: dict[str, Any]) -> None:
    """Links by section.

    Drawn by us because Streamlit's own do nothing on the page that is open already, even where it
    shows one object and the reader wants the list.
    """
    with st.container(key="navigation", gap="xxsmall"):
        section = ""
        for screen in SCREENS:
            if screen[0] != section:
                section = screen[0]
                st.caption(section)
            st.page_link(screens[screen[1]], query_params={})


def _forward() -> None:
    go("datasets", **st.query_params.to_dict())


def _render(
    render: Callable[[CurrentUser], None], title: str, signed_in: list[CurrentUser]
) -> None:
    """Draw a page; an error ends it with one sentence: its own, or where to find its details."""
    try:
        render(signed_in[0])
    except FragmentHandledException:
        raise  # shown already, by the fragment that it comes from
    except Exception as error:
        show_error(error, f"the page {title}")


if __name__ == "__main__":
    main()
