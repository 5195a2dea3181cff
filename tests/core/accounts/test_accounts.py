"""Accounts: who may sign up, what is unique, changing the password, leaving."""

from pathlib import Path

import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.accounts import passwords
from core.accounts.accounts import (
    add_user,
    change_password,
    delete_account,
    has_users,
    list_users,
    preview_deletion,
    sign_up,
    user_by_email,
)
from core.accounts.sessions import list_sessions, start_session, user_of_session
from core.accounts.sign_in import FREE_FAILURES, check_login
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, LoginRefused, NotAllowed, NotFound
from core.base.settings import get_settings
from core.removal.sweeping import sweep
from db.tables import AuthSession, BackgroundTask, User

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def cheap_hashes(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "ROUNDS", 4)


def new_user(email: str = "ann@example.org", name: str = "Ann", admin: bool = False) -> CurrentUser:
    with session_scope() as session:
        return add_user(session, email, name, PASSWORD, is_admin=admin)


def test_only_the_first_account_is_administrator() -> None:
    with session_scope() as session:
        assert not has_users(session)
        assert sign_up(session, "ann@example.org", "Ann", PASSWORD).is_admin
        assert has_users(session)
        assert not sign_up(session, "bob@example.org", "Bob", PASSWORD).is_admin
        assert add_user(session, "cy@example.org", "Cy", PASSWORD, is_admin=True).is_admin


def test_closed_sign_up_still_lets_administrators_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FADEBENCH_ALLOW_SIGNUP", "false")
    get_settings.cache_clear()
    with session_scope() as session:
        with pytest.raises(NotAllowed, match="administrator"):
            sign_up(session, "ann@example.org", "Ann", PASSWORD)
        assert add_user(session, "ann@example.org", "Ann", PASSWORD).is_admin


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("ANN@EXAMPLE.ORG", "Other"),
        ("ann@example.org ", "Other"),
        ("other@example.org", "ANN"),
        ("other@example.org", " ann "),
    ],
)
def test_email_and_name_are_unique_whatever_the_case(email: str, name: str) -> None:
    new_user()
    with session_scope() as session, pytest.raises(Conflict):
        sign_up(session, email, name, PASSWORD)


@pytest.mark.parametrize(
    ("email", "name", "password"),
    [
        ("", "Ann", PASSWORD),
        ("ann", "Ann", PASSWORD),
        ("ann@example", "Ann", PASSWORD),
        ("a nn@example.org", "Ann", PASSWORD),
        ("a\x00nn@example.org", "Ann", PASSWORD),
        ("a" * 250 + "@example.org", "Ann", PASSWORD),
        ("ann@example.org", "  ", PASSWORD),
        ("ann@example.org", "x" * 51, PASSWORD),
        ("ann@example.org", "A\x07nn", PASSWORD),
        ("ann@example.org", "\ufdfa" * 50, PASSWORD),
        ("ann@example.org", "Deleted-7", PASSWORD),
        ("ann@example.org", "Ann", "short"),
    ],
)
def test_unusable_input_is_refused(email: str, name: str, password: str) -> None:
    with session_scope() as session, pytest.raises(InvalidInput):
        sign_up(session, email, name, password)


def test_unicode_names_are_kept_as_typed() -> None:
    assert new_user(name="  Łukasz   王 ").name == "Łukasz 王"


def test_user_by_email() -> None:
    user = new_user()
    with read_scope() as session:
        assert user_by_email(session, "Ann@Example.org") == user
        with pytest.raises(NotFound):
            user_by_email(session, "nobody@example.org")


def test_only_administrators_list_accounts() -> None:
    ann, bob = new_user(), new_user("bob@example.org", "Bob")
    with read_scope() as session:
        assert [item.name for item in list_users(session, ann)] == ["Ann", "Bob"]
        with pytest.raises(NotAllowed):
            list_users(session, bob)


