"""The server: `streamlit run app.py` brings the database up to date and starts the supervisor."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from core.base import data_folder
from core.base.database import migrate
from core.base.settings import get_settings
from core.datasets.builtin import ensure_demo_fleet
from core.jobs.supervisor import start_in_thread
from core.wiring import wire
from shell.errors import show_uncaught


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Once per server: database up to date, demonstration fleet on its way, supervisor running."""
    # A restore that runs is waited for, and one that would begin is refused.
    with data_folder.in_use():
        migrate()
        if get_settings().demo_fleet:
            ensure_demo_fleet()
        wire()
        stop = start_in_thread()
        # Streamlit collects garbage after every rerun; what is imported by now never is any.
        gc.freeze()
        yield
        stop.set()


app = st.App(
    Path(__file__).parent / "shell" / "main.py", lifespan=lifespan, on_script_error=show_uncaught
)
