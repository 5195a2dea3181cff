"""Private parts of streamlit-authenticator 0.4.2 that ui/accounts/login.py replaces.

Each test fails when an upgrade renames or stops using one of them; then read its source again.
"""

from importlib.metadata import version
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.accounts import passwords
from core.accounts.accounts import add_user
from core.accounts.sessions import seal_token, start_session, unseal_token
from core.base.database import session_scope
from ui.accounts import login


@pytest.fixture(autouse=True)
def token(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    with session_scope() as session:
        user = add_user(session, "ann@example.org", "Ann", "correct horse")
        return start_session(session, user)


def ran(script: object, **values: object) -> AppTest:
    app = AppTest.from_function(script, default_timeout=20, kwargs=values or None).run()
    assert not app.exception, app.exception
    return app


def test_the_version_is_the_one_whose_source_was_read() -> None:
    assert version("streamlit-authenticator") == "0.4.2"


def test_replaced_attributes_exist_before_they_are_replaced() -> None:
    def script() -> None:
        import streamlit_authenticator as stauth

        auth = stauth.Authenticate({"usernames": {}}, "c", "k" * 32, 1, auto_hash=False)
        accounts = auth.authentication_controller.authentication_model
        cookie = auth.cookie_controller.cookie_model
        assert accounts.credentials["usernames"] == {}
        assert callable(accounts.check_credentials)
        assert callable(accounts.login)
        for name in ("_token_encode", "_token_decode", "set_cookie", "get_cookie"):
            assert callable(getattr(cookie, name)), name
        for name in ("set", "delete", "cookies"):
            assert hasattr(cookie.cookie_manager, name), name

    ran(script)


def test_credentials_mapping_is_what_the_library_asks() -> None:
    def script() -> None:
        from ui.accounts import login

        model = login._hardened().authentication_controller.authentication_model
        assert "ANN@example.org" in model.credentials["usernames"]
        assert "bob@example.org" not in model.credentials["usernames"]
        assert list(model.credentials["usernames"]) == []
        assert "password" not in model.credentials["usernames"]["ann@example.org"]

    ran(script)


def test_check_credentials_and_login_are_what_the_form_calls() -> None:
    def script() -> None:
        import streamlit as st

        from core.base.errors import LoginRefused
        from ui.accounts import login

        controller = login._hardened().authentication_controller
        assert controller.login("Ann@Example.org", "correct horse") is True
        assert st.session_state["username"] == "ann@example.org"
        assert st.session_state[login.TOKEN]
        try:
            controller.login("", "")
        except LoginRefused:
            st.write("refused")

    assert ran(script).markdown[-1].value == "refused"


def test_token_decode_is_what_reads_the_cookie(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = {login.COOKIE: seal_token(token)}
    monkeypatch.setattr(type(login.st.context), "cookies", property(lambda _: cookies))

    def script() -> None:
        import streamlit as st

        from ui.accounts import login

        found = login._hardened().cookie_controller.get_cookie()
        st.write(found["username"] if found else "nobody")

    assert ran(script).markdown[-1].value == "ann@example.org"
    cookies[login.COOKIE] = seal_token("revoked or made up")
    assert ran(script).markdown[-1].value == "nobody"
    cookies[login.COOKIE] = "not ours"
    assert ran(script).markdown[-1].value == "nobody"


def test_token_encode_carries_the_sealed_session(token: str) -> None:
    def script(token: str) -> None:
        import streamlit as st

        from ui.accounts import login

        st.session_state[login.TOKEN] = token
        st.write(login._hardened().cookie_controller.cookie_model._token_encode())

    assert unseal_token(ran(script, token=token).markdown[-1].value) == token


def test_set_cookie_of_the_form_writes_nothing_by_itself(token: str) -> None:
    def script() -> None:
        from ui.accounts import login

        auth = login._hardened()
        written: list[str] = []
        auth.cookie_controller.cookie_model.cookie_manager.set = lambda *a, **k: written.append("")
        auth.cookie_controller.set_cookie()
        assert written == []

    ran(script)


def test_no_pause_before_the_form() -> None:
    def script() -> None:
        from ui.accounts import login

        assert login._hardened().attrs["login_sleep_time"] == 0.0

    ran(script)


def test_cookie_is_drawn_until_the_browser_reports(token: str) -> None:
    def script(token: str) -> None:
        from datetime import UTC, datetime

        import streamlit as st

        from ui.accounts import login

        calls = st.session_state.setdefault("calls", [])
        st.session_state[login.TOKEN] = token
        st.session_state[login.EXPIRES] = datetime(2030, 1, 1, tzinfo=UTC)
        auth = login._hardened()
        manager = auth.cookie_controller.cookie_model.cookie_manager
        manager.set = lambda *a, **k: calls.append((a, k))
        login._write_cookie(auth)
        st.session_state[login.COOKIE_WRITTEN] = True
        login._write_cookie(auth)
        assert login.EXPIRES not in st.session_state

    calls = ran(script, token=token).session_state["calls"]
    assert len(calls) == 1
    (name, value), options = calls[0]
    assert (name, unseal_token(value), options["key"]) == (login.COOKIE, token, "set")
    assert options["expires_at"].tzinfo is not None


def test_delete_tolerates_a_cookie_the_library_has_not_seen(token: str) -> None:
    def script() -> None:
        import streamlit as st

        from ui.accounts import login

        st.session_state[login.SIGNED_OUT] = True
        login._delete_cookie(login._hardened())
        assert login.SIGNED_OUT in st.session_state

    ran(script)
