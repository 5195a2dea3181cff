"""Who acts: the one value that every service function takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CurrentUser:
    """A signed-in user, as the session check returned it."""

    id: int
    email: str
    name: str
    is_admin: bool
