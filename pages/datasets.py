"""Placeholder."""

from core.users import CurrentUser


def render(user: CurrentUser) -> None:
    """Draw."""
