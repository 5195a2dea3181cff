"""The sign-in page, run without a browser: every run asks the database who is there."""

from pathlib import Path

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from core.accounts import passwords
from core.accounts import sign_in as auth
from core.accounts.accounts import add_user, user_by_email
from core.accounts.sessions import end_all_sessions, list_sessions, seal_token, start_session
from core.base.database import read_scope, session_scope
from core.base.settings import get_settings
from db.tables import LoginThrottle
from ui.accounts import login

EMAIL, PASSWORD = "ann@example.org", "correct horse"


def script() -> None:
    import streamlit as st

    from ui.accounts.login import require_user, sign_out_button

    user = require_user()
    with st.sidebar:
        sign_out_button(user)
    st.title(f"Welcome {user.name}")


@pytest.fixture(autouse=True)
def cheap_hashes(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def account() -> None:
    with session_scope() as session:
        add_user(session, EMAIL, "Ann", PASSWORD)


def opened() -> AppTest:
    app = AppTest.from_function(script, default_timeout=20).run()
    assert not app.exception
    return app


def sign_in(app: AppTest, email: str = EMAIL, password: str = PASSWORD) -> AppTest:
    app.text_input[0].set_value(email)
    app.text_input[1].set_value(password)
    app.button[0].click().run()
    assert not app.exception
    return app


def titles(app: AppTest) -> list[str]:
    return [item.value for item in app.title]


def test_first_visitor_creates_the_administrator_and_is_in() -> None:
    app = opened()
    assert app.subheader[0].value == "Create the first account (administrator)"
    for field, value in zip(app.text_input, (EMAIL, "Ann", PASSWORD), strict=True):
        field.set_value(value)
    app.button[0].click().run()
    assert titles(app) == ["Welcome Ann"]
    with read_scope() as session:
        assert user_by_email(session, EMAIL).is_admin


def test_sign_up_errors_are_shown_and_nothing_is_signed_in() -> None:
    app = opened()
    app.button[0].click().run()
    assert "e-mail address" in app.error[0].value
    assert titles(app) == ["FadeBench"]


def test_signing_in_and_staying_in(account: None) -> None:
    app = sign_in(opened(), EMAIL.upper())
    assert titles(app) == ["Welcome Ann"]
    assert titles(app.run()) == ["Welcome Ann"]


def test_passwords_over_72_bytes_sign_in() -> None:
    with session_scope() as session:
        add_user(session, EMAIL, "Ann", "ü" * 100)
    assert titles(sign_in(opened(), EMAIL, "ü" * 100)) == ["Welcome Ann"]


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_wrong_tries_get_one_answer(account: None, email: str) -> None:
    app = sign_in(opened(), email, "wrong password")
    assert [item.value for item in app.error] == [auth.WRONG]
    assert titles(app) == ["FadeBench"]


@pytest.mark.parametrize(("email", "password"), [("", ""), (EMAIL, ""), ("", PASSWORD)])
def test_blank_fields_get_an_answer(account: None, email: str, password: str) -> None:
    app = sign_in(opened(), email, password)
    assert "Enter your e-mail and your password." in app.error[0].value


def test_lockout_is_shown(account: None) -> None:
    app = sign_in(opened(), EMAIL, "wrong")
    with session_scope() as session:
        session.execute(update(LoginThrottle).values(failures=auth.MOST_FAILURES))
    app = sign_in(app)
    assert "Too many failed attempts" in app.error[0].value
    assert titles(app) == ["FadeBench"]


def test_session_ended_elsewhere_ends_here_at_the_next_run(account: None) -> None:
    app = sign_in(opened())
    app.session_state["draft"] = "private"
    with session_scope() as session:
        end_all_sessions(session, user_by_email(session, EMAIL))
    app.run()
    assert titles(app) == ["FadeBench"]
    assert "draft" not in app.session_state
    assert titles(sign_in(app)) == ["Welcome Ann"]


def test_state_alone_signs_nobody_in(account: None) -> None:
    app = AppTest.from_function(script, default_timeout=20)
    app.session_state["authentication_status"] = True
    app.session_state["username"] = EMAIL
    app.session_state[login.TOKEN] = "made up"
    assert titles(app.run()) == ["FadeBench"]


def test_signing_out_revokes_in_the_database(account: None) -> None:
    app = sign_in(opened())
    app.sidebar.button[0].click().run()
    assert titles(app) == ["FadeBench"]
    with read_scope() as session:
        assert list_sessions(session, user_by_email(session, EMAIL)) == []


def test_cookie_signs_in_until_it_is_revoked(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_scope() as session:
        user = user_by_email(session, EMAIL)
        token = start_session(session, user)
    cookies = {login.COOKIE: seal_token(token)}
    context = type(login.st.context)
    monkeypatch.setattr(context, "cookies", property(lambda _: cookies))
    app = opened()
    assert titles(app) == ["Welcome Ann"]
    app.sidebar.button[0].click().run()
    assert titles(app) == ["FadeBench"]
    assert titles(opened()) == ["FadeBench"]


def test_closed_sign_up_offers_none(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [item.label for item in opened().button] == ["Sign in", "No account yet? Create one"]
    monkeypatch.setenv("FADEBENCH_ALLOW_SIGNUP", "false")
    get_settings.cache_clear()
    assert [item.label for item in opened().button] == ["Sign in"]


def test_second_account_through_the_link(account: None) -> None:
    app = opened()
    app.button[1].click().run()
    assert app.subheader[0].value == "Create an account"
    for field, value in zip(app.text_input, ("bob@example.org", "Bob", PASSWORD), strict=True):
        field.set_value(value)
    app.button[0].click().run()
    assert titles(app) == ["Welcome Bob"]
    with read_scope() as session:
        assert not user_by_email(session, "bob@example.org").is_admin
