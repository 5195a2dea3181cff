"""Sign-in with streamlit-authenticator 0.4.2, and the only module that knows of it.

The rest of the product uses `require_user`, `sign_out_button`, `sign_out` and `current_token`;
another transport replaces this file. The library draws the form and holds the cookie's frames;
what it would decide by itself is replaced by our services in `_hardened`, whose private
attributes tests/ui/accounts/test_login_library.py watches.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st
import streamlit_authenticator as stauth
from streamlit_authenticator.utilities import LoginError

from core.access.actor import CurrentUser
from core.accounts import sessions
from core.accounts.accounts import has_users, sign_up, user_by_email
from core.accounts.sign_in import check_login
from core.base.database import read_scope, session_scope
from core.base.errors import FadeBenchError, LoginRefused, NotFound
from core.base.settings import get_settings
from ui.shared.theme import ACCENT_TEXT_STYLE, LIGHT

COOKIE = "fadebench"
CARD_WIDTH_PX = 440

# Keys of st.session_state. The token decides nothing by itself: each run asks the database.
TOKEN, EXPIRES, SIGNED_OUT, NOTE, CREATING = (
    f"login.{name}" for name in ("token", "expires", "signed_out", "note", "creating")
)
# The library's keys of its cookie frames; their value is True once the browser has acted.
COOKIE_WRITTEN, COOKIE_DELETED = "set", "delete"

# The library's button cannot be given a type or a width.
CARD_STYLE = f"""<style>
.st-key-sign_in .stElementContainer:has(> div > .stFormSubmitButton) {{ width: 100%; }}
.st-key-sign_in .stElementContainer > div:has(> .stFormSubmitButton) {{ flex-grow: 1; }}
.st-key-sign_in {{ margin-top: min(10vh, 6rem); }}
.st-key-sign_in .stFormSubmitButton button
  {{ width: 100%; background: {LIGHT.accent}; border-color: {LIGHT.accent}; color: #fff; }}
.st-key-sign_in .stFormSubmitButton button:hover {{ filter: brightness(1.15); }}
.st-key-charts_ahead, .stElementContainer:has(iframe[height="0"]),
.stElementContainer:has(> .stHtml > style)
  {{ display: none; }}{ACCENT_TEXT_STYLE}
</style>"""


def require_user() -> CurrentUser:
    """The signed-in user of this run; shows the sign-in page and stops the run without one.

    Call it before the page runs and outside of any container. The address stays as it is, so
    that a link survives the sign-in.
    """
    # Always one element, so that what follows keeps its place when the frames come and go.
    place = st.container()
    user = signed_in_user()
    if user is not None and EXPIRES not in st.session_state:
        return user
    with place:
        st.html(CARD_STYLE)
        auth = _hardened()
        if user is None:
            user = _ask(auth)
        _write_cookie(auth)
    return user


def signed_in_user() -> CurrentUser | None:
    """The user of this run if the database knows the session; draws nothing."""
    return _user_of(current_token())


def current_token() -> str | None:
    """The token of this browser, for services that spare or mark the present session."""
    token = st.session_state.get(TOKEN)
    # str: Streamlit's own test harness hands out stand-ins here and not text.
    return token or sessions.unseal_token(str(st.context.cookies.get(COOKIE, "")))


def sign_out_button(user: CurrentUser) -> None:
    """Who is signed in, and the button that ends it; draws where it is called."""
    name, email = escape(user.name), escape(user.email)
    st.html(f'<div style="overflow-wrap: anywhere"><strong>{name}</strong><br>{email}</div>')
    st.button("Sign out", icon=":material/logout:", on_click=sign_out, width="stretch")


def sign_out(note: str = "") -> None:
    """End this browser's session in the database; the next run deletes the cookie.

    `note` is shown on the sign-in page. Outside of a callback, follow it with `st.rerun()`.
    """
    token = current_token()
    if token is not None:
        with session_scope() as session:
            sessions.end_session(session, token)
    _forget(note)


def _user_of(token: str | None) -> CurrentUser | None:
    if token is None:
        return None
    with read_scope() as session:
        user = sessions.user_of_session(session, token)
    if user is None and TOKEN in st.session_state:
        _forget("You were signed out. Sign in again to go on.")
    return user


def _forget(note: str) -> None:
    # Whoever signs in next in this tab must not find the inputs of the one before.
    st.session_state.clear()
    st.session_state[SIGNED_OUT] = True
    st.session_state[NOTE] = note


def _ask(auth: stauth.Authenticate) -> CurrentUser:
    place = st.empty()
    with (
        place.container(horizontal_alignment="center"),
        st.container(width=CARD_WIDTH_PX, key="sign_in"),
    ):
        st.title("FadeBench", anchor=False)
        st.markdown("Train, test and compare battery-life models on your own cycling data.")
        if note := st.session_state.get(NOTE):
            st.info(note, icon=":material/info:")
        _draw_form(auth)
        _load_charts_ahead()
    user = _user_of(st.session_state.get(TOKEN))
    if user is None:
        _delete_cookie(auth)
        st.stop()
    place.empty()
    return user


def _load_charts_ahead() -> None:
    """Have the browser load its chart library while somebody types a password.

    It takes seconds on a slow machine, and the first screen after the login is a chart.
    """
    with st.container(key="charts_ahead"):
        st.plotly_chart(go.Figure(layout={"height": 40}), key="chart_ahead")


def _draw_form(auth: stauth.Authenticate) -> None:
    with read_scope() as session:
        first = not has_users(session)
    may_create = get_settings().allow_signup
    creating = may_create and (first or bool(st.session_state.get(CREATING)))
    if first and not may_create:
        st.info("No accounts yet. Add one on the server: `python -m core user add`")
    if creating:
        _sign_up_form(first)
    else:
        _sign_in_form(auth)
    if may_create and not first:
        label = "Back to sign-in" if creating else "No account yet? Create one"
        st.button(label, type="tertiary", on_click=_switch_form, args=(not creating,))


def _switch_form(creating: bool) -> None:
    st.session_state[CREATING] = creating
    st.session_state.pop(NOTE, None)


def _sign_in_form(auth: stauth.Authenticate) -> None:
    # The library draws no form while this says that somebody is signed in.
    st.session_state["authentication_status"] = None
    labels = {
        "Form name": "Sign in",
        "Username": "E-mail",
        "Password": "Password",
        "Login": "Sign in",
    }
    try:
        auth.login(fields=labels, key="sign_in_form")
    except (LoginError, LoginRefused) as error:
        st.error(str(error), icon=":material/error:")


def _sign_up_form(first: bool) -> None:
    with st.form("sign_up_form"):
        title = "Create the first account (administrator)" if first else "Create an account"
        st.subheader(title, anchor=False)
        email = st.text_input("E-mail", autocomplete="email")
        name = st.text_input("Name", max_chars=50, autocomplete="name")
        password = st.text_input(
            "Password",
            type="password",
            autocomplete="new-password",
            placeholder="10 characters or more",
        )
        submitted = st.form_submit_button("Create account")
    if not submitted:
        return
    try:
        with session_scope() as session:
            user = sign_up(session, email or "", name or "", password or "")
    except FadeBenchError as error:
        st.error(str(error), icon=":material/error:")
    else:
        _start(user)


def _start(user: CurrentUser) -> None:
    with session_scope() as session:
        token = sessions.start_session(session, user)
    for key in (SIGNED_OUT, NOTE, CREATING):
        st.session_state.pop(key, None)
    st.session_state[TOKEN] = token
    # With a zone: the browser would read a bare time in its own.
    st.session_state[EXPIRES] = datetime.now(UTC) + timedelta(days=get_settings().session_days)


class _Accounts(Mapping[str, dict[str, Any]]):
    """The user table as the library reads it: by e-mail, without hashes, never listed."""

    def __getitem__(self, email: str) -> dict[str, Any]:
        try:
            with read_scope() as session:
                user = user_by_email(session, email)
        except NotFound as error:
            raise KeyError(email) from error
        return {"email": user.email, "name": user.name}

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _hardened() -> stauth.Authenticate:
    """The library's object with our decisions in it; draws one invisible frame per call."""
    auth = stauth.Authenticate(
        {"usernames": {}},
        COOKIE,
        sessions.cookie_secret(),
        get_settings().session_days,
        auto_hash=False,
        login_sleep_time=0.0,
    )
    accounts = auth.authentication_controller.authentication_model
    accounts.credentials["usernames"] = _Accounts()
    accounts.check_credentials = _check_credentials
    accounts.login = _refusing_blanks(accounts.login)
    cookie = auth.cookie_controller.cookie_model
    cookie._token_encode = lambda: sessions.seal_token(st.session_state[TOKEN])
    cookie._token_decode = lambda: _claims(str(cookie.token))
    # Left to `_write_cookie`: a frame inside the form, which is emptied, would never load.
    cookie.set_cookie = lambda: None
    return auth


def _check_credentials(email: str, password: str) -> bool:
    _start(check_login(email, password))
    return True


def _refusing_blanks(login: Callable[..., Any]) -> Callable[..., Any]:
    # The library says nothing at all when the e-mail is missing.
    def checked(
        username: str | None = None, password: str | None = None, *rest: Any, **named: Any
    ) -> Any:
        if username is not None and not (username.strip() and (password or "").strip()):
            raise LoginRefused("Enter your e-mail and your password.")
        return login(username, password, *rest, **named)

    return checked


def _claims(value: str) -> dict[str, Any] | bool:
    """What the library reads from a cookie; False unless the database knows the session."""
    token = sessions.unseal_token(value)
    user = _user_of(token)
    if user is None:
        return False
    st.session_state[TOKEN] = token
    return {"username": user.email, "exp_date": (datetime.now() + timedelta(days=1)).timestamp()}


def _write_cookie(auth: stauth.Authenticate) -> None:
    # Drawn until the browser reports back: a rerun that comes first would remove it unread.
    if EXPIRES not in st.session_state:
        return
    if st.session_state.get(COOKIE_WRITTEN):
        del st.session_state[EXPIRES]
        return
    cookie = auth.cookie_controller.cookie_model
    cookie.cookie_manager.set(
        COOKIE,
        cookie._token_encode(),
        key=COOKIE_WRITTEN,
        expires_at=st.session_state[EXPIRES],
        secure=(st.context.url or "").startswith("https:") or None,
    )


def _delete_cookie(auth: stauth.Authenticate) -> None:
    if not st.session_state.get(SIGNED_OUT):
        return
    if st.session_state.get(COOKIE_DELETED):
        del st.session_state[SIGNED_OUT]
        return
    manager = auth.cookie_controller.cookie_model.cookie_manager
    manager.cookies = {COOKIE: "", **(manager.cookies or {})}
    manager.delete(COOKIE, key=COOKIE_DELETED)