def test_changing_the_password_signs_out_the_other_browsers() -> None:
    user = new_user()
    with session_scope() as session:
        here, there = start_session(session, user), start_session(session, user)
    with session_scope() as session:
        assert change_password(session, user, PASSWORD, "battery staple", here) == 1
        assert user_of_session(session, here) == user
        assert user_of_session(session, there) is None
    with pytest.raises(LoginRefused):
        check_login(user.email, PASSWORD)
    assert check_login(user.email, "battery staple") == user


def test_changing_needs_the_old_password_and_another_new_one() -> None:
    user = new_user()
    with session_scope() as session:
        with pytest.raises(LoginRefused):
            change_password(session, user, "wrong password", "battery staple")
        with pytest.raises(InvalidInput, match="old one"):
            change_password(session, user, PASSWORD, PASSWORD)
        with pytest.raises(InvalidInput, match="10 characters"):
            change_password(session, user, PASSWORD, "short")


def test_leaving_counts_files_and_frees_the_email(fresh_database: Path) -> None:
    new_user("root@example.org", "Root")
    user = new_user()
    folder = fresh_database / str(user.id) / "uploads" / "1"
    folder.mkdir(parents=True)
    (folder / "raw_data.csv").write_text("battery,cycle\n", encoding="utf-8")
    with session_scope() as session:
        token = start_session(session, user)
        expected = preview_deletion(session, user)
    with session_scope() as session:
        assert delete_account(session, user, PASSWORD) == expected
        assert (expected.files, expected.total_rows) == (1, 1)
    with read_scope() as session:
        assert user_of_session(session, token) is None
        assert list_sessions(session, user) == []
    with pytest.raises(LoginRefused):
        check_login(user.email, PASSWORD)
    assert new_user().id != user.id
    sweep()
    assert not (fresh_database / str(user.id)).exists()
    with read_scope() as session:
        assert session.get(User, user.id) is None
        assert session.scalars(select(AuthSession)).all() == []


def test_leaving_needs_the_password() -> None:
    user = new_user()
    with session_scope() as session, pytest.raises(LoginRefused):
        delete_account(session, user, "wrong password")


@pytest.mark.parametrize("way", ["change the password", "leave"])
def test_guessing_the_password_of_a_stolen_session_is_slowed_down(way: str) -> None:
    user = new_user()

    def attempt(password: str) -> None:
        with session_scope() as session:
            if way == "leave":
                delete_account(session, user, password)
            else:
                change_password(session, user, password, "battery staple")

    for number in range(FREE_FAILURES + 1):
        with pytest.raises(LoginRefused, match="Nothing was changed"):
            attempt(f"wrong password {number}")
    with pytest.raises(LoginRefused, match="Too many"):
        attempt(PASSWORD)


def test_the_only_administrator_stays_while_others_exist() -> None:
    ann, bob = new_user(), new_user("bob@example.org", "Bob")
    with session_scope() as session, pytest.raises(Conflict, match="only administrator"):
        delete_account(session, ann, PASSWORD)
    with session_scope() as session:
        delete_account(session, bob, PASSWORD)
    with session_scope() as session:
        delete_account(session, ann, PASSWORD)
    with session_scope() as session:
        assert sign_up(session, "new@example.org", "New", PASSWORD).is_admin


def test_a_second_administrator_may_leave() -> None:
    ann, bob = new_user(), new_user("bob@example.org", "Bob", admin=True)
    with session_scope() as session:
        delete_account(session, bob, PASSWORD)
    with session_scope() as session:
        delete_account(session, ann, PASSWORD)


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_leaving_waits_for_background_work(status: str) -> None:
    user = new_user()
    with session_scope() as session:
        session.add(BackgroundTask(user_id=user.id, kind="UPLOAD", subject_id=1, status=status))
    with session_scope() as session, pytest.raises(Conflict, match="Cancel"):
        delete_account(session, user, PASSWORD)
