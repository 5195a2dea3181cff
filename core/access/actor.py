"""The acting user, a value that every service function takes."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.base.errors import NotFound
from db.tables import User


@dataclass(frozen=True)
class CurrentUser:
    """A signed-in user, as the session check returned it."""

    id: int
    email: str
    name: str
    is_admin: bool


def load_user(session: Session, user_id: int | None) -> CurrentUser:
    """The owner of a background task, on whose behalf its process acts."""
    row = session.get(User, user_id)
    if row is None or row.deleting:
        raise NotFound("user")
    return CurrentUser(row.id, row.email, row.user_name, bool(row.is_admin))
