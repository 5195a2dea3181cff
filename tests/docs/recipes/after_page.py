"""After "Add a page": the navigation leads to it, at its address."""

from pages import overview
from shell.main import SCREENS


def test_the_shell_knows_it() -> None:
    (screen,) = [screen for screen in SCREENS if screen[1] == "overview"]
    assert screen == ("Data", "overview", "Overview", "summarize", overview)
