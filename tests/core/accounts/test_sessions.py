"""Sessions: only hashes are stored, each can be revoked, and cookies carry our seal."""

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.accounts import passwords, sessions
from core.accounts.accounts import add_user
from core.accounts.sessions import (
    cookie_secret,
    end_all_sessions,
    end_session,
    list_sessions,
    seal_token,
    start_session,
    unseal_token,
    user_of_session,
)
from core.base.database import read_scope, session_scope
from db.tables import AuthSession
from db.tables.columns import utc_now


@pytest.fixture
def user(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> CurrentUser:
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    with session_scope() as session:
        return add_user(session, "ann@example.org", "Ann", "correct horse")


def test_a_token_opens_its_session_and_is_not_stored(user: CurrentUser) -> None:
    with session_scope() as session:
        token = start_session(session, user)
    with read_scope() as session:
        assert user_of_session(session, token) == user
        assert user_of_session(session, token + "x") is None
        assert user_of_session(session, "") is None
        assert token not in {row.token_hash for row in session.scalars(select(AuthSession))}


def test_ended_sessions_are_refused_at_once(user: CurrentUser) -> None:
    with session_scope() as session:
        first, second = start_session(session, user), start_session(session, user)
        end_session(session, first)
        end_session(session, first)
        assert user_of_session(session, first) is None
        assert user_of_session(session, second) == user


def test_ending_all_spares_the_one_to_keep(user: CurrentUser) -> None:
    with session_scope() as session:
        tokens = [start_session(session, user) for _ in range(3)]
        assert end_all_sessions(session, user, keep_token=tokens[1]) == 2
        marks = [item.is_this_one for item in list_sessions(session, user, tokens[1])]
        assert marks == [True]
        assert end_all_sessions(session, user) == 1
        assert list_sessions(session, user) == []


def test_ending_all_leaves_other_users_alone(user: CurrentUser) -> None:
    with session_scope() as session:
        other = add_user(session, "bob@example.org", "Bob", "correct horse")
        token = start_session(session, other)
        assert end_all_sessions(session, user) == 0
        assert user_of_session(session, token) == other


def test_expired_sessions_are_refused_and_swept(user: CurrentUser) -> None:
    with session_scope() as session:
        token = start_session(session, user)
        row = session.scalars(select(AuthSession)).one()
        assert row.expires_at - row.created_at >= timedelta(days=7)
        row.expires_at = utc_now() - timedelta(seconds=1)
        session.flush()
        assert user_of_session(session, token) is None
        start_session(session, user)
        assert len(session.scalars(select(AuthSession)).all()) == 1


@pytest.mark.parametrize("change", ["", "x", ".", "token.signature", "tökén.sïg"])
def test_only_our_own_seal_opens(data_dir: Path, change: str) -> None:
    sealed = seal_token("abc")
    assert unseal_token(sealed) == "abc"
    assert unseal_token(change) is None
    assert unseal_token(sealed + change) == ("abc" if not change else None)


def test_the_secret_is_made_once_for_the_owner_only(data_dir: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: cookie_secret(), range(8)))) == 1
    path = data_dir / sessions.SECRET_NAME
    assert len(path.read_text(encoding="ascii")) == 64
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sessions._secret_in.cache_clear()
    assert cookie_secret() == path.read_text(encoding="ascii")


def test_another_installation_refuses_the_seal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = seal_token("abc")
    monkeypatch.setattr(sessions, "cookie_secret", lambda: "another secret")
    assert unseal_token(sealed) is None
