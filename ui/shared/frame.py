"""Parts that all pages share: header, errors, empty states, status, time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.base.defects import ADVICE
from core.base.words import rounded
from core.jobs.queue import TaskState
from ui.shared.links import link
from ui.shared.theme import ACCENT_TEXT_STYLE
from ui.shared.words import plain

# A task that waits longer than this waits for others.
STARTING_S = 5.0
STATUS_LOOK = {
    "PENDING": ("Waiting", "gray", ":material/schedule:"),
    "PROCESSING": ("Reading", "blue", ":material/sync:"),
    "RUNNING": ("Running", "blue", ":material/sync:"),
    "SUCCEEDED": ("Done", "green", ":material/check:"),
    "FAILED": ("Failed", "red", ":material/error:"),
    "CANCELED": ("Cancelled", "orange", ":material/block:"),
}


# On a phone the actions stand below the title instead of squeezing it. In a popover Streamlit's
# hint on Enter and length would lie on the text that is typed.
PAGE_STYLE = f"""<style>
@media (max-width: 640px) {{ .st-key-page_header > div:first-child {{ min-width: 100%; }} }}
[data-testid="stPopoverBody"] [data-testid="InputInstructions"] {{ display: none; }}
.stElementContainer:has(> .stHtml > style) {{ display: none; }}{ACCENT_TEXT_STYLE}
</style>"""


def page_header(title: str, purpose: str, action: Callable[[], None] | None = None) -> None:
    """Title, one sentence on what the page is for, and the primary action on the right."""
    st.html(PAGE_STYLE)
    with st.container(horizontal=True, vertical_alignment="bottom", key="page_header"):
        with st.container(gap="xsmall"):
            st.title(title, anchor=False)
            st.caption(purpose)
        if action is not None:
            with st.container(width="content"):
                action()


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error that was raised on purpose as its message, and go on."""
    try:
        yield
    except ADVICE as error:
        st.error(str(error), icon=":material/error:")


def empty_state(
    text: str, label: str | None = None, page: str | None = None, icon: str = ":material/inbox:"
) -> None:
    """Draw what to do where there is nothing yet, with a link to it."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(f"{icon} {text}", text_alignment="center")
        if label and page:
            link(label, page, icon=":material/arrow_forward:")


def status_badge(status: str, canceling: bool = False) -> None:
    """The state of a job, in words, with an icon and a colour."""
    label, colour, icon = STATUS_LOOK[status]
    if canceling and status in ("PENDING", "RUNNING", "PROCESSING"):
        label = "Cancelling"
    st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]


def status_text(status: str) -> str:
    """The state of a job in one word, for tables."""
    return STATUS_LOOK[status][0]


def task_progress(task: TaskState, progress: float | None = None) -> None:
    """Stage, percentage, elapsed and remaining time of work under way."""
    if task.status == "PENDING":
        st.progress(0.0, text="Waiting for a free process; it starts by itself.")
        return
    share = progress if progress is not None else (task.progress or 0.0)
    parts = [task.stage or "Starting", f"{share:.0%}", f"{duration(task.elapsed_s)} so far"]
    if task.remaining_s is not None:
        parts.append(f"about {duration(task.remaining_s)} to go")
    st.progress(share, text=" · ".join(parts))


def queued_progress(task: TaskState, others_run: bool = False) -> None:
    """Progress of a task; one that was queued just now starts rather than waits."""
    waited_s = (datetime.now(UTC).replace(tzinfo=None) - task.created_at).total_seconds()
    if task.status == "PENDING" and not others_run and waited_s < STARTING_S:
        st.progress(0.0, text="Starting")
    else:
        task_progress(task)


def duration(seconds: float) -> str:
    """A duration in words: `42 s`, `3 min 20 s`, `2 h 5 min`; it never breaks over lines."""
    whole = max(0, round(seconds))
    if whole < 60:
        text = f"{whole} s"
    elif whole < 3600:
        text = f"{whole // 60} min {whole % 60} s"
    else:
        text = f"{whole // 3600} h {whole % 3600 // 60} min"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def local_time(moment: datetime | None) -> str:
    """A stored UTC time in the reader's zone, with the zone's name."""
    if moment is None:
        return "-"
    local = moment.replace(tzinfo=UTC).astimezone(_zone())
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def file_size(size_bytes: int) -> str:
    """A file size with its unit."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{rounded(size_bytes / factor, 3)} {unit}"
    return f"{size_bytes} bytes"


def confirm_by_name(name: str, noun: str, key: str) -> bool:
    """Ask to type the name of what is to be deleted; True when it matches."""
    typed = st.text_input(f"Type the name of the {noun} to confirm: {plain(name)}", key=key)
    return typed.strip() == name.strip()


def is_dark() -> bool:
    """Whether the reader's theme is dark, for figures."""
    return st.context.theme.type == "dark"


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
