"""One run of the app: who is it, and what do they look at.

It lies in a folder of its own because Streamlit serves every file of a `pages/` folder beside its
script by itself, past the login (tests/e2e/test_first_request.py).
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import streamlit as st

from core.users import CurrentUser
from pages import (
    account,
    datasets,
    explore,
    models,
    new_test,
    new_training,
    results,
    runs,
    upload,
)
from ui.links import go, register_pages
from ui.login import require_user, sign_out_button

# Section, address, title, icon, module.
SCREENS: list[tuple[str, str, str, str, ModuleType]] = [
    ("Data", "datasets", "Datasets", "database", datasets),
    ("Data", "upload", "Upload", "upload_file", upload),
    ("Data", "explore", "Explore", "insights", explore),
    ("Train", "new-training", "New training", "model_training", new_training),
    ("Train", "runs", "Runs", "timeline", runs),
    ("Train", "models", "Models", "deployed_code", models),
    ("Test", "new-test", "New test", "science", new_test),
    ("Test", "results", "Results", "bar_chart", results),
    ("Account", "account", "Account", "person", account),
]


def main() -> None:
    """Log in, then draw the page that the address names."""
    st.set_page_config(
        page_title="FadeBench", page_icon=":material/battery_charging_60:", layout="wide"
    )
    signed_in: list[CurrentUser] = []
    # Streamlit gives its default page the bare address alone; as a page of its own that only
    # forwards, it leaves `/datasets` to the datasets.
    home = st.Page(_forward, title="FadeBench", default=True, visibility="hidden")
    screens: dict[str, Any] = {}
    sections: dict[str, list[Any]] = {"": [home]}
    for section, address, title, icon, module in SCREENS:
        screens[address] = st.Page(
            partial(_render, module.render, signed_in),
            title=title,
            icon=f":material/{icon}:",
            url_path=address,
        )
        sections.setdefault(section, []).append(screens[address])
    register_pages(screens)
    # Registered before the login, so that the address of a deep link survives it.
    st.navigation(sections, position="hidden")
    user = require_user()
    signed_in.append(user)
    current = st.navigation(sections, position="sidebar")
    with st.sidebar:
        sign_out_button(user)
    current.run()


def _forward() -> None:
    go("datasets", **st.query_params.to_dict())


def _render(render: Callable[[CurrentUser], None], signed_in: list[CurrentUser]) -> None:
    render(signed_in[0])


if __name__ == "__main__":
    main()
