"""Accounts, their sessions and the memory of failed logins."""

import unicodedata
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, String, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import TABLE_OPTIONS, Base
from db.tables.columns import (
    BigId,
    WholeNumber,
    utc_now,
)


def fold(text: str) -> str:
    """Return the same text for spellings that differ only in case or Unicode composition.

    This is our rule for the uniqueness of e-mail and user name, the same on every database.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())


def _folded(column: str) -> Any:
    def compute(context: Any) -> str | None:
        given = context.get_current_parameters().get(column)
        return None if given is None else fold(given)

    return compute


class User(Base):
    """An account."""

    __tablename__ = "user"
    __table_args__ = (
        UniqueConstraint("email", name="uk_user_email"),
        UniqueConstraint("user_name", name="uk_user_name"),
        UniqueConstraint("email_key", name="uk_user_email_key"),
        UniqueConstraint("user_name_key", name="uk_user_name_key"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_name: Mapped[str] = mapped_column(String(50))
    email: Mapped[str] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    # Not in the seed (docs/decisions/001).
    email_key: Mapped[str | None] = mapped_column(String(255), default=_folded("email"))
    user_name_key: Mapped[str | None] = mapped_column(String(255), default=_folded("user_name"))
    is_admin: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))
    deleting: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))


class AuthSession(Base):
    """A signed-in browser; its cookie holds a secret, of which only the hash is stored here."""

    __tablename__ = "auth_session"
    __table_args__ = (
        UniqueConstraint("token_hash", name="uk_auth_session_token"),
        Index("idx_auth_session_user", "user_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_auth_session_user"))
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    expires_at: Mapped[datetime] = mapped_column(DateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime)


class LoginThrottle(Base):
    """Failed sign-ins with one e-mail address, whether an account has it or not."""

    __tablename__ = "login_throttle"
    __table_args__ = (
        UniqueConstraint("email_hash", name="uk_login_throttle_email"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    email_hash: Mapped[str] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(WholeNumber)
    last_failure_at: Mapped[datetime] = mapped_column(DateTime)
