"""Signing in: one answer for every wrong e-mail or password, and a lockout that decays.

An attempt is counted and committed before the password is checked, and forgotten if the password
was right. So the count survives a refusal, and many guesses sent at once are all counted.
"""

import hashlib
from datetime import timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.accounts.passwords import password_matches
from core.accounts.sessions import account_of_email, current_user
from core.base.database import read_scope, session_scope
from core.base.errors import LoginRefused
from db.tables import LoginThrottle
from db.tables.columns import utc_now
from db.tables.users import fold

FREE_FAILURES = 5
FIRST_DELAY_S = 30
LONGEST_DELAY_S = 15 * 60
FORGIVEN_EVERY_S = 15 * 60
# From here on the delay no longer grows, so that counting further would only slow the decay.
MOST_FAILURES = FREE_FAILURES + 6

WRONG = "The e-mail or the password is wrong. Check both and try again."


def check_login(email: str, password: str, wrong: str = WRONG) -> CurrentUser:
    """Return the user with this e-mail and password; `wrong` is the message if they do not match.

    It opens its own short transactions, so call it outside of any other: the counted attempt must
    be stored even if the login is refused, and no lock is held during the 0.3 s of bcrypt.

    Raises
    ------
    LoginRefused
        Wrong e-mail or password, or too many attempts; the message never tells whether the
        e-mail has an account.
    """
    if not email.strip() or not password.strip():
        raise LoginRefused("Enter your e-mail and your password.")
    wait_s = _count_attempt_now(email)
    if wait_s > 0:
        raise LoginRefused(
            f"Too many failed attempts for this e-mail. Try again in {_duration(wait_s)}."
        )
    with read_scope() as session:
        row = account_of_email(session, email)
    if not password_matches(password, row.password_hash if row else None) or row is None:
        raise LoginRefused(wrong)
    with session_scope() as session:
        forgive_attempts(session, email)
    return current_user(row)


def count_attempt(session: Session, email: str) -> int:
    """Count one attempt to sign in; returns 0, or the seconds to wait if it comes too early.

    A refused attempt is not counted, so that waiting always helps.
    """
    now = utc_now()
    query = select(LoginThrottle).where(LoginThrottle.email_hash == _email_hash(email))
    # Locking a row that is not there would make two first attempts on MySQL block each other.
    if session.scalars(query).one_or_none() is None:
        row = LoginThrottle(email_hash=_email_hash(email), failures=1, last_failure_at=now)
        session.add(row)
        session.flush()
        return 0
    row = session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
    passed_s = max(0, int((now - row.last_failure_at).total_seconds()))
    wait_s = delay_after(row.failures) - passed_s
    if wait_s > 0:
        return wait_s
    remaining = max(0, row.failures - passed_s // FORGIVEN_EVERY_S)
    row.failures = min(remaining + 1, MOST_FAILURES)
    row.last_failure_at = now
    return 0


def forgive_attempts(session: Session, email: str) -> None:
    """Delete the failed attempts of an e-mail, and all that are too old to matter."""
    oldest = utc_now() - timedelta(seconds=MOST_FAILURES * FORGIVEN_EVERY_S)
    session.execute(
        delete(LoginThrottle).where(
            or_(
                LoginThrottle.email_hash == _email_hash(email),
                LoginThrottle.last_failure_at < oldest,
            )
        )
    )


def delay_after(failures: int) -> int:
    """Seconds that the next attempt has to wait after so many failures."""
    if failures <= FREE_FAILURES:
        return 0
    return min(FIRST_DELAY_S * 2 ** (failures - FREE_FAILURES - 1), LONGEST_DELAY_S)


def _count_attempt_now(email: str) -> int:
    try:
        with session_scope() as session:
            return count_attempt(session, email)
    except IntegrityError:
        # Somebody else wrote the first row of this e-mail in between; now it is there.
        with session_scope() as session:
            return count_attempt(session, email)


def _email_hash(email: str) -> str:
    return hashlib.sha256(fold(email).encode("utf-8")).hexdigest()


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} seconds"
    minutes = -(-seconds // 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
