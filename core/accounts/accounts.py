"""Accounts: sign up, look up, change the password, delete."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, or_, select, table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.accounts.passwords import check_rules, hash_password, is_same
from core.accounts.sessions import account_of_email, current_user, end_all_sessions, present
from core.accounts.sign_in import check_login
from core.base import storage
from core.base.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.base.settings import get_settings
from core.removal.marking import delete_everything_of, list_account_dependents
from db.tables import User
from db.tables.users import fold

MAX_NAME_CHARACTERS = 50
# Folding may lengthen a text; the key columns hold this much.
MAX_KEY_CHARACTERS = 255
# Deletion renames the account to this and its number until the last row is gone.
RESERVED_NAME = "deleted-"
WRONG_PASSWORD = "The password is wrong. Nothing was changed."
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True)
class DeletionSummary:
    """What is deleted together with an account: rows by kind, and stored files."""

    rows: dict[str, int]
    files: int

    @property
    def total_rows(self) -> int:
        """All rows together."""
        return sum(self.rows.values())


@dataclass(frozen=True)
class AccountInfo:
    """An account as administrators see it; the time is UTC without zone."""

    name: str
    email: str
    created_at: datetime
    is_admin: bool


def sign_up(session: Session, email: str, name: str, password: str) -> CurrentUser:
    """Create an account; the first of an installation is its administrator.

    Raises
    ------
    NotAllowed
        Sign-up is closed.
    InvalidInput, Conflict
        As `add_user`.
    """
    if not get_settings().allow_signup:
        raise NotAllowed("Sign-up is closed here. Ask an administrator for an account.")
    return add_user(session, email, name, password)


def add_user(
    session: Session, email: str, name: str, password: str, is_admin: bool = False
) -> CurrentUser:
    """Create an account whether sign-up is open or not; the first one is an administrator.

    Raises
    ------
    InvalidInput
        The e-mail, the name (1 to 50 characters) or the password (10 or more) cannot be used.
    Conflict
        Another account has this e-mail or name; upper and lower case count as the same.
    """
    email, name = _checked_email(email), _checked_name(name)
    check_rules(password)
    # Before the first statement, because that takes SQLite's write lock.
    password_hash = hash_password(password)
    _refuse_taken(session, email, name)
    row = User(
        email=email,
        user_name=name,
        password_hash=password_hash,
        is_admin=is_admin or _is_first(session),
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("This e-mail or name was taken a moment ago. Choose another one.") from error
    return current_user(row)


def has_users(session: Session) -> bool:
    """Whether the installation has any account yet."""
    return session.scalar(select(User.id).where(present()).limit(1)) is not None


def user_by_email(session: Session, email: str) -> CurrentUser:
    """The account of an e-mail in any case, or `NotFound`."""
    row = account_of_email(session, email)
    if row is None:
        raise NotFound("user")
    return current_user(row)


def list_users(session: Session, user: CurrentUser) -> list[AccountInfo]:
    """List all accounts, oldest first; raises `NotAllowed` unless the user is an administrator."""
    if not _account(session, user).is_admin:
        raise NotAllowed("Only administrators see the list of accounts.")
    rows = session.scalars(select(User).where(present()).order_by(User.id))
    return [AccountInfo(r.user_name, r.email, r.created_at, bool(r.is_admin)) for r in rows]


def change_password(
    session: Session, user: CurrentUser, old: str, new: str, keep_token: str | None = None
) -> int:
    """Set a new password and sign out every browser but that of `keep_token`; returns how many.

    Call it before any other statement of `session`: the old password is checked as at sign-in,
    in scopes of its own, so that guessing it through a stolen session is slowed down as well.

    Raises
    ------
    LoginRefused
        The old password is wrong, or was so too often.
    InvalidInput
        The new one breaks the rules or equals the old one.
    """
    check_rules(new)
    check_login(user.email, old, WRONG_PASSWORD)
    if is_same(old, new):
        raise InvalidInput("The new password is the old one. Choose another.")
    new_hash = hash_password(new)
    _account(session, user).password_hash = new_hash
    session.flush()
    return end_all_sessions(session, user, keep_token)


def preview_deletion(session: Session, user: CurrentUser) -> DeletionSummary:
    """What `delete_account` would remove, counted but not touched."""
    rows = list_account_dependents(session, user).as_dict()
    return _summary(rows, user)


def delete_account(session: Session, user: CurrentUser, password: str) -> DeletionSummary:
    """Close the account and mark all it owns for removal; returns the counts.

    The account is invisible at once, and its e-mail is free again; the background sweep removes
    rows and files in small steps. Call it before any other statement of `session`, as
    `change_password`.

    Raises
    ------
    LoginRefused
        The password is wrong, or was so too often.
    Conflict
        Background work waits or runs, or the only administrator would leave others behind.
    """
    check_login(user.email, password, WRONG_PASSWORD)
    _refuse_last_administrator(session, _account(session, user))
    return _summary(delete_everything_of(session, user), user)


def _checked_email(email: str) -> str:
    cleaned = email.strip()
    if not EMAIL.fullmatch(cleaned) or not cleaned.isprintable():
        raise InvalidInput("This is not an e-mail address. Write it like name@example.org.")
    if max(len(cleaned), len(fold(cleaned))) > MAX_KEY_CHARACTERS:
        raise InvalidInput(f"The e-mail is longer than {MAX_KEY_CHARACTERS} characters.")
    return cleaned


def _checked_name(name: str) -> str:
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= MAX_NAME_CHARACTERS:
        raise InvalidInput(f"Enter a name of 1 to {MAX_NAME_CHARACTERS} characters.")
    if not cleaned.isprintable() or len(fold(cleaned)) > MAX_KEY_CHARACTERS:
        raise InvalidInput("The name contains characters that cannot be used.")
    if fold(cleaned).startswith(RESERVED_NAME):
        raise InvalidInput("This name is reserved. Choose a different one.")
    return cleaned


def _refuse_taken(session: Session, email: str, name: str) -> None:
    taken = session.scalars(
        select(User).where(or_(User.email_key == fold(email), User.user_name_key == fold(name)))
    ).all()
    if any(row.email_key == fold(email) for row in taken):
        raise Conflict("This e-mail already has an account. Sign in, or use another e-mail.")
    if taken:
        raise Conflict("Another account has this name. Choose a different one.")


def _account(session: Session, user: CurrentUser) -> User:
    row = session.get(User, user.id)
    if row is None or row.deleting:
        raise NotFound("user")
    return row


def _is_first(session: Session) -> bool:
    """Whether no account exists yet.

    When two people sign up at the same time as the first, only one of them gets True.
    """
    if has_users(session):
        return False
    # The one row that every database holds; SQLite lets only one write anyway.
    only_row: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))
    session.execute(only_row.with_for_update()).all()
    return not has_users(session)


def _refuse_last_administrator(session: Session, row: User) -> None:
    if not row.is_admin:
        return
    # Locked in one order, so that of two administrators who leave at once the second sees it.
    query = select(User.id, User.is_admin).where(present()).order_by(User.id).with_for_update()
    others = [is_admin for user_id, is_admin in session.execute(query) if user_id != row.id]
    if others and not any(others):
        raise Conflict(
            "You are the only administrator, and other people have accounts here. "
            "Add another administrator first, on the server: python -m core user add --admin."
        )


def _summary(rows: dict[str, int], user: CurrentUser) -> DeletionSummary:
    files = len(storage.list_files(str(user.id)))
    found = {kind.replace("_", " "): count for kind, count in rows.items() if count}
    return DeletionSummary({**found, "account": 1}, files)
