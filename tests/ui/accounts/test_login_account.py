"""The account page: password, browsers, leaving, and the list for administrators."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.accounts import passwords
from core.accounts.accounts import add_user, user_by_email
from core.accounts.sessions import list_sessions, start_session
from core.accounts.sign_in import check_login
from core.base.database import read_scope, session_scope
from core.base.errors import NotFound
from ui.accounts import login

PASSWORD = "correct horse"


def script() -> None:
    from pages import account
    from ui.accounts.login import require_user

    account.render(require_user())


def dialog() -> None:
    # Without the frame of the dialog, which this harness closes at each of its full runs.
    from pages import account
    from ui.accounts.login import require_user

    account._confirm_deletion.__wrapped__(require_user())


@pytest.fixture(autouse=True)
def users(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[CurrentUser, CurrentUser]:
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    with session_scope() as session:
        root = add_user(session, "root@example.org", "Root <b>", PASSWORD)
        return root, add_user(session, "ann@example.org", "Ann", PASSWORD)


def page_of(user: CurrentUser, page: Callable[[], None] = script) -> AppTest:
    with session_scope() as session:
        token = start_session(session, user)
    app = AppTest.from_function(page, default_timeout=20)
    app.session_state[login.TOKEN] = token
    app.run()
    assert not app.exception
    return app


def headings(app: AppTest) -> list[str]:
    return [item.value for item in app.header]


def press(app: AppTest, label: str) -> AppTest:
    next(item for item in app.button if item.label == label).click().run()
    assert not app.exception
    return app


def test_only_administrators_see_the_accounts(users: tuple[CurrentUser, CurrentUser]) -> None:
    root, ann = page_of(users[0]), page_of(users[1])
    assert "Accounts on this installation" in headings(root)
    assert list(root.dataframe[-1].value["E-mail"]) == ["root@example.org", "ann@example.org"]
    assert "Accounts on this installation" not in headings(ann)


def test_changing_the_password(users: tuple[CurrentUser, CurrentUser]) -> None:
    ann = users[1]
    app = page_of(ann)
    page_of(ann)
    app.text_input[0].set_value(PASSWORD)
    app.text_input[1].set_value("battery staple")
    press(app, "Change password")
    assert app.success[0].value == "Password changed. 1 other browser signed out."
    assert check_login(ann.email, "battery staple") == ann


def test_a_wrong_old_password_changes_nothing(users: tuple[CurrentUser, CurrentUser]) -> None:
    app = page_of(users[1])
    app.text_input[0].set_value("wrong password")
    app.text_input[1].set_value("battery staple")
    press(app, "Change password")
    assert "wrong" in app.error[0].value
    assert check_login(users[1].email, PASSWORD) == users[1]


def test_signing_out_everywhere(users: tuple[CurrentUser, CurrentUser]) -> None:
    app = page_of(users[1])
    page_of(users[1])
    press(app, "Sign out everywhere")
    assert app.info[0].value == "Signed out in 2 browsers."
    with read_scope() as session:
        assert list_sessions(session, users[1]) == []


def test_the_page_opens_the_dialog(users: tuple[CurrentUser, CurrentUser]) -> None:
    app = press(page_of(users[1]), "Delete account…")
    assert any("1 row (1 account) and 0 files" in item.value for item in app.markdown)


def test_leaving_needs_the_password(users: tuple[CurrentUser, CurrentUser]) -> None:
    app = page_of(users[1], dialog)
    app.text_input[0].set_value("wrong password")
    press(app, "Delete my account for good")
    assert "wrong" in app.error[0].value
    with read_scope() as session:
        assert user_by_email(session, users[1].email) == users[1]


def test_leaving_says_what_went(users: tuple[CurrentUser, CurrentUser]) -> None:
    app = page_of(users[1], dialog)
    app.text_input[0].set_value(PASSWORD)
    press(app, "Delete my account for good")
    assert app.info[0].value.startswith("Your account is deleted, with 1 row")
    with read_scope() as session, pytest.raises(NotFound):
        user_by_email(session, users[1].email)
