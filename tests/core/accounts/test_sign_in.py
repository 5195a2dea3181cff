"""Signing in: one answer for all wrong tries, a stored lockout that decays, no timing hint."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core.accounts import passwords
from core.accounts import sign_in as auth
from core.accounts.accounts import add_user
from core.accounts.sign_in import check_login, delay_after
from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import InvalidInput, LoginRefused
from db.tables import LoginThrottle

EMAIL, PASSWORD = "ann@example.org", "correct horse"
# Fixtures lower it later.
REAL_ROUNDS = passwords.ROUNDS


@pytest.fixture(autouse=True)
def account(fresh_database: Path) -> None:
    with session_scope() as session:
        add_user(session, EMAIL, "Ann", PASSWORD)


def refusal(email: str, password: str) -> str:
    with pytest.raises(LoginRefused) as caught:
        check_login(email, password)
    return str(caught.value)


def failures(email: str = EMAIL) -> int | None:
    with read_scope() as session:
        return session.scalar(
            select(LoginThrottle.failures).where(
                LoginThrottle.email_hash == auth._email_hash(email)
            )
        )


def let_pass(seconds: int) -> None:
    with session_scope() as session:
        for row in session.scalars(select(LoginThrottle)):
            row.last_failure_at = row.last_failure_at - timedelta(seconds=seconds)


def test_right_password_signs_in_whatever_the_case_of_the_email() -> None:
    user = check_login("  ANN@Example.ORG ", PASSWORD)
    assert (user.name, user.email, user.is_admin) == ("Ann", EMAIL, True)


def test_wrong_password_and_unknown_email_get_the_same_words() -> None:
    assert refusal(EMAIL, "wrong password") == refusal("nobody@example.org", "wrong password")


def test_failures_survive_the_refusal_and_a_success_forgives_them() -> None:
    refusal(EMAIL, "wrong")
    refusal(EMAIL.upper(), "wrong")
    assert failures() == 2
    check_login(EMAIL, PASSWORD)
    assert failures() is None


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
def test_lockout_refuses_even_the_right_password_and_survives_a_restart(email: str) -> None:
    for _ in range(auth.FREE_FAILURES + 1):
        assert refusal(email, "wrong") == auth.WRONG
    get_engine().dispose()
    assert "Try again in" in refusal(email, PASSWORD)
    assert failures(email) == auth.FREE_FAILURES + 1


def test_lockout_ends_after_its_delay() -> None:
    for _ in range(auth.FREE_FAILURES + 1):
        refusal(EMAIL, "wrong")
    let_pass(auth.FIRST_DELAY_S)
    assert check_login(EMAIL, PASSWORD).name == "Ann"


def test_delay_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [delay_after(n) for n in range(4, 13)] == [0, 0, 30, 60, 120, 240, 480, 900, 900]
    assert delay_after(auth.MOST_FAILURES) == auth.LONGEST_DELAY_S


def test_failures_are_forgiven_with_time() -> None:
    for _ in range(auth.FREE_FAILURES):
        refusal(EMAIL, "wrong")
    let_pass(3 * auth.FORGIVEN_EVERY_S)
    refusal(EMAIL, "wrong")
    assert failures() == auth.FREE_FAILURES - 3 + 1


def test_old_rows_of_other_emails_go_with_a_success() -> None:
    refusal("nobody@example.org", "wrong")
    let_pass(auth.MOST_FAILURES * auth.FORGIVEN_EVERY_S + 1)
    check_login(EMAIL, PASSWORD)
    assert failures("nobody@example.org") is None


def test_parallel_guesses_cannot_outrun_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    monkeypatch.setattr(auth, "password_matches", lambda p, _h: compared.append(p) is not None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: refusal(EMAIL, f"guess {n}"), range(16)))
    assert len(compared) == auth.FREE_FAILURES + 1


def test_unknown_email_costs_a_comparison_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real = passwords.bcrypt.checkpw

    def watch(digest: bytes, stored: bytes) -> bool:
        compared.append(stored)
        return real(digest, stored)

    monkeypatch.setattr(passwords.bcrypt, "checkpw", watch)
    refusal("nobody@example.org", "wrong")
    assert compared == [passwords.DUMMY_HASH.encode()]


def test_blank_fields_are_refused_without_counting() -> None:
    assert refusal(" ", "x") == refusal(EMAIL, "  ")
    assert failures() is None


def test_the_dummy_hash_is_as_slow_as_the_real_ones() -> None:
    assert passwords.DUMMY_HASH.split("$")[2] == f"{REAL_ROUNDS:02d}"
    assert not passwords.password_matches("", None)


def test_long_passwords_count_to_the_last_character() -> None:
    long = "é" * 500
    stored = passwords.hash_password(long + "a")
    assert passwords.password_matches(long + "a", stored)
    assert not passwords.password_matches(long + "b", stored)


def test_spaces_around_and_composed_accents_do_not_lock_out() -> None:
    stored = passwords.hash_password(" cafe\u0301 society ")
    assert passwords.password_matches("caf\u00e9 society", stored)


@pytest.mark.parametrize("password", ["", "short", " " * 20, "123456789", "x" * 1001])
def test_password_rules(password: str) -> None:
    with pytest.raises(InvalidInput, match="characters"):
        passwords.check_rules(password)


def test_lockout_message_counts_in_minutes_when_long() -> None:
    refusal(EMAIL, "wrong")
    with session_scope() as session:
        session.execute(update(LoginThrottle).values(failures=auth.MOST_FAILURES))
    assert "15 minutes" in refusal(EMAIL, PASSWORD)
