"""Errors on purpose are advice; all others are logged whole and shown with a reference."""

import logging
import re
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from streamlit.runtime.scriptrunner import ScriptRunner
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import app as server
from core.base.defects import report_defect
from core.base.errors import InvalidInput
from core.base.settings import get_settings
from core.cli import datasets
from core.cli.app import app
from core.jobs.context import TaskContext
from core.worker import _explain
from models.settings.errors import FitError, ModelError

REFERENCE = re.compile(r"Something went wrong in .* \(reference [0-9a-f]{8}\)\.")


def test_a_defect_is_logged_whole_under_the_reference_that_is_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        shown = report_defect("the page Models", ValueError("x is not y"))
    assert REFERENCE.match(shown) and "x is not y" not in shown
    reference = shown.partition("reference ")[2][:8]
    assert reference in caplog.text and "x is not y" in caplog.text


def test_the_errors_of_models_share_one_root_that_is_no_value_error() -> None:
    assert issubclass(FitError, ModelError) and not issubclass(ModelError, ValueError)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (FitError("Choose more batteries."), r"^Choose more batteries\.$"),
        (InvalidInput("Name it."), r"^Name it\.$"),
        (OSError(28, "No space left on device"), "disk of the server .*No space left on device"),
        (OperationalError("SELECT secret", {}, Exception("gone away")), "database .*gone away"),
        (MemoryError("7 PiB"), "ran out of memory"),
        (ValueError("x is not y"), "^Something went wrong in background work .loading cycles"),
        (KeyError("rul"), "^Something went wrong"),
    ],
)
def test_background_work_explains_its_end(error: Exception, shown: str) -> None:
    context = TaskContext(1, "TRAIN", 1, 1, 1, stage="Loading cycles")
    found = _explain(context, error)
    assert re.search(shown, found) and "SELECT" not in found and "x is not y" not in found


def test_a_command_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, fresh_database: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("x is not y")

    monkeypatch.setattr(datasets, "acting_user", broken)
    result = CliRunner().invoke(app, ["datasets", "--as", "ann@example.org"])
    assert result.exit_code == 1
    assert re.search(r"Error: Something went wrong in the command 'datasets'", result.stderr)


def _broken_page() -> None:
    from shell.main import _render

    def render(user: object) -> None:
        raise ValueError("x is not y")

    _render(render, "Models", [None])  # type: ignore[list-item]


def _page_with_advice() -> None:
    from core.base.errors import DamagedData
    from shell.main import _render

    def render(user: object) -> None:
        raise DamagedData("errors of the model", "n: not a number")

    _render(render, "Models", [None])  # type: ignore[list-item]


def test_advice_is_shown_as_it_is_on_a_page() -> None:
    test = AppTest.from_function(_page_with_advice, default_timeout=30.0).run()
    assert "errors of the model" in test.error[0].value
    assert "Something went wrong" not in test.error[0].value


@pytest.mark.parametrize(
    ("variable", "value"),
    [("FADEBENCH_MAX_PROCESSES", "abc"), ("FADEBENCH_DATABASE_URL", "mysqq://x")],
)
def test_a_variable_that_cannot_be_used_is_named(
    variable: str, value: str, data_dir: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    get_settings.cache_clear()
    result = CliRunner().invoke(app, ["datasets", "--as", "ann@example.org"])
    assert result.exit_code == 1 and "Something went wrong" not in result.stderr
    assert result.stderr.startswith(f"Error: {variable}")


def test_a_page_shows_one_sentence() -> None:
    test = AppTest.from_function(_broken_page, default_timeout=30.0).run()
    assert not test.exception
    assert REFERENCE.match(test.error[0].value) and "page Models" in test.error[0].value


def _page_with_a_broken_fragment() -> None:
    import streamlit as st

    from shell.main import _render

    def render(user: object) -> None:
        st.text("above")
        st.fragment(broken, run_every=60.0)()

    def broken() -> None:
        if st.session_state.get("clicked"):
            raise ValueError("x is not y")
        st.button("Go", key="clicked")

    _render(render, "Models", [None])  # type: ignore[list-item]


def _page_with_a_broken_click() -> None:
    import streamlit as st

    from core.base.errors import Conflict

    def advise() -> None:
        raise Conflict("Cancel the training first.")

    def broken() -> None:
        raise ValueError("x is not y")

    st.button("Advise", on_click=advise)
    st.button("Break", on_click=broken)


@pytest.fixture
def as_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts of AppTest get the handler of errors that the server has."""
    begin = ScriptRunner.__init__

    def handled(self: ScriptRunner, *args: Any, **options: Any) -> None:
        begin(self, *args, **options, on_script_error=server.app._on_script_error)

    monkeypatch.setattr(ScriptRunner, "__init__", handled)


@pytest.mark.usefixtures("as_served")
def test_a_fragment_that_fails_shows_one_sentence(caplog: pytest.LogCaptureFixture) -> None:
    test = AppTest.from_function(_page_with_a_broken_fragment, default_timeout=30.0).run()
    assert not test.error and not test.exception
    test.button[0].click().run()
    assert not test.exception and test.text[0].value == "above"
    assert [bool(REFERENCE.match(shown.value)) for shown in test.error] == [True]
    assert "x is not y" not in test.error[0].value and "x is not y" in caplog.text


@pytest.mark.usefixtures("as_served")
def test_a_click_that_fails_shows_one_sentence() -> None:
    for button, said in enumerate([re.compile("Cancel the training first"), REFERENCE]):
        test = AppTest.from_function(_page_with_a_broken_click, default_timeout=30.0).run()
        test.button[button].click().run()
        assert not test.exception and said.match(test.error[0].value)
