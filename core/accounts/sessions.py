"""Sessions of signed-in browsers, which can be revoked, and the signature of their cookies."""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.base import data_folder
from core.base.settings import get_settings
from db.tables import AuthSession, User
from db.tables.columns import utc_now
from db.tables.users import fold

TOKEN_BYTES = 32
SECRET_NAME = "cookie_secret"


@dataclass(frozen=True)
class OpenSession:
    """One browser in which an account is signed in; times in UTC without zone."""

    created_at: datetime
    expires_at: datetime
    is_this_one: bool


def start_session(session: Session, user: CurrentUser) -> str:
    """Sign one browser in; returns its token. The database keeps only a hash of it."""
    now = utc_now()
    session.execute(
        delete(AuthSession).where(AuthSession.user_id == user.id, AuthSession.expires_at <= now)
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        AuthSession(
            user_id=user.id,
            token_hash=_hash(token),
            expires_at=now + timedelta(days=get_settings().session_days),
        )
    )
    session.flush()
    return token


def user_of_session(session: Session, token: str) -> CurrentUser | None:
    """The user of a token; None if the token is unknown, expired or revoked."""
    row = session.scalars(
        select(User)
        .join(AuthSession, AuthSession.user_id == User.id)
        .where(AuthSession.token_hash == _hash(token), _open(), present())
    ).one_or_none()
    return None if row is None else current_user(row)


def account_of_email(session: Session, email: str) -> User | None:
    """The stored account of an e-mail in any case, for services only."""
    return session.scalars(
        select(User).where(User.email_key == fold(email), present())
    ).one_or_none()


def present() -> ColumnElement[bool]:
    """Accounts that are not being deleted."""
    return User.deleting.is_not(True)


def current_user(row: User) -> CurrentUser:
    """Make the user value that services take from a stored account."""
    return CurrentUser(row.id, row.email, row.user_name, bool(row.is_admin))


def list_sessions(
    session: Session, user: CurrentUser, token: str | None = None
) -> list[OpenSession]:
    """Browsers in which the user is signed in, newest first; `token` marks the present one."""
    own = _hash(token) if token else None
    rows = session.scalars(
        select(AuthSession)
        .where(AuthSession.user_id == user.id, _open())
        .order_by(AuthSession.created_at.desc(), AuthSession.id.desc())
    )
    return [OpenSession(row.created_at, row.expires_at, row.token_hash == own) for row in rows]


def end_session(session: Session, token: str) -> None:
    """Sign one browser out; its cookie is refused from now on."""
    session.execute(
        update(AuthSession)
        .where(AuthSession.token_hash == _hash(token), AuthSession.revoked_at.is_(None))
        .values(revoked_at=utc_now())
    )


def end_all_sessions(session: Session, user: CurrentUser, keep_token: str | None = None) -> int:
    """Sign out all browsers of a user but that of `keep_token`; returns how many."""
    query = update(AuthSession).where(AuthSession.user_id == user.id, _open())
    if keep_token:
        query = query.where(AuthSession.token_hash != _hash(keep_token))
    return session.connection().execute(query.values(revoked_at=utc_now())).rowcount


def seal_token(token: str) -> str:
    """Return the cookie's value: token and signature. Forged cookies then cost no query."""
    return f"{token}.{_signature(token)}"


def unseal_token(value: str) -> str | None:
    """The token in a cookie's value; None when we did not sign it."""
    token, _, signature = value.partition(".")
    valid = hmac.compare_digest(signature.encode(), _signature(token).encode())
    return token if token and valid else None


def cookie_secret() -> str:
    """The secret of this installation, made once and kept in the data folder with mode 600."""
    return _secret_in(data_folder.secret_path(SECRET_NAME))


@lru_cache(maxsize=4)
def _secret_in(path: Path) -> str:
    with data_folder.lock(path.name, timeout_s=30):
        if not path.is_file():
            partial = path.with_name(f".{path.name}.partial")
            partial.unlink(missing_ok=True)
            # The mode is set at creation; with a later chmod others could read the file in between.
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        return path.read_text(encoding="ascii").strip()


def _open() -> ColumnElement[bool]:
    return and_(AuthSession.revoked_at.is_(None), AuthSession.expires_at > utc_now())


def _signature(token: str) -> str:
    return hmac.new(cookie_secret().encode(), token.encode(), hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8")).hexdigest()
